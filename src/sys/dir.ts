// Names a directory for the kernel: an open one, which a rename does not change, or an absolute path.

/** Instead of an open directory: the path starts at the root. @see openat(2) */
export const AT_FDCWD = -100;

/**
 * A directory: an open one (`fd`), which stays the same directory if it is renamed, and a `path` below it, "" for itself;
 * or AT_FDCWD and an absolute path. `shown` is the path for messages. A byte that is not UTF-8 is `\udcXX`.
 *
 * A path that starts in an open directory never leaves the mount of that directory: the call fails with EXDEV instead,
 * so that something mounted over a cgroup, or over one of its files, is never mistaken for it. `isWalled` tells whether
 * the kernel supports this.
 */
export interface Dir {
  readonly fd: number;
  readonly path: string;
  readonly shown: string;
}

/** A directory by its absolute path. */
export const dirAt = (path: string): Dir => ({ fd: AT_FDCWD, path, shown: path });

export const ROOT: Dir = dirAt("");
export const PROC: Dir = dirAt("/proc");

/** A directory that is open as `fd`. */
export const dirOf = (fd: number, shown: string): Dir => ({ fd, path: "", shown });

/** The path of something in a directory, from where the path of the directory starts. */
export const pathIn = ({ fd, path }: Dir, name: string): string =>
  path === "" && (fd !== AT_FDCWD || name.startsWith("/")) ? name : `${path}/${name}`;

/** Whether a path is absolute without an open directory, and relative with one. */
export const startsRight = ({ fd }: Dir, path: string): boolean => path.startsWith("/") === (fd === AT_FDCWD);

/** A directory below another one, not opened itself. Below a cgroup only where `isWalled`: else it may cross a mount. */
export const dirIn = (parent: Dir, name: string): Dir => ({
  fd: parent.fd,
  path: pathIn(parent, name),
  shown: `${parent.shown}/${name}`,
});
