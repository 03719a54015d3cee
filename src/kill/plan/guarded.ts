// Where the processes are whose death is refused, PID 1 and our own ancestors, and which cgroups that leaves. Reads only.

import { readPlaces } from "../../cgroup/inside.ts";
import { isWithin } from "../../cgroup/open/hierarchy.ts";
import { rootRefusal } from "../../cgroup/open/open-errors.ts";
import type { Hierarchy } from "../../cgroup/types.ts";
import { isDenied } from "../../sys/errno.ts";
import { type ProcessStat, readStat } from "../../sys/proc.ts";
import type { Millis, Pid, Sys } from "../../sys/sys.ts";
import type { KillOptions, Refusal } from "../types.ts";

const INIT: Pid = 1;

/** A process whose death is refused: PID 1, or one of our ancestors. */
export interface Guarded {
  readonly pid: Pid;
  /** `null` where we may not read it. */
  readonly comm: string | null;
  /** The cgroups of its threads, none if it is gone; `undefined` if its /proc is hidden from us. */
  readonly places: readonly string[] | undefined;
}

/** PID 1 and, unless they may die or are moved out, our ancestors. */
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

/** What was read, and when the reading began, on the clock of `Sys.now`. */
export interface GuardedLook {
  readonly guarded: readonly Guarded[];
  readonly at: Millis;
}

export type LookAtGuarded = (
  sys: Sys,
  hierarchy: Hierarchy,
  options: Pick<KillOptions, "allowAncestors" | "spare">,
) => GuardedLook;

/** Read them now. */
export const lookAtGuarded: LookAtGuarded = (sys, hierarchy, options) => ({
  at: sys.now(),
  guarded: readGuarded(sys, hierarchy, options),
});

/** Half of the age at which the guard looks again: a target planned with an older look would pay for two. */
const SHARED_MS: Millis = 10;

export interface SharedLooks {
  readonly look: LookAtGuarded;
  /** What is asked for from now on is read anew: what the caller did before it named the next target is then seen. */
  readonly forget: () => void;
}

/**
 * For the targets of one call, whose options do not change: thousands that follow each other at once share a look, and
 * none is killed by an older look than a single target would be.
 */
export function sharedLooks(): SharedLooks {
  const looks = new Map<string, GuardedLook>();
  return {
    look(sys, hierarchy, options) {
      const known = looks.get(hierarchy.controllers);
      if (known !== undefined && sys.now() - known.at < SHARED_MS) return known;
      const look = lookAtGuarded(sys, hierarchy, options);
      looks.set(hierarchy.controllers, look);
      return look;
    },
    forget: () => looks.clear(),
  };
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

export function refuseGuarded(path: string, { pid, comm }: Guarded): Refusal {
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

/** `undefined` if it is gone, or hidden from us. */
function readStatIfLet(sys: Sys, pid: Pid): ProcessStat | undefined {
  try {
    return readStat(sys, pid);
  } catch (error) {
    if (isDenied(error)) return undefined;
    throw error;
  }
}
