// What a kill would do to each process: kill it, move it out first, or fail on it for a reason that shows already.
// Reads only.

import { readFreezing } from "../cgroup/freeze-state.ts";
import { readThreadGroup } from "../cgroup/members.ts";
import { findHierarchies, readCgroupPath } from "../cgroup/open/hierarchy.ts";
import { openInHierarchy } from "../cgroup/open/open-path.ts";
import type { Hierarchy } from "../cgroup/types.ts";
import { hasDestination } from "../kill/moves/destinations.ts";
import type { KillPlan } from "../kill/types.ts";
import type { Pid, Sys } from "../sys/sys.ts";
import { canSignal, type Powers } from "./powers.ts";
import type { Fate, FateReason } from "./preview-types.ts";
import type { ProcessFacts } from "./process-facts.ts";

export interface FateFacts {
  /** Every member, by the lists. */
  readonly members: ReadonlySet<Pid>;
  /** The kernel does not let the kill begin. */
  readonly isDenied: boolean;
  readonly powers: Powers;
}

export interface FateOf {
  readonly fate: Fate;
  readonly fateReason: FateReason | null;
}

export function fateReader(sys: Sys, plan: KillPlan, facts: FateFacts): (process: ProcessFacts) => FateOf {
  const spared = new Set([sys.pid, ...plan.options.spare]);
  const readHolder = holderReader(sys, plan);
  return (process) => {
    if (plan.refusal !== null) return { fate: "spared", fateReason: "refused" };
    if (spared.has(process.shown.pid)) return { fate: "spared", fateReason: null };
    const fateReason = findReason(sys, plan, facts, process, readHolder);
    return { fate: fateReason === null ? "killed" : "may-survive", fateReason };
  };
}

function findReason(
  sys: Sys,
  { method }: KillPlan,
  { members, isDenied, powers }: FateFacts,
  { shown, isKernelThread, tracerPid }: ProcessFacts,
  readHolder: (pid: Pid) => Holder,
): FateReason | null {
  const { pid, uid, state } = shown;
  if (isKernelThread) return "kernel-thread";
  // The kernel's own file kills whatever is inside, by the right to write to it alone.
  if (isDenied || (method !== "kill" && !canSignal(sys, powers, pid, uid))) return "not-permitted";
  const holder = readHolder(pid);
  if (holder === "elsewhere") return "frozen-elsewhere";
  // A tracer that dies too lets go of it.
  if (tracerPid > 0 && !members.has(readThreadGroup(sys, tracerPid) ?? tracerPid)) return "traced";
  // What v1 holds frozen is in state D as well.
  return state === "D" && holder === "none" ? "uninterruptible" : null;
}

/** `none`: not frozen by a v1 freezer. `released`: the kill thaws it, or moves it out. `elsewhere`: it stays frozen. */
type Holder = "none" | "released" | "elsewhere";

/** Asked once for each freezer cgroup that members are in. */
function holderReader(sys: Sys, { cgroup }: KillPlan): (pid: Pid) => Holder {
  const isOwn = cgroup.hierarchy.hasFreezer;
  const freezer = isOwn ? cgroup.hierarchy : findHierarchies(sys).find(({ hasFreezer }) => hasFreezer);
  const known = new Map<string, Holder>();
  return (pid) => {
    const path = freezer === undefined ? undefined : readCgroupPath(sys, freezer, pid);
    if (freezer === undefined || path === undefined || path === "/") return "none";
    const holder = known.get(path) ?? readHolder(sys, freezer, path, isOwn);
    known.set(path, holder);
    return holder;
  };
}

function readHolder(sys: Sys, freezer: Hierarchy, path: string, isOwn: boolean): Holder {
  const place = openInHierarchy(sys, freezer, path);
  if (place === undefined) return "none";
  try {
    if (readFreezing(sys, place).state === "thawed") return "none";
    // Below a frozen ancestor of the target the guard has seen to it that there is a way.
    return isOwn || hasDestination(sys, place) ? "released" : "elsewhere";
  } finally {
    sys.close(place.fd);
  }
}
