// Method "sweep", for cgroups that cannot be frozen: move the members into a frozen trap, or without a v1 freezer put up a
// fork fence, and send SIGKILL until a pass over the lists finds no new member.

import { type KillContext, timeLeft } from "../context.ts";
import { thawFound } from "../steps/freezing.ts";
import { behindFence } from "./fork-fence.ts";
import { isRestDenied, sigkillMembers, waitRound } from "./freezer.ts";
import { withTrap } from "./trap.ts";
import { proveEmpty } from "./v1-proof.ts";

/** @returns whether the subtree is empty and all signalled processes are dead; `false` at the deadline */
export function killBySweep(ctx: KillContext): Promise<boolean> {
  // A signal that JavaScript cannot handle would leave an empty trap behind.
  ctx.control.begin?.();
  return withTrap(ctx, async (trap) => {
    for (let round = 1; ; round++) {
      if (trap === undefined) await behindFence(ctx, () => sigkillMembers(ctx, round));
      else await trap.whileFrozen(() => sigkillMembers(ctx, round, { before: trap.capture }));
      await thawFound(ctx);
      if ((await waitRound(ctx, round)) && (await proveEmpty(ctx))) return true;
      if (timeLeft(ctx) === 0 || isRestDenied(ctx, round)) return false;
    }
  });
}
