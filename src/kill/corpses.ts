// The killed who cannot die, because a v1 freezer cgroup beyond the target's own thaw holds them: an ancestor of the
// target, or, for a target in another hierarchy, whatever freezer cgroup they are in. Moved to a thawed one they die at
// once, and run no more of their code. Where they cannot be moved, the ancestor is thawed for a while, if that is allowed.

import { readFreezing } from "../cgroup/freezing.ts";
import { findHierarchies, readCgroupPath } from "../cgroup/hierarchy.ts";
import { moveProcess } from "../cgroup/members.ts";
import { openInHierarchy } from "../cgroup/path.ts";
import type { Cgroup, Hierarchy } from "../cgroup/types.ts";
import * as v1 from "../cgroup/v1.ts";
import { isGone, SysError } from "../sys/errno.ts";
import type { Pid, Sys } from "../sys/sys.ts";
import { destinations, hasDestination } from "./places.ts";
import { emit, type KillRun, listMembers } from "./run.ts";

/** The frozen ancestor below which nobody dies; `null` where there is none. The caller closes it. */
export function findFrozenAncestor(sys: Sys, cgroup: Cgroup): Cgroup | null {
  if (!cgroup.hierarchy.hasFreezer || !isHeldByAncestor(sys, cgroup)) return null;
  const by = readFreezing(sys, cgroup).by;
  const parent = cgroup.path.slice(0, cgroup.path.lastIndexOf("/"));
  const path = by === null || by.path === cgroup.path ? parent : by.path;
  return openInHierarchy(sys, cgroup.hierarchy, path) ?? null;
}

function isHeldByAncestor(sys: Sys, cgroup: Cgroup): boolean {
  try {
    return v1.readParentFreezing(sys, cgroup.dir);
  } catch (error) {
    if (isGone(error)) return false;
    throw error;
  }
}

/**
 * Move those of the killed who are still members, and held frozen by others, to where they can die. A help: what goes
 * wrong with it is told, and the kill goes on.
 */
export function moveDeadOut(run: KillRun): void {
  try {
    moveHeldOut(run);
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    emit(run, "debug", "could not look for the killed who are held frozen", { error: error.message });
  }
}

function moveHeldOut(run: KillRun): void {
  const { sys, cgroup } = run;
  const isOwn = cgroup.hierarchy.hasFreezer;
  if (isOwn && !isHeldByAncestor(sys, cgroup)) return;
  const freezer = isOwn ? cgroup.hierarchy : findHierarchies(sys).find(({ hasFreezer }) => hasFreezer);
  if (freezer === undefined) return;
  const dead = [...listMembers(run).pids].filter((pid) => run.killed.has(pid));
  const byGroup = Map.groupBy(dead, (pid) => readPlace(sys, freezer, pid) ?? (isOwn ? cgroup.path : "/"));
  for (const [path, pids] of byGroup) moveGroupOut(run, freezer, path, pids);
}

/** One whose /proc is hidden from us, or cannot be read, keeps nobody else from being moved. */
function readPlace(sys: Sys, freezer: Hierarchy, pid: Pid): string | undefined {
  try {
    return readCgroupPath(sys, freezer, pid);
  } catch (error) {
    if (error instanceof SysError) return undefined;
    throw error;
  }
}

function moveGroupOut(run: KillRun, freezer: Hierarchy, path: string, pids: readonly Pid[]): void {
  const { sys } = run;
  const from = openInHierarchy(sys, freezer, path);
  if (from === undefined) return;
  try {
    if (readFreezing(sys, from).state !== "thawed") moveAll(run, from, pids);
  } finally {
    sys.close(from.fd);
  }
}

function moveAll(run: KillRun, from: Cgroup, pids: readonly Pid[]): void {
  const { sys } = run;
  for (const destination of destinations(sys, from)) {
    try {
      for (const pid of pids) moveDead(sys, destination, pid);
      emit(run, "info", "frozen by others: moved the killed out to die", {
        from: from.path,
        to: destination.path,
        pids,
      });
      return;
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      emit(run, "debug", "could not move the killed out", { to: destination.path, error: error.message });
    } finally {
      sys.close(destination.fd);
    }
  }
}

function moveDead(sys: Sys, destination: Cgroup, pid: Pid): void {
  try {
    moveProcess(sys, destination.dir, pid);
  } catch (error) {
    // ESRCH is this process; ENOENT would be the destination.
    if (!(error instanceof SysError && error.errno === "ESRCH")) throw error;
  }
}

/** Do `work` with the frozen ancestors thawed, if the caller allows it and there is no other way; frozen again after. */
export async function withAncestorsThawed<T>(run: KillRun, work: () => Promise<T>): Promise<T> {
  const { sys, cgroup, plan } = run;
  const thawed: Cgroup[] = [];
  try {
    if (plan.options.thawAncestors) thawAncestors(run, thawed);
    return await work();
  } finally {
    const isAsFound = thawed.map((ancestor) => freezeAgain(run, ancestor));
    for (const { fd } of thawed) sys.close(fd);
    if (thawed.length > 0 && isAsFound.every(Boolean)) {
      emit(run, "info", "froze the ancestors again", { below: cgroup.path });
    }
  }
}

/** Nearest first; `thawed` holds each before it is thawed, so that it is frozen again whatever happens. */
function thawAncestors(run: KillRun, thawed: Cgroup[]): void {
  const { sys, cgroup } = run;
  if (hasDestination(sys, cgroup)) return;
  for (;;) {
    const ancestor = findFrozenAncestor(sys, cgroup);
    if (ancestor === null) return;
    let isTaken = false;
    try {
      const isKnown = thawed.some(({ path }) => path === ancestor.path);
      isTaken = !isKnown && v1.readSelfFreezing(sys, ancestor.dir);
    } finally {
      if (!isTaken) sys.close(ancestor.fd);
    }
    if (!isTaken) return;
    thawed.push(ancestor);
    v1.writeThawed(sys, ancestor.dir);
    emit(run, "warn", "thawed a frozen ancestor for the time of the kill", { ancestor: ancestor.path });
  }
}

const FREEZE_TRIES = 3;

/** @returns whether it is as it was; one that is gone is */
function freezeAgain(run: KillRun, ancestor: Cgroup): boolean {
  for (let tried = 1; ; tried++) {
    try {
      v1.writeFrozen(run.sys, ancestor.dir);
      return true;
    } catch (error) {
      if (isGone(error)) return true;
      if (tried < FREEZE_TRIES) continue;
      emit(run, "error", "could not freeze an ancestor again", { path: ancestor.name, error: String(error) });
      return false;
    }
  }
}
