// What must not be killed, or not until the caller says so. Reads only; a refusal is a value, until right before the deed.

import { cgkillCommand } from "../../advice.ts";
import { comparablePath, readPlaces } from "../../cgroup/inside.ts";
import { readMembers } from "../../cgroup/members.ts";
import { isWithin } from "../../cgroup/open/hierarchy.ts";
import { rootRefusal } from "../../cgroup/open/open-errors.ts";
import type { Pace } from "../../cgroup/subtree.ts";
import type { Cgroup, Hierarchy } from "../../cgroup/types.ts";
import { isDenied } from "../../sys/errno.ts";
import { type ProcessStat, readStat } from "../../sys/proc.ts";
import type { Pid, Sys } from "../../sys/sys.ts";
import { RefusedError } from "../errors.ts";
import { hasDestination } from "../moves/destinations.ts";
import { findFrozenAncestor } from "../moves/frozen-ancestors.ts";
import type { KillOptions, KillPlan, Refusal } from "../types.ts";
import { guardIdentity } from "./identity.ts";
import { domainOf, findSplitProcess, isThreaded } from "./threaded.ts";

const INIT: Pid = 1;

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
  const isOld = sys.now() - plan.lookedAt > FRESH_MS;
  const refusal = identity === "same" && isOld ? await findRefusal(sys, cgroup, plan.options, pace) : null;
  if (refusal !== null) throw new RefusedError(refusal);
  return identity;
}

/** The first reason not to kill this cgroup; `null` if there is none. */
export async function findRefusal(
  sys: Sys,
  cgroup: Cgroup,
  options: KillOptions,
  pace: Pace = {},
): Promise<Refusal | null> {
  const guarded = readGuarded(sys, cgroup.hierarchy, options);
  const path = comparablePath(sys, cgroup);
  return (
    refusalByPlace(path === undefined ? [] : guarded, path ?? cgroup.path, cgroup.name) ??
    (await refuseHidden(sys, cgroup, path === undefined ? guarded : guarded.filter(({ places }) => !places), pace)) ??
    (await refuseWidening(sys, cgroup, path ?? cgroup.path, pace)) ??
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

/** A process whose death is refused: PID 1, or one of our ancestors. */
export interface Guarded {
  readonly pid: Pid;
  /** `null` where we may not read it. */
  readonly comm: string | null;
  /** The cgroups of its threads, none if it is gone; `undefined` if its /proc is hidden from us. */
  readonly places: readonly string[] | undefined;
}

/** PID 1 and, unless they may die or are moved out, our ancestors. Read once for any number of cgroups of a hierarchy. */
export function readGuarded(
  sys: Sys,
  hierarchy: Hierarchy,
  { allowAncestors, spare }: Pick<KillOptions, "allowAncestors" | "spare">,
): readonly Guarded[] {
  const guarded: Guarded[] = [{ pid: INIT, comm: null, places: readPlaces(sys, hierarchy, INIT) }];
  const met = new Set<Pid>([0, INIT]);
  // Our parent, its parent and so on, as far as they can be seen. One whose /proc hides itself as if it were gone
  // (hidepid=2) is still named by its child: it is the last that is known of.
  let pid = allowAncestors ? 0 : (readStat(sys, "self")?.ppid ?? 0);
  while (!met.has(pid)) {
    met.add(pid);
    const stat = readStatIfLet(sys, pid);
    if (!spare.includes(pid)) {
      const places = stat === undefined ? undefined : readPlaces(sys, hierarchy, pid);
      guarded.push({ pid, comm: stat?.comm ?? null, places });
    }
    pid = stat?.ppid ?? 0;
  }
  return guarded;
}

/**
 * The refusals that follow from where a cgroup is: the root, where PID 1 is, where our ancestors are.
 *
 * @param path  as /proc/PID/cgroup prints it
 * @param name  its directory
 */
export function refusalByPlace(guarded: readonly Guarded[], path: string, name: string): Refusal | null {
  if (path === "/") return refuseRoot(name);
  const inside = guarded.find(({ places }) => places?.some((place) => isWithin(place, path)));
  return inside === undefined ? null : refuseGuarded(path, inside);
}

function refuseRoot(name: string): Refusal {
  const { code, message, hint, commands } = rootRefusal(name);
  return { code, message, hint, commands };
}

function refuseGuarded(path: string, { pid, comm }: Guarded): Refusal {
  if (pid === INIT) {
    return {
      code: "holds-init",
      message: `${path}: contains PID 1; killing it would bring the system down`,
      hint: "name a cgroup below it that does not",
      commands: [],
    };
  }
  return {
    code: "holds-ancestors",
    message: `${path}: contains pid ${pid}${comm === null ? "" : ` (${comm})`}, which started this cgkill`,
    hint: `move it out first with --spare ${pid}, or let it die with --allow-ancestors`,
    commands: [],
  };
}

/** Processes that /proc hides (hidepid), or whose path there cannot be compared: the lists of members still show them. */
async function refuseHidden(sys: Sys, cgroup: Cgroup, hidden: readonly Guarded[], pace: Pace): Promise<Refusal | null> {
  if (hidden.length === 0) return null;
  const { pids } = await readMembers(sys, cgroup, "procs", pace);
  const inside = hidden.find(({ pid }) => pids.has(pid));
  return inside === undefined ? null : refuseGuarded(cgroup.path, inside);
}

/** `undefined` if it is gone, or hidden from us. */
function readStatIfLet(sys: Sys, pid: Pid): ProcessStat | undefined {
  try {
    return readStat(sys, pid);
  } catch (error) {
    if (isDenied(error)) return undefined;
    throw error;
  }
}

async function refuseWidening(sys: Sys, cgroup: Cgroup, path: string, pace: Pace): Promise<Refusal | null> {
  if (cgroup.hierarchy.version !== "v2" || !isThreaded(sys, cgroup.dir)) return null;
  const pid = await findSplitProcess(sys, cgroup, path, pace);
  if (pid === undefined) return null;
  return {
    code: "threaded",
    message: `${cgroup.path}: is threaded, and pid ${pid} has threads outside it that would die too`,
    hint: "name the cgroup that holds all of its threads",
    commands: [cgkillCommand(["show"], domainOf(sys, cgroup))],
  };
}
