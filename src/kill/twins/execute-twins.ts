// Killing twins: each cgroup by its own plan and method, one after the other, with one deadline and one outcome. A single
// kill is in `execute.ts`.

import { readFreezing } from "../../cgroup/freeze-state.ts";
import { isOn } from "../../cgroup/freezer-switch.ts";
import { type Pace, walkSubtree } from "../../cgroup/subtree.ts";
import type { Cgroup, Visit } from "../../cgroup/types.ts";
import { SysError } from "../../sys/errno.ts";
import type { Millis, Sys } from "../../sys/sys.ts";
import { newContext } from "../context.ts";
import { InterruptedError } from "../errors.ts";
import { executeKill } from "../execute.ts";
import { stepAside } from "../moves/step-aside.ts";
import { blankOutcome, resultOfError } from "../outcome.ts";
import type { KillControl, KillOutcome, KillPlan, Spared } from "../types.ts";
import { judgeTwins, type Pair } from "./judge-twins.ts";
import { isSuccess, mergeOutcomes, mergeSpared, type Run } from "./merge-outcomes.ts";

/** Carry out the plans of twins. @returns an outcome, also for errors; only a bug throws */
export async function executeTwins(
  sys: Sys,
  plan: KillPlan,
  twin: KillPlan,
  control: KillControl,
): Promise<KillOutcome> {
  const started = { wallMs: sys.wallClock(), monotonicMs: sys.now() };
  const startedAt = new Date(started.wallMs).toISOString();
  const yieldToSignals = async (): Promise<void> => {
    await sys.turn();
    if (control.abort.aborted) throw new InterruptedError();
  };
  try {
    if (plan.refusal === null) await checkAgain(sys, [plan.cgroup, twin.cgroup], plan.checkedAt, { yieldToSignals });
    const order = await inKillOrder(sys, plan, twin);
    const aside = await stepAsideAhead(sys, order[1], control);
    const runs = await executeBoth(sys, order, control);
    const outcome = { ...mergeOutcomes(runs, plan, twin), startedAt, durationMs: sys.now() - started.monotonicMs };
    if (runs.length > 1 || outcome.outcome !== "refused") {
      return { ...outcome, spared: mergeSpared([outcome, aside]) };
    }
    aside.moveBack();
    return outcome;
  } catch (error) {
    return blankOutcome(plan.cgroup.path, plan, started, sys.now(), resultOfError(error));
  }
}

interface SteppedAside {
  readonly spared: readonly Spared[];
  readonly moveBack: () => void;
}

/**
 * Move cgkill itself and the spared processes out of the second cgroup, before the first is killed: a kill that is refused
 * because a process cannot be moved must not have killed anything. Any other error than a refusal is left for the kill of
 * the second, which meets it again; what has been moved by then stays outside.
 *
 * @throws RefusedError  as `stepAside`
 */
async function stepAsideAhead(sys: Sys, plan: KillPlan, control: KillControl): Promise<SteppedAside> {
  using ctx = newContext(sys, plan, control);
  let moveBack = (): void => {};
  try {
    if (plan.refusal === null) moveBack = await stepAside(ctx);
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
  }
  return { spared: ctx.record.spared, moveBack };
}

/** The plans of twins in the order in which they are carried out: v2 first, unless the v1 freezer has frozen processes. */
export async function inKillOrder(sys: Sys, plan: KillPlan, twin: KillPlan): Promise<readonly [KillPlan, KillPlan]> {
  return (await hasFrozen(sys, twin.cgroup)) ? [twin, plan] : [plan, twin];
}

/** A younger verdict is not checked again, because the check reads the /proc entry of every member. */
const MAX_VERDICT_AGE_MS: Millis = 1000;

/** Check a verdict again if it is old. @throws AmbiguousNameError  the twins are no longer one target */
export async function checkAgain(sys: Sys, pair: Pair, judgedAt: Millis, pace: Pace): Promise<void> {
  if (sys.now() - judgedAt > MAX_VERDICT_AGE_MS) await judgeTwins(sys, pair, pace);
}

/** After this time the rest is not searched: v2 is then first, and frozen processes are moved out to die. */
const SEARCH_MS: Millis = 20;

/** SIGKILL does not end processes that the v1 freezer has frozen. Only a kill of the freezer cgroup thaws them. */
async function hasFrozen(sys: Sys, freezer: Cgroup): Promise<boolean> {
  const { hierarchy } = freezer;
  let isFound = false;
  const enter = ({ dir }: Pick<Visit, "dir">): boolean => {
    isFound = isOn(sys, { hierarchy, dir });
    return !isFound;
  };
  try {
    if (readFreezing(sys, freezer).state !== "thawed") return true;
    await walkSubtree(sys, freezer, { enter }, { until: sys.now() + SEARCH_MS });
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
  }
  return isFound;
}

/**
 * Carry out two plans in this order. The second is skipped if the first was refused or interrupted.
 *
 * @returns the runs in order; the first plan may have two
 */
async function executeBoth(
  sys: Sys,
  [first, second]: readonly [KillPlan, KillPlan],
  control: KillControl,
): Promise<readonly Run[]> {
  const start = sys.now();
  // Members that may not be signalled in the first must not use up the time of the second, which may be able to kill them.
  const half = start + Math.max(0, control.deadline - start) / 2;
  let movedMs: Millis = 0;
  const untilHalf = { ...control, deadline: half, onEnd: (ms: Millis) => void (movedMs = ms) };
  const one = { plan: first, outcome: await executeKill(sys, first, untilHalf) };
  if (one.outcome.outcome === "refused" || one.outcome.outcome === "interrupted") return [one];
  // The deadline moves by the grace period and by stops. The grace signal is not sent again.
  const rest = { ...control, deadline: control.deadline + movedMs };
  const two = await executeAgain(sys, second, rest);
  const mayHaveEnded = isSuccess(two.outcome) || one.outcome.survivors.length > 0;
  if (isSuccess(one.outcome) || !mayHaveEnded) return [one, two];
  // The second may have ended survivors of the first: check the first once more.
  return [one, two, await executeAgain(sys, first, rest)];
}

async function executeAgain(sys: Sys, plan: KillPlan, control: KillControl): Promise<Run> {
  const options = { ...plan.options, graceMs: 0 };
  return { plan, outcome: await executeKill(sys, { ...plan, options }, control) };
}
