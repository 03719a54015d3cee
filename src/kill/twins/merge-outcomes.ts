// Merges the outcomes of twins into one. Pure.

import type { Millis } from "../../sys/sys.ts";
import { NO_PHASES } from "../record.ts";
import type { Killed, KillOutcome, KillPlan, Outcome, Phase, Phases, Spared, Survivor } from "../types.ts";

/** One kill of one twin. */
export interface Run {
  readonly plan: KillPlan;
  readonly outcome: KillOutcome;
}

/** The outcome of twins is the worse of the two. */
const WORST_FIRST: readonly Outcome[] = [
  "internal",
  "interrupted",
  "refused",
  "denied",
  "survivors",
  "failed",
  "not-removed",
  "killed",
  "empty",
];

export const isSuccess = ({ outcome }: Pick<KillOutcome, "outcome">): boolean =>
  outcome === "killed" || outcome === "empty";

/**
 * Merge the outcomes of twins, all but their times.
 *
 * @param runs  at least one, in order; the last run of each cgroup counts
 * @param plan  the plan for v2, whose path and method the outcome shows
 */
export function mergeOutcomes(runs: readonly Run[], plan: KillPlan, twin: KillPlan): KillOutcome {
  const lastOf = ({ cgroup }: KillPlan): KillOutcome | undefined =>
    runs.findLast((run) => run.plan.cgroup === cgroup)?.outcome;
  const own = lastOf(plan);
  const other = lastOf(twin);
  const last = [own, other].filter((outcome) => outcome !== undefined);
  const [worst] = [...last].sort((a, b) => WORST_FIRST.indexOf(a.outcome) - WORST_FIRST.indexOf(b.outcome));
  if (worst === undefined) throw new Error("no run to merge");
  const survivors = uniqueByPid(last.flatMap((outcome) => outcome.survivors));
  const killed = killedIn(runs, survivors);
  const outcomes = runs.map(({ outcome }) => outcome);
  return {
    ...worst,
    outcome: worst.outcome === "empty" && killed.length > 0 ? "killed" : worst.outcome,
    cgroup: plan.cgroup.path,
    path: plan.cgroup.name,
    hierarchy: "v2",
    method: plan.method,
    killed,
    killedCount: killed.length,
    // Only one run has a grace period.
    endedByGrace: outcomes.find(({ endedByGrace }) => endedByGrace !== null)?.endedByGrace ?? null,
    survivors,
    spared: mergeSpared(outcomes),
    removed: own?.removed ?? false,
    twin: { path: twin.cgroup.name, method: twin.method, removed: other?.removed ?? false },
    proven: mergeProven([own, other]),
    abortedFuse: outcomes.flatMap(({ abortedFuse }) => abortedFuse),
    thawedEmpty: outcomes.some(({ thawedEmpty }) => thawedEmpty),
    leftFrozen: [...new Set(last.flatMap(({ leftFrozen }) => leftFrozen))],
    phases: sumPhases(outcomes),
    starter: outcomes.find(({ starter }) => starter !== null)?.starter ?? null,
  };
}

/** Drop repeated pids. Survivors without a pid have pid 0, and all stay. */
function uniqueByPid(survivors: readonly Survivor[]): Survivor[] {
  const seen = new Set<number>();
  return survivors.filter(({ pid }) => pid === 0 || (!seen.has(pid) && seen.add(pid)));
}

/** If a later run proved the cgroup empty, survivors of an earlier run have died of its signal. */
function killedIn(runs: readonly Run[], survivors: readonly Survivor[]): Killed[] {
  const alive = new Set(survivors.map(({ pid }) => pid));
  const killed = new Map<number, Killed>();
  for (const { plan, outcome } of runs) {
    const isEmptyNow = runs.some((later) => later.plan.cgroup === plan.cgroup && isSuccess(later.outcome));
    const mayBeDead = outcome.survivors.filter(({ pid, reason }) => pid > 0 && reason !== "not-permitted");
    const late = isEmptyNow ? mayBeDead : [];
    for (const { pid, comm } of [...outcome.killed, ...late]) {
      if (!alive.has(pid) && (killed.get(pid)?.comm ?? null) === null) killed.set(pid, { pid, comm });
    }
  }
  return [...killed.values()];
}

/** Each spared process once per place. */
export function mergeSpared(outcomes: ReadonlyArray<Pick<KillOutcome, "spared">>): Spared[] {
  const spared = new Map(outcomes.flatMap((one) => one.spared.map((each) => [`${each.pid} ${each.cgroup}`, each])));
  return [...spared.values()];
}

/** Twins are proven empty only if both are. */
function mergeProven(outcomes: readonly (KillOutcome | undefined)[]): boolean | null {
  const all = outcomes.map((outcome) => outcome?.proven ?? null);
  return all.includes(null) ? null : !all.includes(false);
}

function sumPhases(outcomes: readonly KillOutcome[]): Phases {
  const sums = { ...NO_PHASES };
  for (const { phases } of outcomes) {
    for (const [phase, ms] of Object.entries(phases) as [Phase, Millis | null][]) {
      if (ms !== null) sums[phase] = (sums[phase] ?? 0) + ms;
    }
  }
  return sums;
}
