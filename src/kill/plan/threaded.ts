// Threaded cgroups (v2) may contain some threads of a process and not others. SIGKILL ends all of them, so killing such a
// cgroup is refused if that would reach beyond it. Reads only.

import { readThreadGroup, readThreads } from "../../cgroup/members.ts";
import { readCgroupPath } from "../../cgroup/open/hierarchy.ts";
import { openAncestors } from "../../cgroup/open/open-path.ts";
import { isWithin } from "../../cgroup/open/path-names.ts";
import { type Pace, walkSubtree } from "../../cgroup/subtree.ts";
import type { Cgroup, Visit } from "../../cgroup/types.ts";
import * as v2 from "../../cgroup/v2.ts";
import type { Dir } from "../../sys/dir.ts";
import { ifPermitted, isAbsent, readOr } from "../../sys/errno.ts";
import { listThreads } from "../../sys/proc.ts";
import type { Pid, Sys } from "../../sys/sys.ts";

const isThreaded = (sys: Sys, dir: Dir): boolean => readOr(false, () => v2.readType(sys, dir) === "threaded", isAbsent);

/** Is it a threaded cgroup? v1 has none. */
export const isThreadedCgroup = (sys: Sys, { hierarchy, dir }: Pick<Cgroup, "hierarchy" | "dir">): boolean =>
  hierarchy.version === "v2" && isThreaded(sys, dir);

/** Find a process with threads both in the subtree and outside it; `undefined` if there is none, or /proc hides it. */
export async function findSplitProcess(sys: Sys, cgroup: Cgroup, path: string, pace: Pace): Promise<Pid | undefined> {
  const pids = new Set<Pid>();
  const enter = ({ dir }: Visit): void => {
    for (const tid of readThreads(sys, dir)) {
      const pid = tid === 0 ? undefined : readThreadGroup(sys, tid);
      if (pid !== undefined) pids.add(pid);
    }
  };
  await walkSubtree(sys, cgroup, { enter }, pace);
  return [...pids].find((pid) => hasThreadOutside(sys, cgroup, pid, path));
}

function hasThreadOutside(sys: Sys, { hierarchy }: Cgroup, pid: Pid, path: string): boolean {
  const isOutside = (tid: Pid): boolean => {
    const place = readCgroupPath(sys, hierarchy, tid);
    return place !== undefined && !isWithin(place, path);
  };
  return ifPermitted(() => listThreads(sys, pid).some(isOutside)) ?? false;
}

/** The directory of the nearest ancestor that is not threaded: it contains all threads of its processes. */
export function domainOf(sys: Sys, cgroup: Cgroup): string {
  let name = cgroup.name;
  for (const ancestor of openAncestors(sys, cgroup)) {
    name = ancestor.name;
    if (!isThreaded(sys, ancestor.dir)) break;
  }
  return name;
}
