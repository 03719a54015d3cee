// Loads libc through FFI: its functions, and what differs between architectures. The only file that imports bun:ffi.

import { dlopen, type Library, type Pointer, ptr, read } from "bun:ffi";

import { ERRNO, type Result } from "./calls.ts";

export type Address = Pointer;
/** The same on every architecture, and newer than some C libraries. */
const NEW = {
  pidfd_send_signal: 424,
  open_tree: 428,
  pidfd_open: 434,
  clone3: 435,
  openat2: 437,
} as const;

/** @see linux: arch/x86/entry/syscalls/syscall_64.tbl */
const X64 = {
  getpid: 39,
  exit_group: 231,
  fanotify_init: 300,
  fanotify_mark: 301,
  fstat: 5,
  newfstatat: 262,
  getdents64: 217,
  clock_gettime: 228,
  fcntl: 72,
  prctl: 157,
  rt_sigprocmask: 14,
  ppoll: 271,
  // By number, because C libraries reject the signals that they use themselves.
  rt_sigaction: 13,
  // By number, because the function of musl always fails.
  sched_getparam: 143,
  sched_setscheduler: 144,
  sched_getscheduler: 145,
  fsetxattr: 190,
  fgetxattr: 193,
  fremovexattr: 199,
  // Offsets in `struct stat`, in 32-bit words.
  st_mode: 6,
  st_nlink: 4,
  st_uid: 7,
} as const;

/** The numbers of system calls that some C libraries lack or name differently, and the layout of their results. */
export type Machine = Readonly<Record<keyof typeof X64 | keyof typeof NEW, number>>;

/** @see linux: include/uapi/asm-generic/{unistd,stat}.h */
const ARM64: Machine = {
  ...NEW,
  getpid: 172,
  exit_group: 94,
  fanotify_init: 262,
  fanotify_mark: 263,
  fstat: 80,
  newfstatat: 79,
  getdents64: 61,
  clock_gettime: 113,
  fcntl: 25,
  prctl: 167,
  rt_sigprocmask: 135,
  ppoll: 73,
  rt_sigaction: 134,
  sched_setscheduler: 119,
  sched_getscheduler: 120,
  sched_getparam: 121,
  fsetxattr: 7,
  fgetxattr: 10,
  fremovexattr: 16,
  st_mode: 4,
  st_nlink: 5,
  st_uid: 6,
};

const MACHINES: Readonly<Record<string, Machine>> = { x64: { ...NEW, ...X64 }, arm64: ARM64 };

/** The same on every architecture. */
export const RLIMIT_NOFILE = 7;
export const SIGSET_BYTES = 8;
export const SIG_BLOCK = 0;
export const SIG_UNBLOCK = 1;
export const SIG_SETMASK = 2;

const FUNCTIONS = {
  syscall: { args: ["i64", "i64", "i64", "i64", "i64", "i64"], returns: "i32" },
  openat: { args: ["i32", "ptr", "i32"], returns: "i32" },
  close: { args: ["i32"], returns: "i32" },
  pread: { args: ["i32", "ptr", "u64", "i64"], returns: "i32" },
  read: { args: ["i32", "ptr", "u64"], returns: "i32" },
  write: { args: ["i32", "ptr", "u64"], returns: "i32" },
  readlinkat: { args: ["i32", "ptr", "ptr", "u64"], returns: "i32" },
  mkdirat: { args: ["i32", "ptr", "u32"], returns: "i32" },
  unlinkat: { args: ["i32", "ptr", "i32"], returns: "i32" },
  setpriority: { args: ["i32", "u32", "i32"], returns: "i32" },
  kill: { args: ["i32", "i32"], returns: "i32" },
  poll: { args: ["ptr", "u64", "i32"], returns: "i32" },
  flock: { args: ["i32", "i32"], returns: "i32" },
  getrlimit: { args: ["i32", "ptr"], returns: "i32" },
  setrlimit: { args: ["i32", "ptr"], returns: "i32" },
  ioctl: { args: ["i32", "u64", "ptr"], returns: "i32" },
  __errno_location: { args: [], returns: "ptr" },
} as const;

