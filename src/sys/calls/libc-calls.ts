// The system calls through libc. cgkill mostly reads small files, for which Node's API takes half again as long; loading
// that API alone takes most of a millisecond. Every number is validated before it gets here.

import { decodeBytes, encodeInto, encodeText } from "../bytes.ts";
import { AT_FDCWD } from "../dir.ts";
import type { FileStatus } from "../sys.ts";
import { type Calls, ERRNO, O, type Result, withoutWait } from "./calls.ts";
import { DENTS_BYTES, readEntries } from "./dents.ts";
import { type Address, addressOf, fixedBytes, openLibc, plus, RLIMIT_NOFILE } from "./libc.ts";
import { priorityCalls } from "./priority-calls.ts";
import { signalCalls } from "./signal-calls.ts";
import { watchCalls } from "./watch-calls.ts";

/** More than PATH_MAX, so that the kernel rejects a path that is too long. */
const PATH_BYTES = 8192;

const AT_REMOVEDIR = 0x200;
const NEW_DIR_MODE = 0o777;
const AT_SYMLINK_NOFOLLOW = 0x100;

const LOCK_EX = 2;
const LOCK_NB = 4;
const TIOCGWINSZ = 0x5413;

/** @throws Error  see `openLibc` */
export function libcCalls(): Calls {
  const libc = openLibc();
  const { c, machine, errno, result } = libc;
  const pathBytes = fixedBytes(PATH_BYTES);
  const room = pathBytes.subarray(0, PATH_BYTES - 1);
  const pathAt = addressOf(pathBytes);
  /** Write a path for the next call, as a C string. @returns its address, always the same */
  const place = (path: string): Address => {
    pathBytes[encodeInto(path, room)] = 0;
    return pathAt;
  };
  const stat = new ArrayBuffer(STAT_BYTES);
  const longs = new BigUint64Array(stat);
  const words = new Uint32Array(stat);
  const statAt = addressOf(longs);
  /** Restart a call after EINTR: the signal has its own handler. */
  const retried = (call: () => number): Result => {
    for (;;) {
      const returned = call();
      if (returned >= 0) return returned;
      const failure = errno();
      if (failure !== ERRNO.EINTR) return -failure;
    }
  };
  /** `struct open_how` in halves of its 64-bit words, because big integers are slow. */
  const how = new Uint32Array(new ArrayBuffer(OPEN_HOW_BYTES));
  const howAt = addressOf(how);
  const openat2 = (from: number, path: string, flags: number, resolve: number): Result => {
    place(path);
    how[0] = flags;
    how[4] = resolve;
    for (let raced = 0; ; raced++) {
      const opened = retried(() => c.syscall(machine.openat2, from, pathAt, howAt, OPEN_HOW_BYTES, 0));
      if (opened !== -ERRNO.EAGAIN || (flags & O.PATH) === 0 || raced === MAX_RACED) return opened;
    }
  };
  let hasOpenat2: boolean | undefined;
  /** Whether openat2 works on the root. A seccomp filter that does not know the call answers EPERM for every path. */
  const isWalled = (): boolean => {
    if (hasOpenat2 === undefined) {
      const fd = openat2(AT_FDCWD, "/", O.PATH, 0);
      hasOpenat2 = fd >= 0;
      if (fd >= 0) c.close(fd);
    }
    return hasOpenat2;
  };
  const open = (from: number, asked: string, askedFlags: number): Result => {
    const path = asked || ".";
    const flags = withoutWait(askedFlags) | O.CLOEXEC;
    if (from !== AT_FDCWD && hasOpenat2 !== false) {
      const opened = openat2(from, path, flags, path === ".." ? UP_RESOLVE : HELD_RESOLVE);
      if (opened !== -ERRNO.ENOSYS && opened !== -ERRNO.EPERM) return opened;
      if (isWalled()) return opened;
    }
    place(path);
    return retried(() => c.openat(from, pathAt, from === AT_FDCWD ? flags : flags | O.NOFOLLOW));
  };
  const raiseFileLimit = (): Result => {
    const limits = new BigUint64Array(2);
    const failed = result(c.getrlimit(RLIMIT_NOFILE, limits));
    if (failed < 0) return failed;
    const soft = limits[0] as bigint;
    const hard = limits[1] as bigint;
    if (soft >= hard) return Number(soft);
    return Number(c.setrlimit(RLIMIT_NOFILE, new BigUint64Array([hard, hard])) === 0 ? hard : soft);
  };
  /** @param returned  by a call that fills `stat` */
  const statusAfter = (returned: number): FileStatus | Result =>
    returned < 0
      ? -errno()
      : {
          dev: longs[0] as bigint,
          ino: longs[1] as bigint,
          mode: words[machine.st_mode] as number,
          links: words[machine.st_nlink] as number,
          uid: words[machine.st_uid] as number,
        };
  const xattr = (call: number, fd: number, name: string, value: Uint8Array): Result => {
    const text = cString(name);
    return result(c.syscall(call, fd, addressOf(text), addressOf(value), value.length, 0));
  };
  let entries: Uint8Array | undefined;
  const info = new ArrayBuffer(PIDFD_INFO_BYTES);
  const infoWords = new BigUint64Array(info);
  const infoHalves = new Uint32Array(info);
  const infoAt = addressOf(infoWords);
  /** `struct timespec` in halves of its 64-bit words. */
  const time = new Uint32Array(new ArrayBuffer(TIMESPEC_BYTES));
  const timeAt = addressOf(time);
  return {
    isWalled,
    open,
    close: (fd) => void c.close(fd),
    pread: (fd, into, from, at) =>
      retried(() => c.pread(fd, from === 0 ? into : plus(addressOf(into), from), into.length - from, at)),
    read: (fd, into) => retried(() => c.read(fd, into, into.length)),
    write: (fd, bytes) => retried(() => c.write(fd, bytes, bytes.length)),
    writeOnce: (fd, bytes) => result(c.write(fd, bytes, bytes.length)),
    fstat: (fd) => statusAfter(c.syscall(machine.fstat, fd, statAt, 0, 0, 0)),
    stat: (from, path) => statusAfter(c.syscall(machine.newfstatat, from, place(path), statAt, AT_SYMLINK_NOFOLLOW, 0)),
    readProcCgroup(tid, into) {
      place(`/proc/${tid}/cgroup`);
      const fd = retried(() => c.openat(AT_FDCWD, pathAt, O.NONBLOCK | O.CLOEXEC));
      if (fd < 0) return fd;
      const got = retried(() => c.pread(fd, into, into.length, 0));
      c.close(fd);
      return got;
    },
    readlink(from, path) {
      const target = new Uint8Array(LINK_BYTES);
      const length = result(c.readlinkat(from, place(path), target, LINK_BYTES));
      return length < 0 ? length : decodeBytes(target, length);
    },
    entries(from, path, kind, isLate) {
      const fd = open(from, path, O.DIRECTORY);
      if (fd < 0) return fd;
      try {
        entries ??= fixedBytes(DENTS_BYTES);
        return readEntries(libc, fd, entries, kind, isLate);
      } finally {
        c.close(fd);
      }
    },
    mkdir: (from, path) => result(c.mkdirat(from, place(path), NEW_DIR_MODE)),
    rmdir: (from, path) => result(c.unlinkat(from, place(path), AT_REMOVEDIR)),
    flock: (fd) => result(c.flock(fd, LOCK_EX | LOCK_NB)),
    cloneMount(fd) {
      const empty = cString("");
      const flags = AT_EMPTY_PATH | OPEN_TREE_CLONE | O.CLOEXEC;
      return result(c.syscall(machine.open_tree, fd, addressOf(empty), flags, 0, 0));
    },
    getxattr: (fd, name, into) => xattr(machine.fgetxattr, fd, name, into),
    setxattr: (fd, name, value) => xattr(machine.fsetxattr, fd, name, value),
    removexattr(fd, name) {
      const text = cString(name);
      return result(c.syscall(machine.fremovexattr, fd, addressOf(text), 0, 0, 0));
    },

    pidfdOpen: (pid) => result(c.syscall(machine.pidfd_open, pid, 0, 0, 0, 0)),
    pidfdSendSignal: (pidfd, signal) => result(c.syscall(machine.pidfd_send_signal, pidfd, signal, 0, 0, 0)),
    pidfdInfo(pidfd) {
      infoWords[0] = PIDFD_INFO_CGROUPID | PIDFD_INFO_COREDUMP;
      infoHalves[COREDUMP_MASK] = 0;
      const failed = result(c.ioctl(pidfd, PIDFD_GET_INFO, infoAt));
      if (failed < 0) return failed;
      const hasId = ((infoWords[0] as bigint) & PIDFD_INFO_CGROUPID) !== 0n;
      if (!hasId) return -ERRNO.EOPNOTSUPP;
      const hasMemory = infoHalves[COREDUMP_MASK] !== 0;
      return { cgroupId: infoWords[1] as bigint, ppid: infoHalves[PPID] as number, hasMemory };
    },
    cpuTime: (pid) =>
      c.syscall(machine.clock_gettime, (~pid << 3) | CPUCLOCK_SCHED, timeAt, 0, 0, 0) < 0
        ? -errno()
        : (time[0] as number) * 1000 + (time[2] as number) / 1e6,
    exit: (status) => void c.syscall(machine.exit_group, status, 0, 0, 0, 0),
    kill: (pid, signal) => result(c.kill(pid, signal)),
    poll: (fds, timeoutMs) => result(c.poll(fds, fds.length / 2, timeoutMs)),
    raiseFileLimit,
    windowSize: (fd, size) => result(c.ioctl(fd, TIOCGWINSZ, size)),
    ...priorityCalls(libc),
    ...signalCalls(libc),
    ...watchCalls(libc),
  };
}

