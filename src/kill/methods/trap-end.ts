// The end of a trap, ours or one that a killed cgkill has left: thaw it, move what lives back to where it was, remove it.
// Only ever a cgroup that bears the mark of a trap: a name alone proves nothing.

import { isOn, turnSwitch } from "../../cgroup/freezer-switch.ts";
import { readMark } from "../../cgroup/marks.ts";
import { moveProcess, readProcs } from "../../cgroup/members.ts";
import { openInHierarchy } from "../../cgroup/open/open-path.ts";
import { isRemoved } from "../../cgroup/subtree.ts";
import type { Cgroup } from "../../cgroup/types.ts";
import { isBusy, isGone, SysError } from "../../sys/errno.ts";
import { dirOf, type Fd, type Sys } from "../../sys/sys.ts";
import { emit, type KillContext } from "../context.ts";

export const TRAP_PREFIX = "cgkill-trap-";

/** What a trap was made for. */
export const targetMark = ({ hierarchy, id }: Cgroup): string => `${hierarchy.controllers || "v2"} ${id.ino}`;

/** The dead leave a cgroup a moment after they are dead, and until then it cannot be removed. */
const REMOVE_MS = 150;
const REMOVE_PACE_MS = 2;
/** Other errors than "busy" are tried again a few times: they may be gone by then. */
const OTHER_TRIES = 3;

/** Thaw first; what has not died by then is moved back, so that the trap can go. */
export function dismantle(ctx: KillContext, parent: Cgroup, trap: Cgroup): void {
  const { sys, followed } = ctx;
  const name = trap.path.slice(trap.path.lastIndexOf("/") + 1);
  const until = sys.now() + REMOVE_MS;
  let others = 0;
  for (;;) {
    turnSwitch(sys, trap, false);
    try {
      emptySubTraps(ctx, parent, trap);
      sys.removeDir(parent.dir, name);
      emit(ctx, "trap-removed", { trap: trap.path, state: "thawed" });
      return;
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      if (isGone(error) && isRemoved(sys, trap)) return;
      if (isBusy(error) ? sys.now() < until : ++others < OTHER_TRIES) {
        sys.poll(followed.next(), REMOVE_PACE_MS);
        followed.dropDead();
        continue;
      }
      if (isOn(sys, trap)) ctx.record.leftFrozen.add(trap.name);
      emit(ctx, "trap-left", { trap: trap.path, error: error.message });
      return;
    }
  }
}

function emptySubTraps(ctx: KillContext, parent: Cgroup, trap: Cgroup): void {
  const { sys } = ctx;
  moveMembers(ctx, parent, trap.dir, undefined);
  for (const { name } of sys.readSubdirs(trap.dir)) {
    const fd = sys.openDir(trap.dir, name);
    try {
      const dir = dirOf(fd, `${trap.name}/${name}`);
      moveMembers(ctx, parent, dir, originOf(sys, dir));
    } finally {
      sys.close(fd);
    }
    sys.removeDir(trap.dir, name);
  }
}

function originOf(sys: Sys, dir: Cgroup["dir"]): string | undefined {
  const fd = sys.tryLock(dir);
  if (fd === undefined) return undefined;
  try {
    return readMark(sys, fd, "origin");
  } finally {
    sys.close(fd);
  }
}

/** @param origin  where to; the parent of the trap, where that is not known or is gone */
function moveMembers(ctx: KillContext, parent: Cgroup, from: Cgroup["dir"], origin: string | undefined): void {
  const { sys } = ctx;
  const pids = readProcs(sys, from).filter((pid) => pid > 0);
  if (pids.length === 0) return;
  const home = origin === undefined ? undefined : openInHierarchy(sys, parent.hierarchy, origin);
  try {
    for (const pid of pids) {
      try {
        moveProcess(sys, (home ?? parent).dir, pid);
      } catch (error) {
        if (!(error instanceof SysError)) throw error;
        if (error.errno !== "ESRCH") emit(ctx, "trap-trouble", { what: `move pid ${pid} back`, error: error.message });
      }
    }
  } finally {
    if (home !== undefined) sys.close(home.fd);
  }
}

/**
 * Remove the traps that were made for this target by a cgkill that was killed: no process has their lock then.
 *
 * @returns how many there were
 */
export function removeStale(ctx: KillContext, parent: Cgroup): number {
  const { sys, cgroup } = ctx;
  let count = 0;
  for (const { name } of sys.readSubdirs(parent.dir)) {
    if (!name.startsWith(TRAP_PREFIX)) continue;
    const trap = openInHierarchy(sys, parent.hierarchy, `${parent.path === "/" ? "" : parent.path}/${name}`);
    if (trap === undefined) continue;
    let lock: Fd | undefined;
    try {
      lock = sys.tryLock(trap.dir);
      if (lock === undefined || readMark(sys, lock, "trap") !== targetMark(cgroup)) continue;
      emit(ctx, "trap-stale", { trap: trap.path });
      dismantle(ctx, parent, trap);
      count++;
    } finally {
      if (lock !== undefined) sys.close(lock);
      sys.close(trap.fd);
    }
  }
  return count;
}
