// Method "sweep", for a cgroup that cannot be frozen: hold its members still in a trap, or behind a fork fence where
// there is no freezer at all, and signal until a pass over the lists finds nobody new.

import { behindFence } from "./fence.ts";
import { signalEverybody, waitRound } from "./freezer.ts";
import { type KillRun, timeLeft } from "./run.ts";
import { withTrap } from "./trap.ts";

/** @returns whether the subtree is empty; `false` at the deadline */
export function killBySweep(run: KillRun): Promise<boolean> {
  return withTrap(run, async (trap) => {
    for (let round = 1; ; round++) {
      if (trap === undefined) await behindFence(run, () => signalEverybody(run, round));
      else await trap.whileFrozen(() => signalEverybody(run, round, trap.hold));
      if (await waitRound(run, round)) return true;
      if (timeLeft(run) === 0) return false;
    }
  });
}
