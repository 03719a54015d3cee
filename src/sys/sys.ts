// The interface between cgkill and the kernel: all access to files, processes and clocks goes through `Sys`. It is
// implemented by linux.ts and by the modelled kernel of the tests. Nothing here knows what a cgroup is.

import type { Dir } from "./dir.ts";

export type Pid = number;
export type Fd = number;
/** A file descriptor that refers to a process (pidfd_open(2)). */
export type Pidfd = Fd;

export interface PidfdInfo {
  /** The inode of its v2 cgroup. */
  readonly cgroupId: bigint;
  /** 0 for a parent outside our pid namespace. */
  readonly ppid: Pid;
  /** `false` if its leader has exited, and before Linux 6.16. */
  readonly hasMemory: boolean;
}

export type Millis = number;
/** A scheduling policy of the kernel, with its flags. */
export type Policy = number;

/** Device and inode: the identity of a directory, which its name is not. */
export interface FileId {
  readonly dev: bigint;
  readonly ino: bigint;
}

export interface FileStatus extends FileId {
  /** For a cgroup directory exactly 2 + the number of its children. */
  readonly links: number;
  /** st_mode: file type and permissions. */
  readonly mode: number;
  readonly uid: number;
}

/** A directory as listed by its parent. The inode is its own even if something is mounted over it. */
export interface DirEntry {
  readonly name: string;
  readonly ino: bigint;
}

export type FileKind = "file" | "socket" | "pipe" | "other";

export type TerminalSize = { readonly columns: number; readonly rows: number };

export interface PollFd {
  readonly fd: Fd;
  readonly events: number;
}

/** A pidfd is readable when the whole thread group is dead. */
export const POLLIN = 0x1;
/** A cgroup file or mountinfo has changed since it was read. */
export const POLLPRI = 0x2;
/** One write succeeds; on a pipe, of up to PIPE_BUF bytes. */
export const POLLOUT = 0x4;

/** Closes a descriptor, if there is one, at the end of the block: `using _ = closing(sys, fd)`. */
export const closing = (sys: Pick<Sys, "close">, fd: Fd | undefined): Disposable => ({
  [Symbol.dispose]: () => void (fd !== undefined && sys.close(fd)),
});

/** @returns whether the descriptor is wanted; it is closed if not, and if the question throws */
export function closeUnless(sys: Pick<Sys, "close">, fd: Fd, isWanted: () => boolean): boolean {
  let isKept = false;
  try {
    isKept = isWanted();
    return isKept;
  } finally {
    if (!isKept) sys.close(fd);
  }
}

/** Tells of writes to a file system. Disposing closes it. */
export interface WriteWatch extends Disposable {
  /** Since the last call? `true` if that cannot be told. */
  wasWritten(): boolean;
  /** Watch no longer. Disposing waits until the kernel has freed the watch, some 20 ms after this. */
  end(): void;
}

/** What cgkill needs from the kernel. Every method that can fail throws `SysError`. */
export interface Sys {
  /** Why Node's API replaces libc, which is slower and has no pidfds; `null` if libc is used. */
  readonly fallback: string | null;
  /** Our pid in our own pid namespace. */
  readonly pid: Pid;
  /** Our effective user id. */
  readonly uid: number;
  /** CLOCK_MONOTONIC, in milliseconds. */
  now(): Millis;
  /** Wall clock, in milliseconds since the epoch. For reports, never for decisions. */
  wallClock(): Millis;
  /** Run the event loop once, so that a signal that has arrived reaches its handler. */
  turn(): Promise<void>;

  /** @throws SysError  ENOENT: the working directory was removed */
  cwd(): string;
  /** Open a directory as a handle (O_PATH), which needs only search permission on the path. */
  openDir(dir: Dir, path: string): Fd;
  openFile(dir: Dir, name: string): Fd;
  close(fd: Fd): void;
  statusOf(fd: Fd): FileStatus;
  /** The status of an entry of a directory, or of what is mounted over it. */
  statusIn(dir: Dir, name: string): FileStatus;
  /**
   * Whether calls fail with EXDEV rather than leave the mount of an open directory. Not before Linux 5.6 or without
   * FFI.
   */
  isWalled(): boolean;
  /**
   * Clone the mount that an open directory is on, without the mounts below. Returns the same directory on the clone.
   *
   * @throws SysError  EPERM: no CAP_SYS_ADMIN; EINVAL: a mount below is locked; ENOSYS: Linux before 5.2, or no FFI
   */
  cloneMount(fd: Fd): Fd;
  /**
   * Watch for writes to files of the file system that an open directory is on, through any mount of it. A write is seen as
   * soon as it has returned.
   *
   * @returns `undefined` if that is not possible: on a cgroup file system before Linux 6.6, without CAP_SYS_ADMIN in the initial
   *          user namespace, or without FFI
   */
  watchWrites(dir: Fd): WriteWatch | undefined;
  /** The path of an open directory in /proc/self/fd. */
  pathOf(fd: Fd): string;
  /** @throws SysError  any errno except ENOENT and ENODEV, which mean no */
  exists(dir: Dir, name: string): boolean;
  /**
   * Whether we may write to a file. It is opened for writing and closed again.
   *
   * @throws SysError  any errno that does not mean gone, denied or covered
   */
  isWritable(dir: Dir, name: string): boolean;
  readFile(dir: Dir, name: string): string;
  /** Read a kernel file that is a single record, not a list, by one read(2). */
  readRecord(dir: Dir, name: string): string;
  /**
   * Read /proc/TID/cgroup, in two thirds of the time of `readRecord`: for a large v1 target it is read once per process,
   * right before the signal.
   */
  readProcCgroup(tid: Pid): string;
  /** Read an open record file from its start. */
  rereadRecord(fd: Fd, shown: string): string;
  /** Write to an existing file: opened with O_WRONLY only, never created or truncated. */
  writeFile(dir: Dir, name: string, value: string): void;
  /**
   * @param until  on the clock of `now`; without limit by default
   * @throws SysError  ETIMEDOUT: there are more than could be read by then
   */
  readSubdirs(dir: Dir, until?: Millis): DirEntry[];
  /** The names of everything in a directory. */
  readNames(dir: Dir): string[];
  readLink(dir: Dir, name: string): string;
  makeDir(dir: Dir, name: string): void;
  removeDir(dir: Dir, name: string): void;
  /**
   * Take an advisory lock on a directory, without waiting. `close` releases it.
   *
   * @returns `undefined` if another process has the lock
   * @throws SysError  ENOSYS: no flock(2) without FFI
   */
  tryLock(dir: Dir): Fd | undefined;
  /** Read an extended attribute of a directory opened by `tryLock`; `undefined` if there is none of that name. */
  readMark(fd: Fd, name: string): string | undefined;
  writeMark(fd: Fd, name: string, value: string): void;
  removeMark(fd: Fd, name: string): void;

