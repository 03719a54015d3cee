// Dismantling a trap, ours or one that a killed cgkill left behind: thaw it, move survivors back to where they came from,
// remove it. Only a cgroup with the mark of a trap is dismantled: its name alone proves nothing.

import { isOn, turnSwitch } from "../../cgroup/freezer-switch.ts";
import { readMark } from "../../cgroup/marks.ts";
import { readProcs } from "../../cgroup/members.ts";
import { openChildOf, openInHierarchy } from "../../cgroup/open/open-path.ts";
import { lastName } from "../../cgroup/open/path-names.ts";
import { isRemoved } from "../../cgroup/subtree.ts";
import type { Cgroup } from "../../cgroup/types.ts";
import { dirOf } from "../../sys/dir.ts";
import { isBusy, isGone, readOr, tryTo } from "../../sys/errno.ts";
import { closing, type Pid, type Sys } from "../../sys/sys.ts";
import { attempt, emit, type KillContext } from "../context.ts";
import { moveHeld } from "../moves/move-held.ts";

export const TRAP_PREFIX = "cgkill-trap-";

/** The mark that names the target of a trap. */
export const targetMark = ({ hierarchy, id }: Cgroup): string => `${hierarchy.controllers || "v2"} ${id.ino}`;

/** A process leaves its cgroup a moment after its pidfd reports its death. Until then rmdir fails with EBUSY. */
const BUSY_MS = 150;
const BUSY_INTERVAL_MS = 2;
/** For errors other than EBUSY, which may be temporary. */
const MAX_OTHER_ERRORS = 3;

/** Thaw a trap, move survivors back, and remove it. A failure is an event; a trap that is still frozen is recorded. */
export function dismantle(ctx: KillContext, parent: Cgroup, trap: Cgroup): void {
  const { sys, followed } = ctx;
  const until = sys.now() + BUSY_MS;
  let otherErrors = 0;
  for (;;) {
    turnSwitch(sys, trap, false);
    const error = tryTo(() => {
      emptyTrap(ctx, parent, trap);
      sys.removeDir(parent.dir, lastName(trap.path));
    });
    if (error === undefined) return emit(ctx, "trap-removed", { trap: trap.path, state: "thawed" });
    if (isGone(error) && isRemoved(sys, trap)) return;
    const isTriedAgain = isBusy(error) ? sys.now() < until : ++otherErrors < MAX_OTHER_ERRORS;
    if (!isTriedAgain) {
      if (isOn(sys, trap)) ctx.record.leftFrozen.add(trap.name);
      return emit(ctx, "trap-left", { trap: trap.path, error: error.message });
    }
    sys.poll(followed.next(), BUSY_INTERVAL_MS);
    followed.dropDead();
  }
}

function emptyTrap(ctx: KillContext, parent: Cgroup, trap: Cgroup): void {
  const { sys } = ctx;
  moveMembers(ctx, parent, trap.dir, undefined);
  for (const { name } of sys.readSubdirs(trap.dir)) {
    const fd = sys.openDir(trap.dir, name);
    using _ = closing(sys, fd);
    const dir = dirOf(fd, `${trap.name}/${name}`);
    moveMembers(ctx, parent, dir, readOrigin(sys, dir));
    sys.removeDir(trap.dir, name);
  }
}

/** `undefined` if a sub-trap has no mark, or another cgkill has its lock. */
function readOrigin(sys: Sys, dir: Cgroup["dir"]): string | undefined {
  const lock = sys.tryLock(dir);
  using _ = closing(sys, lock);
  return lock === undefined ? undefined : readMark(sys, lock, "origin");
}

/** @param origin  where the members came from; if it is unknown or gone they are moved to the parent of the trap */
function moveMembers(ctx: KillContext, parent: Cgroup, from: Cgroup["dir"], origin: string | undefined): void {
  const { sys } = ctx;
  const pids = readProcs(sys, from).filter((pid) => pid > 0);
  if (pids.length === 0) return;
  using home = origin === undefined ? undefined : openInHierarchy(sys, parent.hierarchy, origin);
  for (const pid of pids) attempt(ctx, `move pid ${pid} back`, () => moveMember(ctx, pid, home ?? parent));
}

/** A captured process is followed until it is dead, so this is never one that has taken over its pid. */
function moveMember(ctx: KillContext, pid: Pid, to: Cgroup): void {
  const held = ctx.followed.hold(pid);
  if (held === undefined || held === "full") return;
  try {
    moveHeld(ctx, held, to);
  } finally {
    ctx.followed.release(held);
  }
}

/** @throws SysError  EBUSY: a process is in it */
function removeEmpty(sys: Sys, parent: Cgroup, trap: Cgroup): void {
  for (const { name } of sys.readSubdirs(trap.dir)) sys.removeDir(trap.dir, name);
  sys.removeDir(parent.dir, lastName(trap.path));
}

/**
 * Remove the traps that killed cgkills left behind: no process has their lock any more. Those for other targets only if they
 * are empty, since their members belong to those.
 */
export function removeStale(ctx: KillContext, parent: Cgroup): void {
  const { sys, cgroup } = ctx;
  for (const { name } of sys.readSubdirs(parent.dir)) {
    if (!name.startsWith(TRAP_PREFIX)) continue;
    using trap = openChildOf(sys, parent, name);
    if (trap === undefined) continue;
    const lock = sys.tryLock(trap.dir);
    using _ = closing(sys, lock);
    const mark = lock === undefined ? undefined : readMark(sys, lock, "trap");
    if (mark === undefined) continue;
    if (mark !== targetMark(cgroup)) {
      readOr(undefined, () => removeEmpty(sys, parent, trap));
      continue;
    }
    emit(ctx, "trap-stale", { trap: trap.path });
    dismantle(ctx, parent, trap);
  }
}
