// System calls, as numbers in and out: what `Sys` is made of. Two ways lead to them, libc (calls-libc.ts) and, where
// FFI is refused, Node's API (calls-node.ts). Nothing is decided here, and nothing is checked.

/** As the kernel returns it: what was asked for, or -errno. */
export type Result = number;

export interface FileStatus {
  readonly dev: bigint;
  readonly ino: bigint;
  /** File type and permissions, as st_mode has them. */
  readonly mode: number;
}

/** Paths carry a byte that is not UTF-8 as `\udcXX`, and hold no NUL. */
export interface Calls {
  /** Always close-on-exec. */
  open(path: string, flags: number): Result;
  close(fd: number): void;
  /** Read at a place in the file, into a buffer from `from` to its end. */
  pread(fd: number, into: Uint8Array, from: number, at: number): Result;
  read(fd: number, into: Uint8Array): Result;
  write(fd: number, bytes: Uint8Array): Result;
  fstat(fd: number): FileStatus | Result;
  /** st_nlink of what the path leads to. */
  linkCount(path: string): Result;
  readlink(path: string): Uint8Array | Result;
  /** The names of the directories in a directory, as bytes. */
  subdirs(path: string): readonly Uint8Array[] | Result;
  mkdir(path: string): Result;
  rmdir(path: string): Result;
  /** An exclusive lock, without waiting for it. */
  flock(fd: number): Result;

  pidfdOpen(pid: number): Result;
  pidfdSendSignal(pidfd: number, signal: number): Result;
  kill(pid: number, signal: number): Result;
  /** `struct pollfd`: an int, and two shorts in one more. */
  poll(fds: Int32Array, timeoutMs: number): Result;
  /** The soft limit of open files becomes the hard one; @returns what it is now */
  raiseFileLimit(): Result;
  setUrgent(isUrgent: boolean): void;
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
