// Why a kill may fail to kill a process, as far as that can be seen beforehand. Read-only.

import { readFreezing } from "../../cgroup/freeze-state.ts";
import { readThreadGroup } from "../../cgroup/members.ts";
import { findFreezer, isWithin, readCgroupPath } from "../../cgroup/open/hierarchy.ts";
import { openInHierarchy } from "../../cgroup/open/open-path.ts";
import type { Cgroup, Hierarchy } from "../../cgroup/types.ts";
import { hasDestination } from "../../kill/moves/destinations.ts";
import type { KillPlan } from "../../kill/types.ts";
import type { Pid, Sys } from "../../sys/sys.ts";
import { canSignal, type Powers } from "../powers.ts";
import type { FateReason } from "../preview-types.ts";
import type { ProcessFacts } from "../process-facts.ts";
import { switchOf } from "./step-places.ts";

export interface FateFacts {
  /** Every member of the subtree, as the cgroups list them. */
  readonly members: ReadonlySet<Pid>;
  /** The kernel denies the kill before it has killed anything. */
  readonly isDenied: boolean;
  readonly powers: Powers;
  /** The twin of the target, which is thawed for its own kill. */
  readonly thawedToo: Cgroup | undefined;
}

/** @returns a function that says why the kill may fail to kill one member; `null`: it kills it */
export function createDoubts(
  sys: Sys,
  { cgroup, method }: KillPlan,
  { members, isDenied, powers, thawedToo }: FateFacts,
): (process: ProcessFacts) => FateReason | null {
  const readFreezer = createFreezerReader(sys, cgroup, thawedToo);
  return ({ shown: { pid, uid, state }, isKernelThread, tracerPid }) => {
    if (isKernelThread) return "kernel-thread";
    // cgroup.kill needs only the permission to write to the file, not to signal each member.
    if (isDenied || (method !== "kill" && !canSignal(sys, powers, pid, uid))) return "not-permitted";
    const hold = readFreezer(pid);
    if (hold === "elsewhere") return "frozen-elsewhere";
    // A tracer that is a member dies too, which detaches it.
    if (tracerPid > 0 && !members.has(readThreadGroup(sys, tracerPid) ?? tracerPid)) return "traced";
    // A process frozen by a v1 freezer is in state D as well.
    return state === "D" && hold === "none" ? "uninterruptible" : null;
  };
}

/**
 * Whether a v1 freezer keeps a process from dying. `none`: not frozen. `released`: the kill thaws it or moves it out.
 * `elsewhere`: it stays frozen.
 */
type FreezerHold = "none" | "released" | "elsewhere";

/** Each freezer cgroup that has members is read once. */
function createFreezerReader(sys: Sys, cgroup: Cgroup, thawedToo: Cgroup | undefined): (pid: Pid) => FreezerHold {
  const thawed = [cgroup, thawedToo].find((each) => each?.hierarchy.hasFreezer === true);
  const freezer = thawed?.hierarchy ?? findFreezer(sys);
  const known = new Map<string, FreezerHold>();
  // Ancestors of the target are thawed for its own kill only.
  const isThawed = (by: string): boolean =>
    thawed !== undefined && (isWithin(by, thawed.path) || (thawed === cgroup && isWithin(cgroup.path, by)));
  return (pid) => {
    const path = freezer === undefined ? undefined : readCgroupPath(sys, freezer, pid);
    if (freezer === undefined || path === undefined || path === "/") return "none";
    const hold = known.get(path) ?? readFreezerHold(sys, freezer, path, isThawed);
    known.set(path, hold);
    return hold;
  };
}

/** @param isThawed  whether the kill thaws the cgroup of this path, if that is permitted */
function readFreezerHold(sys: Sys, freezer: Hierarchy, path: string, isThawed: (path: string) => boolean): FreezerHold {
  using place = openInHierarchy(sys, freezer, path);
  if (place === undefined) return "none";
  const { state, by } = readFreezing(sys, place);
  if (state === "thawed") return "none";
  const isReleased = by !== null && isThawed(by.path) && canThaw(sys, freezer, by.path);
  return isReleased || hasDestination(sys, place) ? "released" : "elsewhere";
}

function canThaw(sys: Sys, freezer: Hierarchy, path: string): boolean {
  using place = openInHierarchy(sys, freezer, path);
  return place === undefined || switchOf(sys, place).permitted === true;
}
