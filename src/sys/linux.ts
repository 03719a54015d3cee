// The real `Sys`: synchronous system calls, whose failures become errors that name their object. Files are never
// created by opening them, and every number is validated before it is passed as a pid, a signal or a descriptor.

import { decodeBytes, encodeText } from "./bytes.ts";
import { type Calls, ERRNO, O, type Result } from "./calls/calls.ts";
import { kernelFileReader, READ_BYTES } from "./calls/kernel-file.ts";
import { pollBy } from "./calls/poll.ts";
import { undeliverableIgnorer } from "./calls/signal-calls.ts";
import { checkedFd, checkedPid, checkedSignal, PID_MAX } from "./checks.ts";
import { type Dir, pathIn, PROC, startsRight } from "./dir.ts";
import { errnoName, failed, orThrow, SysError } from "./errno.ts";
import { type DirEntry, type Fd, type FileKind, type FileStatus, type Host, type Millis, POLLIN } from "./sys.ts";

const shown = ({ shown: base }: Dir, name: string): string =>
  base === "" && name.startsWith("/") ? name : `${base}/${name}`;

/** The path for the kernel. A NUL would end it early, and one from the root would leave the open directory. */
function real(dir: Dir, name: string): string {
  const path = pathIn(dir, name);
  if (path.includes("\0") || !startsRight(dir, path)) throw new SysError("open", shown(dir, name), "EINVAL");
  return path;
}

/** The path of a directory itself. */
function self(dir: Dir): string {
  if (!startsRight(dir, dir.path)) throw new SysError("open", dir.shown, "EINVAL");
  return dir.path;
}

const ABSENT: readonly string[] = ["ENOENT", "ENODEV"];
const DENIED: readonly string[] = ["EACCES", "EPERM", "EROFS", "EXDEV"];

/** For what Node's API does not have, as on an old kernel. */
const MISSING: Result = -ERRNO.ENOSYS;
/** A lower bound of usual soft limits. */
const USUAL_FILES = 256;

const S_IFMT = 0o170000;
const KINDS: Readonly<Record<number, FileKind>> = { 0o100000: "file", 0o140000: "socket", 0o010000: "pipe" };

