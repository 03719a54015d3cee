// The real `Sys`: plain synchronous file calls, and libc where Node's API has nothing. Files are opened as they
// are, never created; a bare name never reaches the loader; libc is loaded when first needed, so that a kill
// which needs only a write is not kept waiting for it.

// By name: the whole of node:fs brings fs/promises with it, which needs a thread.
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  rmdirSync,
  statSync,
  writeSync,
} from "node:fs";

import { decodeBytes, encodeText } from "./bytes.ts";
import { errnoName, SysError } from "./errno.ts";
import { type Libc, openLibc } from "./libc.ts";
import type { Dir, Fd, FileId, Millis, Pid, Pidfd, PollFd, Sys } from "./sys.ts";

const O_PATH = 0o10000000;
const { O_RDONLY, O_WRONLY, O_DIRECTORY, O_NONBLOCK } = constants;

/** The largest pid that a kernel can be set to hand out (PID_MAX_LIMIT). */
const PID_MAX = 0x400000;
const SIGNAL_MAX = 64;

function sysError(operation: string, object: string, error: unknown, value?: string): SysError {
  if (error instanceof SysError) return error;
  const code = (error as { code?: unknown }).code;
  if (typeof code !== "string") throw error;
  return new SysError(operation, object, code === "ENOTSUP" ? "EOPNOTSUPP" : code, value);
}

function attempt<T>(operation: string, object: string, call: () => T, value?: string): T {
  try {
    return call();
  } catch (error) {
    throw sysError(operation, object, error, value);
  }
}

const join = (base: string, name: string): string => (name.startsWith("/") && base === "" ? name : `${base}/${name}`);
const real = (dir: Dir, name: string): string | Buffer => encodeText(join(dir.through, name));
const shown = (dir: Dir, name: string): string => join(dir.shown, name);

/** A number that FFI may see as a pid to be signalled: one process, not init, not us, never a group. */
function checkedPid(operation: string, pid: Pid): Pid {
  if (Number.isInteger(pid) && pid > 1 && pid <= PID_MAX && pid !== process.pid) return pid;
  throw new SysError(operation, `pid ${pid}`, "EINVAL");
}

function checkedSignal(operation: string, signal: number): number {
  if (Number.isInteger(signal) && signal >= 0 && signal <= SIGNAL_MAX) return signal;
  throw new SysError(operation, `signal ${signal}`, "EINVAL");
}

function checkedFd(operation: string, fd: Fd): Fd {
  if (Number.isInteger(fd) && fd >= 0) return fd;
  throw new SysError(operation, `descriptor ${fd}`, "EBADF");
}

const READ_BYTES = 64 * 1024;
let readBuffer: Buffer | undefined;

/**
 * Read a file of the kernel's to its end; each read may give less than asked, and only 0 is the end. But for a file of
 * one record: that fits, or it fills the buffer.
 *
 * @see linux: fs/seq_file.c, seq_read_iter
 */
function readAll(fd: Fd, isRecord = false): string {
  readBuffer ??= Buffer.allocUnsafe(READ_BYTES);
  const full: Buffer[] = [];
  let filled = 0;
  for (let at = 0; ;) {
    const got = readSync(fd, readBuffer, filled, READ_BYTES - filled, at);
    if (got === 0) break;
    at += got;
    filled += got;
    if (filled === READ_BYTES) {
      full.push(Buffer.from(readBuffer));
      filled = 0;
    } else if (isRecord) {
      break;
    }
  }
  const last = readBuffer.subarray(0, filled);
  return decodeBytes(full.length === 0 ? last : Buffer.concat([...full, last]));
}

/** Sleep without libc; also the pace at which a host without poll(2) is looked at again. */
function nap(ms: Millis): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

const NAP_MS = 5;
/** poll(2) takes an int; longer waits are made of several. */
const POLL_MAX_MS = 60_000;

