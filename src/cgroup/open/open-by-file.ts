// Opens the cgroup that a path in the file system leads to, on the cgroup mount itself, also through symbolic links.

import { ROOT } from "../../sys/dir.ts";
import { isGone, readOr, SysError } from "../../sys/errno.ts";
import { closing, type Fd, type Sys } from "../../sys/sys.ts";
import { RefusedNameError } from "../errors.ts";
import type { Cgroup, Hierarchy } from "../types.ts";
import { coveredError, fileError, missingError } from "./open-errors.ts";
import { findMountAbove, lookUpBelow, mountIdOf } from "./open-path.ts";
import { below, hasDotDot, mountsNamedBy, type NamedMount } from "./path-names.ts";

/** Open a directory by its path in the file system; `undefined` if there is none. */
export function tryOpen(sys: Sys, path: string): Fd | undefined {
  return readOr(undefined, () => sys.openDir(ROOT, path), isNoSuch);
}

/** EBADF: a path in /proc/self/fd that is not one of our descriptors. */
const NO_SUCH: ReadonlySet<string> = new Set(["ENOTDIR", "ENAMETOOLONG", "EBADF"]);
const isNoSuch = (error: unknown): boolean => isGone(error) || (error instanceof SysError && NO_SUCH.has(error.errno));

/** Open a cgroup by its path in the file system; `undefined` if the path does not lead into a cgroup mount. */
export function openByFile(sys: Sys, hierarchies: readonly Hierarchy[], path: string): Cgroup | undefined {
  const direct = mountsNamedBy(hierarchies, path);
  return direct.length > 0 ? openOnMount(sys, direct, path, path) : openByLink(sys, hierarchies, path);
}

/** Open a cgroup by a path with symbolic links, such as /sys/fs/cgroup/cpu. */
function openByLink(sys: Sys, hierarchies: readonly Hierarchy[], path: string): Cgroup | undefined {
  const fd = tryOpen(sys, path);
  if (fd === undefined) return undefined;
  using _ = closing(sys, fd);
  const real = sys.pathOf(fd);
  const named = mountsNamedBy(hierarchies, real);
  // Regression: through /proc/PID/root a path leads into the mounts of another namespace, where ours has another cgroup.
  const id = mountIdOf(sys, fd);
  if (named.length > 0 && !named.some(({ mount }) => mount.id === id)) {
    throw new RefusedNameError(
      "not-where-named",
      `${path} leads to ${real} on another mount than the cgroup mount there`,
      "name the cgroup by its path from the root of the hierarchy",
    );
  }
  return openOnMount(sys, named, path, real);
}

/**
 * Open a cgroup on the first of several mounts with the same mount point that shows it.
 *
 * @param path  as it was given
 * @param real  the same without symbolic links
 */
function openOnMount(sys: Sys, named: readonly NamedMount[], path: string, real: string): Cgroup | undefined {
  let point: string | undefined;
  for (const { hierarchy, mount } of named) {
    const rest = below(real, mount.point);
    const found = lookUpBelow(sys, hierarchy, mount, rest);
    if (found.is === "open") return found.cgroup;
    if (found.is === "missing") throw missingError(path, findMountAbove(mount, real));
    if (found.is === "file") throw fileError(path);
    if (found.is === "covered") point = hasDotDot(rest) ? mount.point : found.point;
    if (point !== mount.point) break;
  }
  if (point === undefined) return undefined;
  if (!hasDotDot(path)) throw coveredError(path, point);
  throw new RefusedNameError(
    "leaves-mount",
    `${path} leads out of the cgroup mount ${point}`,
    "name the directory itself, without .. and symbolic links",
  );
}
