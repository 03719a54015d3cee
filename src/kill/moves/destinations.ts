// Where processes can be moved to, out of a cgroup: read-only; `step-aside.ts` and `frozen-ancestors.ts` do the moving.

import { ancestorPaths, readFreezing } from "../../cgroup/freeze-state.ts";
import { isWithin, readCgroupPath } from "../../cgroup/open/hierarchy.ts";
import { openInHierarchy } from "../../cgroup/open/open-path.ts";
import type { Cgroup } from "../../cgroup/types.ts";
import { isDenied, SysError } from "../../sys/errno.ts";
import type { Pid, Sys } from "../../sys/sys.ts";

const INIT: Pid = 1;

/**
 * Places outside a cgroup, best first: where the caller says, init.scope (v2), where PID 1 is, the ancestors of the
 * cgroup from the nearest up, the root. Never a place inside it, and never a frozen one: what joins it freezes in the
 * very write. Each is opened; the caller closes it, but for the one that it gave.
 */
export function* destinations(sys: Sys, from: Cgroup, given?: Cgroup): Generator<Cgroup> {
  const { hierarchy } = from;
  if (given !== undefined && isThawed(sys, given)) yield given;
  const paths = new Set<string>();
  if (hierarchy.version === "v2") paths.add("/init.scope");
  const init = placeOfInit(sys, from);
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

/** `undefined` where it is hidden from us. */
function placeOfInit(sys: Sys, { hierarchy }: Cgroup): string | undefined {
  try {
    return readCgroupPath(sys, hierarchy, INIT);
  } catch (error) {
    if (isDenied(error)) return undefined;
    throw error;
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