/** Make the `Sys` of this host. @param fallback  why `calls` is not libc; `null` if it is */
export function linuxSys(calls: Calls, fallback: string | null = null): Host {
  const buffer = new Uint8Array(READ_BYTES);
  const readAll = kernelFileReader(calls, buffer);
  const read = (dir: Dir, name: string, isRecord: boolean): string => {
    const fd = calls.open(dir.fd, real(dir, name), O.RDONLY);
    if (fd < 0) throw failed("read", shown(dir, name), fd);
    const text = readAll(fd, isRecord);
    calls.close(fd);
    if (typeof text !== "string") throw failed("read", shown(dir, name), text);
    return text;
  };
  const open = (dir: Dir, name: string, flags: number): Fd =>
    orThrow(calls.open(dir.fd, real(dir, name), flags), "open", shown(dir, name));
  /** Whether a file can be opened. @param no  errnos that answer "no" */
  const opens = (dir: Dir, name: string, flags: number, no: readonly string[]): boolean => {
    const fd = calls.open(dir.fd, real(dir, name), flags);
    if (fd >= 0) calls.close(fd);
    else if (!no.includes(errnoName(-fd))) throw failed("open", shown(dir, name), fd);
    return fd >= 0;
  };
  const list = (dir: Dir, kind: "subdirs" | "all", until?: Millis): DirEntry[] => {
    const isLate = until === undefined ? undefined : () => performance.now() > until;
    return orThrow(calls.entries(dir.fd, self(dir), kind, isLate), "readdir", dir.shown);
  };
  const readLink = (dir: Dir, name: string): string =>
    orThrow(calls.readlink(dir.fd, real(dir, name)), "readlink", shown(dir, name));
  const fstat = (fd: Fd): FileStatus => orThrow(calls.fstat(checkedFd("fstat", fd)), "fstat", `descriptor ${fd}`);

  const poll = pollBy(calls.poll);
  /** Whether a seccomp filter denies the call: it gives the same error for descriptor -1, where the kernel gives EBADF. */
  const isSendDenied = (sent: Result): boolean =>
    (sent === -ERRNO.EPERM || sent === -ERRNO.ENOSYS) && (calls.pidfdSendSignal?.(-1, 0) ?? MISSING) === sent;

  return {
    fallback,
    pid: process.pid,
    // Most kills need none, and the first look at this function takes 0.2 ms.
    get uid() {
      return process.geteuid?.() ?? 0;
    },
    now: () => performance.now(),
    wallClock: () => Date.now(),
    async turn() {
      // Not a new Promise: the engine compiles its constructor on the first use.
      await { then: (resolve: () => void) => void setImmediate(resolve) };
    },

    cwd() {
      try {
        const text = process.cwd();
        // It may have bytes that are not UTF-8. The link would show a removed directory as NAME (deleted).
        return text.includes("\ufffd") ? readLink(PROC, "self/cwd") : text;
      } catch (error) {
        const { code = "EIO" } = error as { code?: string };
        throw new SysError("getcwd", "the working directory", code);
      }
    },
    openDir: (dir, path) => open(dir, path, O.PATH | O.DIRECTORY),
    openFile: (dir, name) => open(dir, name, O.RDONLY),
    close: (fd) => calls.close(fd),
    statusOf: fstat,
    statusIn: (dir, name) => orThrow(calls.stat(dir.fd, real(dir, name)), "stat", shown(dir, name)),
    isWalled: () => calls.isWalled(),
    cloneMount: (fd) =>
      orThrow(calls.cloneMount?.(checkedFd("open_tree", fd)) ?? MISSING, "open_tree", `descriptor ${fd}`),
    watchWrites(dir) {
      const fd = calls.watchWrites?.(checkedFd("fanotify_mark", dir)) ?? MISSING;
      if (fd < 0) return undefined;
      return {
        wasWritten: () => calls.read(fd, buffer) !== -ERRNO.EAGAIN,
        end: () => calls.endWatch?.(fd),
        [Symbol.dispose]: () => calls.close(fd),
      };
    },
    pathOf: (fd) => readLink(PROC, `self/fd/${fd}`),
    exists: (dir, name) => opens(dir, name, O.PATH, ABSENT),
    isWritable: (dir, name) => opens(dir, name, O.WRONLY, [...ABSENT, ...DENIED]),
    readFile: (dir, name) => read(dir, name, false),
    readRecord: (dir, name) => read(dir, name, true),
    readProcCgroup(tid) {
      const got = orThrow(calls.readProcCgroup?.(tid, buffer) ?? buffer.length, "read", `/proc/${tid}/cgroup`);
      return got === buffer.length ? read(PROC, `${tid}/cgroup`, true) : decodeBytes(buffer, got);
    },
    rereadRecord: (fd, name) => orThrow(readAll(fd, true), "read", name),
    writeFile(dir, name, value) {
      const fd = open(dir, name, O.WRONLY);
      const wrote = calls.write(fd, encodeText(value));
      calls.close(fd);
      orThrow(wrote, "write", shown(dir, name), value);
    },
    readSubdirs: (dir, until) => list(dir, "subdirs", until),
    readNames: (dir) => list(dir, "all").map(({ name }) => name),
    readLink,
    makeDir: (dir, name) => void orThrow(calls.mkdir(dir.fd, real(dir, name)), "mkdir", shown(dir, name)),
    removeDir: (dir, name) => void orThrow(calls.rmdir(dir.fd, real(dir, name)), "rmdir", shown(dir, name)),

    tryLock(dir) {
      const fd = orThrow(calls.open(dir.fd, self(dir), O.RDONLY | O.DIRECTORY), "open", dir.shown);
      const locked = calls.flock?.(fd) ?? MISSING;
      if (locked === 0) return fd;
      calls.close(fd);
      if (locked === -ERRNO.EAGAIN) return undefined;
      throw failed("flock", dir.shown, locked);
    },
    readMark(fd, name) {
      const got = calls.getxattr?.(checkedFd("fgetxattr", fd), name, buffer) ?? MISSING;
      if (got >= 0) return decodeBytes(buffer, got);
      if (errnoName(-got) === "ENODATA") return undefined;
      throw failed("fgetxattr", name, got);
    },
    writeMark(fd, name, value) {
      const wrote = calls.setxattr?.(checkedFd("fsetxattr", fd), name, encodeText(value)) ?? MISSING;
      orThrow(wrote, "fsetxattr", name, value);
    },
    removeMark: (fd, name) =>
      void orThrow(calls.removexattr?.(checkedFd("fremovexattr", fd), name) ?? MISSING, "fremovexattr", name),
    pidfdOpen(pid) {
      if (!Number.isInteger(pid) || pid <= 0 || pid > PID_MAX) throw new SysError("pidfd_open", `pid ${pid}`, "EINVAL");
      const fd = calls.pidfdOpen?.(pid) ?? MISSING;
      // Compared as a number: thousands of processes may be gone, and an error object for each is expensive.
      // Of a thread, which may have a recycled pid, or a process that is being reaped: the number was checked above.
      if (fd === -ERRNO.ESRCH || fd === -ERRNO.ENOENT || fd === -ERRNO.EINVAL) return undefined;
      return orThrow(fd, "pidfd_open", `pid ${pid}`);
    },
    infoOf(pidfd) {
      const info = calls.pidfdInfo?.(checkedFd("ioctl", pidfd));
      if (info === -ERRNO.ESRCH) throw failed("ioctl", `pidfd ${pidfd}`, info);
      return typeof info === "number" ? undefined : info;
    },
    pidfdSendSignal(pidfd, pid, signal) {
      const operation = "pidfd_send_signal";
      checkedPid(operation, pid);
      checkedSignal(operation, signal);
      let sent = calls.pidfdSendSignal?.(checkedFd(operation, pidfd), signal) ?? MISSING;
      // By pid then, as without pidfds. The pidfd still shows that a moment ago it was not recycled.
      if (isSendDenied(sent)) {
        sent = poll([{ fd: pidfd, events: POLLIN }], 0).length > 0 ? -ERRNO.ESRCH : calls.kill(pid, signal);
      }
      orThrow(sent, operation, `pid ${pid}`, String(signal));
    },
    cpuTimeOf(pid) {
      const ms = calls.cpuTime?.(pid) ?? MISSING;
      if (ms === -ERRNO.EINVAL) return undefined;
      return ms < 0 ? Number.NaN : ms;
    },
    kill(pid, signal) {
      orThrow(calls.kill(checkedPid("kill", pid), checkedSignal("kill", signal)), "kill", `pid ${pid}`, String(signal));
    },
    poll,
    raiseFileLimit: () => orThrow(calls.raiseFileLimit?.() ?? USUAL_FILES, "getrlimit", "open files"),
    setUrgent: (isUrgent) => calls.setUrgent?.(isUrgent),
    raisePriority(tid) {
      const policy = calls.raisePriority?.(checkedPid("sched_setscheduler", tid)) ?? MISSING;
      return policy < 0 ? undefined : policy;
    },
    restorePriority: (tid, policy) => calls.restorePriority?.(checkedPid("sched_setscheduler", tid), policy),
    ignoreUndeliverable: undeliverableIgnorer(calls),
    ignore: (signals) => calls.ignore?.(signals.map((signal) => checkedSignal("sigaction", signal))),
    exit: (status) => calls.exit?.(status),
    makeInterrupting: (signal) => calls.makeInterrupting?.(checkedSignal("sigaction", signal)) ?? false,
    holdSignals(signals) {
      const held = calls.holdSignals?.(signals.map((signal) => checkedSignal("sigprocmask", signal))) ?? MISSING;
      return typeof held === "number" ? undefined : { poll: pollBy(held.poll), [Symbol.dispose]: held.release };
    },

    terminalSize(fd) {
      const size = new Uint16Array(4);
      if ((calls.windowSize?.(checkedFd("ioctl", fd), size) ?? MISSING) < 0) return undefined;
      return { columns: size[1] ?? 0, rows: size[0] ?? 0 };
    },
    kindOf: (fd) => KINDS[fstat(fd).mode & S_IFMT] ?? "other",
    openForWriting: (fd) => open(PROC, `self/fd/${fd}`, O.WRONLY | O.NOCTTY),
    readSome: (fd, into) => orThrow(calls.read(checkedFd("read", fd), into), "read", `descriptor ${fd}`),
    writeSome(fd, bytes) {
      const wrote = calls.writeOnce(checkedFd("write", fd), bytes);
      // A background write to the terminal (SIGTTOU): the caller retries once the handler has run; do not loop here.
      return orThrow(wrote === -ERRNO.EINTR ? -ERRNO.EAGAIN : wrote, "write", `descriptor ${fd}`);
    },
  };
}
