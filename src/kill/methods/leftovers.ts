// What a sweep leaves behind if SIGKILL ends it: its trap, with processes in it, and its fork fence.

import { findFreezer } from "../../cgroup/open/hierarchy.ts";
import type { KillContext } from "../context.ts";
import { takeDownStale } from "./fork-fence.ts";
import { removeStale } from "./trap-end.ts";
import { trapParents } from "./trap.ts";

/** Remove what a cgkill that was killed during a sweep of this target left behind. */
export function removeLeftovers(ctx: KillContext): void {
  const { sys, cgroup } = ctx;
  takeDownStale(sys, cgroup);
  const freezer = findFreezer(sys);
  if (freezer === undefined) return;
  for (using parent of trapParents(sys, freezer)) removeStale(ctx, parent);
}
