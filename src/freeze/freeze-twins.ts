// Freezing and thawing a target that may be twins. One cgroup is frozen and thawed in `freeze-thaw.ts`.

import { turnSwitch } from "../cgroup/freezer-switch.ts";
import type { Cgroup } from "../cgroup/types.ts";
import { mergeSpared } from "../kill/twins/merge-outcomes.ts";
import type { KillControl, KillPlan } from "../kill/types.ts";
import type { SysError } from "../sys/errno.ts";
import type { Millis, Sys } from "../sys/sys.ts";
import { type BeforeFreeze, executeFreeze, executeThaw, type FreezeOutcome } from "./freeze-thaw.ts";

/**
 * Freeze a target. Of twins, v2 comes first: a process that the v1 freezer has frozen never reaches the point at which v2
 * counts it as frozen. If one of twins does not freeze, the other is thawed again, unless it was frozen before.
 */
export async function freezeTarget(
  sys: Sys,
  plan: KillPlan,
  control: KillControl,
  beforeFreeze?: BeforeFreeze,
): Promise<FreezeOutcome> {
  const { cgroup, twin } = plan;
  if (twin === null) return await executeFreeze(sys, plan, control, beforeFreeze);
  // Those that were found thawed, each read under its lock.
  const ours = new Set<Cgroup>();
  const noteOurs: BeforeFreeze = async (each) => {
    ours.add(each);
    await beforeFreeze?.(each);
  };
  let one = await executeFreeze(sys, plan, control, noteOurs);
  if (one.outcome !== "frozen") return merged([one], one, plan, twin);
  // A stop request that comes while the second one freezes: that freeze is undone there, and the first one here.
  const stop = async (): Promise<Millis> => {
    const start = sys.now();
    if (ours.has(cgroup)) turnSwitch(sys, cgroup, false);
    await control.pause?.stop();
    const deadline = control.deadline + sys.now() - start;
    one = await executeFreeze(sys, plan, { ...control, deadline });
    return sys.now() - start;
  };
  const pause = {
    get isRequested() {
      return control.pause?.isRequested === true;
    },
    stop,
  };
  const other = await executeFreeze(sys, twin, { ...control, pause }, noteOurs);
  const isTwinFrozen = other.outcome === "frozen";
  if (one.outcome === "frozen" && isTwinFrozen) return merged([one, other], one, plan, twin);
  const undone = isTwinFrozen ? [cgroup, twin.cgroup] : [cgroup];
  const left = undone
    .filter((each) => ours.has(each))
    .filter((each) => turnSwitch(sys, each, false) !== null)
    .map(({ name }) => name);
  const done = merged([one, other], one.outcome === "frozen" ? other : one, plan, twin);
  return { ...done, leftFrozen: [...new Set([...done.leftFrozen, ...left])] };
}

/** Thaw a target. If one of twins cannot be thawed, the other is thawed all the same. */
export async function thawTarget(sys: Sys, plan: KillPlan, control: KillControl): Promise<FreezeOutcome> {
  const { twin } = plan;
  if (twin === null) return await executeThaw(sys, plan, control);
  const other = await executeThaw(sys, twin, control);
  const one = await executeThaw(sys, plan, control);
  return merged([other, one], one.outcome === "thawed" ? other : one, plan, twin);
}

/**
 * Undo our freezes, the last one first.
 *
 * @returns the error if one could not be thawed
 */
export function undoFreezes(sys: Sys, ours: ReadonlySet<Cgroup>): SysError | null {
  let failure: SysError | null = null;
  for (const cgroup of [...ours].toReversed()) failure = turnSwitch(sys, cgroup, false) ?? failure;
  return failure;
}

/** @param decisive  the one whose outcome, state and error are those of both */
function merged(
  outcomes: readonly FreezeOutcome[],
  decisive: FreezeOutcome,
  { cgroup }: KillPlan,
  twin: KillPlan,
): FreezeOutcome {
  return {
    ...decisive,
    cgroup: cgroup.path,
    path: cgroup.name,
    hierarchy: "v2",
    spared: mergeSpared(outcomes),
    leftFrozen: [...new Set(outcomes.flatMap(({ leftFrozen }) => leftFrozen))],
    startedAt: outcomes[0]?.startedAt ?? decisive.startedAt,
    durationMs: outcomes.reduce((total, { durationMs }) => total + durationMs, 0),
    twin: { path: twin.cgroup.name, method: null, removed: null },
  };
}
