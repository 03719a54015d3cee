// From a plan to an outcome: guard again, step aside, give grace, run the method, remove, report.

import { isBusy, SysError } from "../sys/errno.ts";
import { isInPidNamespace } from "../sys/proc.ts";
import type { Sys } from "../sys/sys.ts";
import { withAncestorsThawed } from "./corpses.ts";
import { InterruptedError } from "./errors.ts";
import { killByFreezer } from "./freezer.ts";
import { guard } from "./guard.ts";
import { killByKernel } from "./kernel.ts";
import { type Ending, endingOf, endingOfKill, outcomeOf, type Started } from "./outcome.ts";
import { removeSubtree } from "./remove.ts";
import { breathe, closePins, emit, type KillRun, listMembers, newRun, timed, timeLeft } from "./run.ts";
import { signalMembers } from "./signal.ts";
import { stepAside } from "./spare.ts";
import { findSurvivors } from "./survivors.ts";
import { killBySweep } from "./sweep.ts";
import { type KillContext, type KillOutcome, type KillPlan, SIGNALS, type Survivor } from "./types.ts";
import { dropAllDead, isEmpty, waitForEmpty } from "./wait.ts";

/** A grace signal is for what is there; a tree that forks faster than it is signalled gets SIGKILL soon enough. */
const GRACE_PASSES = 5;

/** v2 lists them without their numbers, and says "populated"; of v1 only a directory that cannot be removed tells. */
const UNLISTED = "v1 does not list members of other pid namespaces; run it on the host to be sure";

/**
 * Carry out a plan, whatever it takes until the deadline. Always returns an outcome; only a bug throws.
 *
 * Nothing that it froze stays frozen, however it ends.
 */
export async function executeKill(sys: Sys, plan: KillPlan, ctx: KillContext): Promise<KillOutcome> {
  const started: Started = { wallMs: sys.wallClock(), monotonicMs: sys.now() };
  const run = newRun(sys, plan, ctx);
  try {
    const survivors = await killAll(run);
    if (!plan.remove && plan.cgroup.hierarchy.version === "v2") {
      emit(run, "debug", "kept: newer kernels kill what is started into it by clone3; --remove avoids that");
    }
    const unremoved = plan.remove && survivors.length === 0 ? await remove(run) : null;
    // Whoever came in and does not die is why it cannot be removed.
    const left = unremoved === null || isEmpty(run) ? survivors : findSurvivors(run);
    if (left.length === 0) run.proven = run.removed || !mayHide(run);
    // An error, so that -q shows it: the exit status promises what is not known.
    if (!plan.remove && run.proven === false) emit(run, "error", `kept, and so not proven empty: ${UNLISTED}`);
    const ending = endingOfKill(run, left);
    return outcomeOf(run, started, left.length === 0 && unremoved !== null ? unremoved : ending, left);
  } catch (error) {
    forgetTheLiving(run);
    emit(run, "trace", "ended by an error", { error: String(error) });
    return outcomeOf(run, started, endingOf(error), []);
  } finally {
    closePins(run);
  }
}

/** Can there be members that no list shows us? */
function mayHide({ sys, cgroup }: KillRun): boolean {
  return cgroup.hierarchy.version === "v1" && isInPidNamespace(sys);
}

async function killAll(run: KillRun): Promise<readonly Survivor[]> {
  if (guard(run.sys, run.plan) === "gone") {
    run.removed = true;
    return [];
  }
  stepAside(run);
  const { graceMs } = run.plan.options;
  if (graceMs > 0 && (await giveGrace(run))) return [];
  await breathe(run);
  const isDone = await withAncestorsThawed(run, () => runMethod(run));
  return isDone || isEmpty(run) ? [] : findSurvivors(run);
}

/** @returns whether all are gone by themselves */
async function giveGrace(run: KillRun): Promise<boolean> {
  const { graceMs, graceSignal } = run.plan.options;
  const signal = SIGNALS[graceSignal];
  try {
    await signalMembers(run, { signal, list: listMembers, maxPasses: GRACE_PASSES });
    run.wasPopulated ||= run.killed.size > 0;
    return await timed(run, "waitMs", () => waitForEmpty(run, run.sys.now() + graceMs));
  } finally {
    // Whoever lives on has had a signal that does not kill; wherever he is by now.
    dropAllDead(run);
    for (const { pid } of run.pins) run.killed.delete(pid);
    closePins(run);
  }
}

function runMethod(run: KillRun): Promise<boolean> {
  switch (run.plan.method) {
    case "kill":
      return killByKernel(run);
    case "freezer":
      return killByFreezer(run);
    case "sweep":
      return killBySweep(run);
  }
}

/** Cut short we have not seen who is dead: whoever is still a member is not told as killed. */
function forgetTheLiving(run: KillRun): void {
  try {
    for (const pid of listMembers(run).pids) run.killed.delete(pid);
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    run.killed.clear();
  }
}

/** The second verdict: `null` where it is removed. That all are dead stays true whatever becomes of the directory. */
async function remove(run: KillRun): Promise<Ending | null> {
  try {
    await timed(run, "removeMs", () =>
      removeSubtree(run, async () => {
        if (timeLeft(run) > 0) await runMethod(run);
      }),
    );
    // What is gone is not frozen.
    run.leftFrozen.clear();
    return null;
  } catch (error) {
    if (error instanceof InterruptedError || !(error instanceof SysError)) throw error;
    const ending = endingOf(error).error;
    const isHidden = isBusy(error) && mayHide(run);
    return { outcome: "not-removed", error: ending === null || !isHidden ? ending : { ...ending, hint: UNLISTED } };
  }
}
