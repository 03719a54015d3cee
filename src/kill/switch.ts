// Freezing and thawing for their own sake: `cgkill freeze` and `cgkill thaw`. Both wait until it is so; a freeze that
// does not get there is taken back.

import { readFreezing } from "../cgroup/freezing.ts";
import { hierarchyName } from "../cgroup/hierarchy.ts";
import { walkSubtree } from "../cgroup/tree.ts";
import type { Cgroup, FreezeState } from "../cgroup/types.ts";
import * as v1 from "../cgroup/v1.ts";
import * as v2 from "../cgroup/v2.ts";
import { isGone, isUnsupported } from "../sys/errno.ts";
import type { Dir, Millis, Sys } from "../sys/sys.ts";
import { MethodError, RefusedError } from "./errors.ts";
import { thawAll } from "./freeze.ts";
import { checkIdentity } from "./guard.ts";
import { endingOf, type Started } from "./outcome.ts";
import { closePins, emit, type KillRun, newRun } from "./run.ts";
import { stepAside } from "./spare.ts";
import type { Failure, KillContext, KillPlan, Outcome, Spared } from "./types.ts";
import { waitUntil } from "./wait.ts";

export interface SwitchOutcome {
  readonly cgroup: string;
  readonly path: string | null;
  readonly hierarchy: string | null;
  readonly outcome: Exclude<Outcome, "killed" | "empty"> | "frozen" | "thawed";
  readonly state: FreezeState | null;
  /** The cgroup that was told to freeze: this one, or an ancestor. */
  readonly frozenBy: string | null;
  readonly spared: readonly Spared[];
  readonly startedAt: string;
  readonly durationMs: Millis;
  readonly error: Failure | null;
}

/** The v1 freezer has no event for its state; v2 has, and is asked as often all the same: it takes as long. */
const PACE_MS = 2;

/** Freeze a cgroup and all below it, and wait until it is; the plan's guards are those of a kill. */
export function executeFreeze(sys: Sys, plan: KillPlan, ctx: KillContext): Promise<SwitchOutcome> {
  return execute(sys, plan, ctx, async (run) => {
    if (plan.refusal !== null) throw new RefusedError(plan.refusal);
    checkSame(run);
    const { cgroup } = run;
    const wasFrozen = isSwitchedOn(run, cgroup.dir);
    stepAside(run);
    let isDone = false;
    try {
      write(run, cgroup.dir, true);
      emit(run, "trace", "freezing");
      isDone = await waitUntil(run, { until: ctx.deadline, paceMs: PACE_MS }, () => stateOf(run).state === "frozen");
    } finally {
      if (!isDone && !wasFrozen) write(run, cgroup.dir, false);
    }
    return isDone ? null : failed(run, "timed-out", "did not freeze in time, and is thawed again", FREEZE_HINT);
  });
}

const FREEZE_HINT = "somebody in it is blocked in the kernel: see cgkill show; or give it more time, --timeout 1m";

/** Thaw a cgroup and all below it, whoever froze it, and wait until it is. An ancestor is not touched. */
export function executeThaw(sys: Sys, plan: KillPlan, ctx: KillContext): Promise<SwitchOutcome> {
  return execute(sys, plan, ctx, async (run) => {
    const { cgroup } = run;
    if (cgroup.path === "/" && plan.refusal !== null) throw new RefusedError(plan.refusal);
    checkSame(run);
    if (cgroup.hierarchy.version === "v1") thawAll(run);
    else thawSubtree(run);
    const isDone = await waitUntil(run, { until: ctx.deadline, paceMs: PACE_MS }, () => {
      const { state, by } = stateOf(run);
      return state === "thawed" || (by !== null && by.path !== cgroup.path);
    });
    const { state, by } = stateOf(run);
    if (state === "thawed") return null;
    if (!isDone || by === null) return failed(run, "timed-out", "is still frozen", "see cgkill show");
    return failed(
      run,
      "frozen-ancestor",
      `is thawed itself, but its ancestor ${by.path} is frozen`,
      `cgkill thaw ${by.name}`,
    );
  });
}

