// A freezer cgroup of our own, frozen, that members are moved into so that they stand still: for targets in a
// hierarchy that cannot freeze them. Their place in the target's own hierarchy is not changed by it.

import { readFreezing } from "../cgroup/freezing.ts";
import { findHierarchies, readCgroupPath } from "../cgroup/hierarchy.ts";
import { moveProcess, readMembers } from "../cgroup/members.ts";
import { openInHierarchy } from "../cgroup/path.ts";
import { isRemoved } from "../cgroup/tree.ts";
import type { Cgroup, Hierarchy } from "../cgroup/types.ts";
import * as v1 from "../cgroup/v1.ts";
import { isBusy, isGone, SysError } from "../sys/errno.ts";
import { readStat } from "../sys/proc.ts";
import type { Fd, Pid, Sys } from "../sys/sys.ts";
import { emit, type KillRun, type Pin } from "./run.ts";

const PREFIX = "cgkill-trap-";
/** What merely begins like one is somebody else's. */
const TRAP_NAME = /^cgkill-trap-\d+(-\d+)?$/;
/** Another pid namespace may have a cgkill of our number, and one that was killed may have left its trap behind. */
const NAMES = 8;

export interface Trap {
  /** Do `work` while the trap is frozen; it is thawed whatever happens, so that the killed can die. */
  whileFrozen(work: () => Promise<unknown>): Promise<void>;
  /** Move a process in. What cannot be moved is killed all the same, only not held still before. */
  hold(pid: Pid, pin: Pin | undefined): void;
}

/** Do `work` with a trap, or with none where no freezer is to be had. The trap is thawed and removed whatever happens. */
export async function withTrap<T>(run: KillRun, work: (trap: Trap | undefined) => Promise<T>): Promise<T> {
  const place = openTrap(run);
  if (place === undefined) return await work(undefined);
  try {
    return await work({
      whileFrozen: (inner) => whileFrozen(run, place.trap, inner),
      hold: (pid, pin) => hold(run, place, pid, pin),
    });
  } finally {
    dismantle(run, place.parent, place.trap);
    if (place.lock !== undefined) run.sys.close(place.lock);
    run.sys.close(place.trap.fd);
    run.sys.close(place.parent.fd);
  }
}

interface Place {
  readonly parent: Cgroup;
  readonly trap: Cgroup;
  /** Held for the life of the trap: by it others tell that its maker lives. `undefined` where there are no locks. */
  readonly lock: Fd | undefined;
}

function openTrap(run: KillRun): Place | undefined {
  const { sys } = run;
  try {
    const freezer = findHierarchies(sys).find(({ hasFreezer }) => hasFreezer);
    if (freezer === undefined) return undefined;
    for (const parent of places(sys, freezer)) {
      ignoring(run, "no look for traps left behind", () => removeStale(run, parent));
      const place = makeTrap(run, parent);
      if (place !== undefined) return place;
      sys.close(parent.fd);
    }
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    emit(run, "debug", "no place for a trap: going on without it", { error: error.message });
  }
  return undefined;
}

