// Where processes can be moved to, out of a cgroup: read-only; `spare.ts` and `corpses.ts` do the moving.

import { ancestorPaths, readFreezing } from "../cgroup/freezing.ts";
import { isWithin, readCgroupPath } from "../cgroup/hierarchy.ts";
import { openInHierarchy } from "../cgroup/path.ts";
import type { Cgroup } from "../cgroup/types.ts";
import { SysError } from "../sys/errno.ts";
import type { Pid, Sys } from "../sys/sys.ts";

const INIT: Pid = 1;

/**
 * Places outside a cgroup, best first: where the caller says, init.scope (v2), where PID 1 is, the ancestors of the
 * cgroup from the nearest up, the root. Never a place inside it, and never a frozen one: who joins it freezes in the
 * very write. Each is opened; whoever takes one closes it, but for the one that the caller gave.
 */
export function* destinations(sys: Sys, from: Cgroup, given?: Cgroup): Generator<Cgroup> {
  const { hierarchy } = from;
  if (given !== undefined && isThawed(sys, given)) yield given;
  const paths = new Set<string>();
  if (hierarchy.version === "v2") paths.add("/init.scope");
  const init = readCgroupPath(sys, hierarchy, INIT);
  if (init !== undefined) paths.add(init);
  if (hierarchy.version === "v2") for (const path of ancestorPaths(from.path)) paths.add(path);
  paths.add("/");
  for (const path of paths) {
    if (isWithin(path, from.path)) continue;
    const destination = openInHierarchy(sys, hierarchy, path);
    if (destination === undefined) continue;
    if (isThawed(sys, destination)) yield destination;
    else sys.close(destination.fd);
  }
}

/** One whose state cannot be read is no place to go to. */
function isThawed(sys: Sys, cgroup: Cgroup): boolean {
  try {
    return readFreezing(sys, cgroup).state === "thawed";
  } catch (error) {
    if (error instanceof SysError) return false;
    throw error;
  }
}

/** Is there a place that we may write to? Opening for writing is all that is done. */
export function hasDestination(sys: Sys, from: Cgroup): boolean {
  for (const { dir, fd } of destinations(sys, from)) {
    const canWrite = sys.isWritable(dir, "cgroup.procs");
    sys.close(fd);
    if (canWrite) return true;
  }
  return false;
}