/** Take a freeze back that was ours: the cgroup's own switch only, whoever else below it is frozen. */
export function takeBackFreeze(sys: Sys, { hierarchy, dir }: Cgroup): void {
  try {
    if (hierarchy.version === "v2") v2.writeFreeze(sys, dir, false);
    else v1.writeThawed(sys, dir);
  } catch (error) {
    if (!isGone(error)) throw error;
  }
}

type Work = (run: KillRun) => Promise<Failure | null>;

async function execute(sys: Sys, plan: KillPlan, ctx: KillContext, work: Work): Promise<SwitchOutcome> {
  const started: Started = { wallMs: sys.wallClock(), monotonicMs: sys.now() };
  const run = newRun(sys, plan, ctx);
  try {
    const { hierarchy, path } = run.cgroup;
    if (hierarchy.version === "v1" && !hierarchy.hasFreezer) {
      const where = hierarchyName(hierarchy);
      throw new MethodError(`${path}: hierarchy ${where} cannot freeze`, "name it in v2 or in the v1 freezer");
    }
    const error = await work(run);
    return report(run, started, error === null ? stateNow(run) : "failed", error);
  } catch (error) {
    const { outcome, error: failure } = endingOf(error);
    return report(run, started, outcome as SwitchOutcome["outcome"], failure);
  } finally {
    closePins(run);
  }
}

const stateNow = (run: KillRun): "frozen" | "thawed" => (stateOf(run).state === "frozen" ? "frozen" : "thawed");

function report(
  run: KillRun,
  started: Started,
  outcome: SwitchOutcome["outcome"],
  error: Failure | null,
): SwitchOutcome {
  const { sys, cgroup, spared } = run;
  const { state, by } = stateOf(run);
  return {
    ...blankSwitch(cgroup.path, cgroup, started, sys.now(), outcome, error),
    state,
    frozenBy: by?.path ?? null,
    spared,
  };
}

/** The report of a target that was not touched. */
export function blankSwitch(
  name: string,
  cgroup: Cgroup | null,
  started: Started,
  now: Millis,
  outcome: SwitchOutcome["outcome"],
  error: Failure | null,
): SwitchOutcome {
  return {
    cgroup: name,
    path: cgroup?.name ?? null,
    hierarchy: cgroup === null ? null : hierarchyName(cgroup.hierarchy),
    outcome,
    state: null,
    frozenBy: null,
    spared: [],
    startedAt: new Date(started.wallMs).toISOString(),
    durationMs: now - started.monotonicMs,
    error,
  };
}

function checkSame({ sys, cgroup }: KillRun): void {
  if (checkIdentity(sys, cgroup) !== "changed") return;
  throw new RefusedError({
    code: "changed",
    message: `${cgroup.name}: was renamed, or removed and made anew`,
    hint: "look again: cgkill show",
  });
}

function failed({ cgroup }: KillRun, code: string, what: string, hint: string): Failure {
  return { code, message: `${cgroup.path}: ${what}`, hint, operation: null, path: cgroup.name, errno: null };
}

const stateOf = ({ sys, cgroup }: KillRun) => readFreezing(sys, cgroup);

function isSwitchedOn({ sys, cgroup }: KillRun, dir: Dir): boolean {
  return cgroup.hierarchy.version === "v1" ? v1.readSelfFreezing(sys, dir) : v2.readFreeze(sys, dir);
}

function write({ sys, cgroup }: KillRun, dir: Dir, isFrozen: boolean): void {
  if (cgroup.hierarchy.version === "v2") v2.writeFreeze(sys, dir, isFrozen);
  else if (isFrozen) v1.writeFrozen(sys, dir);
  else v1.writeThawed(sys, dir);
}

function thawSubtree(run: KillRun): void {
  using subtree = walkSubtree(run.sys, run.cgroup);
  for (const dir of subtree.dirs) {
    try {
      if (!v2.readFreeze(run.sys, dir)) continue;
      v2.writeFreeze(run.sys, dir, false);
      emit(run, "trace", "thawed", { state: "thawed", path: dir.shown });
    } catch (error) {
      if (!isGone(error) && !isUnsupported(error)) throw error;
    }
  }
}