/** The calls that need libc, by libc. */
function viaLibc(libc: Libc): Pick<Sys, LibcCall> {
  const failed = (operation: string, object: string, value?: string) =>
    new SysError(operation, object, errnoName(libc.errno()), value);
  return {
    pidfdOpen(pid) {
      if (!Number.isInteger(pid) || pid <= 0 || pid > PID_MAX) throw new SysError("pidfd_open", `pid ${pid}`, "EINVAL");
      const fd = libc.pidfdOpen(pid);
      if (fd < 0) throw failed("pidfd_open", `pid ${pid}`);
      return fd;
    },
    pidfdSendSignal(pidfd, pid, signal) {
      const operation = "pidfd_send_signal";
      checkedPid(operation, pid);
      if (libc.pidfdSendSignal(checkedFd(operation, pidfd), checkedSignal(operation, signal)) < 0) {
        throw failed(operation, `pid ${pid}`, String(signal));
      }
    },
    kill(pid, signal) {
      if (libc.kill(checkedPid("kill", pid), checkedSignal("kill", signal)) < 0) {
        throw failed("kill", `pid ${pid}`, String(signal));
      }
    },
    poll(fds, timeoutMs) {
      // struct pollfd is an int and two shorts; on a little-endian machine `revents` is the upper half.
      const pollfds = new Int32Array(fds.length * 2);
      fds.forEach(({ fd, events }, index) => {
        pollfds[index * 2] = checkedFd("poll", fd);
        pollfds[index * 2 + 1] = events;
      });
      const ready = libc.poll(pollfds, Math.ceil(Math.min(Math.max(timeoutMs, 0), POLL_MAX_MS)));
      if (ready > 0)
        return fds.filter((_, index) => (pollfds[index * 2 + 1] as number) >>> 16 !== 0).map(({ fd }) => fd);
      if (ready === 0) return [];
      const error = failed("poll", "descriptors");
      if (error.errno === "EINTR") return [];
      throw error;
    },
    tryLock(dir) {
      const fd = attempt("open", dir.shown, () => openSync(encodeText(dir.through), O_RDONLY | O_DIRECTORY));
      if (libc.lockWithoutWaiting(fd) === 0) return fd;
      const error = failed("flock", dir.shown);
      closeSync(fd);
      if (error.errno === "EAGAIN") return undefined;
      throw error;
    },
    setUrgent: (isUrgent) => libc.setUrgent(isUrgent),
    terminalSize(fd) {
      const size = new Uint16Array(4);
      if (libc.getWindowSize(checkedFd("ioctl", fd), size) < 0) return undefined;
      const [rows = 0, columns = 0] = size;
      return { columns, rows };
    },
    raiseFileLimit() {
      const limits = new BigUint64Array(2);
      if (libc.getFileLimit(limits) < 0) throw failed("getrlimit", "open files");
      const [soft, hard] = limits as unknown as [bigint, bigint];
      if (soft >= hard) return Number(soft);
      const raised = libc.setFileLimit(new BigUint64Array([hard, hard])) === 0;
      return Number(raised ? hard : soft);
    },
  };
}

type LibcCall =
  "pidfdOpen" | "pidfdSendSignal" | "kill" | "poll" | "tryLock" | "raiseFileLimit" | "setUrgent" | "terminalSize";

/** The same where FFI is refused: no pidfds (ENOSYS, as on an old kernel), naps instead of events, no lock. */
function viaNode(why: unknown): Pick<Sys, LibcCall> {
  const unsupported = (operation: string, pid: Pid) => new SysError(operation, `pid ${pid}`, "ENOSYS", undefined, why);
  return {
    pidfdOpen(pid) {
      throw unsupported("pidfd_open", pid);
    },
    pidfdSendSignal(_, pid) {
      throw unsupported("pidfd_send_signal", pid);
    },
    kill(pid, signal) {
      checkedPid("kill", pid);
      checkedSignal("kill", signal);
      attempt("kill", `pid ${pid}`, () => process.kill(pid, signal), String(signal));
    },
    poll(fds, timeoutMs) {
      nap(Math.min(Math.max(timeoutMs, 0), NAP_MS));
      return fds.map(({ fd }) => fd);
    },
    setUrgent() {},
    terminalSize: () => undefined,
    tryLock(dir) {
      throw new SysError("flock", dir.shown, "ENOSYS", undefined, why);
    },
    raiseFileLimit: () => 256,
  };
}

