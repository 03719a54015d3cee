// The one seam between cgkill and the kernel: every file, process and clock it touches goes through `Sys`.
// The real one is sys/linux.ts; the tests' model of a kernel implements the same interface.
// Nothing here knows what a cgroup is.

export type Pid = number;
export type Fd = number;
/** A file descriptor that refers to a process (pidfd_open(2)). */
export type Pidfd = Fd;
export type Millis = number;

/**
 * A directory, reached by one name and shown by another: `through` is what the kernel is given (mostly
 * `/proc/self/fd/N`, so that it stays the same directory whatever happens to its name), `shown` is what
 * people read. Both carry a byte that is not UTF-8 as `\udcXX`.
 *
 * What is reached through a held directory lies on the mount of that directory, or the call fails with EXDEV: something
 * mounted over a cgroup, or over one of its files, is never taken for it. (Where the kernel cannot do that, `isWalled`
 * says so.)
 */
export interface Dir {
  readonly through: string;
  readonly shown: string;
}

/** What tells one directory from another of the same name: device and inode. */
export interface FileId {
  readonly dev: bigint;
  readonly ino: bigint;
}

export interface FileStatus extends FileId {
  /** Of a cgroup directory always 2 + the number of its child cgroups. */
  readonly links: number;
  readonly mode: number;
  readonly uid: number;
}

/** A directory as its parent lists it; its inode is its own, also where something is mounted over it. */
export interface DirEntry {
  readonly name: string;
  readonly ino: bigint;
}

export type FileKind = "file" | "socket" | "other";

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

export interface PollFd {
  readonly fd: Fd;
  readonly events: number;
}

/** poll(2): a pidfd is readable when the whole thread group is dead; a cgroup file has POLLPRI when it changed. */
export const POLLIN = 0x1;
export const POLLPRI = 0x2;
/** There is room for one more write, of PIPE_BUF at least where it is a pipe. */
export const POLLOUT = 0x4;

export const ROOT: Dir = { through: "", shown: "" };
export const PROC: Dir = { through: "/proc", shown: "/proc" };

/** A directory seen through a descriptor that we hold open. */
export function dirOf(fd: Fd, shown: string): Dir {
  return { through: `/proc/self/fd/${fd}`, shown };
}

/** Everything cgkill asks of the kernel. Every method that can fail throws `SysError`. */
export interface Sys {
  /** Why system calls go by Node's API instead of libc: no pidfds, and slower. `null`: they do not. */
  readonly fallback: string | null;
  /** Our own pid, as our own pid namespace numbers it. */
  readonly pid: Pid;
  /** Our effective user id. */
  readonly uid: number;
  /** CLOCK_MONOTONIC, in milliseconds. */
  now(): Millis;
  /** Wall clock, milliseconds since the epoch: for reports, never for decisions. */
  wallClock(): Millis;
  /** Give the event loop one turn, so that a signal that has arrived reaches its handler. */
  turn(): Promise<void>;

  /** @throws SysError ENOENT when the working directory has been removed */
  cwd(): string;
  /** Open a directory as a handle only (O_PATH): no permission but search is needed, and nothing is read. */
  openDir(dir: Dir, path: string): Fd;
  openFile(dir: Dir, name: string): Fd;
  close(fd: Fd): void;
  statusOf(fd: Fd): FileStatus;
  /** Does EXDEV keep us on the mount of a held directory? Not before Linux 5.6, nor without FFI. */
  isWalled(): boolean;
  /** The mount that an open file is on, as mountinfo numbers it. */
  mountIdOf(fd: Fd): number;
  /**
   * A copy of the mount that an open directory is on: the directory, without anything that is mounted below it.
   *
   * @throws SysError  EPERM: CAP_SYS_ADMIN is missing; EINVAL: a mount below is locked; ENOSYS
   */
  cloneMount(fd: Fd): Fd;
  /** The canonical path of an open directory, as /proc/self/fd shows it. */
  pathOf(fd: Fd): string;
  /** @throws SysError any errno but ENOENT and ENODEV */
  exists(dir: Dir, name: string): boolean;
  /**
   * May we write to this file? It is opened for writing, and nothing is written.
   *
   * @throws SysError any errno that does not say no (gone, denied, covered)
   */
  isWritable(dir: Dir, name: string): boolean;
  readFile(dir: Dir, name: string): string;
  /** Read a file of the kernel's that is one record, not a list: all of it comes in one read. */
  readRecord(dir: Dir, name: string): string;
  /** The same of an open file, again from its start. */
  rereadRecord(fd: Fd, shown: string): string;
  /** Write to a file that exists: opened O_WRONLY, never created, never truncated. */
  writeFile(dir: Dir, name: string, value: string): void;
  readSubdirs(dir: Dir): DirEntry[];
  readLink(dir: Dir, name: string): string;
  makeDir(dir: Dir, name: string): void;
  removeDir(dir: Dir, name: string): void;
  /**
   * Take an advisory lock on a directory without waiting; the result is released by `close`, `undefined` = somebody
   * holds it.
   *
   * @throws SysError ENOSYS where there is no flock(2) to be had
   */
  tryLock(dir: Dir): Fd | undefined;
  /** An extended attribute of a directory that is open for reading (as `tryLock` opens it); `undefined` if it has none. */
  readMark(fd: Fd, name: string): string | undefined;
  writeMark(fd: Fd, name: string, value: string): void;
  removeMark(fd: Fd, name: string): void;

