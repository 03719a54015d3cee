// The calls that Node's API does not have, made directly through libc. The only file that imports bun:ffi.
// Nothing is decided here; every number is checked before it gets here, and again (`kill(NaN, 9)` is `kill(0, 9)`).

import { dlopen, type Pointer, ptr, read } from "bun:ffi";

/** The same on x86-64 and arm64, and newer than some C libraries: hence by number. */
const SYS_PIDFD_SEND_SIGNAL = 424;
const SYS_PIDFD_OPEN = 434;
const SYS_GETPID: Readonly<Record<string, number>> = { x64: 39, arm64: 172 };
/** By number too: musl has a function of that name that always fails. */
const SYS_SCHED_SETSCHEDULER: Readonly<Record<string, number>> = { x64: 144, arm64: 119 };

const SCHED_OTHER = 0;
const SCHED_RR = 2;
/** What we start gets an ordinary priority again. */
const SCHED_RESET_ON_FORK = 0x40000000;
const LOWEST_REALTIME = 1;
const PRIO_PROCESS = 0;
const HIGHEST_NICE = -20;
const ORDINARY_NICE = 0;

const RLIMIT_NOFILE = 7;
const TIOCGWINSZ = 0x5413;
const LOCK_EX = 2;
const LOCK_NB = 4;

export interface Libc {
  /** Each returns what the call returned; on -1, `errno()` before anything else. */
  pidfdOpen(pid: number): number;
  pidfdSendSignal(pidfd: number, signal: number): number;
  kill(pid: number, signal: number): number;
  poll(fds: Int32Array, timeoutMs: number): number;
  lockWithoutWaiting(fd: number): number;
  /** Soft and hard limit of open files. */
  getFileLimit(limits: BigUint64Array): number;
  setFileLimit(limits: BigUint64Array): number;
  /** Rows, columns and two more, of a terminal. */
  getWindowSize(fd: number, size: Uint16Array): number;
  /** Go before every ordinary process, as far as we are permitted; or be one of them again. */
  setUrgent(isUrgent: boolean): void;
  /** Can one more thread be had? Starts one that ends at once. */
  canStartThread(): boolean;
  /** execve(2): returns only if it failed. The words end with NUL. */
  exec(path: Buffer, argv: readonly Buffer[], env: readonly Buffer[]): void;
  errno(): number;
}

function open() {
  // Only ever this name: one that the loader does not know is looked up in the working directory, and run.
  // glibc has it loaded already; musl takes the name for itself.
  return dlopen("libc.so.6", {
    syscall: { args: ["i64", "i64", "i64", "i64", "i64"], returns: "i32" },
    setpriority: { args: ["i32", "u32", "i32"], returns: "i32" },
    kill: { args: ["i32", "i32"], returns: "i32" },
    poll: { args: ["ptr", "u64", "i32"], returns: "i32" },
    flock: { args: ["i32", "i32"], returns: "i32" },
    getrlimit: { args: ["i32", "ptr"], returns: "i32" },
    setrlimit: { args: ["i32", "ptr"], returns: "i32" },
    ioctl: { args: ["i32", "u64", "ptr"], returns: "i32" },
    clone: { args: ["ptr", "ptr", "i32", "ptr"], returns: "i32" },
    execve: { args: ["ptr", "ptr", "ptr"], returns: "i32" },
    getppid: { args: [], returns: "i32" },
    __errno_location: { args: [], returns: "ptr" },
  }).symbols;
}

let loaded: Libc | undefined;

/**
 * Load libc, once, and try it on two calls whose answers are known.
 *
 * @throws Error  where FFI is refused (a host that forbids writable and executable memory), or where the calls
 *                do not answer as they must (an architecture or C library whose calling convention is not ours)
 */
export function openLibc(): Libc {
  loaded ??= load();
  return loaded;
}

