// One outcome from those of twins. Pure.

import type { Killed, KillOutcome, KillPlan, Outcome, Phases, Spared, Survivor } from "../types.ts";

/** One kill of one of the two. */
export interface Run {
  readonly plan: KillPlan;
  readonly outcome: KillOutcome;
}

/** The worst first: the outcome of both is that of the worse one. */
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

const SUCCESSES: readonly Outcome[] = ["killed", "empty"];

export const isSuccess = ({ outcome }: Pick<KillOutcome, "outcome">): boolean => SUCCESSES.includes(outcome);

/**
 * @param runs  at least one, in the order in which they were done; of each cgroup its last one counts
 * @param plan  v2's, whose path and method the outcome has
 */
export function mergeOutcomes(runs: readonly Run[], plan: KillPlan, twin: KillPlan): KillOutcome {
  const lastOf = ({ cgroup }: KillPlan): KillOutcome | undefined =>
    runs.findLast((run) => run.plan.cgroup === cgroup)?.outcome;
  const own = lastOf(plan);
  const other = lastOf(twin);
  const last = [own, other].filter((outcome) => outcome !== undefined);
  const [worst] = [...last].sort((a, b) => WORST_FIRST.indexOf(a.outcome) - WORST_FIRST.indexOf(b.outcome));
  const [first] = runs;
  if (worst === undefined || first === undefined) throw new Error("nothing was done");
  const survivors = eachOnce(last.flatMap((outcome) => outcome.survivors));
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
    survivors,
    spared: sparedIn(outcomes),
    removed: own?.removed ?? false,
    twin: { path: twin.cgroup.name, method: twin.method, removed: other?.removed ?? false },
    proven: provenBy([own, other]),
    leftFrozen: [...new Set(last.flatMap(({ leftFrozen }) => leftFrozen))],
    startedAt: first.outcome.startedAt,
    durationMs: sum(outcomes.map(({ durationMs }) => durationMs)) ?? 0,
    phases: sumPhases(outcomes),
  };
}

/** Of processes without a number each is one of its own. */
function eachOnce(survivors: readonly Survivor[]): Survivor[] {
  const seen = new Set<number>();
  return survivors.filter(({ pid }) => pid === 0 || (!seen.has(pid) && seen.add(pid)));
}

/** A survivor of an earlier run, in a cgroup that was then proven empty, has died of its signal. */
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

function sparedIn(outcomes: readonly KillOutcome[]): Spared[] {
  const spared = new Map(outcomes.flatMap((one) => one.spared.map((each) => [`${each.pid} ${each.cgroup}`, each])));
  return [...spared.values()];
}

/** Both must be proven. */
function provenBy(outcomes: readonly (KillOutcome | undefined)[]): boolean | null {
  const all = outcomes.map((outcome) => outcome?.proven ?? null);
  return all.includes(null) ? null : !all.includes(false);
}

function sum(times: readonly (number | null)[]): number | null {
  const known = times.filter((ms) => ms !== null);
  return known.length === 0 ? null : known.reduce((total, ms) => total + ms, 0);
}

function sumPhases(outcomes: readonly KillOutcome[]): Phases {
  const of = (phase: keyof Phases): number | null => sum(outcomes.map(({ phases }) => phases[phase]));
  return {
    freezeMs: of("freezeMs"),
    scanMs: of("scanMs"),
    signalMs: of("signalMs"),
    thawMs: of("thawMs"),
    waitMs: of("waitMs"),
    removeMs: of("removeMs"),
  };
}
