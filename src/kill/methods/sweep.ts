// Method "sweep", for cgroups that cannot be frozen: move the members into a frozen trap, or without a v1 freezer put up a
// fork fence, and send SIGKILL until a pass over the lists finds no new member.

import { findFreezer } from "../../cgroup/open/hierarchy.ts";
import { type KillContext, timeLeft } from "../context.ts";
import { moveKilledOut } from "../moves/frozen-ancestors.ts";
import { thawFound } from "../steps/freezing.ts";
import type { HeldProcess } from "../steps/held-process.ts";
import { behindFence, takeDownStale } from "./fork-fence.ts";
import { isRestDenied, sigkillMembers, waitRound } from "./freezer.ts";
import { removeStale } from "./trap-end.ts";
import { capture, trapParents, whileTrapFrozen, withTrap } from "./trap.ts";
import { proveEmpty } from "./v1-proof.ts";

/** @returns whether the subtree is empty and all signalled processes are dead; `false` at the deadline */
export function killBySweep(ctx: KillContext): Promise<boolean> {
  // A signal that JavaScript cannot handle would leave an empty trap behind.
  ctx.control.begin?.();
  return withTrap(ctx, async (trap) => {
    for (let round = 1; ; round++) {
      const before = trap && ((held: HeldProcess) => capture(ctx, trap, held));
      const kill = () => sigkillMembers(ctx, round, { before });
      await (trap === undefined ? behindFence(ctx, kill) : whileTrapFrozen(ctx, trap, kill));
      await thawFound(ctx);
      if (trap === undefined) await moveKilledOut(ctx);
      if ((await waitRound(ctx, round)) && (await proveEmpty(ctx))) return true;
      if (timeLeft(ctx) === 0 || isRestDenied(ctx, round)) return false;
    }
  });
}

/** Remove what a cgkill that was killed during a sweep of this target left behind: its trap, and its fork fence. */
export function removeLeftovers(ctx: KillContext): void {
  const { sys, cgroup } = ctx;
  takeDownStale(sys, cgroup);
  const freezer = findFreezer(sys);
  if (freezer === undefined) return;
  for (using parent of trapParents(sys, freezer)) removeStale(ctx, parent);
}
