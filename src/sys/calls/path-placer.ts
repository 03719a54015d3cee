// Writes a path into memory for a system call. A path below an open directory becomes relative to its descriptor, which
// skips the look-up of /proc/self/fd.

import { encodeInto } from "../bytes.ts";
import { type Address, addressOf, fixedBytes } from "./libc.ts";

export const AT_FDCWD = -100;

/** More than PATH_MAX, so that the kernel rejects a path that is too long. */
const PATH_BYTES = 8192;
const HELD = "/proc/self/fd/";

export interface PathPlacer {
  /** The address of the current path, a C string. */
  readonly at: Address;
  /**
   * Write a path to `at`.
   *
   * @param isDir  an open directory itself becomes `.` relative to its descriptor
   * @returns the descriptor that the path is relative to
   */
  from(path: string, isDir?: boolean): number;
}

const FD_MAX = 0x7fffffff;

/** Parse the N of /proc/self/fd/N. A path from the command line may have anything there, such as `..` or `-100`. */
function fdNamed(name: string): number | undefined {
  const fd = Number(name);
  return Number.isInteger(fd) && fd >= 0 && fd <= FD_MAX && String(fd) === name ? fd : undefined;
}

export function pathPlacer(): PathPlacer {
  const bytes = fixedBytes(PATH_BYTES);
  const room = bytes.subarray(0, PATH_BYTES - 1);
  return {
    at: addressOf(bytes),
    from(path, isDir = false) {
      const isHeld = path.startsWith(HELD);
      const slash = isHeld ? path.indexOf("/", HELD.length) : -1;
      const end = isHeld && isDir && slash < 0 ? path.length : slash;
      const fd = end < 0 ? undefined : fdNamed(path.slice(HELD.length, end));
      // Relative to the descriptor, a second slash would make the path absolute.
      const isRelative = fd !== undefined && path[end + 1] !== "/";
      bytes[encodeInto(isRelative ? path.slice(end + 1) || "." : path, room)] = 0;
      return isRelative ? fd : AT_FDCWD;
    },
  };
}
