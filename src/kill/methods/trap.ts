// A freezer cgroup of our own, frozen, that members are moved into so that they stand still: for targets that cannot be
// frozen where they are. Below it is one cgroup for each place that members came from, marked with that place, so that a
// survivor goes back to where it was, also after we were killed.

import { readFreezing } from "../../cgroup/freeze-state.ts";
import { turnSwitch, writeSwitch } from "../../cgroup/freezer-switch.ts";
import { writeMark } from "../../cgroup/marks.ts";
import { moveProcess } from "../../cgroup/members.ts";
import { findFreezer, isWithin, readCgroupPath } from "../../cgroup/open/hierarchy.ts";
import { openInHierarchy } from "../../cgroup/open/open-path.ts";
import { PROC_PATH_BYTES } from "../../cgroup/open/path-names.ts";
import { isRemoved } from "../../cgroup/subtree.ts";
import type { Cgroup, Hierarchy } from "../../cgroup/types.ts";
import { encodeText } from "../../sys/bytes.ts";
import { isGone, SysError } from "../../sys/errno.ts";
import { listThreads, readStat } from "../../sys/proc.ts";
import type { Fd, Millis, Pid, Sys } from "../../sys/sys.ts";
import { emit, type KillContext, timeLeft, whileInForce } from "../context.ts";
import type { HeldProcess } from "../steps/held-process.ts";
import { dismantle, removeStale, targetMark, TRAP_PREFIX } from "./trap-end.ts";

/** Another pid namespace may have a cgkill of our number, and one that was killed may have left its trap behind. */
const NAMES = 8;

/**
 * Time for moves in each round. A move waits for all other moves, forks and exits on the machine: tens of milliseconds
 * when it is busy. Members that are left are signalled where they run, which takes more rounds at worst.
 */
const HOLD_MS = 500;

export interface Trap {
  /** Do `work` while the trap is frozen; it is thawed whatever happens, so that the killed can die. */
  whileFrozen(work: () => Promise<unknown>): Promise<void>;
  /** Move a process in, if there is time. What is not moved is killed all the same, only not held still before. */
  hold(held: HeldProcess): void;
}

interface Place {
  readonly parent: Cgroup;
  readonly trap: Cgroup;
  /** Held for the life of the trap: by it others tell that its maker lives. */
  readonly lock: Fd;
  /** By the place that its members came from. */
  readonly pens: Map<string, Cgroup>;
  /** No more moves in this round from then on. */
  holdUntil: Millis;
}

/** Do `work` with a trap, or with none where no freezer is to be had. The trap is thawed and removed whatever happens. */
export async function withTrap<T>(ctx: KillContext, work: (trap: Trap | undefined) => Promise<T>): Promise<T> {
  const { sys } = ctx;
  const place = openTrap(ctx);
  if (place === undefined) return await work(undefined);
  try {
    return await work({
      whileFrozen: (inner) => whileFrozen(ctx, place, inner),
      hold: (held) => hold(ctx, place, held),
    });
  } finally {
    dismantle(ctx, place.parent, place.trap);
    for (const { fd } of place.pens.values()) sys.close(fd);
    sys.close(place.lock);
    sys.close(place.trap.fd);
    sys.close(place.parent.fd);
  }
}

function openTrap(ctx: KillContext): Place | undefined {
  const { sys } = ctx;
  try {
    const freezer = findFreezer(sys);
    if (freezer === undefined) return undefined;
    for (const parent of trapParents(sys, freezer)) {
      trying(ctx, "look for traps left behind", () => void removeStale(ctx, parent));
      const place = makeTrap(ctx, parent);
      if (place !== undefined) return place;
      sys.close(parent.fd);
    }
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    emit(ctx, "no-trap", { error: error.message });
  }
  return undefined;
}

/** The root of the freezer hierarchy, else the cgroup of it that we are in: one of them takes a new cgroup. */
export function* trapParents(sys: Sys, freezer: Hierarchy): Generator<Cgroup> {
  for (const path of new Set(["/", readCgroupPath(sys, freezer, "self") ?? "/"])) {
    const parent = openInHierarchy(sys, freezer, path);
    if (parent === undefined) continue;
    let isThawed = false;
    try {
      isThawed = readFreezing(sys, parent).state === "thawed";
    } finally {
      if (!isThawed) sys.close(parent.fd);
    }
    if (isThawed) yield parent;
  }
}

function makeTrap(ctx: KillContext, parent: Cgroup): Place | undefined {
  const { sys } = ctx;
  for (let nth = 1; nth <= NAMES; nth++) {
    const name = `${TRAP_PREFIX}${sys.pid}${nth === 1 ? "" : `-${nth}`}`;
    let isMade = false;
    let place: Place | undefined;
    try {
      sys.makeDir(parent.dir, name);
      isMade = true;
      place = takeTrap(ctx, parent, name);
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      if (error.errno === "EEXIST") continue;
      emit(ctx, "no-trap", { error: error.message });
      if (isMade) trying(ctx, "remove the trap", () => sys.removeDir(parent.dir, name));
      if (isMade && isGone(error)) continue;
      return undefined;
    }
    if (place !== undefined) {
      emit(ctx, "trap-made", { trap: place.trap.path });
      return place;
    }
    // Another cgkill that takes it for one left behind removes it too.
    trying(ctx, "remove a trap that is not ours", () => sys.removeDir(parent.dir, name));
  }
  return undefined;
}

