// A target that is found empty: nothing is frozen, written or moved for it. A v1 freeze costs every processor of the
// machine milliseconds where no other cgroup is frozen (the kernel then rewrites its own code), and standard input may
// name thousands of such targets.

import { isOn } from "../../cgroup/freezer-switch.ts";
import { isInnerDir } from "../../cgroup/subtree.ts";
import type { Sys } from "../../sys/sys.ts";
import type { KillContext } from "../context.ts";
import { isEmpty } from "../steps/wait.ts";
import type { KillPlan } from "../types.ts";
import { isScannedEmpty, needsProof } from "./v1-proof.ts";

/**
 * May the kill leave it at that, if its subtree is empty as `isEmpty` tells it?
 *
 * v2: that is the kernel's own word. v1: what is removed is proven by rmdir(2). What is kept must have no cgroup below
 * it, where a process could move from one to another ahead of the reader; and it must not be frozen, since it would have
 * to be thawed.
 */
export function canSkipIfEmpty(sys: Sys, { cgroup, remove }: KillPlan): boolean {
  if (cgroup.hierarchy.version === "v2" || remove) return true;
  return !isInnerDir(sys.statusOf(cgroup.fd)) && !isOn(sys, cgroup);
}

/** @returns whether there is nothing to be killed, with all the proof that a kill would have */
export async function isAlreadyEmpty(ctx: KillContext): Promise<boolean> {
  if (!canSkipIfEmpty(ctx.sys, ctx.plan) || !(await isEmpty(ctx))) return false;
  return !needsProof(ctx) || (await isScannedEmpty(ctx));
}
