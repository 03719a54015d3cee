// A cgroup below another one, made for `cgkill run` or for the warm-up of a standby.

import { readCgroupPath } from "../cgroup/open/hierarchy.ts";
import { openChildOf, openInHierarchy } from "../cgroup/open/open-path.ts";
import type { Cgroup, Hierarchy } from "../cgroup/types.ts";
import { readOr } from "../sys/errno.ts";
import type { Sys } from "../sys/sys.ts";

/** Open the cgroup of this process: `path` is `undefined` if it is unknown, `cgroup` if it is not visible here. */
export function openOwnCgroup(
  sys: Sys,
  hierarchy: Hierarchy,
): { readonly path: string | undefined; readonly cgroup: Cgroup | undefined } {
  const path = readCgroupPath(sys, hierarchy, "self");
  return { path, cgroup: path === undefined ? undefined : openInHierarchy(sys, hierarchy, path) };
}

/**
 * Make a cgroup and open it. If it cannot be opened, it is removed again.
 *
 * @returns `undefined` if another file system is mounted over the new directory
 * @throws SysError  mkdir(2) or the open failed
 */
export function makeChild(sys: Sys, parent: Cgroup, name: string): Cgroup | undefined {
  sys.makeDir(parent.dir, name);
  let cgroup: Cgroup | undefined;
  try {
    cgroup = openChildOf(sys, parent, name);
    return cgroup;
  } finally {
    // Its failure would hide that of the open.
    if (cgroup === undefined) readOr(undefined, () => sys.removeDir(parent.dir, name));
  }
}
