// Which v1 freezer cgroup keeps a process from dying: on v1, each of its threads may be in another one.

import { cgkillCommand, type Command } from "../advice.ts";
import { readFreezingAt } from "../cgroup/freeze-state.ts";
import { readCgroupPath } from "../cgroup/open/hierarchy.ts";
import type { Hierarchy } from "../cgroup/types.ts";
import { listThreads } from "../sys/proc.ts";
import type { Pid, Sys } from "../sys/sys.ts";

/** A process may have thousands of threads, and they may be in as many cgroups. */
const MAX_THREADS = 256;

/**
 * The directory of the freezer cgroup whose switch freezes a process or one of its threads; `null` if there is none.
 *
 * @param threads  how many threads it has
 */
export function readFrozenBy(sys: Sys, freezer: Hierarchy, pid: Pid, threads: number): string | null {
  const tids = threads > 1 ? [pid, ...listThreads(sys, pid).slice(0, MAX_THREADS)] : [pid];
  const seen = new Set<string | undefined>();
  for (const tid of tids) {
    const path = readCgroupPath(sys, freezer, tid);
    if (seen.has(path)) continue;
    seen.add(path);
    const { by } = readFreezingAt(sys, freezer, path);
    if (by !== null) return by.name;
  }
  return null;
}

/** What lets a process die that this cgroup keeps frozen. */
export const thawCommand = (frozenBy: string): Command => cgkillCommand(["thaw"], frozenBy);
