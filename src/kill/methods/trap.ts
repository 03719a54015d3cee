// The trap: a v1 freezer cgroup of our own, which is frozen, and into which members of a target that cannot be frozen are
// moved. It contains one sub-trap per cgroup that members came from, marked with the path of that cgroup: a survivor is
// moved back there, by another cgkill if this one was killed.

import { readFreezing } from "../../cgroup/freeze-state.ts";
import { turnSwitch, writeSwitch } from "../../cgroup/freezer-switch.ts";
import { writeMark } from "../../cgroup/marks.ts";
import { findFreezer, readCgroupPath } from "../../cgroup/open/hierarchy.ts";
import { openChildOf, openInHierarchy } from "../../cgroup/open/open-path.ts";
import { isWithin, leavesNamespace, mayBeTruncated } from "../../cgroup/open/path-names.ts";
import { isRemoved } from "../../cgroup/subtree.ts";
import type { Cgroup, Hierarchy } from "../../cgroup/types.ts";
import { isGone, SysError } from "../../sys/errno.ts";
import { listThreads, readStat } from "../../sys/proc.ts";
import { closeUnless, closing, type Millis, type Pid, type Sys } from "../../sys/sys.ts";
import { attempt, emit, type KillContext, timeLeft, whileChanged } from "../context.ts";
import { moveHeld } from "../moves/move-held.ts";
import { newOpened, type Opened } from "../opened.ts";
import type { HeldProcess } from "../steps/held-process.ts";
import { dismantle, targetMark, TRAP_PREFIX } from "./trap-end.ts";

/** A cgkill with our pid in another pid namespace, or one that was killed, may have a trap with our name. */
const MAX_NAMES = 8;

/**
 * Time for moves in each round. A move waits for all other moves, forks and exits on the machine: tens of milliseconds
 * when it is busy. The remaining members are signalled where they run, which at worst takes more rounds.
 */
const CAPTURE_MS = 500;

export interface Trap {
  readonly parent: Cgroup;
  readonly cgroup: Cgroup;
  /** The cgroups in the trap, by the path of the cgroup that their members came from. */
  readonly subTraps: Map<string, Cgroup>;
  /** Closed in the end. It holds a lock, which tells other cgkills that the trap is in use. */
  readonly opened: Opened;
  /** On the clock of `Sys.now`: no moves in this round from then on. */
  captureUntil: Millis;
}

/** Run `work` with a trap, or with `undefined` if there is no usable v1 freezer. The trap is removed whatever happens. */
export async function withTrap<T>(ctx: KillContext, work: (trap: Trap | undefined) => Promise<T>): Promise<T> {
  const trap = openTrap(ctx);
  using _ = trap?.opened;
  try {
    return await work(trap);
  } finally {
    if (trap !== undefined) dismantle(ctx, trap.parent, trap.cgroup);
  }
}

function openTrap(ctx: KillContext): Trap | undefined {
  const { sys, cgroup } = ctx;
  try {
    const freezer = findTrapHierarchy(sys, cgroup);
    if (freezer === undefined) return undefined;
    for (const parent of trapParents(sys, freezer)) {
      const trap = makeTrap(ctx, parent);
      if (trap !== undefined) return trap;
      sys.close(parent.fd);
    }
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    emit(ctx, "no-trap", { error: error.message });
  }
  return undefined;
}

/** Not that of the target: a member would leave the target by the move, and a child that it still forks be in no list. */
export const findTrapHierarchy = (sys: Sys, { hierarchy }: Cgroup): Hierarchy | undefined =>
  hierarchy.hasFreezer ? undefined : findFreezer(sys);

/** Cgroups in which a trap can be made: the root of the freezer hierarchy, else our own cgroup there. Never a frozen one. */
export function* trapParents(sys: Sys, freezer: Hierarchy): Generator<Cgroup> {
  for (const path of new Set(["/", readCgroupPath(sys, freezer, "self") ?? "/"])) {
    const parent = openInHierarchy(sys, freezer, path);
    if (parent === undefined) continue;
    // The caller closes it.
    if (closeUnless(sys, parent.fd, () => readFreezing(sys, parent).state === "thawed")) yield parent;
  }
}

