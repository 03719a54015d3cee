// Method "freezer": freeze, signal every member, thaw, wait for each death; again until the kernel says empty.

import type { Pid } from "../../sys/sys.ts";
import { type KillContext, timed, timeLeft } from "../context.ts";
import { moveKilledOut } from "../moves/frozen-ancestors.ts";
import { SIGNALS } from "../signal-names.ts";
import { whileFrozen } from "../steps/freezing.ts";
import { signalMembers, type SignalOptions } from "../steps/signal.ts";
import { waitForEmpty } from "../steps/wait.ts";
import { readVictimNames } from "../victim-names.ts";
import { needsProof, proveEmpty, signalUnlisted } from "./v1-proof.ts";

/** From one round to the next, where a member is still alive: doubled each time. */
const FIRST_ROUND_MS = 50;
const LAST_ROUND_MS = 800;

/** @returns whether the subtree is empty and all that was killed is dead; `false` at the deadline */
export async function killByFreezer(ctx: KillContext): Promise<boolean> {
  for (let round = 1; ; round++) {
    await whileFrozen(ctx, async (isFrozen) => {
      const done = await signalEverything(ctx, round);
      if (needsProof(ctx)) await signalUnlisted(ctx, new Set(done), isFrozen);
    });
    await moveKilledOut(ctx);
    if ((await waitRound(ctx, round)) && (await proveEmpty(ctx))) return true;
    if (timeLeft(ctx) === 0) return false;
  }
}

/**
 * SIGKILL every listed member; from the second round on by way of the threads, which finds those that the lists leave out.
 *
 * @param before  done to each right before it is signalled
 */
export function signalEverything(
  ctx: KillContext,
  round: number,
  before?: SignalOptions["before"],
): Promise<ReadonlySet<Pid>> {
  const after = (pid: Pid): void => {
    if (!ctx.record.signalled.has(pid)) ctx.record.signalled.set(pid, null);
  };
  return signalMembers(ctx, { signal: SIGNALS.KILL, lists: round === 1 ? "procs" : "both", before, after });
}

/**
 * Wait for this round's dead, longer from round to round: what is there after that is signalled again. As long as
 * they go on dying there is nothing to do but wait.
 */
export async function waitRound(ctx: KillContext, round: number): Promise<boolean> {
  const { sys, followed, record } = ctx;
  readVictimNames(ctx, record.round);
  const patience = Math.min(FIRST_ROUND_MS * 2 ** (round - 1), LAST_ROUND_MS);
  return timed(ctx, "waitMs", async () => {
    for (;;) {
      const before = followed.size;
      if (await waitForEmpty(ctx, sys.now() + patience)) return true;
      // The one that is waited for at this moment need not be the first to die.
      followed.dropAllDead();
      const left = followed.size;
      if (left === 0 || left >= before || timeLeft(ctx) === 0) return false;
    }
  });
}
