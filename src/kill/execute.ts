// Carrying out a plan: check the guards again, step aside, run the grace period and the method, remove, report.

import { UNLISTED } from "../advice.ts";
import { isOn } from "../cgroup/freezer-switch.ts";
import { mayHideMembers } from "../cgroup/members.ts";
import { isMountRoot } from "../cgroup/open/open-path.ts";
import type { Cgroup } from "../cgroup/types.ts";
import { isBusy, SysError } from "../sys/errno.ts";
import { SIGNALS } from "../sys/signal-names.ts";
import type { Pid, Sys } from "../sys/sys.ts";
import { attempt, emit, type KillContext, newContext, timed, timeLeft, yieldToSignals } from "./context.ts";
import { InterruptedError } from "./errors.ts";
import { killByFreezer } from "./methods/freezer.ts";
import { killByKernel } from "./methods/kernel.ts";
import { isAlreadyEmpty, proveEmpty, sigkillUnlisted } from "./methods/v1-proof.ts";
import { putSurvivorsBack, withAncestorsThawed } from "./moves/frozen-ancestors.ts";
import { stepAside } from "./moves/step-aside.ts";
import { type KillResult, outcomeOf, resultOfError, resultOfKill } from "./outcome.ts";
import { guard } from "./plan/guard.ts";
import { thaw, thawBelow, thawFound } from "./steps/freezing.ts";
import { type HeldProcess, isSigkillPending } from "./steps/held-process.ts";
import { removeSubtree } from "./steps/remove.ts";
import { signalMembers } from "./steps/signal.ts";
import { isEmpty, waitForEmpty } from "./steps/wait.ts";
import type { KillControl, KillOptions, KillOutcome, KillPlan, Survivor } from "./types.ts";

/** A tree that forks faster than it can be signalled must not use up the grace period: it gets SIGKILL instead. */
const MAX_GRACE_PASSES = 5;

/** The guards are checked again if cgkill has waited for longer than this since. */
const MAX_GUARD_AGE_MS = 20;

const UNSCANNED = "a member that moves between cgroups may have been missed; kill it again, or add --remove";

/**
 * Carry out a plan, until it is done or the deadline has passed. However it ends, nothing that it froze stays frozen.
 *
 * @returns an outcome, also for errors; only a bug throws
 */
export async function executeKill(sys: Sys, plan: KillPlan, control: KillControl): Promise<KillOutcome> {
  using ctx = newContext(sys, plan, control);
  const { record, followed } = ctx;
  try {
    const survivors = await killAll(ctx);
    const unremoved = plan.remove && survivors.length === 0 ? await remove(ctx) : null;
    // The directory may be busy because a process was moved in: report that as a survivor if it does not die.
    const left = unremoved === null || (await isEmptied(ctx)) ? survivors : await findSurvivors(ctx);
    if (left.length === 0 && !record.removed) await finishKept(ctx);
    const result = resultOfKill(ctx, left);
    return outcomeOf(ctx, left.length === 0 && unremoved !== null ? unremoved : result, left);
  } catch (error) {
    followed.dropAllDead();
    const isInterrupted = error instanceof InterruptedError;
    const result = isInterrupted
      ? await (await import("./interrupted.ts")).resultOfInterrupted(ctx)
      : resultOfError(error);
    emit(ctx, "ended", { error: String(error) });
    return outcomeOf(ctx, result, []);
  } finally {
    control.onEnd?.(record.deadline - control.deadline);
  }
}

/** Whether it is empty, if need be after another kill: removal gives up early if something is mounted inside. */
const isEmptied = async (ctx: KillContext): Promise<boolean> => (await isEmpty(ctx)) || (await killAgain(ctx));

/**
 * Kill what was moved in since the target was empty. The guards hold for that too, and a target that was found empty has
 * skipped the step aside.
 *
 * @returns whether it is empty; `false` at the deadline
 */
async function killAgain(ctx: KillContext): Promise<boolean> {
  if (timeLeft(ctx) === 0) return false;
  if (!(await passGuardsAgain(ctx, { mayBeRenamed: true }))) return true;
  await stepAside(ctx);
  return await runMethod(ctx);
}

async function killAll(ctx: KillContext): Promise<readonly Survivor[]> {
  const { sys, plan, followed, record } = ctx;
  if (!(await passGuards(ctx))) {
    record.wasGone = true;
    return [];
  }
  if (plan.method === "sweep") {
    const { removeLeftovers } = await import("./methods/sweep.ts");
    // First, because a trap may hold members; and before the target is removed, because the traps are known by it.
    attempt(ctx, "look for traps left behind", () => removeLeftovers(ctx));
  }
  if (ctx.control.isRehearsal !== true && (await isAlreadyEmpty(ctx))) return [];
  await stepOut(ctx);
  const readyAt = sys.now();
  if (plan.options.graceMs > 0 && (await runGracePeriod(ctx)) && (await proveEmpty(ctx))) {
    // The methods do this themselves on v1.
    if (!plan.remove) await thawFound(ctx);
    return [];
  }
  await yieldToSignals(ctx);
  // After the grace period, or if it was stopped just now.
  if (sys.now() - readyAt > MAX_GUARD_AGE_MS) {
    if (!(await passGuardsAgain(ctx))) return [];
    await stepOut(ctx);
  }
  if (await runMethod(ctx)) return [];
  followed.dropAllDead();
  putSurvivorsBack(ctx);
  // The lists alone do not show a member that is moved ahead of them.
  const isOver = followed.size === 0 && (await isEmpty(ctx)) && (await proveEmpty(ctx));
  return isOver ? [] : await findSurvivors(ctx);
}

