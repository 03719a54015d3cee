// SIGKILLed processes that cannot die because they are frozen by a v1 freezer cgroup that thawing the target does not
// reach: a frozen ancestor of the target or, for a target in another hierarchy, the freezer cgroup that they are in.
// They are moved to a thawed cgroup, where they die at once without running any more of their code. If they cannot be
// moved, the ancestor is thawed for the duration of the kill, if allowed.

import { findFrozen, readFreezing } from "../../cgroup/freeze-state.ts";
import { turnSwitch, writeSwitch } from "../../cgroup/freezer-switch.ts";
import { findFreezer, readCgroupPath } from "../../cgroup/open/hierarchy.ts";
import { openInHierarchy, openParent } from "../../cgroup/open/open-path.ts";
import type { Cgroup, Hierarchy } from "../../cgroup/types.ts";
import * as v1 from "../../cgroup/v1.ts";
import { isGone, readOr, type SysError, tryTo } from "../../sys/errno.ts";
import { readStat } from "../../sys/proc.ts";
import { closeUnless, closing, type Pid, type Sys } from "../../sys/sys.ts";
import { emit, type KillContext, orElse, timeLeft, whileInForce, yieldToSignals } from "../context.ts";
import { newOpened } from "../opened.ts";
import { waitForLock } from "../steps/wait.ts";
import { destinations, hasDestination } from "./destinations.ts";
import { moveHeld } from "./move-held.ts";

/** Open the nearest frozen ancestor, below which no process can die; `null` if there is none. The caller closes it. */
export function findFrozenAncestor(sys: Sys, cgroup: Cgroup): Cgroup | null {
  if (!cgroup.hierarchy.hasFreezer || !hasFrozenAncestor(sys, cgroup)) return null;
  const parent = openParent(sys, cgroup);
  if (parent === undefined) return null;
  let found = parent;
  closeUnless(sys, parent.fd, () => (found = findFrozen(sys, parent) ?? parent) === parent);
  return found;
}

const hasFrozenAncestor = (sys: Sys, { dir }: Cgroup): boolean =>
  readOr(false, () => v1.readParentFreezing(sys, dir), isGone);

/**
 * Move SIGKILLed processes that stay frozen to a cgroup in which they can die. A failure is an event; the kill goes on.
 */
export const moveKilledOut = (ctx: KillContext): Promise<void> =>
  orElse(ctx, "frozen-not-searched", undefined, () => moveFrozenOut(ctx));

async function moveFrozenOut(ctx: KillContext): Promise<void> {
  const { sys, cgroup, followed, record } = ctx;
  const isOwn = cgroup.hierarchy.hasFreezer;
  if (isOwn && !hasFrozenAncestor(sys, cgroup)) return;
  if (!isOwn) followed.dropAllDead();
  const dying = [...followed.pids].filter((pid) => record.signalled.has(pid));
  if (dying.length === 0) return;
  const freezer = isOwn ? cgroup.hierarchy : findFreezer(sys);
  if (freezer === undefined) return;
  // A process whose cgroup cannot be read must not keep the others from being moved.
  const pathOf = (pid: Pid): string =>
    readOr(undefined, () => readCgroupPath(sys, freezer, pid)) ?? (isOwn ? cgroup.path : "/");
  const byPath = new Map<string, Pid[]>();
  for (const pid of dying) {
    await yieldToSignals(ctx);
    const path = pathOf(pid);
    const pids = byPath.get(path);
    if (pids === undefined) byPath.set(path, [pid]);
    else pids.push(pid);
  }
  for (const [path, pids] of byPath) await moveGroupOut(ctx, freezer, path, pids);
}

