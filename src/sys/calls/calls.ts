// System calls, as numbers in and out: what `Sys` is made of. Two ways lead to them, libc (calls-libc.ts) and, where
// FFI is refused, Node's API (calls-node.ts). Nothing is decided here, and nothing is checked.

/** As the kernel returns it: what was asked for, or -errno. */
export type Result = number;

export interface FileStatus {
  readonly dev: bigint;
  readonly ino: bigint;
  /** File type and permissions, as st_mode has them. */
  readonly mode: number;
  readonly links: number;
  readonly uid: number;
}

/** A directory in a directory: its inode is its own, also where something is mounted over it. */
export interface DirEntry {
  readonly name: Uint8Array;
  readonly ino: bigint;
}

/**
 * Paths carry a byte that is not UTF-8 as `\udcXX`, and hold no NUL. A path that starts in a directory that is held open,
 * `/proc/self/fd/N/…`, never leaves the mount of that directory, nor follows a link: -EXDEV, -ELOOP.
 */
export interface Calls {
  /** Are they kept from crossing mounts by the kernel (openat2, 5.6)? Otherwise nothing keeps them. */
  isWalled(): boolean;
  /** Always close-on-exec. */
  open(path: string, flags: number): Result;
  close(fd: number): void;
  /** Read at a place in the file, into a buffer from `from` to its end. */
  pread(fd: number, into: Uint8Array, from: number, at: number): Result;
  read(fd: number, into: Uint8Array): Result;
  write(fd: number, bytes: Uint8Array): Result;
  /** The same, but a signal may cut it short (-EINTR). */
  writeOnce(fd: number, bytes: Uint8Array): Result;
  fstat(fd: number): FileStatus | Result;
  readlink(path: string): Uint8Array | Result;
  /** The directories in a directory. */
  subdirs(path: string): readonly DirEntry[] | Result;
  mkdir(path: string): Result;
  rmdir(path: string): Result;
  /** An exclusive lock, without waiting for it. */
  flock(fd: number): Result;
  /** The mount that an open file is on, as mountinfo numbers it. */
  mountId(fd: number): Result;
  /** A copy of the mount that an open directory is on, with that directory as its root and nothing mounted in it. */
  cloneMount(fd: number): Result;
  getxattr(fd: number, name: string, into: Uint8Array): Result;
  setxattr(fd: number, name: string, value: Uint8Array): Result;
  removexattr(fd: number, name: string): Result;

  pidfdOpen(pid: number): Result;
  pidfdSendSignal(pidfd: number, signal: number): Result;
  /** The id of the v2 cgroup that the process is in: the inode of its directory. */
  pidfdCgroup(pidfd: number): bigint | Result;
  kill(pid: number, signal: number): Result;
  /** `struct pollfd`: an int, and two shorts in one more. */
  poll(fds: Int32Array, timeoutMs: number): Result;
  /** The soft limit of open files becomes the hard one; @returns what it is now */
  raiseFileLimit(): Result;
  setUrgent(isUrgent: boolean): void;
  /** Ignore the signals that JavaScript cannot handle, or give them back the action they had; never twice in a row. */
  ignoreUndeliverable(isIgnored: boolean): void;
  /** From now on a handled signal cuts a call short (EINTR) instead of restarting it; @returns whether it does */
  makeInterrupting(signal: number): boolean;
  /** Can so many more threads be had at once? */
  hasRoomFor(threads: number): boolean;
  /** `struct winsize`: rows, columns and two more. */
  windowSize(fd: number, size: Uint16Array): Result;
}

export const O_RDONLY = 0;
export const O_WRONLY = 1;
export const O_NOCTTY = 0o400;
export const O_NONBLOCK = 0o4000;
export const O_PATH = 0o10000000;
export const O_DIRECTORY: number = process.arch === "arm64" ? 0o40000 : 0o200000;
export const O_NOFOLLOW: number = process.arch === "arm64" ? 0o100000 : 0o400000;
