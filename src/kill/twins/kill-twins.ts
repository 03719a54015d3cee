// Plans and kills a target that may be twins. Most are not, so the code that only twins need is loaded on demand.

import { isRemoved, type Pace } from "../../cgroup/subtree.ts";
import type { Cgroup } from "../../cgroup/types.ts";
import type { Sys } from "../../sys/sys.ts";
import { executeKill } from "../execute.ts";
import { type GuardedReader, readGuardedNow } from "../plan/guarded-processes.ts";
import { planKill } from "../plan/plan.ts";
import type { KillControl, KillOptions, KillOutcome, KillPlan } from "../types.ts";
import type { Target } from "./open-twins.ts";

/**
 * Decide how to kill a target. If a guard refuses one of twins, it refuses both.
 *
 * @param optionsFor  called for each cgroup, since the cgroup of `--spare-to` is in one hierarchy only
 * @throws AmbiguousNameError  the twins are no longer one target
 * @throws MethodError, SysError  as `planKill`
 */
export async function planTarget(
  sys: Sys,
  { cgroup, twin, judgedAt }: Target,
  optionsFor: (cgroup: Cgroup) => KillOptions,
  pace: Pace = {},
  readGuarded: GuardedReader = readGuardedNow,
): Promise<KillPlan> {
  const planOne = (one: Cgroup, options: KillOptions = optionsFor(one)): Promise<KillPlan> =>
    planKill(sys, one, options, pace, readGuarded);
  if (twin === null || isRemoved(sys, twin)) return await planOne(cgroup);
  const planTwin = (): Promise<KillPlan> => {
    const options = optionsFor(twin);
    // v1 has no cgroup.kill.
    return planOne(twin, options.method === "kill" ? { ...options, method: "auto" } : options);
  };
  if (isRemoved(sys, cgroup)) return await planTwin();
  await (await import("./execute-twins.ts")).checkAgain(sys, [cgroup, twin], judgedAt, pace);
  // The twin removes the same path in the other v1 hierarchies: its own has then been emptied.
  const first = await planOne(cgroup, { ...optionsFor(cgroup), allHierarchies: false });
  const second = await planTwin();
  const refusal = first.refusal ?? second.refusal;
  return { ...first, refusal, twin: { ...second, refusal } };
}

/** Carry out a plan, and that of its twin if it has one. @returns an outcome, also for errors; only a bug throws */
export async function executeTarget(sys: Sys, plan: KillPlan, control: KillControl): Promise<KillOutcome> {
  const { twin } = plan;
  if (twin === null) return await executeKill(sys, plan, control);
  return await (await import("./execute-twins.ts")).executeTwins(sys, plan, twin, control);
}
