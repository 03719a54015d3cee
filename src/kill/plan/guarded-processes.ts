// The processes whose death is refused: PID 1 and our own ancestors. Reads only.

import { readPlaces } from "../../cgroup/inside.ts";
import type { Hierarchy } from "../../cgroup/types.ts";
import { lazy } from "../../lazy.ts";
import { INIT } from "../../sys/checks.ts";
import { ifPermitted } from "../../sys/errno.ts";
import { type ProcessSummary, readSelf, readSummary } from "../../sys/proc.ts";
import type { Millis, Pid, Sys } from "../../sys/sys.ts";
import type { KillOptions } from "../types.ts";

/** A process whose death is refused: PID 1, one of our ancestors, or ourselves. */
export interface Guarded {
  readonly pid: Pid;
  /** `null` if it could not be read. */
  readonly comm: string | null;
  /** The cgroups of its threads, read on the first call; `undefined` if /proc does not show it. */
  readonly places: () => readonly string[] | undefined;
  readonly isSelf?: boolean;
}

export type GuardOptions = Pick<KillOptions, "allowAncestors" | "spare" | "mayStepAside">;

/** Find PID 1 and our ancestors, except those that may die or are moved out first. */
export function readGuarded(
  sys: Sys,
  hierarchy: Hierarchy,
  { allowAncestors, spare, mayStepAside }: GuardOptions,
  ancestors: Ancestors = readAncestors(sys, readSelf(sys).ppid),
): readonly Guarded[] {
  const placesOf = (pid: Pid | "self", known?: ProcessSummary) => lazy(() => readPlaces(sys, hierarchy, pid, known));
  const guarded: Guarded[] = [{ pid: INIT, comm: null, places: placesOf(INIT) }];
  if (!mayStepAside) guarded.push({ pid: sys.pid, comm: null, places: placesOf("self"), isSelf: true });
  for (const [pid, { comm, known }] of ancestors) {
    if (allowAncestors || spare.includes(pid)) continue;
    guarded.push({ pid, comm, places: placesOf(pid, known) });
  }
  return guarded;
}

/** The processes that started this cgkill, the nearest first, also those whose death is not refused. */
export type Ancestors = ReadonlyMap<Pid, Ancestor>;

interface Ancestor {
  /** `null` if it is gone or hidden. */
  readonly comm: string | null;
  /** What /proc said of it, if that was read just now. */
  readonly known?: ProcessSummary | undefined;
}

/**
 * Read our ancestors below PID 1, the nearest first. With hidepid=2, /proc hides the entries of other users' processes. An
 * ancestor that is hidden is still known from its child, but its own parent is not: the chain ends there.
 */
function readAncestors(sys: Sys, parent: Pid): Ancestors {
  const ancestors = new Map<Pid, Ancestor>();
  for (let pid = parent; pid > INIT && !ancestors.has(pid);) {
    const summary = ifPermitted(() => readSummary(sys, pid));
    ancestors.set(pid, { comm: summary?.comm ?? null, known: summary });
    pid = summary?.ppid ?? 0;
  }
  return ancestors;
}

export interface GuardedSnapshot {
  readonly guarded: readonly Guarded[];
  readonly ancestors: Ancestors;
  /** /proc belongs to another pid namespace: every target is refused. */
  readonly isProcForeign: boolean;
  /** When reading began, on the clock of `Sys.now`. */
  readonly at: Millis;
}

export type GuardedReader = (sys: Sys, hierarchy: Hierarchy, options: GuardOptions) => GuardedSnapshot;

export const readGuardedNow: GuardedReader = (sys, hierarchy, options) => {
  const at = sys.now();
  const { ppid, isProcForeign } = readSelf(sys);
  const ancestors = readAncestors(sys, ppid);
  return { at, ancestors, guarded: readGuarded(sys, hierarchy, options, ancestors), isProcForeign };
};
