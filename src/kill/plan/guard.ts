// What must not be killed, or not until the caller says so. Reads only; a refusal is a value, until right before the deed.

import { cgkillCommand } from "../../advice.ts";
import { comparablePath } from "../../cgroup/inside.ts";
import { readMembers } from "../../cgroup/members.ts";
import type { Pace } from "../../cgroup/subtree.ts";
import type { Cgroup } from "../../cgroup/types.ts";
import type { Sys } from "../../sys/sys.ts";
import { RefusedError } from "../errors.ts";
import { hasDestination } from "../moves/destinations.ts";
import { findFrozenAncestor } from "../moves/frozen-ancestors.ts";
import type { KillOptions, KillPlan, Refusal } from "../types.ts";
import { type Guarded, readGuarded, refuseByPlace, refuseGuarded } from "./guarded.ts";
import { guardIdentity } from "./identity.ts";
import { domainOf, findSplitProcess, isThreadedCgroup } from "./threaded.ts";

/** A look so young is as good as another one: what can change after it can change after any. */
const FRESH_MS = 20;

/**
 * Guard once more right before the deed: between the plan and now a person may have thought for a minute.
 *
 * @throws RefusedError  by the plan, by what has changed since, or since it is another cgroup by now
 */
export async function guard(sys: Sys, plan: KillPlan, pace: Pace): Promise<"same" | "gone"> {
  const { cgroup } = plan;
  if (plan.refusal !== null) throw new RefusedError(plan.refusal);
  const identity = guardIdentity(sys, cgroup);
  const isOld = sys.now() - plan.checkedAt > FRESH_MS;
  const look = (): Promise<Refusal | null> =>
    findRefusal(sys, cgroup, plan.options, readGuarded(sys, cgroup.hierarchy, plan.options), pace);
  const refusal = identity === "same" && isOld ? await look() : null;
  if (refusal !== null) throw new RefusedError(refusal);
  return identity;
}

/**
 * The first reason not to kill this cgroup; `null` if there is none.
 *
 * @param threaded  whether it is, if that is known
 */
export async function findRefusal(
  sys: Sys,
  cgroup: Cgroup,
  options: KillOptions,
  guarded: readonly Guarded[],
  pace: Pace,
  threaded: boolean = isThreadedCgroup(sys, cgroup),
): Promise<Refusal | null> {
  const path = comparablePath(sys, cgroup);
  return (
    refuseByPlace(path === undefined ? [] : guarded, path ?? cgroup.path, cgroup.name) ??
    (await refuseHidden(sys, cgroup, path === undefined ? guarded : guarded.filter(({ places }) => !places), pace)) ??
    (threaded ? await refuseWidening(sys, cgroup, path ?? cgroup.path, pace) : null) ??
    refuseFrozenAncestor(sys, cgroup, options)
  );
}

/** Below a frozen v1 ancestor no process dies, but the killed can be moved out to die if there is a place for them. */
function refuseFrozenAncestor(sys: Sys, cgroup: Cgroup, options: KillOptions): Refusal | null {
  if (options.thawAncestors) return null;
  const ancestor = findFrozenAncestor(sys, cgroup);
  if (ancestor === null) return null;
  sys.close(ancestor.fd);
  if (hasDestination(sys, cgroup)) return null;
  return {
    code: "frozen-ancestor",
    message: `${cgroup.path}: its ancestor ${ancestor.path} is frozen, and the killed cannot be moved out of it to die`,
    hint: "thaw it, or let it be thawed for the duration of the kill: --thaw-ancestors",
    commands: [cgkillCommand(["thaw"], ancestor.name)],
  };
}

/** Processes that /proc hides (hidepid), or whose path there cannot be compared: the lists of members still show them. */
async function refuseHidden(sys: Sys, cgroup: Cgroup, hidden: readonly Guarded[], pace: Pace): Promise<Refusal | null> {
  if (hidden.length === 0) return null;
  const { pids } = await readMembers(sys, cgroup, "procs", pace);
  const inside = hidden.find(({ pid }) => pids.has(pid));
  return inside === undefined ? null : refuseGuarded(cgroup.path, inside);
}

async function refuseWidening(sys: Sys, cgroup: Cgroup, path: string, pace: Pace): Promise<Refusal | null> {
  const pid = await findSplitProcess(sys, cgroup, path, pace);
  if (pid === undefined) return null;
  return {
    code: "threaded",
    message: `${cgroup.path}: is threaded, and pid ${pid} has threads outside it that would die too`,
    hint: "name the cgroup that holds all of its threads",
    commands: [cgkillCommand(["show"], domainOf(sys, cgroup))],
  };
}
