// The outcome of a kill, made from its record and from the error that ended it, if any.

import { type AdvisedError, AS_OWNER, cgkillCommand, type Commands, READ_ONLY_SETTINGS } from "../advice.ts";
import { AmbiguousNameError, type Match, NotFoundError, OptionError, RefusedNameError } from "../cgroup/errors.ts";
import { hierarchyName } from "../cgroup/open/hierarchy.ts";
import type { Cgroup } from "../cgroup/types.ts";
import { isDenied, isLeased, SysError } from "../sys/errno.ts";
import type { Millis, Pid } from "../sys/sys.ts";
import type { KillContext } from "./context.ts";
import { InterruptedError, MethodError, RefusedError } from "./errors.ts";
import { type KillRecord, newRecord } from "./record.ts";
import type {
  Failure,
  Killed,
  KillMethod,
  KillOutcome,
  KillPlan,
  Outcome,
  Started,
  Survivor,
  TargetOutcome,
} from "./types.ts";

export interface Result<Verdict> {
  readonly outcome: Verdict;
  readonly error: Failure | null;
  readonly matches?: readonly Match[];
}

export type KillResult = Result<Outcome>;
/** The result for a target that was not killed, or not completely. */
export type FailedResult = Result<Exclude<Outcome, "killed" | "empty">>;

export function failure(code: string, message: string, hint: string | null = null, commands: Commands = []): Failure {
  return { code, message, hint, commands, operation: null, path: null, errno: null };
}

/** The failure of a command for an opened cgroup. @param what  completes a sentence that begins with its path */
export const failureAt = (
  { name, path }: Cgroup,
  code: string,
  what: string,
  hint: string | null = null,
  commands: Commands = [],
): Failure => ({ ...failure(code, `${path}: ${what}`, hint, commands), path: name });

const resultWith = (
  outcome: FailedResult["outcome"],
  code: string,
  { message, hint, commands }: AdvisedError,
): FailedResult => ({ outcome, error: failure(code, message, hint, commands) });

/** The outcome that an error means. @throws  the error itself if it is not one of ours, which is a bug */
export function resultOfError(error: unknown): FailedResult {
  if (error instanceof SysError) {
    const { message, operation, path, errno } = error;
    const isHeld = isLeased(error);
    const isRefusedByKernel = isDenied(error) && !isHeld;
    const hint = isHeld ? LEASED : isRefusedByKernel ? deniedHint(errno) : null;
    const code = isRefusedByKernel ? "denied" : "io-error";
    const failed: Failure = { code, message, hint, commands: [], operation, path, errno };
    return { outcome: isRefusedByKernel ? "denied" : "failed", error: failed };
  }
  if (error instanceof InterruptedError) {
    return { outcome: "interrupted", error: failure("interrupted", "interrupted before it was touched") };
  }
  if (error instanceof RefusedError || error instanceof RefusedNameError)
    return resultWith("refused", error.code, error);
  if (error instanceof NotFoundError) return resultWith("not-found", "not-found", error);
  if (error instanceof OptionError) return resultWith("usage", error.code, error);
  if (error instanceof MethodError) return resultWith("usage", "no-such-method", error);
  if (error instanceof AmbiguousNameError)
    return { ...resultWith("usage", "ambiguous", error), matches: error.matches };
  throw error;
}

const LEASED = "another process holds a lease on this file: end it (the LEASE lines of /proc/locks show its pid)";

function deniedHint(errno: string): string {
  return errno === "EROFS"
    ? `the hierarchy is mounted read-only here, also for root: run it on the host, or mount it read-write ${READ_ONLY_SETTINGS}`
    : AS_OWNER;
}

