// The plan for one cgroup: which method, and whether a guard refuses. Reads only.

import { hierarchyName } from "../../cgroup/open/hierarchy.ts";
import type { Pace } from "../../cgroup/subtree.ts";
import type { Cgroup } from "../../cgroup/types.ts";
import { hasKill } from "../../cgroup/v2.ts";
import type { Sys } from "../../sys/sys.ts";
import { MethodError } from "../errors.ts";
import type { KillMethod, KillOptions, KillPlan } from "../types.ts";
import { findRefusal } from "./guard.ts";
import { type GuardedReader, readGuardedNow } from "./guarded-processes.ts";
import { FOREIGN_PROC } from "./refusals.ts";
import { isThreadedCgroup } from "./threaded.ts";

/**
 * Decide how to kill a cgroup.
 *
 * @param readGuarded   shares snapshots between the targets of one call
 * @throws MethodError  the requested method is not available for this cgroup
 * @throws SysError     the cgroup or /proc could not be read
 */
export async function planKill(
  sys: Sys,
  cgroup: Cgroup,
  options: KillOptions,
  pace: Pace = {},
  readGuarded: GuardedReader = readGuardedNow,
): Promise<KillPlan> {
  const { guarded, ancestors, isProcForeign, at } = readGuarded(sys, cgroup.hierarchy, options);
  const threaded = isThreadedCgroup(sys, cgroup);
  return {
    cgroup,
    refusal: isProcForeign ? FOREIGN_PROC : await findRefusal(sys, cgroup, options, guarded, pace, threaded),
    method: chooseMethod(sys, cgroup, options.method, threaded),
    remove: options.remove ?? cgroup.hierarchy.version === "v1",
    options,
    checkedAt: at,
    ancestors,
    twin: null,
  };
}

/**
 * Choose the method by the presence of the kernel's files, never by the kernel's version.
 *
 * @param threaded      as `isThreadedCgroup` reads it, if the caller has done that
 * @throws MethodError  the requested method is not available for this cgroup
 */
export function chooseMethod(
  sys: Sys,
  cgroup: Cgroup,
  wanted: KillMethod | "auto",
  threaded: boolean = isThreadedCgroup(sys, cgroup),
): KillMethod {
  const { version, hasFreezer } = cgroup.hierarchy;
  if (version === "v2") {
    const canKill = !threaded && hasKill(sys, cgroup.dir);
    if (wanted === "kill" && !canKill) throw unavailable(cgroup, "kill", "it has no cgroup.kill, or is threaded");
    return wanted === "auto" ? (canKill ? "kill" : "freezer") : wanted;
  }
  if (wanted === "kill") throw unavailable(cgroup, "kill", "cgroup.kill exists in v2 only");
  if (wanted === "freezer" && !hasFreezer) throw unavailable(cgroup, "freezer", "this hierarchy has no freezer");
  return wanted === "auto" ? (hasFreezer ? "freezer" : "sweep") : wanted;
}

function unavailable(cgroup: Cgroup, method: KillMethod, why: string): MethodError {
  const where = hierarchyName(cgroup.hierarchy);
  return new MethodError(
    `${cgroup.path}: method ${method} is not available in hierarchy ${where}: ${why}`,
    "leave the choice to cgkill: --method auto",
  );
}
