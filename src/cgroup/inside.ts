// Whether a process is inside a cgroup: by /proc/PID/cgroup of each of its threads, or by the member lists if that
// cannot tell.

import { isDenied, readOr } from "../sys/errno.ts";
import { listThreads, type ProcessSummary, readSummary } from "../sys/proc.ts";
import type { Pid, Sys } from "../sys/sys.ts";
import { readMembers, readThreadGroup } from "./members.ts";
import { readCgroupPath } from "./open/hierarchy.ts";
import { presentPath } from "./open/open-path.ts";
import { isWithin, leavesNamespace, mayBeTruncated, PROC_PATH_BYTES } from "./open/path-names.ts";
import { isInnerDir } from "./subtree.ts";
import type { Cgroup, Hierarchy } from "./types.ts";

/**
 * Read the paths of the cgroups that the threads of a process are in.
 *
 * @param known  its summary, if that was read already
 * @returns `undefined` if /proc hides the process from us, which with hidepid=2 looks as if it were gone
 */
export function readPlaces(
  sys: Sys,
  hierarchy: Hierarchy,
  pid: Pid | "self",
  known?: ProcessSummary,
): readonly string[] | undefined {
  try {
    const place = readCgroupPath(sys, hierarchy, pid);
    if (place === undefined) return undefined;
    const isV2 = hierarchy.version === "v2";
    // The leader of this process runs this code.
    if (isV2 && pid === "self") return [place];
    const summary = known ?? readSummary(sys, pid);
    // On v2 threads are apart in a threaded cgroup, for which see kill/plan/threaded.ts, or if the leader has exited: it
    // stays where it was when the process is moved.
    const isLeaderGone = summary?.state === "Z";
    if (summary === undefined || summary.threads === 1 || (isV2 && !isLeaderGone)) return [place];
    const places = isLeaderGone ? [] : [place];
    for (const tid of listThreads(sys, pid)) {
      if (tid === pid) continue;
      const other = readCgroupPath(sys, hierarchy, tid);
      if (other !== undefined && !places.includes(other)) places.push(other);
    }
    return places;
  } catch (error) {
    if (isDenied(error)) return undefined;
    throw error;
  }
}

/**
 * The path that /proc/PID/cgroup shows for members of this cgroup.
 *
 * @returns `undefined` if the kernel would truncate it, or if it leads out of our cgroup namespace: then only the lists
 *          can tell which processes are inside
 */
export function comparablePath(sys: Sys, cgroup: Cgroup): string | undefined {
  const path = presentPathOrGiven(sys, cgroup);
  return path === undefined || mayBeTruncated(path) || leavesNamespace(path) ? undefined : path;
}

/**
 * The same, but `undefined` also where one read of the list is faster. On v1 each thread may be in another cgroup, so that
 * /proc has to be read for each; the list of a cgroup without children shows every process that has a thread inside.
 */
export function pathUnlessListed(sys: Sys, cgroup: Cgroup): string | undefined {
  const isListed = cgroup.hierarchy.version === "v1" && !isInnerDir(sys.statusOf(cgroup.fd));
  return isListed ? undefined : comparablePath(sys, cgroup);
}

/** A removed cgroup keeps the path that it had. */
function presentPathOrGiven(sys: Sys, cgroup: Cgroup): string | undefined {
  if (cgroup.hierarchy.version === "v2" && cgroup.path.length * 3 < PROC_PATH_BYTES) return cgroup.path;
  const path = readOr(cgroup.path, () => presentPath(sys, cgroup));
  return path?.endsWith(" (deleted)") === true ? cgroup.path : path;
}

/** Is any of these places in the cgroup of a path, or below it? */
export function isAnyWithin(places: readonly string[], path: string): boolean {
  for (const place of places) if (isWithin(place, path)) return true;
  return false;
}

/** Of the given processes, find those that have any thread inside. */
export async function findInside(sys: Sys, cgroup: Cgroup, pids: Iterable<Pid>): Promise<Pid[]> {
  const path = pathUnlessListed(sys, cgroup);
  let listed: ReadonlySet<Pid> | undefined;
  const inside: Pid[] = [];
  for (const pid of pids) {
    // /proc may belong to another pid namespace, where our pid is that of another process.
    const places = path === undefined ? undefined : readPlaces(sys, cgroup.hierarchy, pid === sys.pid ? "self" : pid);
    if (places === undefined) listed ??= (await readMembers(sys, cgroup, "procs", {})).pids;
    if (places === undefined ? isListed(sys, pid, listed) : isAnyWithin(places, path as string)) inside.push(pid);
  }
  return inside;
}

/** The lists have processes; the caller may have named a thread. */
const isListed = (sys: Sys, pid: Pid, listed: ReadonlySet<Pid> | undefined): boolean =>
  listed?.has(pid) === true || (pid !== sys.pid && listed?.has(readThreadGroup(sys, pid) ?? pid) === true);
