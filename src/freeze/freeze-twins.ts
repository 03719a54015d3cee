// Freezing and thawing a target that may be twins. What freezes one cgroup is not here.

import { readOwnSwitch } from "../cgroup/freeze-state.ts";
import type { KillControl, KillPlan } from "../kill/types.ts";
import type { SysError } from "../sys/errno.ts";
import type { Sys } from "../sys/sys.ts";
import type { FreezeOutcome } from "./freeze-outcome.ts";
import { executeFreeze, executeThaw, undoFreeze } from "./freeze-thaw.ts";

/**
 * Freeze a target: v2 first, since a process that the v1 freezer holds does not get to where v2 counts it as frozen. If
 * one of twins does not freeze, neither stays frozen that was not found so.
 */
export async function freezeTarget(sys: Sys, plan: KillPlan, control: KillControl): Promise<FreezeOutcome> {
  const { cgroup, twin } = plan;
  if (twin === null) return await executeFreeze(sys, plan, control);
  const wasFrozen = readOwnSwitch(sys, cgroup);
  const one = await executeFreeze(sys, plan, control);
  if (one.outcome !== "frozen") return merged([one], one, plan, twin);
  const other = await executeFreeze(sys, twin, control);
  if (other.outcome === "frozen") return merged([one, other], one, plan, twin);
  const failure = wasFrozen ? null : undoFreeze(sys, cgroup);
  const done = merged([one, other], other, plan, twin);
  return failure === null ? done : { ...done, leftFrozen: [...done.leftFrozen, cgroup.name] };
}

/** Thaw a target; one of twins that cannot be thawed keeps the other from nothing. */
export async function thawTarget(sys: Sys, plan: KillPlan, control: KillControl): Promise<FreezeOutcome> {
  const { twin } = plan;
  if (twin === null) return await executeThaw(sys, plan, control);
  const other = await executeThaw(sys, twin, control);
  const one = await executeThaw(sys, plan, control);
  return merged([other, one], one.outcome === "thawed" ? other : one, plan, twin);
}

/**
 * Take a freeze back that was ours, of all that a target is.
 *
 * @returns why it could not be
 */
export function undoFreezes(sys: Sys, { cgroup, twin }: KillPlan): SysError | null {
  const other = twin === null ? null : undoFreeze(sys, twin.cgroup);
  return undoFreeze(sys, cgroup) ?? other;
}

/** @param telling  the one whose outcome is that of both */
function merged(
  outcomes: readonly FreezeOutcome[],
  telling: FreezeOutcome,
  { cgroup }: KillPlan,
  twin: KillPlan,
): FreezeOutcome {
  const spared = new Map(outcomes.flatMap((one) => one.spared.map((each) => [`${each.pid} ${each.cgroup}`, each])));
  return {
    ...telling,
    cgroup: cgroup.path,
    path: cgroup.name,
    hierarchy: "v2",
    spared: [...spared.values()],
    leftFrozen: [...new Set(outcomes.flatMap(({ leftFrozen }) => leftFrozen))],
    startedAt: outcomes[0]?.startedAt ?? telling.startedAt,
    durationMs: outcomes.reduce((total, { durationMs }) => total + durationMs, 0),
    twin: { path: twin.cgroup.name, method: null, removed: null },
  };
}
