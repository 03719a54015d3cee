// What must not be killed, or only with the caller's consent. Reads only. In a plan a refusal is a value; right before the
// kill it is thrown.

import { cgkillCommand } from "../../advice.ts";
import { pathUnlessListed } from "../../cgroup/inside.ts";
import { readMembers } from "../../cgroup/members.ts";
import type { Pace } from "../../cgroup/subtree.ts";
import type { Cgroup } from "../../cgroup/types.ts";
import type { Sys } from "../../sys/sys.ts";
import { RefusedError } from "../errors.ts";
import { hasDestination } from "../moves/destinations.ts";
import { findFrozenAncestor } from "../moves/frozen-ancestors.ts";
import type { KillOptions, KillPlan, Refusal } from "../types.ts";
import { type Guarded, readGuarded } from "./guarded-processes.ts";
import { guardIdentity, presenceOf } from "./identity.ts";
import { refuseByPlace, refuseGuarded } from "./refusals.ts";
import { domainOf, findSplitProcess, isThreadedCgroup } from "./threaded.ts";

/** A plan of this age is not checked again: no check rules out a change right after it. */
const MAX_PLAN_AGE_MS = 20;

/**
 * Check the guards again right before a kill, since an operator may have read the preview for minutes.
 *
 * @returns "gone" if the cgroup was removed
 * @throws RefusedError  the plan has a refusal, a guard refuses by now, or another cgroup has taken the name
 */
export async function guard(sys: Sys, plan: KillPlan, pace: Pace): Promise<"same" | "gone"> {
  const { cgroup } = plan;
  if (plan.refusal !== null) throw new RefusedError(plan.refusal);
  const identity = plan.options.mayBeRenamed ? presenceOf(sys, cgroup) : guardIdentity(sys, cgroup);
  if (identity === "same" && sys.now() - plan.checkedAt > MAX_PLAN_AGE_MS) {
    const guarded = readGuarded(sys, cgroup.hierarchy, plan.options);
    const refusal = await findRefusal(sys, cgroup, plan.options, guarded, pace);
    if (refusal !== null) throw new RefusedError(refusal);
  }
  return identity;
}

/**
 * Find the first reason not to kill a cgroup; `null` if there is none.
 *
 * @param threaded  as `isThreadedCgroup` reads it, if the caller has done that
 */
export async function findRefusal(
  sys: Sys,
  cgroup: Cgroup,
  options: KillOptions,
  guarded: readonly Guarded[],
  pace: Pace,
  threaded: boolean = isThreadedCgroup(sys, cgroup),
): Promise<Refusal | null> {
  const path = pathUnlessListed(sys, cgroup);
  const hidden: Guarded[] = [];
  for (const one of guarded) if (path === undefined || one.places() === undefined) hidden.push(one);
  return (
    refuseByPlace(path === undefined ? [] : guarded, path ?? cgroup.path, cgroup.name) ??
    (hidden.length > 0 ? await refuseHidden(sys, cgroup, hidden, pace) : null) ??
    (threaded ? await refuseWidening(sys, cgroup, path ?? cgroup.path, pace) : null) ??
    refuseFrozenAncestor(sys, cgroup, options)
  );
}

/** Below a frozen v1 ancestor no process dies. Killed processes can be moved out to die, if a cgroup accepts them. */
function refuseFrozenAncestor(sys: Sys, cgroup: Cgroup, options: KillOptions): Refusal | null {
  if (options.thawAncestors) return null;
  using ancestor = findFrozenAncestor(sys, cgroup);
  if (ancestor === null || hasDestination(sys, cgroup)) return null;
  return {
    code: "frozen-ancestor",
    message: `${cgroup.path}: its ancestor ${ancestor.path} is frozen, and killed processes cannot be moved out to die`,
    hint: "thaw it, or let it be thawed for the duration of the kill: --thaw-ancestors",
    commands: [cgkillCommand(["thaw"], ancestor.name)],
  };
}

/**
 * Refuse because of guarded processes that /proc hides (hidepid), or whose path there cannot be compared: the lists of
 * members still show them.
 */
async function refuseHidden(sys: Sys, cgroup: Cgroup, hidden: readonly Guarded[], pace: Pace): Promise<Refusal | null> {
  const { pids } = await readMembers(sys, cgroup, "procs", pace);
  const inside: Guarded[] = [];
  for (const one of hidden) if (pids.has(one.pid)) inside.push(one);
  return refuseGuarded(cgroup.path, inside);
}

async function refuseWidening(sys: Sys, cgroup: Cgroup, path: string, pace: Pace): Promise<Refusal | null> {
  const pid = await findSplitProcess(sys, cgroup, path, pace);
  if (pid === undefined) return null;
  return {
    code: "threaded",
    message: `${cgroup.path}: is threaded, and pid ${pid} also has threads outside it`,
    hint: "name the cgroup that contains all of its threads",
    commands: [cgkillCommand(["show"], domainOf(sys, cgroup))],
  };
}
