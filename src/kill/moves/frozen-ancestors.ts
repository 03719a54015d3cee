// SIGKILLed processes that cannot die because a v1 freezer cgroup beyond the target's own thaw holds them: an ancestor of
// the target, or, for a target in another hierarchy, whatever freezer cgroup they are in. Moved to a thawed one they die
// at once, and run no more of their code. Where they cannot be moved, the ancestor is thawed for a while, if allowed.

import { findFrozen, readFreezing } from "../../cgroup/freeze-state.ts";
import { turnSwitch } from "../../cgroup/freezer-switch.ts";
import { moveProcess } from "../../cgroup/members.ts";
import { findFreezer, readCgroupPath } from "../../cgroup/open/hierarchy.ts";
import { openInHierarchy, openParent } from "../../cgroup/open/open-path.ts";
import type { Cgroup, Hierarchy } from "../../cgroup/types.ts";
import * as v1 from "../../cgroup/v1.ts";
import { isGone, SysError } from "../../sys/errno.ts";
import { readStat } from "../../sys/proc.ts";
import type { Pid, Sys } from "../../sys/sys.ts";
import { emit, type KillContext, whileInForce } from "../context.ts";
import { destinations, hasDestination } from "./destinations.ts";

/** The nearest frozen ancestor, below which no process dies; `null` if there is none. The caller closes it. */
export function findFrozenAncestor(sys: Sys, cgroup: Cgroup): Cgroup | null {
  if (!cgroup.hierarchy.hasFreezer || !isHeldByAncestor(sys, cgroup)) return null;
  const parent = openParent(sys, cgroup);
  if (parent === undefined) return null;
  const frozen = findFrozen(sys, parent);
  if (frozen === undefined) return parent;
  if (frozen.fd !== parent.fd) sys.close(parent.fd);
  return frozen;
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
 * Move SIGKILLed processes that are held frozen by others to where they can die. A help: what goes wrong with it is told,
 * and the kill goes on.
 */
export async function moveKilledOut(ctx: KillContext): Promise<void> {
  try {
    moveHeldOut(ctx);
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    emit(ctx, "no-look-for-frozen", { error: error.message });
  }
}

function moveHeldOut(ctx: KillContext): void {
  const { sys, cgroup, followed, record } = ctx;
  const isOwn = cgroup.hierarchy.hasFreezer;
  if (isOwn && !isHeldByAncestor(sys, cgroup)) return;
  if (!isOwn) followed.dropAllDead();
  const dying = [...followed.pids].filter((pid) => record.signalled.has(pid));
  if (dying.length === 0) return;
  const freezer = isOwn ? cgroup.hierarchy : findFreezer(sys);
  if (freezer === undefined) return;
  const byGroup = Map.groupBy(dying, (pid) => readPlace(sys, freezer, pid) ?? (isOwn ? cgroup.path : "/"));
  for (const [path, pids] of byGroup) moveGroupOut(ctx, freezer, path, pids);
}

/** One whose /proc is hidden from us, or cannot be read, keeps no other from being moved. */
function readPlace(sys: Sys, freezer: Hierarchy, pid: Pid): string | undefined {
  try {
    return readCgroupPath(sys, freezer, pid);
  } catch (error) {
    if (error instanceof SysError) return undefined;
    throw error;
  }
}

function moveGroupOut(ctx: KillContext, freezer: Hierarchy, path: string, pids: readonly Pid[]): void {
  const { sys } = ctx;
  const from = openInHierarchy(sys, freezer, path);
  if (from === undefined) return;
  try {
    if (readFreezing(sys, from).state !== "thawed") moveAll(ctx, from, pids);
  } finally {
    sys.close(from.fd);
  }
}

function moveAll(ctx: KillContext, from: Cgroup, pids: readonly Pid[]): void {
  const { sys } = ctx;
  for (const destination of destinations(sys, from)) {
    try {
      for (const pid of pids) {
        ctx.record.movedOut.set(pid, { hierarchy: from.hierarchy, path: from.path });
        moveDying(sys, destination, pid);
      }
      emit(ctx, "moved-to-die", { from: from.path, to: destination.path, pids });
      return;
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      emit(ctx, "not-moved-to-die", { to: destination.path, error: error.message });
    } finally {
      sys.close(destination.fd);
    }
  }
}

function moveDying(sys: Sys, destination: Cgroup, pid: Pid): void {
  try {
    moveProcess(sys, destination.dir, pid);
  } catch (error) {
    // ESRCH is this process; ENOENT would be the destination.
    if (!(error instanceof SysError && error.errno === "ESRCH")) throw error;
  }
}

/** Processes that were moved out to die, and that a tracer holds: back to where they were. What is dying is left to die. */
export function putSurvivorsBack({ sys, record, followed }: KillContext): void {
  for (const [pid, { hierarchy, path }] of record.movedOut) {
    if (followed.get(pid) === undefined || !isHeldByTracer(sys, pid)) continue;
    const home = openInHierarchy(sys, hierarchy, path);
    if (home === undefined) continue;
    try {
      moveProcess(sys, home.dir, pid);
    } catch (error) {
      // It stays where it is, and is told with its place.
      if (!(error instanceof SysError)) throw error;
    } finally {
      sys.close(home.fd);
    }
  }
}

function isHeldByTracer(sys: Sys, pid: Pid): boolean {
  try {
    return readStat(sys, pid)?.state.toLowerCase() === "t";
  } catch (error) {
    if (error instanceof SysError) return false;
    throw error;
  }
}

/** Do `work` with the frozen ancestors thawed, if the caller allows it and there is no other way; frozen again after. */
export async function withAncestorsThawed<T>(ctx: KillContext, work: () => Promise<T>): Promise<T> {
  const { sys, cgroup, plan } = ctx;
  if (!plan.options.thawAncestors) return await work();
  const thawed: Cgroup[] = [];
  const freezeAgain = (): boolean => thawed.map((ancestor) => refreeze(ctx, ancestor)).every(Boolean);
  // Stopped by Ctrl-Z we leave them as they were found.
  const held = {
    undo: () => void freezeAgain(),
    redo: () => thawed.forEach((at) => void turnSwitch(sys, at, false)),
  };
  try {
    return await whileInForce(ctx, held, async () => {
      thawAncestors(ctx, thawed);
      return await work();
    });
  } finally {
    const isAsFound = freezeAgain();
    for (const { fd } of thawed) sys.close(fd);
    if (thawed.length > 0 && isAsFound) emit(ctx, "ancestors-frozen", { below: cgroup.path });
  }
}

/** Nearest first; `thawed` holds each before it is thawed, so that it is frozen again whatever happens. */
function thawAncestors(ctx: KillContext, thawed: Cgroup[]): void {
  const { sys, cgroup } = ctx;
  if (hasDestination(sys, cgroup)) return;
  for (;;) {
    const ancestor = findFrozenAncestor(sys, cgroup);
    if (ancestor === null) return;
    let isTaken = false;
    try {
      const isKnown = thawed.some(({ id }) => id.ino === ancestor.id.ino);
      isTaken = !isKnown && v1.readSelfFreezing(sys, ancestor.dir);
    } finally {
      if (!isTaken) sys.close(ancestor.fd);
    }
    if (!isTaken) return;
    thawed.push(ancestor);
    v1.writeThawed(sys, ancestor.dir);
    emit(ctx, "ancestor-thawed", { ancestor: ancestor.path });
  }
}

/** @returns whether it is as it was; one that is gone is */
function refreeze(ctx: KillContext, ancestor: Cgroup): boolean {
  const error = turnSwitch(ctx.sys, ancestor, true);
  if (error === null) return true;
  emit(ctx, "ancestor-left", { path: ancestor.name, error: String(error) });
  return false;
}
