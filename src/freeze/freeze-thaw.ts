// Freezing and thawing for their own sake: `cgkill freeze` and `cgkill thaw`. Both wait until it is so; a freeze that
// does not get there is taken back.

import { type Advice, cgkillCommand } from "../advice.ts";
import { NotFoundError } from "../cgroup/errors.ts";
import { type Freezing, readFreezing, readOwnSwitch } from "../cgroup/freeze-state.ts";
import { isOn, turnSwitch, writeSwitch } from "../cgroup/freezer-switch.ts";
import { findFreezer, hierarchyName } from "../cgroup/open/hierarchy.ts";
import { isRemoved, type Visit, walkSubtree } from "../cgroup/subtree.ts";
import type { Cgroup } from "../cgroup/types.ts";
import { closeContext, emit, type KillContext, newContext, whileInForce } from "../kill/context.ts";
import { InterruptedError, MethodError, RefusedError } from "../kill/errors.ts";
import { takeDownStale } from "../kill/methods/fork-fence.ts";
import { removeStale } from "../kill/methods/trap-end.ts";
import { trapParents } from "../kill/methods/trap.ts";
import { stepAside } from "../kill/moves/step-aside.ts";
import { resultOfError, type Started } from "../kill/outcome.ts";
import { guard } from "../kill/plan/guard.ts";
import { guardIdentity } from "../kill/plan/identity.ts";
import { waitUntil } from "../kill/steps/wait.ts";
import type { Failure, KillControl, KillPlan } from "../kill/types.ts";
import { SysError } from "../sys/errno.ts";
import type { Sys } from "../sys/sys.ts";
import { blankFreeze, type FreezeOutcome, type FreezeResult } from "./freeze-outcome.ts";

/** The v1 freezer has no event for its state; v2 has, and is asked as often all the same: it takes as long. */
const PACE_MS = 2;

/** Freeze a cgroup and all below it, and wait until it is; the plan's guards are those of a kill. */
export function executeFreeze(sys: Sys, plan: KillPlan, control: KillControl): Promise<FreezeOutcome> {
  return execute(sys, plan, control, async (ctx) => {
    const { cgroup, record } = ctx;
    refuseUnfreezable(cgroup);
    await guard(sys, plan, ctx.pace);
    checkThere(ctx);
    const wasFrozen = readOwnSwitch(sys, cgroup);
    await stepAside(ctx);
    let freezing: Freezing | undefined;
    let isDone = false;
    const held = {
      undo: () => void (wasFrozen || undoFreeze(sys, cgroup)),
      redo: () => void turnSwitch(sys, cgroup, true),
    };
    await whileInForce(ctx, held, async () => {
      try {
        writeSwitch(sys, cgroup, true);
        emit(ctx, "freezing");
        isDone = await waitUntil(ctx, { until: record.deadline, paceMs: PACE_MS }, () => {
          checkThere(ctx);
          freezing = stateOf(ctx);
          return freezing.state === "frozen";
        });
      } finally {
        // An error here never hides the one that came before it: it is in the report.
        const failure = isDone || wasFrozen ? null : undoFreeze(sys, cgroup);
        if (failure !== null) {
          record.leftFrozen.add(cgroup.name);
          emit(ctx, "not-thawed", { path: cgroup.name, error: failure.message });
        }
      }
    });
    // What was read when it was done: one more read could only fail, and hide that it is frozen.
    if (isDone && freezing !== undefined) return { error: null, freezing };
    const [left] = record.leftFrozen;
    const what = wasFrozen
      ? "did not freeze in time"
      : left === undefined
        ? "did not freeze in time, and is thawed again"
        : "did not freeze in time, and could not be thawed again";
    return {
      error: failed(ctx, "timed-out", what, { hint: FREEZE_HINT, commands: [cgkillCommand(["show"], cgroup.name)] }),
      freezing: null,
    };
  });
}

const FREEZE_HINT = "a member is blocked in the kernel: see which; or give it more time, --timeout 1m";

function refuseUnfreezable({ hierarchy, path }: Cgroup): void {
  if (hierarchy.version === "v2" || hierarchy.hasFreezer) return;
  const where = hierarchyName(hierarchy);
  throw new MethodError(`${path}: hierarchy ${where} cannot freeze`, "name it in v2 or in the v1 freezer");
}

/**
 * Thaw a cgroup and all below it, whichever process froze it, and wait until it is; and repair what a killed cgkill has
 * left of a sweep: its trap, its fork fence. An ancestor is not touched.
 */
