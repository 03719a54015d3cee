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
 * On v2 one read of the kernel's own flag answers. A v1 cgroup must have no children: a process could move between them
 * ahead of the reader, and reading the lists of a wide subtree once more delays the kill of its members by seconds. One
 * that is kept must not be frozen either, since the kill would have to thaw it; removal is proof, because rmdir(2) fails on
 * a populated cgroup.
 */
export function canSkipIfEmpty(sys: Sys, { cgroup, remove }: KillPlan): boolean {
  if (cgroup.hierarchy.version === "v2") return true;
  return !isInnerDir(sys.statusOf(cgroup.fd)) && (remove || !isOn(sys, cgroup));
}

/** Is there nothing to kill? If so, that is as well proven as after a kill. */
export async function isAlreadyEmpty(ctx: KillContext): Promise<boolean> {
  if (!canSkipIfEmpty(ctx.sys, ctx.plan) || !(await isEmpty(ctx))) return false;
  return !needsProof(ctx) || (await isProvenByScan(ctx));
}
