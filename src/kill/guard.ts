// What must not be killed, or not until the caller says so. Reads only; a refusal is a value, until right before the deed.

import { isWithin, leavesNamespace, readCgroupPath } from "../cgroup/hierarchy.ts";
import { readMembers } from "../cgroup/members.ts";
import { parsePids } from "../cgroup/parse.ts";
import { rootRefusal } from "../cgroup/path.ts";
import { quoteWord } from "../cgroup/shell.ts";
import { isRemoved, walkSubtree } from "../cgroup/tree.ts";
import type { Cgroup, Hierarchy } from "../cgroup/types.ts";
import * as v2 from "../cgroup/v2.ts";
import { isDenied, isGone, isUnsupported, SysError } from "../sys/errno.ts";
import { type ProcessStat, readStat, readStatus } from "../sys/proc.ts";
import { type Dir, dirOf, type Pid, ROOT, type Sys } from "../sys/sys.ts";
import { findFrozenAncestor } from "./corpses.ts";
import { RefusedError } from "./errors.ts";
import { hasDestination } from "./places.ts";
import type { KillOptions, KillPlan, Refusal } from "./types.ts";

const INIT: Pid = 1;

/** A look so young is as good as another one: what can change after it can change after any. */
const FRESH_MS = 20;

/**
 * Guard once more right before the deed: between the plan and now a person may have thought for a minute.
 *
 * @throws RefusedError  by the plan, by what has changed since, or since it is another cgroup by now
 */
export function guard(sys: Sys, plan: KillPlan): "same" | "gone" {
  const { cgroup } = plan;
  if (plan.refusal !== null) throw new RefusedError(plan.refusal);
  const identity = guardIdentity(sys, cgroup);
  const isOld = sys.now() - plan.lookedAt > FRESH_MS;
  const refusal = identity === "same" && isOld ? findRefusal(sys, cgroup, plan.options) : null;
  if (refusal !== null) throw new RefusedError(refusal);
  return identity;
}

/** @throws RefusedError  it is another cgroup by now, or another name */
export function guardIdentity(sys: Sys, cgroup: Cgroup): "same" | "gone" {
  const identity = checkIdentity(sys, cgroup);
  if (identity !== "changed") return identity;
  throw new RefusedError({
    code: "changed",
    message: `${cgroup.name}: is not the cgroup that was looked at: it was renamed, or removed and made anew`,
    hint: "look again: cgkill show",
  });
}

/** The first reason not to kill this cgroup; `null` where there is none. */
export function findRefusal(sys: Sys, cgroup: Cgroup, options: KillOptions): Refusal | null {
  const guarded = readGuarded(sys, cgroup.hierarchy, options);
  return (
    refusalByPlace(guarded, cgroup.path, cgroup.name) ??
    refuseHidden(sys, cgroup, guarded) ??
    refuseWidening(sys, cgroup) ??
    refuseFrozenAncestor(sys, cgroup, options)
  );
}

/** Below a frozen v1 ancestor nobody dies, but the killed can be moved out to die where there is a place for them. */
function refuseFrozenAncestor(sys: Sys, cgroup: Cgroup, options: KillOptions): Refusal | null {
  if (options.thawAncestors) return null;
  const ancestor = findFrozenAncestor(sys, cgroup);
  if (ancestor === null) return null;
  sys.close(ancestor.fd);
  if (hasDestination(sys, cgroup)) return null;
  return {
    code: "frozen-ancestor",
    message: `${cgroup.path}: its ancestor ${ancestor.path} is frozen, and the killed cannot be moved out of it to die`,
    hint: `thaw it: cgkill thaw ${quoteWord(ancestor.name)}, or let it be thawed for the time of the kill: --thaw-ancestors`,
  };
}

/** Somebody whose death is refused: PID 1, or who started us. */
export interface Guarded {
  readonly pid: Pid;
  /** `null` where we may not read it. */
  readonly comm: string | null;
  /** Its cgroup; `undefined` where it is gone, or its /proc is hidden from us. */
  readonly path: string | undefined;
  /** v1: has it threads that may be in other cgroups than its leader? The leader's is all that `path` tells. */
  readonly isManifold: boolean;
}

