// Cgroups that processes can be moved to, out of a target. Reads only: `step-aside.ts` and `frozen-ancestors.ts` move.

import { readFreezing } from "../../cgroup/freeze-state.ts";
import { readCgroupPath } from "../../cgroup/open/hierarchy.ts";
import { openInHierarchy } from "../../cgroup/open/open-path.ts";
import { ancestorPaths, isWithin } from "../../cgroup/open/path-names.ts";
import type { Cgroup, Hierarchy } from "../../cgroup/types.ts";
import { INIT } from "../../sys/checks.ts";
import { ifPermitted, readOr } from "../../sys/errno.ts";
import type { Pid, Sys } from "../../sys/sys.ts";

/**
 * Open the cgroups outside of `from` that may accept a process, best first: `preferred`, init.scope (v2), the cgroup of
 * PID 1, the ancestors of `from` (v2, nearest first), the root. None is inside `from`, and none is frozen, since a process
 * freezes as soon as it joins a frozen cgroup. Each is closed when the next is asked for, except `preferred`.
 *
 * @param onSkipped  called with the reason if `preferred` is not tried
 */
export function* destinations(
  sys: Sys,
  from: Cgroup,
  preferred?: Cgroup,
  onSkipped?: (reason: string) => void,
): Generator<Cgroup> {
  const { hierarchy } = from;
  if (preferred !== undefined) {
    const obstacle = isWithin(preferred.path, from.path) ? "it is inside the target" : findObstacle(sys, preferred);
    if (obstacle === undefined) yield preferred;
    else onSkipped?.(`${preferred.name}: ${obstacle}`);
  }
  const paths = new Set<string>();
  if (hierarchy.version === "v2") paths.add("/init.scope");
  const init = readPathIfShown(sys, hierarchy, INIT);
  if (init !== undefined) paths.add(init);
  if (hierarchy.version === "v2") for (const path of ancestorPaths(from.path)) paths.add(path);
  paths.add("/");
  for (const path of paths) {
    if (isWithin(path, from.path)) continue;
    using destination = openInHierarchy(sys, hierarchy, path);
    if (destination !== undefined && findObstacle(sys, destination) === undefined) yield destination;
  }
}

/** The cgroup of a process; `undefined` if the process is gone, or /proc hides it. */
export const readPathIfShown = (sys: Sys, hierarchy: Hierarchy, pid: Pid | "self"): string | undefined =>
  ifPermitted(() => readCgroupPath(sys, hierarchy, pid));

/** Why no process may be moved there; `undefined` if it is thawed. */
function findObstacle(sys: Sys, cgroup: Cgroup): string | undefined {
  const state = readOr(undefined, () => readFreezing(sys, cgroup).state);
  if (state === undefined) return "its state cannot be read";
  return state === "thawed" ? undefined : `it is ${state}`;
}

/**
 * Whether there is a destination that we may write to. Its cgroup.procs is opened for writing, but nothing is written.
 */
export function hasDestination(sys: Sys, from: Cgroup): boolean {
  for (const { dir } of destinations(sys, from)) if (sys.isWritable(dir, "cgroup.procs")) return true;
  return false;
}