function makeTrap(ctx: KillContext, parent: Cgroup): Trap | undefined {
  const { sys } = ctx;
  for (let nth = 1, isGivenUp = false; nth <= MAX_NAMES && !isGivenUp; nth++) {
    const name = `${TRAP_PREFIX}${sys.pid}${nth === 1 ? "" : `-${nth}`}`;
    let isMade = false;
    try {
      sys.makeDir(parent.dir, name);
      isMade = true;
      const trap = takeTrap(ctx, parent, name);
      if (trap !== undefined) {
        emit(ctx, "trap-made", { trap: trap.cgroup.path });
        return trap;
      }
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      if (error.errno === "EEXIST") continue;
      emit(ctx, "no-trap", { error: error.message });
      isGivenUp = !isMade || !isGone(error);
    }
    // Another cgkill may have taken the lock first, and removes it as a trap left behind.
    if (isMade) attempt(ctx, "remove the trap", () => sys.removeDir(parent.dir, name));
  }
  return undefined;
}

/** Lock and mark a new trap: until then it belongs to no cgkill. @returns `undefined` if another cgkill was faster */
function takeTrap({ sys, cgroup }: KillContext, parent: Cgroup, name: string): Trap | undefined {
  using opened = newOpened();
  const trap = opened.use(openChildOf(sys, parent, name));
  const lock = trap && sys.tryLock(trap.dir);
  if (trap === undefined || lock === undefined) return undefined;
  opened.use(closing(sys, lock));
  if (isRemoved(sys, trap) || !writeMark(sys, lock, "trap", targetMark(cgroup))) return undefined;
  opened.use(parent);
  return { parent, cgroup: trap, opened: opened.move(), subTraps: new Map(), captureUntil: 0 };
}

/** Run `work` while the trap is frozen. It is thawed whatever happens, so that signalled processes can die. */
export async function whileTrapFrozen(ctx: KillContext, trap: Trap, work: () => Promise<unknown>): Promise<void> {
  const { sys } = ctx;
  trap.captureUntil = sys.now() + Math.min(CAPTURE_MS, timeLeft(ctx));
  const freeze = (): void => attempt(ctx, "freeze the trap", () => writeSwitch(sys, trap.cgroup, true));
  const thaw = (): void => void turnSwitch(sys, trap.cgroup, false);
  await whileChanged(ctx, { undo: thaw, redo: freeze }, work);
}

/** Move a process in, if there is time. One that is not moved is killed all the same, but may still fork. */
export function capture(ctx: KillContext, trap: Trap, held: HeldProcess): void {
  const { sys, followed } = ctx;
  const { pid } = held;
  if (sys.now() >= trap.captureUntil || followed.isDead(held)) return;
  attempt(ctx, `move pid ${pid} into the trap`, () => {
    const origin = findOrigin(sys, trap.parent.hierarchy, pid);
    const isCaptured = origin !== undefined && isWithin(origin, trap.cgroup.path);
    if (origin === undefined || isCaptured || readStat(sys, pid)?.isKernelThread === true) return;
    const subTrap = subTrapFor(ctx, trap, origin);
    if (subTrap === undefined) return;
    // Before the move, so that a process that was moved is always followed until it is dead or reported.
    followed.follow(held);
    moveHeld(ctx, held, subTrap, trap.parent);
  });
}

/**
 * The freezer cgroup of all threads of a process; `undefined` if it could not be moved back: they are in several, or the path
 * is cut off or leads out of our cgroup namespace. An exited leader does not count: /proc shows it in the root.
 */
function findOrigin(sys: Sys, freezer: Hierarchy, pid: Pid): string | undefined {
  const isLeaderDead = readStat(sys, pid)?.state === "Z";
  const tids = listThreads(sys, pid).filter((tid) => !(isLeaderDead && tid === pid));
  const [origin, ...others] = new Set(tids.map((tid) => readCgroupPath(sys, freezer, tid)));
  if (origin === undefined || others.length > 0) return undefined;
  return mayBeTruncated(origin) || leavesNamespace(origin) ? undefined : origin;
}

function subTrapFor({ sys }: KillContext, { cgroup, subTraps, opened }: Trap, origin: string): Cgroup | undefined {
  const known = subTraps.get(origin);
  if (known !== undefined) return known;
  const name = String(subTraps.size + 1);
  sys.makeDir(cgroup.dir, name);
  const subTrap = opened.use(openChildOf(sys, cgroup, name));
  if (subTrap === undefined) return undefined;
  subTraps.set(origin, subTrap);
  const lock = sys.tryLock(subTrap.dir);
  using _ = closing(sys, lock);
  if (lock !== undefined) writeMark(sys, lock, "origin", origin);
  return subTrap;
}
