// From a cgroup and options to a plan: which method, and whether at all. Read-only.

import { hierarchyName } from "../../cgroup/open/hierarchy.ts";
import type { Pace } from "../../cgroup/subtree.ts";
import type { Cgroup } from "../../cgroup/types.ts";
import { hasKill } from "../../cgroup/v2.ts";
import type { Sys } from "../../sys/sys.ts";
import { MethodError } from "../errors.ts";
import type { KillMethod, KillOptions, KillPlan } from "../types.ts";
import { findRefusal } from "./guard.ts";
import { type GuardedReader, readGuardedNow } from "./guarded.ts";
import { isThreadedCgroup } from "./threaded.ts";

/**
 * Decide how to kill a cgroup.
 *
 * @param look         as the targets of one call share it
 * @throws MethodError  a method was asked for that this cgroup does not have
 * @throws SysError     the kernel did not let us look
 */
export async function planKill(
  sys: Sys,
  cgroup: Cgroup,
  options: KillOptions,
  pace: Pace = {},
  look: GuardedReader = readGuardedNow,
): Promise<KillPlan> {
  const { guarded, at } = look(sys, cgroup.hierarchy, options);
  const threaded = isThreadedCgroup(sys, cgroup);
  return {
    cgroup,
    refusal: await findRefusal(sys, cgroup, options, guarded, pace, threaded),
    method: chooseMethod(sys, cgroup, options.method, threaded),
    remove: options.remove ?? cgroup.hierarchy.version === "v1",
    options,
    checkedAt: at,
    twin: null,
  };
}

/**
 * By the presence of the kernel's files, never by its version.
 *
 * @param threaded  whether it is, if that is known
 * @throws MethodError  the one that is wanted is not there
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
    if (wanted === "kill" && !canKill) throw missing(cgroup, "kill", "it has no cgroup.kill, or is threaded");
    return wanted === "auto" ? (canKill ? "kill" : "freezer") : wanted;
  }
  if (wanted === "kill") throw missing(cgroup, "kill", "cgroup.kill is v2's");
  if (wanted === "freezer" && !hasFreezer) throw missing(cgroup, "freezer", "this hierarchy has no freezer");
  return wanted === "auto" ? (hasFreezer ? "freezer" : "sweep") : wanted;
}

function missing(cgroup: Cgroup, method: KillMethod, why: string): MethodError {
  const where = hierarchyName(cgroup.hierarchy);
  return new MethodError(
    `${cgroup.path}: method ${method} is not available in hierarchy ${where}: ${why}`,
    "leave the choice to cgkill: --method auto",
  );
}