export function executeThaw(sys: Sys, plan: KillPlan, control: KillControl): Promise<FreezeOutcome> {
  return execute(sys, plan, control, async (ctx) => {
    const { cgroup, record } = ctx;
    if (cgroup.path === "/" && plan.refusal !== null) throw new RefusedError(plan.refusal);
    guardIdentity(sys, cgroup);
    repair(ctx);
    await thawSubtree(ctx);
    let freezing = stateOf(ctx);
    await waitUntil(ctx, { until: record.deadline, paceMs: PACE_MS }, () => {
      freezing = stateOf(ctx);
      return freezing.state === "thawed" || isByAncestor(freezing, cgroup);
    });
    const { state, by } = freezing;
    if (state === "thawed") return { error: null, freezing };
    const error =
      by !== null && isByAncestor(freezing, cgroup)
        ? failed(ctx, "frozen-ancestor", `is thawed itself, but its ancestor ${by.path} is frozen`, {
            hint: "thaw the ancestor",
            commands: [cgkillCommand(["thaw"], by.name)],
          })
        : failed(ctx, "timed-out", "is still frozen", {
            hint: "see what is in it",
            commands: [cgkillCommand(["show"], cgroup.name)],
          });
    return { error, freezing };
  });
}

/** What a cgkill that was killed has left of a sweep of this target. */
function repair(ctx: KillContext): void {
  const { sys, cgroup } = ctx;
  takeDownStale(sys, cgroup);
  const freezer = findFreezer(sys);
  if (freezer === undefined) return;
  for (const parent of trapParents(sys, freezer)) {
    try {
      removeStale(ctx, parent);
    } finally {
      sys.close(parent.fd);
    }
  }
}

const isByAncestor = ({ by }: Freezing, { path }: Cgroup): boolean => by !== null && by.path !== path;

/**
 * Take a freeze back that was ours: the cgroup's own switch only, whatever else below it is frozen.
 *
 * @returns why it could not be
 */
export function undoFreeze(sys: Sys, cgroup: Cgroup): SysError | null {
  return turnSwitch(sys, cgroup, false);
}

interface Switched {
  readonly error: Failure | null;
  /** As it was last read; `null`: to be read for the report. */
  readonly freezing: Freezing | null;
}

type Work = (ctx: KillContext) => Promise<Switched>;

async function execute(sys: Sys, plan: KillPlan, control: KillControl, work: Work): Promise<FreezeOutcome> {
  const started: Started = { wallMs: sys.wallClock(), monotonicMs: sys.now() };
  const ctx = newContext(sys, plan, control);
  try {
    const { error, freezing } = await work(ctx);
    const outcome = error === null ? (freezing?.state === "frozen" ? "frozen" : "thawed") : "failed";
    return report(ctx, started, { outcome, error }, freezing ?? stateIfRead(ctx));
  } catch (error) {
    const freezing = stateIfRead(ctx);
    const result = error instanceof InterruptedError ? interrupted(ctx, freezing) : resultOfError(error);
    return report(ctx, started, result, freezing);
  } finally {
    closeContext(ctx);
  }
}

function interrupted(ctx: KillContext, freezing: Freezing | null): FreezeResult {
  const now = freezing === null ? "" : `, and is ${freezing.state}`;
  return {
    outcome: "interrupted",
    error: failed(ctx, "interrupted", `interrupted${now}`, { hint: null, commands: [] }),
  };
}

/** For a report of something else that went wrong: what cannot be read is not told. */
function stateIfRead(ctx: KillContext): Freezing | null {
  try {
    return stateOf(ctx);
  } catch (error) {
    if (error instanceof SysError) return null;
    throw error;
  }
}

function report(ctx: KillContext, started: Started, result: FreezeResult, freezing: Freezing | null): FreezeOutcome {
  const { sys, cgroup, record } = ctx;
  return {
    ...blankFreeze(cgroup.path, cgroup, started, sys.now(), result),
    state: freezing?.state ?? null,
    frozenBy: freezing?.by?.path ?? null,
    spared: record.spared,
    leftFrozen: [...record.leftFrozen],
  };
}

function failed({ cgroup }: KillContext, code: string, what: string, advice: Advice): Failure {
  return { code, message: `${cgroup.path}: ${what}`, ...advice, operation: null, path: cgroup.name, errno: null };
}

const stateOf = ({ sys, cgroup }: KillContext): Freezing => readFreezing(sys, cgroup);

function checkThere({ sys, cgroup }: KillContext): void {
  if (isRemoved(sys, cgroup)) throw new NotFoundError("cgroup", `${cgroup.path}: no longer exists`);
}

/**
 * A v1 cgroup that was named is told to thaw whatever its switch says. One that cannot be thawed keeps no other from it;
 * the first error is thrown when all have been tried.
 */
async function thawSubtree(ctx: KillContext): Promise<void> {
  const { sys, cgroup, record } = ctx;
  const { hierarchy } = cgroup;
  if (hierarchy.version === "v1" && !hierarchy.hasFreezer) return;
  let first: SysError | undefined;
  const enter = ({ dir, ino }: Visit): void => {
    const isTold = hierarchy.version === "v1" && ino === cgroup.id.ino;
    if (!isTold && !isOn(sys, { hierarchy, dir })) return;
    const error = turnSwitch(sys, { hierarchy, dir }, false);
    if (error === null) return emit(ctx, "thawed", { state: "thawed", path: dir.shown });
    emit(ctx, "not-thawed", { path: dir.shown, error: String(error) });
    record.leftFrozen.add(dir.shown);
    first ??= error;
  };
  await walkSubtree(sys, cgroup, { enter }, { ...ctx.pace, until: record.deadline });
  if (first !== undefined) throw first;
}