function load(): Libc {
  const c = open();
  // One location for the life of the thread; JavaScript runs on one.
  const errnoAt = c.__errno_location() as Pointer;
  let isNiceRaised = false;
  const libc: Libc = {
    pidfdOpen: (pid) => c.syscall(SYS_PIDFD_OPEN, pid, 0, 0, 0),
    pidfdSendSignal: (pidfd, signal) => c.syscall(SYS_PIDFD_SEND_SIGNAL, pidfd, signal, 0, 0),
    kill: (pid, signal) => c.kill(pid, signal),
    poll: (fds, timeoutMs) => c.poll(fds, fds.length / 2, timeoutMs),
    lockWithoutWaiting: (fd) => c.flock(fd, LOCK_EX | LOCK_NB),
    getFileLimit: (limits) => c.getrlimit(RLIMIT_NOFILE, limits),
    setFileLimit: (limits) => c.setrlimit(RLIMIT_NOFILE, limits),
    getWindowSize: (fd, size) => c.ioctl(fd, TIOCGWINSZ, size),
    setUrgent(isUrgent) {
      const [policy, level] = isUrgent ? [SCHED_RR, LOWEST_REALTIME] : [SCHED_OTHER, 0];
      const number = SYS_SCHED_SETSCHEDULER[process.arch] ?? -1;
      const isSet = c.syscall(number, 0, policy | SCHED_RESET_ON_FORK, ptr(new Int32Array([level])), 0) === 0;
      // Where a realtime policy is not to be had, the highest nice value is the next best.
      if (isUrgent && !isSet) isNiceRaised = c.setpriority(PRIO_PROCESS, 0, HIGHEST_NICE) === 0;
      else if (!isUrgent && isNiceRaised) isNiceRaised = c.setpriority(PRIO_PROCESS, 0, ORDINARY_NICE) !== 0;
    },
    canStartThread() {
      // It runs getppid, on a stack of its own, and we stand still until it has.
      const stack = new Uint8Array(THREAD_STACK);
      const top = Math.floor((ptr(stack) + THREAD_STACK) / STACK_ALIGN) * STACK_ALIGN;
      const getppid = (c.getppid as unknown as { readonly ptr: Pointer }).ptr;
      return c.clone(getppid, top as Pointer, CLONE_SHORT_THREAD, null) > 0;
    },
    exec(path, argv, env) {
      c.execve(path, pointersTo(argv), pointersTo(env));
    },
    errno: () => read.i32(errnoAt, 0),
  };
  selfTest(libc, (number) => c.syscall(number, 0, 0, 0, 0));
  return libc;
}

const THREAD_STACK = 16 * 1024;
const STACK_ALIGN = 16;
/** CLONE_VM | FS | FILES | SIGHAND | THREAD | SYSVSEM, and VFORK: the caller waits until it has ended. */
const CLONE_SHORT_THREAD = 0x100 | 0x200 | 0x400 | 0x800 | 0x10000 | 0x40000 | 0x4000;

/** A list of C strings, ended by a null pointer. */
function pointersTo(words: readonly Buffer[]): BigUint64Array {
  return new BigUint64Array([...words.map((word) => BigInt(ptr(word))), 0n]);
}

const EINVAL = 22;
const ENOSYS = 38;
/** What a seccomp filter of an old container runtime answers for a call it does not know. */
const EPERM = 1;

function selfTest(libc: Libc, syscall: (number: number) => number): void {
  const getpid = SYS_GETPID[process.arch];
  if (getpid === undefined) throw new Error(`unknown architecture ${process.arch}: cgkill knows x64 and arm64`);
  const pid = syscall(getpid);
  if (pid !== process.pid) throw new Error(`libc self-test: getpid returned ${pid}, not ${process.pid}`);
  const result = libc.pidfdOpen(0);
  const errno = libc.errno();
  if (result !== -1 || ![EINVAL, ENOSYS, EPERM].includes(errno)) {
    throw new Error(`libc self-test: pidfd_open(0) returned ${result} with errno ${errno}`);
  }
}
