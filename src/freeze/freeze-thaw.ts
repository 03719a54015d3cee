// `cgkill freeze` and `cgkill thaw` of one cgroup. Both wait until the cgroup is in the requested state. A freeze that does
// not complete is undone.

import { cgkillCommand } from "../advice.ts";
import { NotFoundError } from "../cgroup/errors.ts";
import { type Freezing, readFreezing, readOwnSwitch } from "../cgroup/freeze-state.ts";
import { freezeRepeater, isOn, turnSwitch, writeSwitch } from "../cgroup/freezer-switch.ts";
import { hierarchyName } from "../cgroup/open/hierarchy.ts";
import { isRemoved } from "../cgroup/subtree.ts";
import type { Cgroup, FreezeState } from "../cgroup/types.ts";
import { emit, type KillContext, newContext, timeLeft, whileInForce } from "../kill/context.ts";
import { InterruptedError, MethodError, RefusedError } from "../kill/errors.ts";
import { removeLeftovers } from "../kill/methods/sweep.ts";
import { stepAside } from "../kill/moves/step-aside.ts";
import { newOpened } from "../kill/opened.ts";
import { failureAt, type Result, resultOfError, targetOutcome } from "../kill/outcome.ts";
import { guard } from "../kill/plan/guard.ts";
import { guardIdentity } from "../kill/plan/identity.ts";
import { withoutKilling } from "../kill/plan/refusals.ts";
import { thaw, thawBelow } from "../kill/steps/freezing.ts";
import { waitForLock, waitUntil } from "../kill/steps/wait.ts";
import type { Failure, KillControl, KillPlan, Outcome, Spared, TargetOutcome, TwinReport } from "../kill/types.ts";
import { readOr, tryTo } from "../sys/errno.ts";
import { closing, type Sys } from "../sys/sys.ts";

type Base = TargetOutcome<Exclude<Outcome, "killed" | "empty"> | "frozen" | "thawed">;

export interface FreezeOutcome extends Base {
  readonly state: FreezeState | null;
  /** The cgroup whose own switch is on: this one or an ancestor. */
  readonly frozenBy: string | null;
  readonly spared: readonly Spared[];
  /** Cgroups that could not be thawed. */
  readonly leftFrozen: readonly string[];
  /** The v1 freezer cgroup of twins; its kill-specific keys are `null`. */
  readonly twin: TwinReport<null, null> | null;
}

type FreezeResult = Result<FreezeOutcome["outcome"]>;

/** The interval between reads of the state. Only v2 has an event for it, which would save little. */
const STATE_INTERVAL_MS = 2;

/** How long a kill that works may hold the lock: while it freezes, signals and thaws. */
const MAX_LOCK_MS = 1000;

/** Called with a cgroup that was found thawed, right before it is frozen. */
export type BeforeFreeze = (cgroup: Cgroup) => Promise<void>;

/**
 * Freeze a cgroup with its descendants, and wait until it is frozen. Undone if that takes too long, or on an error. The
 * guards are those of a kill.
 */
export function executeFreeze(
  sys: Sys,
  plan: KillPlan,
  control: KillControl,
  beforeFreeze?: BeforeFreeze,
): Promise<FreezeOutcome> {
  return execute(sys, plan, control, async (ctx) => {
    const { cgroup, record } = ctx;
    refuseUnfreezable(cgroup);
    await guard(sys, plan, ctx.pace);
    checkExists(ctx);
    await stepAside(ctx);
    // Until the switch is written. Regression: the freeze of another cgkill, for the moment of its kill, was taken for one
    // that was there before, and a freeze that failed left the cgroup frozen.
    using lock = newOpened();
    lock.use(closing(sys, await waitForLock(ctx, "no-lock", cgroup, MAX_LOCK_MS)));
    const wasFrozen = readOwnSwitch(sys, cgroup);
    if (!wasFrozen) await beforeFreeze?.(cgroup);
    let freezing: Freezing | undefined;
    let isDone = false;
    // Descendants that were frozen on their own stay frozen.
    const freeze = {
      undo: () => void (wasFrozen || thaw(ctx, cgroup)),
      redo: () => void turnSwitch(sys, cgroup, true),
    };
    await whileInForce(ctx, freeze, async () => {
      try {
        writeSwitch(sys, cgroup, true);
        lock[Symbol.dispose]();
        emit(ctx, "freezing");
        const repeat = freezeRepeater(sys, cgroup);
        isDone = await waitUntil(ctx, { intervalMs: STATE_INTERVAL_MS }, () => {
          checkExists(ctx);
          freezing = readFreezing(sys, cgroup);
          repeat(freezing.state);
          return freezing.state === "frozen";
        });
      } finally {
        if (!isDone) freeze.undo();
      }
    });
    // The state from the wait is reported. Reading it again could fail, and hide that the cgroup is frozen.
    if (isDone && freezing !== undefined) return { error: null, freezing };
    const undone = record.leftFrozen.size === 0 ? ", and was thawed again" : ", and could not be thawed again";
    const what = `did not freeze in time${wasFrozen ? "" : undone}`;
    const show = cgkillCommand(["show"], cgroup.name);
    return { error: failureAt(cgroup, "timed-out", what, FREEZE_HINT, [show]), freezing: null };
  });
}

const ANCESTOR_HINT = "move it out first with --spare, or freeze it too with --allow-ancestors";
const FREEZE_HINT = "a member is blocked in the kernel: find out which, or give it more time: --timeout 1m";