/** `struct stat` is shorter on both architectures. */
const STAT_BYTES = 256;

/** @see openat2(2): `struct open_how`, RESOLVE_NO_XDEV, RESOLVE_NO_MAGICLINKS, RESOLVE_NO_SYMLINKS; RESOLVE_BENEATH */
const OPEN_HOW_BYTES = 24;
const UP_RESOLVE = 1 | 2 | 4;
const HELD_RESOLVE = UP_RESOLVE | 8;
/** Below a directory, `..` fails with EAGAIN if anything on the host is renamed or mounted during the look-up. */
const MAX_RACED = 1000;

/** The clock of process N is ~N, shifted, with this type. @see linux: include/linux/posix-timers_types.h */
const CPUCLOCK_SCHED = 2;
const TIMESPEC_BYTES = 16;

const AT_EMPTY_PATH = 0x1000;
const OPEN_TREE_CLONE = 1;

/**
 * The second version of `struct pidfd_info`; the first ends before the mask of the core dump, which is 0 for a process
 * without memory.
 *
 * @see linux: include/uapi/linux/pidfd.h; fs/pidfs.c, pidfd_info
 */
const PIDFD_INFO_BYTES = 72;
const PIDFD_GET_INFO = 0xc048ff0b;
const PIDFD_INFO_CGROUPID = 4n;
const PIDFD_INFO_COREDUMP = 16n;
/** Offsets in 32-bit words. */
const PPID = 6;
const COREDUMP_MASK = 16;

const cString = (text: string): Uint8Array => encodeText(`${text}\0`);

/** The kernel returns at most one page for a link in /proc. */
const LINK_BYTES = 4096;
