// Freezing and thawing for their own sake: `cgkill freeze` and `cgkill thaw`. Both wait until it is so; a freeze that
// does not get there is taken back.

import { NotFoundError } from "../cgroup/errors.ts";
import { type Freezing, readFreezing, readOwnSwitch } from "../cgroup/freezing.ts";
import { hierarchyName } from "../cgroup/hierarchy.ts";
import { quoteWord } from "../cgroup/shell.ts";
import { isRemoved, walkSubtree } from "../cgroup/tree.ts";
import type { Cgroup, FreezeState } from "../cgroup/types.ts";
import * as v1 from "../cgroup/v1.ts";
import * as v2 from "../cgroup/v2.ts";
import { isGone, SysError } from "../sys/errno.ts";
import type { Dir, Millis, Sys } from "../sys/sys.ts";
import { MethodError, RefusedError } from "./errors.ts";
import { guard, guardIdentity } from "./guard.ts";
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
    guard(sys, plan);
    checkThere(run);
    const { cgroup } = run;
    const wasFrozen = readOwnSwitch(sys, cgroup);
    stepAside(run);
    let freezing: Freezing | undefined;
    let isDone = false;
    try {
      write(run, cgroup.dir, true);
      emit(run, "trace", "freezing");
      isDone = await waitUntil(run, { until: ctx.deadline, paceMs: PACE_MS }, () => {
        checkThere(run);
        freezing = stateOf(run);
        return freezing.state === "frozen";
      });
    } finally {
      if (!isDone && !wasFrozen) takeBackFreeze(sys, cgroup);
    }
    // What was read when it was done: one more read could only fail, and hide that it is frozen.
    if (isDone && freezing !== undefined) return { error: null, freezing };
    const what = wasFrozen ? "did not freeze in time" : "did not freeze in time, and is thawed again";
    return { error: failed(run, "timed-out", what, FREEZE_HINT), freezing: null };
  });
}

const FREEZE_HINT = "somebody in it is blocked in the kernel: see cgkill show; or give it more time, --timeout 1m";

/** Thaw a cgroup and all below it, whoever froze it, and wait until it is. An ancestor is not touched. */
export function executeThaw(sys: Sys, plan: KillPlan, ctx: KillContext): Promise<SwitchOutcome> {
  return execute(sys, plan, ctx, async (run) => {
    const { cgroup } = run;
    if (cgroup.path === "/" && plan.refusal !== null) throw new RefusedError(plan.refusal);
    guardIdentity(sys, cgroup);
    thawSubtree(run);
    let freezing = stateOf(run);
    await waitUntil(run, { until: ctx.deadline, paceMs: PACE_MS }, () => {
      freezing = stateOf(run);
      return freezing.state === "thawed" || isByAncestor(freezing, cgroup);
    });
    const { state, by } = freezing;
    if (state === "thawed") return { error: null, freezing };
    const error =
      by !== null && isByAncestor(freezing, cgroup)
        ? failed(
            run,
            "frozen-ancestor",
            `is thawed itself, but its ancestor ${by.path} is frozen`,
            `cgkill thaw ${quoteWord(by.name)}`,
          )
        : failed(run, "timed-out", "is still frozen", "see cgkill show");
    return { error, freezing };
  });
}

const isByAncestor = ({ by }: Freezing, { path }: Cgroup): boolean => by !== null && by.path !== path;

const THAW_TRIES = 3;

/**
 * Take a freeze back that was ours: the cgroup's own switch only, whoever else below it is frozen.
 *
 * @throws SysError  it could not be, more than once
 */
export function takeBackFreeze(sys: Sys, cgroup: Cgroup): void {
  switchOff(sys, cgroup, cgroup.dir);
}

/** What is gone is thawed. */
function switchOff(sys: Sys, { hierarchy }: Cgroup, dir: Dir): void {
  for (let tried = 1; ; tried++) {
    try {
      if (hierarchy.version === "v2") v2.writeFreeze(sys, dir, false);
      else v1.writeThawed(sys, dir);
      return;
    } catch (error) {
      if (isGone(error) && isRemoved(sys, { dir })) return;
      if (tried >= THAW_TRIES) throw error;
    }
  }
}

