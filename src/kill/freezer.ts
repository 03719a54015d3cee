// Method "freezer": freeze, signal everybody, thaw, wait for each death; again until the kernel says empty.

import { moveDeadOut } from "./corpses.ts";
import { whileFrozen } from "./freeze.ts";
import { nameTheDying } from "./names.ts";
import { type KillRun, listMembers, listMembersByThread, timed, timeLeft } from "./run.ts";
import { signalMembers, type SignalOptions } from "./signal.ts";
import { SIGNALS } from "./types.ts";
import { dropAllDead, waitForEmpty } from "./wait.ts";

/** From one round to the next, where somebody is still alive: doubled each time. */
const FIRST_ROUND_MS = 50;
const LAST_ROUND_MS = 800;

/** @returns whether the subtree is empty; `false` at the deadline */
export async function killByFreezer(run: KillRun): Promise<boolean> {
  for (let round = 1; ; round++) {
    await whileFrozen(run, () => signalEverybody(run, round));
    moveDeadOut(run);
    if (await waitRound(run, round)) return true;
    if (timeLeft(run) === 0) return false;
  }
}

/**
 * SIGKILL everybody listed; from the second round on by way of the threads, which finds whom the lists leave out.
 *
 * @param hold  done to each right before it is signalled
 */
export function signalEverybody(run: KillRun, round: number, hold?: SignalOptions["hold"]): Promise<number> {
  const list = round === 1 ? listMembers : listMembersByThread;
  return signalMembers(run, { signal: SIGNALS.KILL, list, hold });
}

/**
 * Wait for this round's dead, longer from round to round: whoever is there after that is signalled again. As long as
 * they go on dying there is nothing to do but wait.
 */
export async function waitRound(run: KillRun, round: number): Promise<boolean> {
  nameTheDying(run, run.signalled);
  const patience = Math.min(FIRST_ROUND_MS * 2 ** (round - 1), LAST_ROUND_MS);
  return timed(run, "waitMs", async () => {
    for (;;) {
      const before = run.pins.length;
      if (await waitForEmpty(run, run.sys.now() + patience)) return true;
      // Whoever is waited for at this moment need not be the first to die.
      dropAllDead(run);
      const left = run.pins.length;
      if (left === 0 || left >= before || timeLeft(run) === 0) return false;
    }
  });
}
