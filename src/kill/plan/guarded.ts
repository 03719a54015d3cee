// The processes whose death is refused, PID 1 and our own ancestors, and the cgroups that must not be killed because they
// contain one. Reads only.

import { isAnyWithin, readPlaces } from "../../cgroup/inside.ts";
import { rootRefusal } from "../../cgroup/open/open-errors.ts";
import type { Hierarchy } from "../../cgroup/types.ts";
import { lazy } from "../../lazy.ts";
import { INIT } from "../../sys/checks.ts";
import { ifPermitted } from "../../sys/errno.ts";
import { type ProcessSummary, readSelf, readSummary } from "../../sys/proc.ts";
import type { Millis, Pid, Sys } from "../../sys/sys.ts";
import type { Failure, KillOptions, Refusal } from "../types.ts";

/** A process whose death is refused: PID 1, one of our ancestors, or ourselves. */
export interface Guarded {
  readonly pid: Pid;
  /** `null` if it could not be read. */
  readonly comm: string | null;
  /** The cgroups of its threads, read on the first call: none if it is gone; `undefined` if /proc hides it from us. */
  readonly places: () => readonly string[] | undefined;
  readonly isSelf?: boolean;
}

export type GuardOptions = Pick<KillOptions, "allowAncestors" | "spare" | "mayStepAside">;

/** Find PID 1 and our ancestors, except those that may die or are moved out first. */
export function readGuarded(
  sys: Sys,
  hierarchy: Hierarchy,
  { allowAncestors, spare, mayStepAside }: GuardOptions,
  ancestors: readonly Ancestor[] = readAncestors(sys, readSelf(sys).ppid),
): readonly Guarded[] {
  const placesOf = (pid: Pid | "self", known?: ProcessSummary) => lazy(() => readPlaces(sys, hierarchy, pid, known));
  const guarded: Guarded[] = [{ pid: INIT, comm: null, places: placesOf(INIT) }];
  if (!mayStepAside) guarded.push({ pid: sys.pid, comm: null, places: placesOf("self"), isSelf: true });
  for (const { pid, comm, known } of ancestors) {
    if (allowAncestors || spare.includes(pid)) continue;
    guarded.push({ pid, comm, places: comm === null ? () => undefined : placesOf(pid, known) });
  }
  return guarded;
}

/** A process that started this cgkill. */
interface Ancestor {
  readonly pid: Pid;
  /** `null` if it is gone or hidden. */
  readonly comm: string | null;
  /** What /proc said of it, if that was read just now. */
  readonly known?: ProcessSummary | undefined;
}

/**
 * Read our ancestors below PID 1, the nearest first. With hidepid=2, /proc hides the entries of other users' processes. An
 * ancestor that is hidden is still known from its child, but its own parent is not: the chain ends there.
 */
function readAncestors(sys: Sys, parent: Pid): readonly Ancestor[] {
  const ancestors: Ancestor[] = [];
  const met = new Set<Pid>([0, INIT]);
  for (let pid = parent; !met.has(pid);) {
    met.add(pid);
    const summary = ifPermitted(() => readSummary(sys, pid));
    ancestors.push({ pid, comm: summary?.comm ?? null, known: summary });
    pid = summary?.ppid ?? 0;
  }
  return ancestors;
}

export interface GuardedSnapshot {
  readonly guarded: readonly Guarded[];
  readonly chain: readonly Ancestor[];
  /** The processes that started this cgkill, also those whose death is not refused. */
  readonly ancestors: ReadonlySet<Pid>;
  /** /proc belongs to another pid namespace: every target is refused. */
  readonly isProcForeign: boolean;
  /** When reading began, on the clock of `Sys.now`. */
  readonly at: Millis;
}

export type GuardedReader = (sys: Sys, hierarchy: Hierarchy, options: GuardOptions) => GuardedSnapshot;

export const readGuardedNow: GuardedReader = (sys, hierarchy, options) => {
  const at = sys.now();
  const { ppid, isProcForeign } = readSelf(sys);
  const chain = readAncestors(sys, ppid);
  const ancestors = new Set<Pid>();
  for (const { pid } of chain) ancestors.add(pid);
  const guarded = readGuarded(sys, hierarchy, options, chain);
  return { at, ancestors, guarded, chain, isProcForeign };
};

/** Lists and signals use the pids of our own namespace; what /proc says of a pid must be about the same process. */
export const FOREIGN_PROC: Refusal = {
  code: "foreign-proc",
  message: "/proc belongs to another pid namespace, in which each pid is that of another process",
  hint: "mount the /proc of this pid namespace (unshare --pid needs --mount-proc), or run cgkill outside it",
  commands: [],
};

/**
 * Refuse a cgroup because of its place: it is the root, or contains PID 1 or one of our ancestors.
 *
 * @param path  as /proc/PID/cgroup prints it
 * @param name  its directory
 */
export function refuseByPlace(guarded: readonly Guarded[], path: string, name: string): Refusal | null {
  if (path === "/") {
    const { code, message, hint, commands } = rootRefusal(name);
    return { code, message, hint, commands };
  }
  const inside: Guarded[] = [];
  for (const one of guarded) if (isAnyWithin(one.places() ?? [], path)) inside.push(one);
  return refuseGuarded(path, inside);
}

/** @param inside  those in the cgroup, in the order of `readGuarded` */
export function refuseGuarded(path: string, inside: readonly Guarded[]): Refusal | null {
  const [first, ...others] = inside;
  if (first === undefined) return null;
  const { pid, comm, isSelf = false } = first;
  if (isSelf) return refuseStandby(path);
  if (pid === INIT) {
    return {
      code: "holds-init",
      message: `${path}: contains PID 1${DEADLY}`,
      hint: "name a cgroup below it that does not",
      commands: [],
    };
  }
  const name = comm === null ? "" : ` (${comm})`;
  // Those of a session: sudo, the shell, sshd. A hint for one of them would lead to the next refusal.
  const [more, them] =
    others.length === 0 ? ["", "it"] : [others.length === 1 ? " and 1 other" : ` and ${others.length} others`, "them"];
  return {
    code: "holds-ancestors",
    message: `${path}: contains pid ${pid}${name}${more}, which started this cgkill`,
    hint: `move ${them} out first with --spare ${inside.map((one) => one.pid).join(",")}, or let ${them} die with --allow-ancestors`,
    commands: [],
  };
}

const DEADLY = "; killing it would bring the system down";

/** In the words of a command that kills nothing. @param hint  if our ancestors are the reason */
export function withoutKilling(error: Failure, hint: string): Failure {
  if (error.code === "holds-ancestors") return { ...error, hint };
  return error.code === "holds-init" ? { ...error, message: error.message.replace(DEADLY, "") } : error;
}

/** A cgkill that reads names from standard input stays where it is: the next name may be that of its new place. */
export function refuseStandby(path: string): Refusal {
  return {
    code: "holds-standby",
    message: `${path}: contains this cgkill, which does not move while it reads names from standard input`,
    hint: "start it outside the cgroups whose names it is given, or give the name as an operand",
    commands: [],
  };
}