interface Switched {
  readonly error: Failure | null;
  /** As it was last read; `null`: to be read for the report. */
  readonly freezing: Freezing | null;
}

type Work = (run: KillRun) => Promise<Switched>;

async function execute(sys: Sys, plan: KillPlan, ctx: KillContext, work: Work): Promise<SwitchOutcome> {
  const started: Started = { wallMs: sys.wallClock(), monotonicMs: sys.now() };
  const run = newRun(sys, plan, ctx);
  try {
    const { hierarchy, path } = run.cgroup;
    if (hierarchy.version === "v1" && !hierarchy.hasFreezer) {
      const where = hierarchyName(hierarchy);
      throw new MethodError(`${path}: hierarchy ${where} cannot freeze`, "name it in v2 or in the v1 freezer");
    }
    const { error, freezing } = await work(run);
    const outcome = error === null ? (freezing?.state === "frozen" ? "frozen" : "thawed") : "failed";
    return report(run, started, { outcome, error }, freezing ?? stateIfRead(run));
  } catch (error) {
    return report(run, started, endingOf(error), stateIfRead(run));
  } finally {
    closePins(run);
  }
}

/** For a report of something else that went wrong: what cannot be read is not told. */
function stateIfRead(run: KillRun): Freezing | null {
  try {
    return stateOf(run);
  } catch (error) {
    if (error instanceof SysError) return null;
    throw error;
  }
}

function report(run: KillRun, started: Started, ending: SwitchEnding, freezing: Freezing | null): SwitchOutcome {
  const { sys, cgroup, spared } = run;
  return {
    ...blankSwitch(cgroup.path, cgroup, started, sys.now(), ending),
    state: freezing?.state ?? null,
    frozenBy: freezing?.by?.path ?? null,
    spared,
  };
}

interface SwitchEnding {
  readonly outcome: SwitchOutcome["outcome"];
  readonly error: Failure | null;
}

/** The report of a target that was not touched. */
export function blankSwitch(
  name: string,
  cgroup: Cgroup | null,
  started: Started,
  now: Millis,
  { outcome, error }: SwitchEnding,
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

function failed({ cgroup }: KillRun, code: string, what: string, hint: string): Failure {
  return { code, message: `${cgroup.path}: ${what}`, hint, operation: null, path: cgroup.name, errno: null };
}

const stateOf = ({ sys, cgroup }: KillRun): Freezing => readFreezing(sys, cgroup);

function write({ sys, cgroup }: KillRun, dir: Dir, isFrozen: boolean): void {
  if (cgroup.hierarchy.version === "v2") v2.writeFreeze(sys, dir, isFrozen);
  else if (isFrozen) v1.writeFrozen(sys, dir);
  else v1.writeThawed(sys, dir);
}

function checkThere({ sys, cgroup }: KillRun): void {
  if (isRemoved(sys, cgroup)) throw new NotFoundError("cgroup", `${cgroup.path}: no such cgroup any more`);
}

/** One that cannot be thawed keeps no other from it; the first error is thrown when all have been tried. */
function thawSubtree(run: KillRun): void {
  const { sys, cgroup } = run;
  const errors: unknown[] = [];
  using subtree = walkSubtree(sys, cgroup);
  for (const dir of subtree.dirs) {
    try {
      if (!mayBeOn(run, dir)) continue;
      switchOff(sys, cgroup, dir);
      emit(run, "trace", "thawed", { state: "thawed", path: dir.shown });
    } catch (error) {
      emit(run, "error", "could not thaw", { path: dir.shown, error: String(error) });
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
}

/** A v1 cgroup that was named is told to thaw whatever its switch says. One that cannot be asked may be frozen. */
function mayBeOn(run: KillRun, dir: Dir): boolean {
  const { sys, cgroup } = run;
  if (cgroup.hierarchy.version === "v1" && dir === cgroup.dir) return true;
  try {
    return readOwnSwitch(sys, { hierarchy: cgroup.hierarchy, dir });
  } catch (error) {
    if (error instanceof SysError) return true;
    throw error;
  }
}
