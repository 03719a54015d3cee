// The system calls that `Sys` is built from, with numbers in and out and without any checks. Implemented by libc
// (libc-calls.ts) and, if FFI is not permitted, by Node's API (node-calls.ts).

import type { DirEntry, FileStatus, PidfdInfo } from "../sys.ts";

/** The return value of the kernel: 0 or more, or -errno. */
export type Result = number;

/** What only libc has. */
interface LibcOnly {
  /** Read /proc/TID/cgroup into a buffer. @returns its length */
  readProcCgroup(tid: number, into: Uint8Array): Result;
  /** Take an exclusive lock without waiting; -EAGAIN if another process has it. */
  flock(fd: number): Result;
  /** Clone the mount of an open directory, with that directory as the root and without the mounts below. */
  cloneMount(fd: number): Result;
  /** Watch for writes to the file system of an open directory. @returns a descriptor to read them from, without waiting */
  watchWrites(dir: number): Result;
  endWatch(fd: number): void;
  getxattr(fd: number, name: string, into: Uint8Array): Result;
  setxattr(fd: number, name: string, value: Uint8Array): Result;
  removexattr(fd: number, name: string): Result;
  pidfdOpen(pid: number): Result;
  pidfdSendSignal(pidfd: number, signal: number): Result;
  pidfdInfo(pidfd: number): PidfdInfo | Result;
  /** How long the threads of a process have run, in milliseconds; -EINVAL if there is no such process. */
  cpuTime(pid: number): number;
  /** Raise the soft limit of open files to the hard limit. @returns the soft limit now */
  raiseFileLimit(): Result;
  setUrgent(isUrgent: boolean): void;
  /** Give a thread the lowest real-time priority. @returns the ordinary policy that it had; -errno if it is unchanged */
  raisePriority(tid: number): Result;
  restorePriority(tid: number, policy: number): void;
  /**
   * Ignore the signals that JavaScript cannot handle, or restore their actions. Never called twice with the same value.
   */
  ignoreUndeliverable(isIgnored: boolean): void;
  /** Ignore signals, and block them no longer. */
  ignore(signals: readonly number[]): void;
  /** Block signals, for which `HeldBack.poll` waits. @returns -errno if that failed */
  holdSignals(signals: readonly number[]): HeldBack | Result;
  /** End all threads of this process. @returns only if a seccomp filter denies it */
  exit(status: number): void;
  /** Make a handled signal interrupt system calls instead of restarting them. @returns whether it does now */
  makeInterrupting(signal: number): boolean;
  /** @param size  filled as `struct winsize`: rows, columns, and two more */
  windowSize(fd: number, size: Uint16Array): Result;
}

/**
 * In paths and names, a byte that is not UTF-8 is `\udcXX`, and there is no NUL. A path is absolute, with AT_FDCWD before
 * it, or starts in an open directory, which is "" itself. Then `open` neither leaves the mount of that directory (-EXDEV)
 * nor follows a symbolic link (-ELOOP).
 */
export interface Calls extends Partial<LibcOnly> {
  /** Whether the kernel prevents the crossing of mounts (openat2, Linux 5.6). Otherwise nothing does. */
  isWalled(): boolean;
  /** Always close-on-exec, and never waits: -EAGAIN if a process holds a lease on the file (fcntl(2), F_SETLEASE). */
  open(from: number, path: string, flags: number): Result;
  close(fd: number): void;
  /** Read from offset `at` of the file into the buffer, from `from` to the end of the buffer. */
  pread(fd: number, into: Uint8Array, from: number, at: number): Result;
  read(fd: number, into: Uint8Array): Result;
  /** Restarted after EINTR. */
  write(fd: number, bytes: Uint8Array): Result;
  /** The same, but not restarted: a signal gives -EINTR. */
  writeOnce(fd: number, bytes: Uint8Array): Result;
  fstat(fd: number): FileStatus | Result;
  /** newfstatat(2): what is at this path, which may be on another mount. A symbolic link is not followed. */
  stat(from: number, path: string): FileStatus | Result;
  readlink(from: number, path: string): string | Result;
  /**
   * List the subdirectories of a directory, or everything in it.
   *
   * @param isLate  asked now and then; if it is, the result is -ETIMEDOUT
   */
  entries(from: number, path: string, kind: "subdirs" | "all", isLate?: () => boolean): DirEntry[] | Result;
  mkdir(from: number, path: string): Result;
  rmdir(from: number, path: string): Result;
  kill(pid: number, signal: number): Result;
  /** @param fds  two words per `struct pollfd`: the descriptor, then `events` and `revents` */
  poll(fds: Int32Array, timeoutMs: number): Result;
}

/** Signals that are blocked. */
export interface HeldBack {
  /** As `Calls.poll`, with the caller's signal mask during the wait. */
  poll(fds: Int32Array, timeoutMs: number): Result;
  /** Restore the mask. */
  release(): void;
}

/** Errnos that are compared as numbers, or stand for a call that is missing. */
export const ERRNO = {
  EPERM: 1,
  ENOENT: 2,
  ESRCH: 3,
  EINTR: 4,
  EIO: 5,
  ECHILD: 10,
  EAGAIN: 11,
  EINVAL: 22,
  ESPIPE: 29,
  ENOSYS: 38,
  EOPNOTSUPP: 95,
  ETIMEDOUT: 110,
} as const;

const isArm = process.arch === "arm64";
/** The flags of open(2): O_RDONLY and so on. */
export const O: Readonly<Record<OpenFlag, number>> = {
  RDONLY: 0,
  WRONLY: 1,
  CREAT: 0o100,
  NOCTTY: 0o400,
  TRUNC: 0o1000,
  NONBLOCK: 0o4000,
  PATH: 0o10000000,
  DIRECTORY: isArm ? 0o40000 : 0o200000,
  NOFOLLOW: isArm ? 0o100000 : 0o400000,
  CLOEXEC: 0o2000000,
};
type AccessFlag = "RDONLY" | "WRONLY" | "CREAT" | "TRUNC" | "PATH";
type OpenFlag = AccessFlag | "NOCTTY" | "NONBLOCK" | "DIRECTORY" | "NOFOLLOW" | "CLOEXEC";

/** A descriptor of O_PATH breaks no lease. */
export const withoutWait = (flags: number): number => ((flags & O.PATH) === 0 ? flags | O.NONBLOCK : flags);
