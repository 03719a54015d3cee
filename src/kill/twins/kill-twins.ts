// A kill of twins: each cgroup by its own plan and method, one after the other, with one deadline; the outcome is one.
// What a single kill does is not here.

import { readFreezing } from "../../cgroup/freeze-state.ts";
import { ambiguousPath } from "../../cgroup/open/open-errors.ts";
import { isRemoved, type Pace } from "../../cgroup/subtree.ts";
import type { Cgroup } from "../../cgroup/types.ts";
import { SysError } from "../../sys/errno.ts";
import type { Millis, Sys } from "../../sys/sys.ts";
import { InterruptedError } from "../errors.ts";
import { executeKill } from "../execute.ts";
import { blankOutcome, resultOfError } from "../outcome.ts";
import { type GuardedReader, readGuardedNow } from "../plan/guarded.ts";
import { planKill } from "../plan/plan.ts";
import type { KillControl, KillOptions, KillOutcome, KillPlan } from "../types.ts";
import { judgeTwins, type Pair } from "./judge-twins.ts";
import { isSuccess, mergeOutcomes, type Run } from "./merge-outcomes.ts";
import type { Target } from "./open-twins.ts";

/**
 * Decide how to kill a target. What one of twins is refused for, both are.
 *
 * @param optionsFor  asked for each cgroup: what `--spare-to` names is in one hierarchy
 * @throws AmbiguousNameError  they were twins, and are not any more
 * @throws MethodError, SysError  as `planKill`
 */
export async function planTarget(
  sys: Sys,
  { cgroup, twin, judgedAt }: Target,
  optionsFor: (cgroup: Cgroup) => KillOptions,
  pace: Pace = {},
  look: GuardedReader = readGuardedNow,
): Promise<KillPlan> {
  const planOne = (one: Cgroup): Promise<KillPlan> => planKill(sys, one, optionsFor(one), pace, look);
  if (twin === null || isRemoved(sys, twin)) return await planOne(cgroup);
  if (isRemoved(sys, cgroup)) return await planOne(twin);
  if (sys.now() - judgedAt > FRESH_MS) await refuseApart(sys, [cgroup, twin], pace);
  const first = await planOne(cgroup);
  const options = optionsFor(twin);
  // Only v2 has the kernel's own method.
  const method = options.method === "kill" ? "auto" : options.method;
  const second = await planKill(sys, twin, { ...options, method }, pace, look);
  const refusal = first.refusal ?? second.refusal;
  return { ...first, refusal, twin: { ...second, refusal } };
}

/** Carry out a plan, and that of the twin if there is one. Always returns an outcome; only a bug throws. */
export async function executeTarget(sys: Sys, plan: KillPlan, control: KillControl): Promise<KillOutcome> {
  const { twin } = plan;
  if (twin === null) return await executeKill(sys, plan, control);
  const result = await judgeAgain(sys, plan, twin, control);
  if (result !== null) return result;
  const isFreezerFirst = isHeldFrozen(sys, twin.cgroup);
  const [first, second] = isFreezerFirst ? [twin, plan] : [plan, twin];
  const runs = await executeBoth(sys, [first, second], control);
  return mergeOutcomes(runs, plan, twin);
}

/** @throws AmbiguousNameError  they are not one target any more */
async function refuseApart(sys: Sys, pair: Pair, pace: Pace): Promise<void> {
  const verdict = await judgeTwins(sys, pair, pace);
  if (typeof verdict === "object") throw ambiguousPath(pair, `, and ${verdict.why}`);
}

/** A verdict this young is believed: it costs a look at each process. */
const FRESH_MS: Millis = 1000;

/** Are they still one target? @returns how it ends if they are not */
async function judgeAgain(
  sys: Sys,
  plan: KillPlan,
  twin: KillPlan,
  { abort }: KillControl,
): Promise<KillOutcome | null> {
  const started = { wallMs: sys.wallClock(), monotonicMs: sys.now() };
  if (started.monotonicMs - plan.checkedAt < FRESH_MS || plan.refusal !== null) return null;
  const pair = [plan.cgroup, twin.cgroup] as const;
  try {
    const yieldToSignals = async (): Promise<void> => {
      await sys.turn();
      if (abort.aborted) throw new InterruptedError();
    };
    await refuseApart(sys, pair, { yieldToSignals });
    return null;
  } catch (error) {
    return blankOutcome(plan.cgroup.path, plan, started, sys.now(), resultOfError(error));
  }
}

/** SIGKILL from v2 does not end what the v1 freezer holds: its own method thaws, so it then goes first. */
function isHeldFrozen(sys: Sys, freezer: Cgroup): boolean {
  try {
    return readFreezing(sys, freezer).state !== "thawed";
  } catch (error) {
    if (error instanceof SysError) return false;
    throw error;
  }
}

/** In the order in which they were done. The second is not begun if the first was refused or interrupted. */
async function executeBoth(
  sys: Sys,
  [first, second]: readonly [KillPlan, KillPlan],
  control: KillControl,
): Promise<readonly Run[]> {
  const start = sys.now();
  let stoppedMs: Millis = 0;
  const pause = control.pause && countingStops(control.pause, (ms) => void (stoppedMs += ms));
  const one = { plan: first, outcome: await executeKill(sys, first, { ...control, pause }) };
  if (one.outcome.outcome === "refused" || one.outcome.outcome === "interrupted") return [one];
  // Neither the grace period nor a stop counts; and the grace signal was sent.
  const graced = Math.min(first.options.graceMs, sys.now() - start - stoppedMs);
  const rest = { ...control, pause, deadline: control.deadline + stoppedMs + graced };
  const two = await executeAgain(sys, second, rest);
  if (isSuccess(one.outcome) || !isSuccess(two.outcome)) return [one, two];
  // What the first could not end may have died of the second: the kernel is asked once more.
  return [one, two, await executeAgain(sys, first, rest)];
}

async function executeAgain(sys: Sys, plan: KillPlan, control: KillControl): Promise<Run> {
  const options = { ...plan.options, graceMs: 0 };
  return { plan, outcome: await executeKill(sys, { ...plan, options }, control) };
}

type Pausing = NonNullable<KillControl["pause"]>;

function countingStops(pause: Pausing, onStop: (ms: Millis) => void): Pausing {
  return {
    get isRequested() {
      return pause.isRequested;
    },
    async stop() {
      const ms = await pause.stop();
      onStop(ms);
      return ms;
    },
  };
}