/** What only `cgkill run` needs: each function costs time when it is loaded. */
const SPAWN_FUNCTIONS = {
  posix_spawnp: { args: ["ptr", "ptr", "ptr", "ptr", "ptr", "ptr"], returns: "i32" },
  posix_spawnattr_init: { args: ["ptr"], returns: "i32" },
  posix_spawnattr_setflags: { args: ["ptr", "i16"], returns: "i32" },
  posix_spawnattr_setsigmask: { args: ["ptr", "ptr"], returns: "i32" },
  posix_spawnattr_setsigdefault: { args: ["ptr", "ptr"], returns: "i32" },
  signalfd: { args: ["i32", "ptr", "i32"], returns: "i32" },
  signal: { args: ["i32", "ptr"], returns: "void" },
  getpgid: { args: ["i32"], returns: "i32" },
  getpriority: { args: ["i32", "u32"], returns: "i32" },
  open: { args: ["ptr", "i32", "u32"], returns: "i32" },
  waitpid: { args: ["i32", "ptr", "i32"], returns: "i32" },
} as const;

/** The C functions, which return what they return in C. After -1, call `errno()` before anything else. */
export type C = Library<typeof FUNCTIONS>["symbols"];
export type SpawnC = Library<typeof SPAWN_FUNCTIONS>["symbols"];

/**
 * Only this name: the loader would search the working directory for an unknown one, and run its code. glibc has this one
 * loaded already, and musl treats it as its own.
 */
const LIBC = "libc.so.6";

export const openSpawnC = (): SpawnC => dlopen(LIBC, SPAWN_FUNCTIONS).symbols;

/** Loaded on its own: only a cgkill in standby needs it. @returns 0, or -1 with errno set */
export function mlockall(flags: number): number {
  return dlopen(LIBC, { mlockall: { args: ["i32"], returns: "i32" } }).symbols.mlockall(flags);
}

export interface Libc {
  readonly c: C;
  readonly machine: Machine;
  errno(): number;
  /** What a C function returned, as the kernel returns it. */
  result(returned: number): Result;
}

/**
 * Load libc, and test it with two calls whose results are known.
 *
 * @throws Error  FFI is not permitted (the host forbids writable and executable memory), or a call does not return what
 *                it must (an architecture or C library with another calling convention)
 */
export function openLibc(): Libc {
  return (opened ??= load());
}

let opened: Libc | undefined;

function load(): Libc {
  const machine = MACHINES[process.arch];
  if (machine === undefined) throw new Error(`unknown architecture ${process.arch}: cgkill knows x64 and arm64`);
  const c = dlopen(LIBC, FUNCTIONS).symbols;
  // The location is fixed for a thread, and JavaScript runs on one thread.
  const errnoAt = c.__errno_location() as Pointer;
  const errno = (): number => read.i32(errnoAt, 0);
  const result = (returned: number): Result => (returned < 0 ? -errno() : returned);
  const libc: Libc = { c, machine, errno, result };
  selfTest(libc);
  return libc;
}

export const addressOf = (bytes: NodeJS.TypedArray): Address => ptr(bytes);

/** The address some bytes further on. */
export const plus = (address: Address, bytes: number): Address => (address + bytes) as Address;

const WORD = 2 ** 32;

/** Make a null-terminated array of pointers to consecutive C strings. A pointer takes two words. */
export function pointersTo(strings: Uint8Array): Uint32Array {
  const pointers: number[] = [];
  for (let at = 0; at < strings.length; at = strings.indexOf(0, at) + 1) {
    const address = ptr(strings) + at;
    pointers.push(address % WORD, Math.floor(address / WORD));
  }
  return new Uint32Array([...pointers, 0, 0]);
}

function selfTest({ c, machine, errno }: Libc): void {
  const pid = c.syscall(machine.getpid, 0, 0, 0, 0, 0);
  if (pid !== process.pid) throw new Error(`libc self-test: getpid returned ${pid}, not ${process.pid}`);
  const result = c.syscall(machine.pidfd_open, 0, 0, 0, 0, 0);
  const failure = errno();
  const expected: readonly number[] = [ERRNO.EINVAL, ERRNO.ENOSYS, ERRNO.EPERM];
  // EPERM is the answer of an old container runtime's seccomp filter to an unknown call.
  if (result !== -1 || !expected.includes(failure)) {
    throw new Error(`libc self-test: pidfd_open(0) returned ${result} with errno ${failure}`);
  }
}

/** Bytes with a stable address. The engine moves the bytes of a small array when its `buffer` is first accessed. */
export const fixedBytes = (size: number): Uint8Array => new Uint8Array(new ArrayBuffer(size));
