// Where a kill would move processes, and which other cgroups it would thaw or remove. Read-only.

import { readOwnSwitch } from "../../cgroup/freeze-state.ts";
import { isOn, type Switchable, switchIn } from "../../cgroup/freezer-switch.ts";
import { findHierarchies } from "../../cgroup/open/hierarchy.ts";
import { lookUp, openAncestors, openInHierarchy, openParent } from "../../cgroup/open/open-path.ts";
import { ancestorPaths, isWithin } from "../../cgroup/open/path-names.ts";
import { type Pace, walkSubtree } from "../../cgroup/subtree.ts";
import type { Cgroup, Visit } from "../../cgroup/types.ts";
import { readType } from "../../cgroup/v2.ts";
import { destinations } from "../../kill/moves/destinations.ts";
import { isGone, readOr } from "../../sys/errno.ts";
import type { Sys } from "../../sys/sys.ts";
import { canChange, type Powers } from "../powers.ts";

export interface Destination {
  readonly name: string;
  /** Why it is not the cgroup of --spare-to; `null` if it is, or none was given. */
  readonly reason: string | null;
}

/**
 * Find the first cgroup outside another that would accept its processes.
 *
 * @param given  the operand of --spare-to: tried first
 */
export function findDestination(sys: Sys, from: Cgroup, given?: Cgroup): Destination | undefined {
  let reason: string | null = null;
  for (const destination of destinations(sys, from, given, (skipped) => (reason = skipped))) {
    if (acceptsProcesses(sys, from, destination)) return { name: destination.name, reason };
    if (destination === given) reason = `${given.name}: it would not accept them`;
  }
  return undefined;
}

/**
 * On v1, a cpuset accepts no processes before it has processors and memory nodes. On v2, neither does a cgroup that enables
 * controllers for its children, or a domain below threaded cgroups, and a move also requires write access to the common
 * ancestor.
 *
 * @see linux: kernel/cgroup/cgroup.c, cgroup_migrate_vet_dst, cgroup_procs_write_permission; cpuset.c,
 *      cpuset_can_attach_check
 */
function acceptsProcesses(sys: Sys, from: Cgroup, { dir, path, hierarchy }: Cgroup): boolean {
  if (!sys.isWritable(dir, "cgroup.procs")) return false;
  if (hierarchy.version === "v1") {
    return ["cpuset.cpus", "cpuset.mems"].every((file) => readOr("?", () => sys.readRecord(dir, file)).trim() !== "");
  }
  if (path !== "/" && readOr("domain", () => readType(sys, dir)) === "domain invalid") return false;
  const enabled = readOr("", () => sys.readRecord(dir, "cgroup.subtree_control"));
  if (path !== "/" && enabled.trim() !== "") return false;
  const common = [path, ...ancestorPaths(path)].find((each) => isWithin(from.path, each)) ?? "/";
  using ancestor = openInHierarchy(sys, hierarchy, common);
  return ancestor === undefined || sys.isWritable(ancestor.dir, "cgroup.procs");
}

/** A file that a step writes, or a directory that it removes. */
export interface StepPlace {
  readonly name: string;
  readonly permitted: boolean | null;
}

/** Find the freezer files of the descendants whose own freezer is on. */
export async function findFrozenBelow(sys: Sys, cgroup: Cgroup, pace: Pace): Promise<StepPlace[]> {
  const { hierarchy, id } = cgroup;
  if (hierarchy.version === "v1" && !hierarchy.hasFreezer) return [];
  const found: StepPlace[] = [];
  const enter = ({ dir, ino }: Pick<Visit, "dir" | "ino">): void => {
    if (ino !== id.ino && isOn(sys, { hierarchy, dir })) found.push(switchOf(sys, { hierarchy, dir }));
  };
  await walkSubtree(sys, cgroup, { enter }, pace);
  return found;
}

/** The file that freezes and thaws a cgroup. */
export function switchOf(sys: Sys, { hierarchy, dir }: Switchable): StepPlace {
  const { file } = switchIn(hierarchy);
  return { name: `${dir.shown}/${file}`, permitted: sys.isWritable(dir, file) };
}

/** Find the freezer files of the ancestors whose own freezer is on, nearest first. */
export function findFrozenAbove(sys: Sys, cgroup: Cgroup): StepPlace[] {
  // Each is closed when the next is asked for, so it is looked at one by one.
  const frozen = openAncestors(sys, cgroup).filter((ancestor) => readOwnSwitch(sys, ancestor));
  return frozen.map((ancestor) => switchOf(sys, ancestor)).toArray();
}

/** Find the directories that --all-hierarchies removes too: the same path in the other v1 hierarchies. */
export function findRemovedToo(sys: Sys, cgroup: Cgroup, powers: Powers): StepPlace[] {
  const found: StepPlace[] = [];
  for (const hierarchy of findHierarchies(sys)) {
    if (hierarchy.version === "v2" || hierarchy.controllers === cgroup.hierarchy.controllers) continue;
    const other = lookUp(sys, hierarchy, cgroup.path);
    if (other.is !== "open") continue;
    using removed = other.cgroup;
    found.push({ name: removed.name, permitted: mayRemove(sys, removed, powers) });
  }
  return found;
}

/** @returns `null` if the parent cannot be seen, or depends on our groups as in `canChange` */
export function mayRemove(sys: Sys, cgroup: Cgroup, powers: Powers): boolean | null {
  using parent = readOr(undefined, () => openParent(sys, cgroup), isGone);
  return parent === undefined ? null : canChange(sys, powers, parent);
}
