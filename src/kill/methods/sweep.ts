// Method "sweep", for a cgroup that cannot be frozen: hold its members still in a trap, or behind a fork fence where
// there is no freezer at all, and signal until a pass over the lists finds no new member.

import { type KillContext, timeLeft } from "../context.ts";
import { behindFence } from "./fork-fence.ts";
import { signalEverything, waitRound } from "./freezer.ts";
import { withTrap } from "./trap.ts";
import { proveEmpty } from "./v1-proof.ts";

/** @returns whether the subtree is empty and all that was killed is dead; `false` at the deadline */
export function killBySweep(ctx: KillContext): Promise<boolean> {
  return withTrap(ctx, async (trap) => {
    for (let round = 1; ; round++) {
      if (trap === undefined) await behindFence(ctx, () => signalEverything(ctx, round));
      else await trap.whileFrozen(() => signalEverything(ctx, round, trap.hold));
      if ((await waitRound(ctx, round)) && (await proveEmpty(ctx))) return true;
      if (timeLeft(ctx) === 0) return false;
    }
  });
}