/** The root of the freezer hierarchy, else the cgroup of it that we are in: one of them takes a new cgroup. */
function* places(sys: Sys, freezer: Hierarchy): Generator<Cgroup> {
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

function makeTrap(run: KillRun, parent: Cgroup): Place | undefined {
  const { sys } = run;
  for (let nth = 1; nth <= NAMES; nth++) {
    const name = `${PREFIX}${sys.pid}${nth === 1 ? "" : `-${nth}`}`;
    let isMade = false;
    let place: Place | undefined;
    try {
      sys.makeDir(parent.dir, name);
      isMade = true;
      place = takeTrap(sys, parent, name);
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      if (error.errno === "EEXIST") continue;
      emit(run, "debug", "no trap: going on without it", { error: error.message });
      if (!isMade) return undefined;
    }
    if (place !== undefined) {
      emit(run, "trace", "made a trap", { trap: place.trap.path });
      return place;
    }
    // Whoever else takes it for one left behind removes it too.
    ignoring(run, "the trap is not removed", () => sys.removeDir(parent.dir, name));
  }
  return undefined;
}

/**
 * A new trap is no one's until it is locked.
 *
 * @returns `undefined` where another cgkill took it for one left behind before that: it removes it
 */
function takeTrap(sys: Sys, parent: Cgroup, name: string): Place | undefined {
  const trap = openInHierarchy(sys, parent.hierarchy, pathIn(parent, name));
  if (trap === undefined) return undefined;
  let lock: Fd | null | undefined = null;
  let isOurs = false;
  try {
    lock = tryLock(sys, trap);
    isOurs = lock !== null && !isRemoved(sys, trap);
    return isOurs ? { parent, trap, lock: lock ?? undefined } : undefined;
  } finally {
    if (!isOurs && typeof lock === "number") sys.close(lock);
    if (!isOurs) sys.close(trap.fd);
  }
}

const pathIn = (parent: Cgroup, name: string): string => `${parent.path === "/" ? "" : parent.path}/${name}`;

/** @returns `null` where another has it; `undefined` where this process can have no locks */
function tryLock(sys: Sys, trap: Cgroup): Fd | null | undefined {
  try {
    return sys.tryLock(trap.dir) ?? null;
  } catch (error) {
    if (error instanceof SysError && error.errno === "ENOSYS") return undefined;
    throw error;
  }
}

async function whileFrozen(run: KillRun, trap: Cgroup, work: () => Promise<unknown>): Promise<void> {
  try {
    ignoring(run, "the trap is not frozen", () => v1.writeFrozen(run.sys, trap.dir));
    await work();
  } finally {
    ignoring(run, "the trap is not thawed", () => v1.writeThawed(run.sys, trap.dir));
  }
}

/**
 * Move a process in, by its number, which is all the kernel takes. It was pinned a while ago: if he has died since, the
 * number may be a stranger's, who is not to stand still for it.
 */
function hold(run: KillRun, { parent, trap }: Place, pid: Pid, pin: Pin | undefined): void {
  if (pin !== undefined && isDead(run.sys, pin)) return;
  ignoring(run, `pid ${pid} is not held still`, () => moveProcess(run.sys, trap.dir, pid));
  if (pin === undefined || !isDead(run.sys, pin)) return;
  ignoring(run, `pid ${pid} is not moved back`, () => moveBack(run.sys, parent, pid));
}

const isDead = (sys: Sys, pin: Pin): boolean => sys.poll([pin], 0).length > 0;

/** Born between the two looks at the pin, he was where he was born: where his parent is. */
function moveBack(sys: Sys, parent: Cgroup, pid: Pid): void {
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
function ignoring(run: KillRun, what: string, work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    if (error.errno !== "ESRCH") emit(run, "debug", what, { error: error.message });
  }
}

/** The dead leave a cgroup a moment after they are dead, and until then it cannot be removed. */
const REMOVE_TRIES = 100;
const REMOVE_PACE_MS = 2;

/** Other errors than "busy" are tried again a few times: they may be gone by then. */
const OTHER_TRIES = 3;

/** Thaw first; who has not died by then is moved out, so that the trap can go. */
function dismantle(run: KillRun, parent: Cgroup, trap: Cgroup): void {
  const { sys } = run;
  const name = trap.path.slice(trap.path.lastIndexOf("/") + 1);
  let others = 0;
  for (let tried = 1; ; tried++) {
    ignoring(run, "the trap is not thawed", () => v1.writeThawed(sys, trap.dir));
    ignoring(run, "the trap is not emptied", () => {
      for (const pid of readMembers(sys, [trap.dir]).pids) moveOut(run, parent, pid);
    });
    try {
      sys.removeDir(parent.dir, name);
      emit(run, "trace", "removed the trap", { trap: trap.path, state: "thawed" });
      return;
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      if (isGone(error) && isRemoved(sys, trap)) return;
      if (isBusy(error) ? tried < REMOVE_TRIES : ++others < OTHER_TRIES) {
        sys.poll([], REMOVE_PACE_MS);
        continue;
      }
      if (isStillFrozen(sys, trap)) run.leftFrozen.add(trap.name);
      emit(run, "warn", "could not remove the trap", { trap: trap.path, error: error.message });
      return;
    }
  }
}

function moveOut(run: KillRun, to: Cgroup, pid: Pid): void {
  ignoring(run, `pid ${pid} is not moved out of the trap`, () => moveProcess(run.sys, to.dir, pid));
}

function isStillFrozen(sys: Sys, trap: Cgroup): boolean {
  try {
    return v1.readSelfFreezing(sys, trap.dir);
  } catch {
    return true;
  }
}

/** A trap whose cgkill was killed half-way still holds its processes frozen. Nobody has its lock then. */
function removeStale(run: KillRun, parent: Cgroup): void {
  const { sys } = run;
  for (const name of sys.readSubdirs(parent.dir)) {
    if (!TRAP_NAME.test(name)) continue;
    const trap = openInHierarchy(sys, parent.hierarchy, pathIn(parent, name));
    if (trap === undefined) continue;
    let lock: Fd | null | undefined;
    try {
      lock = tryLock(sys, trap);
      if (typeof lock !== "number") continue;
      emit(run, "info", "a trap was left behind by a cgkill that was killed: removing it", { trap: trap.path });
      dismantle(run, parent, trap);
    } finally {
      if (typeof lock === "number") sys.close(lock);
      sys.close(trap.fd);
    }
  }
}