function refuseUnfreezable({ hierarchy, path }: Cgroup): void {
  if (hierarchy.version === "v2" || hierarchy.hasFreezer) return;
  const where = hierarchyName(hierarchy);
  throw new MethodError(`${path}: hierarchy ${where} cannot freeze`, "name a cgroup in v2 or in the v1 freezer");
}

/**
 * Thaw a cgroup with its descendants, whichever process froze them, and wait until it is thawed. Also remove the traps and
 * the fork fence that killed cgkills left behind. Ancestors are left alone.
 */
export function executeThaw(sys: Sys, plan: KillPlan, control: KillControl): Promise<FreezeOutcome> {
  return execute(sys, plan, control, async (ctx) => {
    const { cgroup } = ctx;
    if (cgroup.path === "/" && plan.refusal !== null) throw new RefusedError(plan.refusal);
    guardIdentity(sys, cgroup);
    // Reported after the thaw, which does not depend on it.
    const failure = tryTo(() => removeLeftovers(ctx));
    const isComplete = await thawSubtree(ctx);
    if (failure !== undefined) throw failure;
    if (!isComplete) {
      const what = "not all cgroups below it were thawed in time";
      return { error: failureAt(cgroup, "timed-out", what, "give it more time: --timeout 1m"), freezing: null };
    }
    let freezing = readFreezing(sys, cgroup);
    await waitUntil(ctx, { intervalMs: STATE_INTERVAL_MS }, () => {
      freezing = readFreezing(sys, cgroup);
      return freezing.state === "thawed" || isFrozenByAncestor(freezing, cgroup);
    });
    const { state, by } = freezing;
    if (state === "thawed") return { error: null, freezing };
    if (by !== null && isFrozenByAncestor(freezing, cgroup)) {
      const what = `is thawed itself, but its ancestor ${by.path} is frozen`;
      const thaw = cgkillCommand(["thaw"], by.name);
      return { error: failureAt(cgroup, "frozen-ancestor", what, "thaw the ancestor", [thaw]), freezing };
    }
    const show = cgkillCommand(["show"], cgroup.name);
    return { error: failureAt(cgroup, "timed-out", "is still frozen", "see its members", [show]), freezing };
  });
}

const isFrozenByAncestor = ({ by }: Freezing, { path }: Cgroup): boolean => by !== null && by.path !== path;

interface Switched {
  readonly error: Failure | null;
  /** The last state that was read; `null` if it is yet to be read for the report. */
  readonly freezing: Freezing | null;
}

type Work = (ctx: KillContext) => Promise<Switched>;

async function execute(sys: Sys, plan: KillPlan, control: KillControl, work: Work): Promise<FreezeOutcome> {
  using ctx = newContext(sys, plan, control);
  try {
    const { error, freezing } = await work(ctx);
    const outcome = error === null ? (freezing?.state === "frozen" ? "frozen" : "thawed") : "failed";
    return report(ctx, { outcome, error }, freezing ?? readStateOrNull(ctx));
  } catch (error) {
    const freezing = readStateOrNull(ctx);
    const result = error instanceof InterruptedError ? interrupted(ctx, freezing) : resultOfError(error);
    return report(ctx, { ...result, error: result.error && withoutKilling(result.error, ANCESTOR_HINT) }, freezing);
  }
}

function interrupted({ cgroup }: KillContext, freezing: Freezing | null): FreezeResult {
  const now = freezing === null ? "" : `, and is ${freezing.state}`;
  return { outcome: "interrupted", error: failureAt(cgroup, "interrupted", `interrupted${now}`) };
}

/** For reports: `null` if the state cannot be read. */
const readStateOrNull = ({ sys, cgroup }: KillContext): Freezing | null =>
  readOr(null, () => readFreezing(sys, cgroup));

function report(
  { sys, cgroup, plan, record, started }: KillContext,
  result: FreezeResult,
  freezing: Freezing | null,
): FreezeOutcome {
  return {
    ...blankFreeze(targetOutcome(cgroup.path, plan, started, sys.now(), result)),
    state: freezing?.state ?? null,
    frozenBy: freezing?.by?.path ?? null,
    spared: record.spared,
    leftFrozen: [...record.leftFrozen],
  };
}

/** The outcome for a target that was not touched. */
export function blankFreeze({ startedAt, durationMs, error, matches, ...place }: Base): FreezeOutcome {
  const findings = { state: null, frozenBy: null, spared: [], leftFrozen: [] };
  // In the order of the JSON.
  return { ...place, ...findings, startedAt, durationMs, error, twin: null, matches };
}

function checkExists({ sys, cgroup }: KillContext): void {
  if (isRemoved(sys, cgroup)) throw new NotFoundError("cgroup", `${cgroup.path}: no longer exists`);
}

/**
 * Thaw the cgroup and its descendants. On v1 the cgroup itself gets the write even if its switch is off. An error on one
 * does not stop the others; the first one is thrown in the end.
 *
 * @returns `false` if it did not reach all of them before the deadline
 */
async function thawSubtree(ctx: KillContext): Promise<boolean> {
  const { sys, cgroup } = ctx;
  const { version, hasFreezer } = cgroup.hierarchy;
  if (version === "v1" && !hasFreezer) return true;
  let first = version === "v1" || isOn(sys, cgroup) ? thaw(ctx, cgroup) : null;
  let isComplete = false;
  // Again if the deadline has moved, because cgkill was stopped meanwhile.
  do isComplete = await thawBelow(ctx, (error) => (first ??= error));
  while (!isComplete && timeLeft(ctx) > 0);
  if (first !== null) throw first;
  return isComplete;
}