/** PID 1 and, unless they may die or are moved out, our ancestors. Read once for any number of cgroups of a hierarchy. */
export function readGuarded(
  sys: Sys,
  hierarchy: Hierarchy,
  { allowAncestors, spare }: Pick<KillOptions, "allowAncestors" | "spare">,
): readonly Guarded[] {
  const isManifold = (stat: ProcessStat | undefined): boolean => hierarchy.version === "v1" && stat?.threads !== 1;
  const init = hierarchy.version === "v1" ? readStatIfLet(sys, INIT) : undefined;
  const guarded: Guarded[] = [
    { pid: INIT, comm: null, path: readPlace(sys, hierarchy, INIT), isManifold: isManifold(init) },
  ];
  const met = new Set<Pid>([0, INIT]);
  // Our parent, its parent and so on, as far as they can be seen. One whose /proc hides itself as if it were gone
  // (hidepid=2) is still named by its child: it is the last that is known of.
  let pid = allowAncestors ? 0 : (readStat(sys, "self")?.ppid ?? 0);
  while (!met.has(pid)) {
    met.add(pid);
    const stat = readStatIfLet(sys, pid);
    if (!spare.includes(pid)) {
      const path = readPlace(sys, hierarchy, pid);
      guarded.push({ pid, comm: stat?.comm ?? null, path, isManifold: isManifold(stat) });
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
  const inside = guarded.find((one) => one.path !== undefined && isWithin(one.path, path));
  return inside === undefined ? null : refuseGuarded(path, inside);
}

function refuseRoot(name: string): Refusal {
  const { code, message, hint } = rootRefusal(name);
  return { code, message, hint };
}

function refuseGuarded(path: string, { pid, comm }: Guarded): Refusal {
  if (pid === INIT) {
    return {
      code: "holds-init",
      message: `${path}: holds pid 1, the end of which is the end of this system`,
      hint: "name a cgroup below it that does not",
    };
  }
  return {
    code: "holds-ancestors",
    message: `${path}: holds pid ${pid}${comm === null ? "" : ` (${comm})`}, which started this cgkill`,
    hint: `move it out first with --spare ${pid}, or let it die with --allow-ancestors`,
  };
}

/** `undefined` where it is gone, or its /proc is hidden from us. */
function readPlace(sys: Sys, hierarchy: Hierarchy, pid: Pid): string | undefined {
  try {
    return readCgroupPath(sys, hierarchy, pid);
  } catch (error) {
    if (isDenied(error)) return undefined;
    throw error;
  }
}

/**
 * Whose /proc is hidden from us (hidepid), or whose path there cannot be compared, the lists of members still show; and
 * those of v1 name a process for any of its threads. (On v2 threads are apart only in a threaded cgroup: `refuseWidening`.)
 */
function refuseHidden(sys: Sys, cgroup: Cgroup, guarded: readonly Guarded[]): Refusal | null {
  const hidden = guarded.filter(
    ({ path, isManifold }) => path === undefined || isManifold || leavesNamespace(cgroup.path),
  );
  if (hidden.length === 0) return null;
  using subtree = walkSubtree(sys, cgroup);
  const { pids } = readMembers(sys, subtree.dirs);
  const inside = hidden.find(({ pid }) => pids.has(pid));
  return inside === undefined ? null : refuseGuarded(cgroup.path, inside);
}

/** `undefined` where it is gone, or hidden from us. */
function readStatIfLet(sys: Sys, pid: Pid): ProcessStat | undefined {
  try {
    return readStat(sys, pid);
  } catch (error) {
    if (isDenied(error)) return undefined;
    throw error;
  }
}

/** In a threaded cgroup (v2) some threads of a process may be inside, and others not: they would all die. */
function refuseWidening(sys: Sys, cgroup: Cgroup): Refusal | null {
  if (cgroup.hierarchy.version !== "v2" || !isThreaded(sys, cgroup.dir)) return null;
  const pid = findSplitProcess(sys, cgroup);
  if (pid === undefined) return null;
  return {
    code: "threaded",
    message: `${cgroup.path}: is threaded, and pid ${pid} has threads outside it that would die too`,
    hint: `name the cgroup that holds all of its threads: ${quoteWord(domainOf(sys, cgroup))}`,
  };
}

export function isThreaded(sys: Sys, dir: Dir): boolean {
  try {
    return v2.readType(sys, dir) === "threaded";
  } catch (error) {
    if (isUnsupported(error) || isGone(error)) return false;
    throw error;
  }
}

/** A process with fewer threads in the subtree than it has. */
function findSplitProcess(sys: Sys, cgroup: Cgroup): Pid | undefined {
  using subtree = walkSubtree(sys, cgroup);
  const inside = new Map<Pid, number>();
  for (const dir of subtree.dirs) {
    for (const tid of parsePids(sys.readFile(dir, "cgroup.threads"))) {
      const pid = tid === 0 ? undefined : readStatus(sys, tid)?.tgid;
      if (pid !== undefined) inside.set(pid, (inside.get(pid) ?? 0) + 1);
    }
  }
  return [...inside].find(([pid, threads]) => threads < (readStat(sys, pid)?.threads ?? 0))?.[0];
}

/** The nearest ancestor that is no threaded cgroup itself. */
function domainOf(sys: Sys, cgroup: Cgroup): string {
  let path = cgroup.name;
  for (;;) {
    path = path.slice(0, path.lastIndexOf("/"));
    const fd = sys.openDir(ROOT, path);
    try {
      if (!isThreaded(sys, dirOf(fd, path))) return path;
    } finally {
      sys.close(fd);
    }
  }
}

/**
 * Is the name still that of the directory that was opened, or has another taken its place?
 *
 * @returns "gone" where the cgroup was removed and nothing else has its name
 */
export function checkIdentity(sys: Sys, cgroup: Cgroup): "same" | "gone" | "changed" {
  try {
    const fd = sys.openDir(ROOT, cgroup.name);
    const { dev, ino } = sys.fileId(fd);
    sys.close(fd);
    return dev === cgroup.id.dev && ino === cgroup.id.ino ? "same" : "changed";
  } catch (error) {
    // A path longer than the kernel takes cannot be asked for again; the descriptor still is what was opened.
    if (error instanceof SysError && error.errno === "ENAMETOOLONG") return "same";
    if (!isGone(error)) throw error;
    return isRemoved(sys, cgroup) ? "gone" : "changed";
  }
}
