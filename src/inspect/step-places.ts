// Where a kill would move processes to, and which other cgroups it would thaw or remove. Reads only.

import { ancestorPaths, findFrozen } from "../cgroup/freeze-state.ts";
import { isOn, type Switchable } from "../cgroup/freezer-switch.ts";
import { findHierarchies, isWithin } from "../cgroup/open/hierarchy.ts";
import { lookUp, openInHierarchy, openParent } from "../cgroup/open/open-path.ts";
import { type Pace, type Visit, walkSubtree } from "../cgroup/subtree.ts";
import type { Cgroup } from "../cgroup/types.ts";
import { destinations } from "../kill/moves/destinations.ts";
import { isGone, SysError } from "../sys/errno.ts";
import type { Sys } from "../sys/sys.ts";
import { canChange, type Powers } from "./powers.ts";

/** The first place outside a cgroup that would take a process out of it, as a directory. */
export function findDestination(sys: Sys, from: Cgroup, given?: Cgroup): string | undefined {
  for (const destination of destinations(sys, from, given)) {
    try {
      if (takesProcesses(sys, from, destination)) return destination.name;
    } finally {
      if (destination !== given) sys.close(destination.fd);
    }
  }
  return undefined;
}

/**
 * v2 keeps processes out of an inner cgroup that shares out controllers, and a move takes the right to write to the
 * common ancestor too.
 *
 * @see linux: kernel/cgroup/cgroup.c, cgroup_migrate_vet_dst, cgroup_procs_write_permission
 */
function takesProcesses(sys: Sys, from: Cgroup, { dir, path, hierarchy }: Cgroup): boolean {
  if (!sys.isWritable(dir, "cgroup.procs")) return false;
  if (hierarchy.version === "v1") return true;
  if (path !== "/" && sharesControllers(sys, dir)) return false;
  const common = [path, ...ancestorPaths(path)].find((each) => isWithin(from.path, each)) ?? "/";
  const ancestor = openInHierarchy(sys, hierarchy, common);
  if (ancestor === undefined) return true;
  try {
    return sys.isWritable(ancestor.dir, "cgroup.procs");
  } finally {
    sys.close(ancestor.fd);
  }
}

function sharesControllers(sys: Sys, dir: Cgroup["dir"]): boolean {
  try {
    return sys.readRecord(dir, "cgroup.subtree_control").trim() !== "";
  } catch (error) {
    if (error instanceof SysError) return false;
    throw error;
  }
}

export interface StepPlace {
  readonly name: string;
  readonly permitted: boolean | null;
}

/** The switches of the cgroups below this one that were told to freeze on their own. */
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

export function switchOf(sys: Sys, { hierarchy, dir }: Switchable): StepPlace {
  const file = hierarchy.version === "v1" ? "freezer.state" : "cgroup.freeze";
  return { name: `${dir.shown}/${file}`, permitted: sys.isWritable(dir, file) };
}

/** The switches of the ancestors that were told to freeze, the nearest first. */
export function findFrozenAbove(sys: Sys, cgroup: Cgroup): StepPlace[] {
  const found: StepPlace[] = [];
  let at = openParent(sys, cgroup);
  while (at !== undefined) {
    const frozen = findFrozen(sys, at);
    if (frozen !== undefined) found.push(switchOf(sys, frozen));
    const next: Cgroup | undefined = frozen === undefined ? undefined : openParent(sys, frozen);
    if (frozen !== undefined && frozen.fd !== at.fd) sys.close(frozen.fd);
    sys.close(at.fd);
    at = next;
  }
  return found;
}

/** The directories that a removal takes besides the target's: those of its path in the other v1 hierarchies. */
export function findRemovedToo(sys: Sys, cgroup: Cgroup, powers: Powers): StepPlace[] {
  const found: StepPlace[] = [];
  for (const hierarchy of findHierarchies(sys)) {
    if (hierarchy.version === "v2" || hierarchy.controllers === cgroup.hierarchy.controllers) continue;
    const other = lookUp(sys, hierarchy, cgroup.path);
    if (other.is !== "open") continue;
    try {
      found.push({ name: other.cgroup.name, permitted: mayRemove(sys, other.cgroup, powers) });
    } finally {
      sys.close(other.cgroup.fd);
    }
  }
  return found;
}

/** @returns `null` if its parent cannot be seen from here */
export function mayRemove(sys: Sys, cgroup: Cgroup, powers: Powers): boolean | null {
  let parent: Cgroup | undefined;
  try {
    parent = openParent(sys, cgroup);
    return parent === undefined ? null : canChange(sys, powers, parent);
  } catch (error) {
    if (isGone(error)) return null;
    throw error;
  } finally {
    if (parent !== undefined) sys.close(parent.fd);
  }
}
