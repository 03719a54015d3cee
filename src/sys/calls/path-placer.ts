// Places a path in memory for a system call. A path below a directory that is held open starts from that descriptor:
// the same place, by a shorter way.

import { encodeInto } from "../bytes.ts";
import { type Address, addressOf, fixedBytes } from "./libc.ts";

export const AT_FDCWD = -100;

/** More than the kernel takes: it is the kernel that says of a path that it is too long. */
const PATH_BYTES = 8192;
const HELD = "/proc/self/fd/";

export interface PathPlacer {
  /** The address of the path placed last, as a C string. */
  readonly at: Address;
  /**
   * Place a path; @returns the descriptor of the directory it starts from
   *
   * @param isDir  a held directory itself is then `.` as seen from it, with no way through /proc
   */
  from(path: string, isDir?: boolean): number;
}

const FD_MAX = 0x7fffffff;

/** As /proc names a descriptor: a path that somebody gave may have anything there, as `..`, `-100` or nothing. */
function fdNamed(name: string): number | undefined {
  const fd = Number(name);
  return Number.isInteger(fd) && fd >= 0 && fd <= FD_MAX && String(fd) === name ? fd : undefined;
}

/** What starts in a directory that we hold open starts from its descriptor: the same place, by a shorter way. */
export function pathPlacer(): PathPlacer {
  const bytes = fixedBytes(PATH_BYTES);
  const room = bytes.subarray(0, PATH_BYTES - 1);
  let held = `${HELD}0/`;
  let fd = 0;
  const place = (path: string): void => {
    bytes[encodeInto(path, room)] = 0;
  };
  return {
    at: addressOf(bytes),
    from(path, isDir = false) {
      // One directory after the other: mostly it is the same as last time.
      if (!path.startsWith(held)) {
        const slash = path.startsWith(HELD) ? path.indexOf("/", HELD.length) : -1;
        if (isDir && slash < 0 && path.startsWith(HELD)) {
          const whole = fdNamed(path.slice(HELD.length));
          if (whole !== undefined) {
            place(".");
            return whole;
          }
        }
        const named = slash < 0 ? undefined : fdNamed(path.slice(HELD.length, slash));
        if (named === undefined) {
          place(path);
          return AT_FDCWD;
        }
        held = path.slice(0, slash + 1);
        fd = named;
      }
      // A second slash would be the root's, and nothing at all is no path.
      const isWhole = path.length === held.length || path[held.length] === "/";
      place(isWhole ? path : path.slice(held.length));
      return isWhole ? AT_FDCWD : fd;
    },
  };
}
