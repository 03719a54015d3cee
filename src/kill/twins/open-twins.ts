// Twins: two cgroups of the same path, one in v2 and one in the v1 freezer, as container runtimes create them on hybrid
// hosts. Both are one target unless a live process is in only one of them. Reads only.

import { openCgroups, type OpenOptions } from "../../cgroup/open/open.ts";
import type { Pace } from "../../cgroup/subtree.ts";
import type { Cgroup, Hierarchy } from "../../cgroup/types.ts";
import type { Millis, Sys } from "../../sys/sys.ts";
import type { Pair } from "./judge-twins.ts";

/** A cgroup that a command acts on, with its twin if it has one. */
export interface Target {
  readonly cgroup: Cgroup;
  /** The same path in the v1 freezer, if both are one target; `cgroup` is then the one in v2. */
  readonly twin: Cgroup | null;
  /** When the two were found to be one target, on the clock of `Sys.now`; 0 without a twin. */
  readonly judgedAt: Millis;
}

export const singleTarget = (cgroup: Cgroup): Target => ({ cgroup, twin: null, judgedAt: 0 });

export const cgroupsOf = ({ cgroup, twin }: Target): readonly Cgroup[] => (twin === null ? [cgroup] : [cgroup, twin]);

export function closeTarget(sys: Sys, target: Target): void {
  for (const { fd } of cgroupsOf(target)) sys.close(fd);
}

/**
 * Open a target by its name, with its twin if it has one.
 *
 * @throws AmbiguousNameError  there are two targets of that name; and everything that `openCgroups` throws
 */
export async function openTarget(
  sys: Sys,
  hierarchies: readonly Hierarchy[],
  name: string,
  options: OpenOptions = {},
  pace: Pace = {},
): Promise<Target> {
  const [cgroup, freezer] = openCgroups(sys, hierarchies, name, options);
  return freezer === undefined ? singleTarget(cgroup) : await pairTwins(sys, [cgroup, freezer], pace);
}

/**
 * Make a target of two cgroups of the same path, and close the one that it does not need; on an error, close both.
 *
 * @throws AmbiguousNameError  a process is in only one of them, or that cannot be determined
 */
export async function pairTwins(sys: Sys, pair: Pair, pace: Pace): Promise<Target> {
  const [v2, freezer] = pair;
  const kept = new Set<Cgroup>();
  try {
    const { judgeTwins } = await import("./judge-twins.ts");
    const verdict = await judgeTwins(sys, pair, pace);
    if (verdict !== "freezer") kept.add(v2);
    if (verdict !== "v2") kept.add(freezer);
    if (verdict === "twins") return { cgroup: v2, twin: freezer, judgedAt: sys.now() };
    return singleTarget(verdict === "v2" ? v2 : freezer);
  } finally {
    for (const cgroup of pair) if (!kept.has(cgroup)) sys.close(cgroup.fd);
  }
}