  /** @returns `undefined` if there is no such process */
  pidfdOpen(pid: Pid): Pidfd | undefined;
  /**
   * The inode of the v2 cgroup that a process is in now; `undefined` where the kernel does not say (before 6.13).
   *
   * @throws SysError ESRCH: it is dead and reaped
   */
  cgroupOf(pidfd: Pidfd): bigint | undefined;
  pidfdSendSignal(pidfd: Pidfd, pid: Pid, signal: number): void;
  kill(pid: Pid, signal: number): void;
  /**
   * Wait for any of the descriptors; returns the ready ones, none on time-out or when a signal arrived. Where there is
   * no poll(2) to be had, any of them may be: look.
   */
  poll(fds: readonly PollFd[], timeoutMs: Millis): readonly Fd[];
  /** Raise the soft limit of open files to the hard one; returns the limit now in force. */
  raiseFileLimit(): number;
  /** Can so many more threads or processes be had at once, by every limit there is? */
  hasRoomFor(threads: number): boolean;
  /**
   * Go before every ordinary process, as far as we are permitted, or be one of them again. We start urgent; who waits
   * for a person must not stay so.
   */
  setUrgent(isUrgent: boolean): void;
  /**
   * Ignore the signals that end a process and that JavaScript cannot handle (STKFLT, 32 and 34 to 64), until disposed.
   * Hold it while anything is frozen or fenced. It costs 0.02 ms; holds may overlap. Without FFI it does nothing.
   */
  ignoreUndeliverable(): Disposable;
}

/** Standard input, output and error, without ever waiting for who is at their other end. */
export interface Streams {
  /** The size of the terminal that a descriptor is, 0 where it does not say; `undefined` where it is none. */
  terminalSize(fd: Fd): TerminalSize | undefined;
  kindOf(fd: Fd): FileKind;
  /** Open for writing once more what a descriptor of ours is, with a file status of its own: O_NONBLOCK. */
  openForWriting(fd: Fd): Fd;
  /** Read what there is, 0 at the end; @throws SysError EAGAIN where there is nothing yet */
  readSome(fd: Fd, into: Uint8Array): number;
  /** Write what is taken at once; @throws SysError EAGAIN where nothing is */
  writeSome(fd: Fd, bytes: Uint8Array): number;
}

/** What the runtime does not do for the signals that it handles. */
export interface SignalHandling {
  /**
   * Make a signal that JavaScript handles cut system calls short, instead of restarting them.
   *
   * @returns `false` without FFI: it cannot be done
   */
  makeInterrupting(signal: number): boolean;
}

/** The kernel, and what this process has of it: streams and signals. */
export type Host = Sys & Streams & SignalHandling;

/** Ctrl-Z and its like (TSTP, TTIN, TTOU), between `begin` and its end: noted, and obeyed once nothing is held. */
export interface Pause {
  /** Note requests until disposed. Outside of that they stop the process at once. */
  begin(): Disposable;
  /** Thaw, `stop`, and go on. Never after an interruption. */
  readonly isRequested: boolean;
  /**
   * Stop the process, if that is still requested, until SIGCONT.
   *
   * @returns how long it was stopped
   */
  stop(): Promise<Millis>;
}