/** The result of a kill that was not cut short: survivors decide, then cgroups that could not be thawed. */
export function resultOfKill({ cgroup, record }: KillContext, survivors: readonly Survivor[]): KillResult {
  if (survivors.length > 0) {
    const outcome = survivors.every(({ reason }) => reason === "not-permitted") ? "denied" : "survivors";
    const count = survivors.length + Math.max(0, record.invisible - 1);
    const problem = count === 1 ? "1 process survives" : `${count} processes survive`;
    const { hint, commands } = survivors[0] as Survivor;
    return { outcome, error: failure(outcome, `${cgroup.path}: ${problem}`, hint, commands) };
  }
  const [frozen = record.thawCutAt] = record.leftFrozen;
  if (frozen !== null) {
    const thaw = cgkillCommand(["thaw"], frozen);
    const isCut = record.leftFrozen.size === 0;
    const what = isCut ? "not all cgroups below it were thawed in time" : "could not be thawed";
    const error = failure("left-frozen", `${frozen}: ${what}`, "thaw it", [thaw]);
    return { outcome: "failed", error };
  }
  return { outcome: record.killed.size > 0 || record.wasPopulated ? "killed" : "empty", error: null };
}

function leftFrozenIn({ leftFrozen, thawCutAt }: KillRecord): string[] {
  return [...(thawCutAt === null ? leftFrozen : new Set([...leftFrozen, thawCutAt]))];
}

/** What a kill has found out. */
type Findings = Omit<KillOutcome, keyof TargetOutcome<Outcome> | "method" | "twin">;

function findingsIn(record: KillRecord, survivors: readonly Survivor[], hasGrace: boolean): Findings {
  const alive = new Set<Pid>();
  for (const { pid } of survivors) alive.add(pid);
  const killed: Killed[] = [];
  for (const [pid, comm] of record.killed) if (!alive.has(pid)) killed.push({ pid, comm });
  return {
    killed,
    killedCount: killed.length,
    endedByGrace: hasGrace ? killed.filter(({ pid }) => record.endedByGrace.has(pid)).length : null,
    survivors,
    spared: record.spared,
    removed: record.removed,
    proven: record.proven,
    leftFrozen: leftFrozenIn(record),
    thawedEmpty: record.isThawedEmpty,
    abortedFuse: record.abortedFuse,
    phases: record.phases,
    starter: record.starter ?? null,
  };
}

/** The outcome of a kill that began. */
export function outcomeOf(
  { sys, cgroup, plan, record, started }: KillContext,
  result: KillResult,
  survivors: readonly Survivor[],
): KillOutcome {
  const target = targetOutcome(cgroup.path, plan, started, sys.now(), result);
  // Without the files of the cgroup, none could be chosen.
  const method = record.wasGone ? null : plan.method;
  return inOrder(target, method, findingsIn(record, survivors, plan.options.graceMs > 0));
}

/** The outcome for a target that was not touched: refused, not found, or misnamed. */
export function blankOutcome(
  name: string,
  plan: KillPlan | null,
  started: Started,
  now: Millis,
  result: KillResult,
): KillOutcome {
  const target = targetOutcome(name, plan, started, now, result);
  return inOrder(target, plan?.method ?? null, findingsIn(newRecord(now, now), [], false));
}

/** In the order of the JSON. */
function inOrder(target: TargetOutcome<Outcome>, method: KillMethod | null, found: Findings): KillOutcome {
  const { outcome, startedAt, durationMs, error, matches, ...place } = target;
  const { phases, starter, ...findings } = found;
  const head = { ...place, method, outcome, ...findings };
  return { ...head, startedAt, durationMs, phases, error, twin: null, matches, starter };
}

/** What the outcomes of all commands have. @param name  shown if there is no plan */
export function targetOutcome<Verdict>(
  name: string,
  plan: KillPlan | null,
  started: Started,
  now: Millis,
  { outcome, error, matches }: Result<Verdict>,
): TargetOutcome<Verdict> {
  return {
    cgroup: plan?.cgroup.path ?? name,
    path: plan?.cgroup.name ?? null,
    hierarchy: plan === null ? null : hierarchyName(plan.cgroup.hierarchy),
    outcome,
    startedAt: new Date(started.wallMs).toISOString(),
    durationMs: now - started.monotonicMs,
    error,
    matches: matches ?? null,
  };
}