/** @param path  the freezer cgroup that these processes are in */
async function moveGroupOut(ctx: KillContext, freezer: Hierarchy, path: string, pids: readonly Pid[]): Promise<void> {
  const { sys, followed, record } = ctx;
  using from = openInHierarchy(sys, freezer, path);
  if (from === undefined || readFreezing(sys, from).state === "thawed") return;
  for (const to of destinations(sys, from)) {
    let error: SysError | undefined;
    const moved: Pid[] = [];
    for (const pid of pids) {
      await yieldToSignals(ctx);
      const held = followed.get(pid);
      if (held === undefined) continue;
      record.movedOut.set(pid, { hierarchy: freezer, path: from.path });
      error = tryTo(() => void (moveHeld(ctx, held, to) && moved.push(pid)));
      // The process is gone. ENOENT would mean that the destination is gone.
      if (error?.errno === "ESRCH") error = undefined;
      // The first error ends the moves.
      if (error !== undefined) break;
    }
    if (moved.length > 0) emit(ctx, "moved-to-die", { from: from.path, to: to.path, pids: moved });
    if (error === undefined) return;
    emit(ctx, "not-moved-to-die", { to: to.path, error: error.message });
  }
}

/** Move processes back that were moved out to die but are stopped by a tracer. */
export function putSurvivorsBack(ctx: KillContext): void {
  const { sys, record, followed } = ctx;
  for (const [pid, { hierarchy, path }] of record.movedOut) {
    const held = followed.get(pid);
    if (held === undefined || !isInTracingStop(sys, pid)) continue;
    using home = openInHierarchy(sys, hierarchy, path);
    // If that fails it stays where it is, and is reported as a survivor with its cgroup.
    if (home !== undefined) tryTo(() => moveHeld(ctx, held, home));
  }
}

const isInTracingStop = (sys: Sys, pid: Pid): boolean =>
  readOr(false, () => readStat(sys, pid)?.state.toLowerCase() === "t");

/**
 * Run `work` with frozen ancestors thawed, if the caller allows that and killed processes cannot be moved out. The
 * ancestors are frozen again whatever happens.
 */
export async function withAncestorsThawed<T>(ctx: KillContext, work: () => Promise<T>): Promise<T> {
  const { sys, cgroup, plan } = ctx;
  if (!plan.options.thawAncestors || hasDestination(sys, cgroup)) return await work();
  const thawed: Cgroup[] = [];
  // Regression: where the thaw was denied, cgkill used to report that it froze the ancestors again.
  let isThawed = false;
  const freezeAgain = (): boolean => thawed.map((ancestor) => refreeze(ctx, ancestor)).every(Boolean);
  const thawing = {
    undo: () => void freezeAgain(),
    redo: () => thawed.forEach((at) => void turnSwitch(sys, at, false)),
  };
  try {
    return await whileInForce(ctx, thawing, async () => {
      await thawAncestors(ctx, thawed, () => (isThawed = true));
      return await work();
    });
  } finally {
    const isRestored = freezeAgain();
    for (const { fd } of thawed) sys.close(fd);
    if (isThawed && isRestored) emit(ctx, "ancestors-frozen", { below: cgroup.path });
  }
}

/**
 * Thaw frozen ancestors, nearest first. Each is added to `thawed` before the thaw, so that it is always frozen again.
 *
 * @param onThawed  called after each thaw
 */
async function thawAncestors(ctx: KillContext, thawed: Cgroup[], onThawed: () => void): Promise<void> {
  const { sys, cgroup } = ctx;
  for (;;) {
    await yieldToSignals(ctx);
    using opened = newOpened();
    const ancestor = opened.use(findFrozenAncestor(sys, cgroup));
    if (ancestor === null) return;
    const isKnown = thawed.some(({ id }) => id.ino === ancestor.id.ino);
    if (isKnown || !v1.readSelfFreezing(sys, ancestor.dir)) return;
    // Regression: one that another cgkill had frozen, for the moment of its kill, was frozen again in the end, and stayed so.
    using _ = closing(sys, await waitForLock(ctx, "no-lock", ancestor));
    if (!v1.readSelfFreezing(sys, ancestor.dir)) {
      if (timeLeft(ctx) === 0) return;
      continue;
    }
    opened.move();
    thawed.push(ancestor);
    writeSwitch(sys, ancestor, false);
    onThawed();
    emit(ctx, "ancestor-thawed", { ancestor: ancestor.path });
  }
}

/** @returns whether it is frozen again, or gone */
function refreeze(ctx: KillContext, ancestor: Cgroup): boolean {
  const error = turnSwitch(ctx.sys, ancestor, true);
  if (error === null) return true;
  emit(ctx, "ancestor-left", { path: ancestor.name, error: String(error) });
  return false;
}