/**
 * Check the guards.
 *
 * @returns whether the target is there; if it was removed, nothing is left to kill
 * @throws RefusedError  a guard refuses
 */
async function passGuards({ sys, plan: planned, pace, record }: KillContext, plan = planned): Promise<boolean> {
  if ((await guard(sys, plan, pace)) === "same") return true;
  record.removed = true;
  record.proven = true;
  return false;
}

/**
 * The same for a kill that has begun: cgkill itself or what is guarded may have been moved in. That an ancestor was frozen
 * meanwhile is no reason to refuse: survivors are reported with it, and die when it is thawed.
 */
function passGuardsAgain(ctx: KillContext, given: Partial<KillOptions> = {}): Promise<boolean> {
  const options = { ...ctx.plan.options, thawAncestors: true, ...given };
  return passGuards(ctx, { ...ctx.plan, options, checkedAt: Number.NEGATIVE_INFINITY });
}

/** A standby is not moved: the guards have refused a target that contains it. */
async function stepOut(ctx: KillContext): Promise<void> {
  if (ctx.plan.options.mayStepAside) await stepAside(ctx);
}

/** Send the grace signal and wait. The deadline moves by the time that this takes. @returns whether all members ended */
async function runGracePeriod(ctx: KillContext): Promise<boolean> {
  const { sys, plan, control, record, followed } = ctx;
  const { graceMs, graceSignal } = plan.options;
  const start = sys.now();
  const { deadline } = record;
  record.deadline = Number.POSITIVE_INFINITY;
  record.isInGrace = true;
  control.begin?.();
  try {
    // One that has had SIGKILL, and was frozen until now, does not die of the grace signal.
    const doomed = new Set<Pid>();
    const before = ({ pid }: HeldProcess): void => {
      if (isSigkillPending(sys, pid)) doomed.add(pid);
    };
    const after = (pid: Pid): void => {
      if (doomed.has(pid)) record.signalled.set(pid, null);
      else record.graceSignalled.add(pid);
    };
    await signalMembers(ctx, { signal: SIGNALS[graceSignal], maxPasses: MAX_GRACE_PASSES, before, after });
    const isDenied = followed.size === 0 && record.denied.size > 0;
    if (isDenied) emit(ctx, "grace-denied", { signal: graceSignal });
    const until = isDenied ? start : start + graceMs;
    const haveEnded = await timed(ctx, "waitMs", () => waitForEmpty(ctx, until));
    followed.dropAllDead();
    record.isInGrace = false;
    return haveEnded;
  } finally {
    // Survivors of the grace signal were not killed, even if they have left the cgroup.
    followed.dropAllDead();
    followed.clear();
    record.deadline = deadline + sys.now() - start;
  }
}

// What a kill that succeeds does not need is loaded on demand, since loading it would delay the kill.

async function findSurvivors(ctx: KillContext): Promise<readonly Survivor[]> {
  return await (await import("./survivors.ts")).findSurvivors(ctx);
}

function runMethod(ctx: KillContext): Promise<boolean> {
  return withAncestorsThawed(ctx, async () => {
    switch (ctx.plan.method) {
      case "kill":
        return await killByKernel(ctx);
      case "freezer":
        return await killByFreezer(ctx);
      case "sweep":
        return await (await import("./methods/sweep.ts")).killBySweep(ctx);
    }
  });
}

/** Finish with an emptied target that is kept: record whether its emptiness is proven, and thaw it (v2). */
async function finishKept(ctx: KillContext): Promise<void> {
  const { sys, cgroup, plan, record } = ctx;
  const { version } = cgroup.hierarchy;
  const mayHide = mayHideMembers(sys, cgroup.hierarchy);
  record.proven = version === "v2" || (!mayHide && record.isScanned);
  // An error, so that -q shows it: exit status 0 promises an emptiness that is not proven here.
  if (!record.proven && !plan.remove) emit(ctx, "unproven", { reason: mayHide ? UNLISTED : UNSCANNED });
  if (version !== "v2") return;
  if (isOn(sys, cgroup) && thaw(ctx, cgroup) === null) {
    record.isThawedEmpty = true;
    emit(ctx, "thawed-empty");
  }
  await thawBelow(ctx);
}

/**
 * Remove the emptied subtree, and kill again what is moved in meanwhile.
 *
 * @returns `null` if it is removed; otherwise the result, which does not change that all members are dead
 */
async function remove(ctx: KillContext): Promise<KillResult | null> {
  const { sys, cgroup, record } = ctx;
  const isV1 = cgroup.hierarchy.version === "v1";
  let kills = 0;
  try {
    if (record.removed) return null;
    await timed(ctx, "removeMs", () =>
      removeSubtree(ctx, async () => {
        if (timeLeft(ctx) === 0) return;
        await killAgain(ctx);
        // A process that another keeps moving ahead of each list that is read. The first time it is more likely that the
        // last deaths are not over.
        if (isV1 && kills++ > 0) await sigkillUnlisted(ctx, new Set(), false);
      }),
    );
    return null;
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    const result = resultOfError(error).error;
    // On v1 only this EBUSY shows that such members exist.
    const isHidden = isBusy(error) && mayHideMembers(sys, cgroup.hierarchy);
    const hint = isHidden ? UNLISTED : hintOfMounts(cgroup);
    return { outcome: "not-removed", error: result === null ? result : { ...result, hint: result.hint ?? hint } };
  }
}

function hintOfMounts(cgroup: Cgroup): string | null {
  if (cgroup.isCovered) return "unmount what is mounted inside it or over it";
  return isMountRoot(cgroup) ? "it is the root of this mount: name it by one that shows its parent" : null;
}
