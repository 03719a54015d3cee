// The errors of system calls: the operation, its object, the value, and the name of the errno. What an errno means for
// a kill is decided where the call is made.

const ERRNOS: ReadonlyArray<readonly [number, string, string]> = [
  [1, "EPERM", "operation not permitted"],
  [2, "ENOENT", "no such file or directory"],
  [3, "ESRCH", "no such process"],
  [4, "EINTR", "interrupted system call"],
  [5, "EIO", "input/output error"],
  [6, "ENXIO", "no such device or address"],
  [7, "E2BIG", "argument list too long"],
  [8, "ENOEXEC", "exec format error"],
  [9, "EBADF", "bad file descriptor"],
  [11, "EAGAIN", "resource temporarily unavailable"],
  [12, "ENOMEM", "out of memory"],
  [13, "EACCES", "permission denied"],
  [16, "EBUSY", "device or resource busy"],
  [17, "EEXIST", "file exists"],
  [18, "EXDEV", "something else is mounted there"],
  [19, "ENODEV", "no such device"],
  [20, "ENOTDIR", "not a directory"],
  [21, "EISDIR", "is a directory"],
  [22, "EINVAL", "invalid argument"],
  [23, "ENFILE", "too many open files in system"],
  [24, "EMFILE", "too many open files"],
  [26, "ETXTBSY", "text file busy"],
  [27, "EFBIG", "file too large"],
  [28, "ENOSPC", "no space left on device"],
  [29, "ESPIPE", "illegal seek"],
  [30, "EROFS", "read-only file system"],
  [32, "EPIPE", "broken pipe"],
  [34, "ERANGE", "numerical result out of range"],
  [36, "ENAMETOOLONG", "file name too long"],
  [38, "ENOSYS", "function not implemented"],
  [39, "ENOTEMPTY", "directory not empty"],
  [40, "ELOOP", "too many levels of symbolic links"],
  [61, "ENODATA", "no such attribute"],
  [95, "EOPNOTSUPP", "operation not supported"],
  [104, "ECONNRESET", "connection reset by peer"],
  [107, "ENOTCONN", "not connected"],
  [110, "ETIMEDOUT", "connection timed out"],
  [116, "ESTALE", "stale file handle"],
  [122, "EDQUOT", "disk quota exceeded"],
];

export type ErrnoName = string;

/** The name of an errno; `E<number>` if it is not in the table. */
export function errnoName(errno: number): ErrnoName {
  for (const known of ERRNOS) if (known[0] === errno) return known[1];
  return `E${errno}`;
}

/** A loop, because thousands of missing names each cause an error per hierarchy. */
function describe(errno: ErrnoName): string {
  for (const known of ERRNOS) if (known[1] === errno) return `${known[2]} (${errno})`;
  return errno;
}

/** A system call failed. `object` is a path, `pid N` or `descriptor N`; `value` is what was to be written or sent. */
export class SysError extends Error {
  override readonly name = "SysError";
  readonly operation: string;
  readonly object: string;
  readonly errno: ErrnoName;

  constructor(operation: string, object: string, errno: ErrnoName, value?: string) {
    const wrote = value === undefined ? "" : ` "${value}"`;
    const to = value === undefined || object === "" ? " " : " to ";
    super(`${operation}${wrote}${to}${object}: ${describe(errno)}`);
    this.operation = operation;
    this.object = object;
    this.errno = errno;
  }

  /** What went wrong, without the operation and its object: `no such file or directory (ENOENT)`. */
  get detail(): string {
    return describe(this.errno);
  }

  /** The path of the file; `null` if the object is not a file. */
  get path(): string | null {
    return this.object.startsWith("/") ? this.object : null;
  }
}

/** @param result  -errno */
export function failed(operation: string, object: string, result: number, value?: string): SysError {
  return new SysError(operation, object, errnoName(-result), value);
}

/** @returns the result of a system call @throws SysError  it is -errno */
export function orThrow<T>(result: T | number, operation: string, object: string, value?: string): T {
  if (typeof result === "number" && result < 0) throw failed(operation, object, result, value);
  return result as T;
}

function is(error: unknown, ...names: ErrnoName[]): boolean {
  return error instanceof SysError && names.includes(error.errno);
}

/** The object is gone: a removed cgroup (ENOENT, ENODEV on an open file) or a dead process (ESRCH). */
export function isGone(error: unknown): boolean {
  return is(error, "ENOENT", "ENODEV", "ESRCH");
}

/** The kernel has no such file or system call. Not a permission error, which is never a reason to fall back. */
export function isUnsupported(error: unknown): boolean {
  return is(error, "ENOENT", "EOPNOTSUPP", "ENOSYS");
}

/** The object is gone, or the kernel has no such object. */
export const isAbsent = (error: unknown): boolean => isGone(error) || isUnsupported(error);

/** By the kernel, or by a process that holds a lease on the file. */
export function isDenied(error: unknown): boolean {
  return is(error, "EACCES", "EPERM", "EROFS") || isLeased(error);
}

/** A process holds a lease on the file: an open would wait until it is released, at most /proc/sys/fs/lease-break-time. */
export const isLeased = (error: unknown): boolean =>
  is(error, "EAGAIN") && ["open", "read"].includes((error as SysError).operation);

export function isBusy(error: unknown): boolean {
  return is(error, "EBUSY", "ENOTEMPTY");
}

export function isFileLimit(error: unknown): boolean {
  return is(error, "EMFILE", "ENFILE");
}

/** The first line of the message of any error. */
export function firstLineOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split("\n", 1)[0] ?? "";
}

const isSysError = (error: unknown): boolean => error instanceof SysError;

/**
 * Read something whose absence is not an error.
 *
 * @param isExpected  which errors mean that it is absent; by default every `SysError`, whatever its errno
 * @returns what `read` returns; `fallback` after an expected error
 */
export function readOr<T, F>(fallback: F, read: () => T, isExpected: (error: unknown) => boolean = isSysError): T | F {
  try {
    return read();
  } catch (error) {
    if (isExpected(error)) return fallback;
    throw error;
  }
}

/** Do something that may fail. @returns the error if it did */
export function tryTo(work: () => void): SysError | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (error instanceof SysError) return error;
    throw error;
  }
}

/** @returns what `read` returns; `undefined` if that is denied, as for processes that /proc hides (hidepid) */
export const ifPermitted = <T>(read: () => T): T | undefined => readOr(undefined, read, isDenied);