/** A new trap belongs to no cgkill until it is locked and marked. */
function takeTrap(ctx: KillContext, parent: Cgroup, name: string): Place | undefined {
  const { sys, cgroup } = ctx;
  const trap = openInHierarchy(sys, parent.hierarchy, pathIn(parent, name));
  if (trap === undefined) return undefined;
  let lock: Fd | undefined;
  let isOurs = false;
  try {
    lock = sys.tryLock(trap.dir);
    isOurs = lock !== undefined && !isRemoved(sys, trap) && writeMark(sys, lock, "trap", targetMark(cgroup));
    return lock !== undefined && isOurs ? { parent, trap, lock, pens: new Map(), holdUntil: 0 } : undefined;
  } finally {
    if (!isOurs && lock !== undefined) sys.close(lock);
    if (!isOurs) sys.close(trap.fd);
  }
}

const pathIn = (parent: Cgroup, name: string): string => `${parent.path === "/" ? "" : parent.path}/${name}`;

async function whileFrozen(ctx: KillContext, place: Place, work: () => Promise<unknown>): Promise<void> {
  const { sys } = ctx;
  const { trap } = place;
  place.holdUntil = sys.now() + Math.min(HOLD_MS, timeLeft(ctx));
  const freeze = (): void => trying(ctx, "freeze the trap", () => writeSwitch(sys, trap, true));
  const thaw = (): void => void turnSwitch(sys, trap, false);
  await whileInForce(ctx, { undo: thaw, redo: freeze }, async () => {
    try {
      freeze();
      await work();
    } finally {
      thaw();
    }
  });
}

/**
 * Move a process in, by its number, which is all the kernel takes. It was held a while ago: if it has died since, the
 * number may be another's, which is not to stand still for it.
 */
function hold(ctx: KillContext, place: Place, held: HeldProcess): void {
  const { sys, followed } = ctx;
  const { pid } = held;
  if (sys.now() >= place.holdUntil || followed.isDead(held)) return;
  trying(ctx, `hold pid ${pid} still`, () => {
    const origin = originOf(sys, place.parent.hierarchy, pid);
    // In from an earlier round, or none of ours to move.
    if (origin === undefined || isWithin(origin, place.trap.path) || readStat(sys, pid)?.isKernelThread === true)
      return;
    const pen = subTrapFor(ctx, place, origin);
    if (pen === undefined) return;
    // Before it is moved: what we move is followed until it is dead, or is reported.
    followed.follow(held);
    moveProcess(sys, pen.dir, pid);
  });
  if (!followed.isDead(held)) return;
  trying(ctx, `move pid ${pid} back`, () => moveToParent(sys, place.parent, pid));
}

/**
 * Where all of its threads are; `undefined` where that is more than one place, or cannot be told. A leader that has exited
 * before the others is nowhere, and does not count.
 */
function originOf(sys: Sys, freezer: Hierarchy, pid: Pid): string | undefined {
  const isLeaderDead = readStat(sys, pid)?.state === "Z";
  const tids = listThreads(sys, pid).filter((tid) => !(isLeaderDead && tid === pid));
  const [origin, ...others] = new Set(tids.map((tid) => readCgroupPath(sys, freezer, tid)));
  if (origin === undefined || others.length > 0 || encodeText(origin).length >= PROC_PATH_BYTES) return undefined;
  return origin;
}

function subTrapFor({ sys }: KillContext, { trap, pens }: Place, origin: string): Cgroup | undefined {
  const known = pens.get(origin);
  if (known !== undefined) return known;
  const name = String(pens.size + 1);
  sys.makeDir(trap.dir, name);
  const pen = openInHierarchy(sys, trap.hierarchy, pathIn(trap, name));
  if (pen === undefined) return undefined;
  pens.set(origin, pen);
  const lock = sys.tryLock(pen.dir);
  if (lock === undefined) return pen;
  writeMark(sys, lock, "origin", origin);
  sys.close(lock);
  return pen;
}

/** Born between the two looks at the pidfd, it was where it was born: where its parent is. */
function moveToParent(sys: Sys, parent: Cgroup, pid: Pid): void {
  const ppid = readStat(sys, pid)?.ppid;
  const path = ppid === undefined ? undefined : readCgroupPath(sys, parent.hierarchy, ppid);
  const origin = path === undefined ? undefined : openInHierarchy(sys, parent.hierarchy, path);
  try {
    moveProcess(sys, (origin ?? parent).dir, pid);
  } finally {
    if (origin !== undefined) sys.close(origin.fd);
  }
}

/** A trap is a help: what goes wrong with it is told, and the kill goes on. */
export function trying(ctx: KillContext, what: string, work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    if (error.errno !== "ESRCH") emit(ctx, "trap-trouble", { what, error: error.message });
  }
}