/** Done most often by far: what only an error needs is made only for an error. */
function read(dir: Dir, name: string, isRecord: boolean): string {
  try {
    const fd = openSync(real(dir, name), O_RDONLY);
    try {
      return readAll(fd, isRecord);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    throw sysError("read", shown(dir, name), error);
  }
}

function readSubdirs(path: string): string[] {
  const names = readdirSync(encodeText(path), { withFileTypes: true }).filter((entry) => entry.isDirectory());
  if (!names.some(({ name }) => name.includes("\ufffd"))) return names.map(({ name }) => name);
  // Some name is not UTF-8: read the bytes, and ask of each entry what it is.
  return readdirSync(encodeText(path), { encoding: "buffer" })
    .map((bytes) => decodeBytes(bytes))
    .filter((name) => lstatSync(encodeText(`${path}/${name}`), { throwIfNoEntry: false })?.isDirectory() ?? false);
}

/** The kernel this process runs on. Nothing is opened or loaded until something is asked. */
export function linuxSys(): Sys {
  let calls: Pick<Sys, LibcCall> | undefined;
  const libc = (): Pick<Sys, LibcCall> => {
    if (calls === undefined) {
      try {
        calls = viaLibc(openLibc());
      } catch (error) {
        calls = viaNode(error);
      }
    }
    return calls;
  };
  return {
    pid: process.pid,
    now: () => performance.now(),
    wallClock: () => Date.now(),
    turn: () => new Promise((resolve) => setImmediate(resolve)),

    cwd: () => attempt("getcwd", "the working directory", () => process.cwd()),
    openDir: (dir, path) => attempt("open", shown(dir, path), () => openSync(real(dir, path), O_PATH | O_DIRECTORY)),
    openFile: (dir, name) => attempt("open", shown(dir, name), () => openSync(real(dir, name), O_RDONLY | O_NONBLOCK)),
    close: (fd) => closeSync(fd),
    fileId(fd): FileId {
      const { dev, ino } = attempt("fstat", `descriptor ${fd}`, () => fstatSync(fd, { bigint: true }));
      return { dev, ino };
    },
    pathOf: (fd) =>
      attempt("readlink", `/proc/self/fd/${fd}`, () =>
        decodeBytes(readlinkSync(`/proc/self/fd/${fd}`, { encoding: "buffer" }) as unknown as Buffer),
      ),
    exists: (dir, name) => existsSync(real(dir, name)),
    isWritable(dir, name) {
      try {
        closeSync(openSync(real(dir, name), O_WRONLY));
        return true;
      } catch {
        return false;
      }
    },
    linkCount(dir) {
      try {
        return statSync(encodeText(dir.through)).nlink;
      } catch (error) {
        throw sysError("stat", dir.shown, error);
      }
    },
    readFile: (dir, name) => read(dir, name, false),
    readRecord: (dir, name) => read(dir, name, true),
    rereadRecord: (fd, name) => attempt("read", name, () => readAll(fd, true)),
    writeFile(dir, name, value) {
      const path = shown(dir, name);
      const fd = attempt("open", path, () => openSync(real(dir, name), O_WRONLY));
      try {
        attempt("write", path, () => writeSync(fd, value), value);
      } finally {
        closeSync(fd);
      }
    },
    readSubdirs: (dir) => attempt("readdir", dir.shown, () => readSubdirs(dir.through)),
    readLink: (dir, name) =>
      attempt("readlink", shown(dir, name), () =>
        decodeBytes(readlinkSync(real(dir, name), { encoding: "buffer" }) as unknown as Buffer),
      ),
    makeDir: (dir, name) => attempt("mkdir", shown(dir, name), () => mkdirSync(real(dir, name))),
    removeDir: (dir, name) => attempt("rmdir", shown(dir, name), () => rmdirSync(real(dir, name))),

    tryLock: (dir) => libc().tryLock(dir),
    pidfdOpen: (pid): Pidfd => libc().pidfdOpen(pid),
    pidfdSendSignal: (pidfd, pid, signal) => libc().pidfdSendSignal(pidfd, pid, signal),
    kill: (pid, signal) => libc().kill(pid, signal),
    poll: (fds: readonly PollFd[], timeoutMs: Millis) => libc().poll(fds, timeoutMs),
    raiseFileLimit: () => libc().raiseFileLimit(),
    setUrgent: (isUrgent) => libc().setUrgent(isUrgent),
    terminalSize: (fd) => libc().terminalSize(fd),
  };
}

/** The words after the program's name, exact also where they are not UTF-8 (which `process.argv` is not). */
export function commandLine(): string[] {
  const words = process.argv.slice(2);
  if (words.length === 0 || !words.some((word) => word.includes("\ufffd"))) return words;
  const exact = decodeBytes(readFileSync("/proc/self/cmdline")).split("\0").slice(0, -1);
  return exact.slice(-words.length);
}

/**
 * Which signals were ignored when we were started, by `nohup` or by a shell for a job in the background: signal N is bit
 * N - 1. None where /proc does not say.
 */
export function ignoredSignals(): number {
  try {
    const mask = /^SigIgn:\s*[0-9a-f]*([0-9a-f]{8})$/m.exec(readFileSync("/proc/self/status", "latin1"))?.[1];
    return Number.parseInt(mask ?? "0", 16);
  } catch {
    return 0;
  }
}