  /** @returns `undefined` if there is no such process */
  pidfdOpen(pid: Pid): Pidfd | undefined;
  /**
   * What the kernel says of a process by its pidfd; `undefined` before Linux 6.13.
   *
   * @throws SysError  ESRCH: the process is dead and reaped
   */
  infoOf(pidfd: Pidfd): PidfdInfo | undefined;
  pidfdSendSignal(pidfd: Pidfd, pid: Pid, signal: number): void;
  /**
   * How long all threads of a process have run, to the nanosecond. For a comparison soon after, since the pid may be recycled.
   *
   * @returns `undefined` if there is no such process; NaN if it is not known, as without FFI or under a seccomp filter
   */
  cpuTimeOf(pid: Pid): Millis | undefined;
  kill(pid: Pid, signal: number): void;
  /**
   * Wait until any of the descriptors is ready, for at most one minute.
   *
   * @returns the ready ones; none after the time-out or a signal. Without FFI, all of them, after a short sleep: the
   *          caller must check what it waits for
   */
  poll(fds: readonly PollFd[], timeoutMs: Millis): readonly Fd[];
  /** Raise the soft limit of open files to the hard limit. @returns the soft limit now */
  raiseFileLimit(): number;
  /**
   * Switch to the highest real-time priority, or the lowest nice value that is permitted, or back to ordinary scheduling.
   * cgkill starts urgent and must switch back before it waits for input.
   */
  setUrgent(isUrgent: boolean): void;
  /**
   * Give a thread the lowest real-time priority, below ours, if ours is real-time and its policy is an ordinary one. What
   * it forks is ordinary. The kernel takes an id, which may be recycled: the caller checks that, and undoes it.
   *
   * @returns its policy, for `restorePriority`; `undefined` if it was left as it is
   */
  raisePriority(tid: Pid): Policy | undefined;
  /** Undo `raisePriority`. A thread that does not have that priority is left as it is. */
  restorePriority(tid: Pid, policy: Policy): void;
  /**
   * Ignore the deadly signals that JavaScript cannot handle (STKFLT, 32 and 34 to 64) until disposed. Used while
   * anything is frozen or fenced. Uses may overlap; one costs 0.02 ms. Without FFI it does nothing.
   */
  ignoreUndeliverable(): Disposable;
}

/** Standard input, output and error, without ever blocking on the process at the other end. */
export interface Streams {
  /** The size of a terminal, 0 if unknown; `undefined` if the descriptor is not a terminal. */
  terminalSize(fd: Fd): TerminalSize | undefined;
  kindOf(fd: Fd): FileKind;
  /** Reopen our descriptor for writing with O_NONBLOCK, which on the original would affect every process sharing it. */
  openForWriting(fd: Fd): Fd;
  /** Read what is available. @returns the number of bytes, 0 at end of file @throws SysError  EAGAIN: nothing yet */
  readSome(fd: Fd, into: Uint8Array): number;
  /** Write as much as possible at once. @returns the number of bytes @throws SysError  EAGAIN: no room */
  writeSome(fd: Fd, bytes: Uint8Array): number;
}

/** Control over handled signals, and over our own end, that the runtime does not offer. */
export interface SignalHandling {
  /** End this process at once: nothing that the runtime does at its end is done. Returns if there is no FFI. */
  exit(status: number): void;
  /** Ignore signals from now on, and block them no longer. Without FFI they stay as they are. */
  ignore(signals: readonly number[]): void;
  /** Make a handled signal end system calls (EINTR) that it would restart. @returns `false` without FFI, or if it failed */
  makeInterrupting(signal: number): boolean;
  /**
   * Hold signals back until disposed, except during `poll`, which they end: none is missed that comes right before it.
   *
   * @returns `undefined` if that is not possible, as without FFI
   */
  holdSignals(signals: readonly number[]): (Disposable & Pick<Sys, "poll">) | undefined;
}

/** The kernel, and the streams and signals of this process. */
export type Host = Sys & Streams & SignalHandling;
