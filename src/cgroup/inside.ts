// Is a process inside a cgroup? By its own /proc/PID/cgroup, of every thread, where that can tell; else by the lists.

import { encodeText } from "../sys/bytes.ts";
import { isDenied, SysError } from "../sys/errno.ts";
import { listThreads, readStat } from "../sys/proc.ts";
import type { Pid, Sys } from "../sys/sys.ts";
import { readMembers } from "./members.ts";
import { isWithin, leavesNamespace, readCgroupPath } from "./open/hierarchy.ts";
import { presentPath } from "./open/open-path.ts";
import { PROC_PATH_BYTES } from "./open/path-names.ts";
import type { Pace } from "./subtree.ts";
import type { Cgroup, Hierarchy } from "./types.ts";

/** Where the threads of a process are; `undefined` where that is hidden from us, none where it is gone. */
export function readPlaces(sys: Sys, hierarchy: Hierarchy, pid: Pid | "self"): readonly string[] | undefined {
  try {
    const place = readCgroupPath(sys, hierarchy, pid);
    if (place === undefined) return [];
    // On v2 threads are apart only in a threaded cgroup, and there the guard against widening looks.
    if (hierarchy.version === "v2" || readStat(sys, pid)?.threads === 1) return [place];
    const others = listThreads(sys, pid).map((tid) => readCgroupPath(sys, hierarchy, tid));
    return [...new Set([place, ...others.filter((other) => other !== undefined)])];
  } catch (error) {
    if (isDenied(error)) return undefined;
    throw error;
  }
}

/**
 * Can a path of /proc/PID/cgroup be compared with that of this cgroup? Not if the kernel would cut it off there, nor if
 * it leads out of our cgroup namespace: then only the lists tell who is inside.
 *
 * @returns the path to compare with
 */
export function comparablePath(sys: Sys, cgroup: Cgroup): string | undefined {
  const path = presentPathOrGiven(sys, cgroup);
  const isCut = path === undefined || encodeText(path).length >= PROC_PATH_BYTES;
  return isCut || leavesNamespace(path) ? undefined : path;
}

/** A removed one keeps the path that it had. */
function presentPathOrGiven(sys: Sys, cgroup: Cgroup): string | undefined {
  if (cgroup.hierarchy.version === "v2" && cgroup.path.length * 3 < PROC_PATH_BYTES) return cgroup.path;
  try {
    const path = presentPath(sys, cgroup);
    return path?.endsWith(" (deleted)") === true ? cgroup.path : path;
  } catch (error) {
    if (error instanceof SysError) return cgroup.path;
    throw error;
  }
}

/** Which of some processes are inside, by any of their threads. Ourselves we ask for as "self". */
export async function findInside(sys: Sys, cgroup: Cgroup, pids: Iterable<Pid>, pace: Pace = {}): Promise<Pid[]> {
  const path = comparablePath(sys, cgroup);
  let listed: ReadonlySet<Pid> | undefined;
  const inside: Pid[] = [];
  for (const pid of pids) {
    // /proc may be that of another pid namespace, where our number is another's.
    const places = path === undefined ? undefined : readPlaces(sys, cgroup.hierarchy, pid === sys.pid ? "self" : pid);
    const isInside = places?.some((place) => isWithin(place, path as string));
    if (isInside === undefined) listed ??= (await readMembers(sys, cgroup, "procs", pace)).pids;
    if (isInside ?? listed?.has(pid) ?? false) inside.push(pid);
  }
  return inside;
}
