// Targets that are empty from the start: nothing is frozen, written or moved for them. While no other v1 cgroup is frozen, a
// freeze makes the kernel patch its own code (a static key), which stalls every processor for milliseconds; and standard
// input may name thousands of empty targets.

import { isOn } from "../../cgroup/freezer-switch.ts";
import { isInnerDir } from "../../cgroup/subtree.ts";
import type { Sys } from "../../sys/sys.ts";
import type { KillContext } from "../context.ts";
import { isEmpty } from "../steps/wait.ts";
import type { KillPlan } from "../types.ts";
import { isProvenByScan, needsProof } from "./v1-proof.ts";

/**
 * Can the kill be skipped if `isEmpty` finds the subtree empty?
 *
 * On v2 the kernel itself says so. On v1, removal is proof: rmdir(2) fails on a populated cgroup. A v1 cgroup that is kept
 * must have no children, since a process could move between them ahead of the reader, and must not be frozen, since the
 * kill would have to thaw it.
 */
export function canSkipIfEmpty(sys: Sys, { cgroup, remove }: KillPlan): boolean {
  if (cgroup.hierarchy.version === "v2" || remove) return true;
  return !isInnerDir(sys.statusOf(cgroup.fd)) && !isOn(sys, cgroup);
}

/** Is there nothing to kill? If so, that is as well proven as after a kill. */
export async function isAlreadyEmpty(ctx: KillContext): Promise<boolean> {
  if (!canSkipIfEmpty(ctx.sys, ctx.plan) || !(await isEmpty(ctx))) return false;
  return !needsProof(ctx) || (await isProvenByScan(ctx));
}
