// Freezing for the time of some work, and thawing whatever happens.
//
// Freezing is a help, never a condition: where it does not complete in its time, or the kernel has an error for it,
// the work is done without. Thawing is a duty: on every way out, descendants included, and read back.

import { readOwnSwitch } from "../cgroup/freezing.ts";
import { isRemoved, walkSubtree } from "../cgroup/tree.ts";
import * as v1 from "../cgroup/v1.ts";
import * as v2 from "../cgroup/v2.ts";
import { isDenied, isGone, SysError } from "../sys/errno.ts";
import type { Dir, Fd } from "../sys/sys.ts";
import { emit, type KillRun, timed } from "./run.ts";
import { waitForEvents, waitUntil } from "./wait.ts";

/**
 * How long a freeze may take. A healthy tree needs a few milliseconds, a fork bomb of hundreds up to 60 on two
 * cores; one that execs from threads never gets there on v1, and dies as well without. Too long only delays that.
 */
const FREEZE_MS = 250;
/** A v1 freezer has no event for its state. */
const FREEZE_PACE_MS = 1;
/** For another cgkill that holds the cgroup frozen at this moment; without the lock we go on all the same. */
const LOCK_MS = 250;
const LOCK_PACE_MS = 2;
const THAW_TRIES = 3;

/**
 * Do `work` while the target is frozen, if it can be; thaw it whatever happens.
 *
 * A v1 cgroup is thawed also if it was found frozen, since nobody dies in a frozen one. On v2 they do, and the switch
 * is put back as it was found.
 *
 * @throws SysError  v1: the kernel does not permit us to freeze
 */
export async function whileFrozen(run: KillRun, work: () => Promise<unknown>): Promise<void> {
  const lock = await takeLock(run);
  try {
    if (run.cgroup.hierarchy.version === "v1") await whileFrozenV1(run, work);
    else await whileFrozenV2(run, work);
  } finally {
    if (lock !== undefined) run.sys.close(lock);
  }
}

/** So that a second cgkill neither thaws under our hands nor takes our freezing for what it found. */
async function takeLock(run: KillRun): Promise<Fd | undefined> {
  const { sys, cgroup } = run;
  let lock: Fd | undefined;
  try {
    await waitUntil(run, { until: sys.now() + LOCK_MS, paceMs: LOCK_PACE_MS }, () => {
      lock = sys.tryLock(cgroup.dir);
      return lock !== undefined;
    });
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    emit(run, "debug", "freezing without a lock", { error: error.message });
  }
  return lock;
}

async function whileFrozenV1(run: KillRun, work: () => Promise<unknown>): Promise<void> {
  const { sys, cgroup } = run;
  try {
    await timed(run, "freezeMs", async () => {
      if (!tryFreeze(run, () => v1.writeFrozen(sys, cgroup.dir))) return;
      const options = { until: sys.now() + FREEZE_MS, paceMs: FREEZE_PACE_MS };
      const isFrozen = await waitUntil(run, options, () => readsFrozen(run));
      tellFrozen(run, isFrozen);
    });
    await work();
  } finally {
    await timed(run, "thawMs", () => thawAll(run));
  }
}

async function whileFrozenV2(run: KillRun, work: () => Promise<unknown>): Promise<void> {
  const { sys, cgroup } = run;
  const isOurs = !readOwnSwitch(sys, cgroup);
  try {
    if (isOurs) {
      await timed(run, "freezeMs", async () => {
        if (!tryFreeze(run, () => v2.writeFreeze(sys, cgroup.dir, true))) return;
        tellFrozen(run, await waitForEvents(run, sys.now() + FREEZE_MS, ({ frozen }) => frozen));
      });
    }
    await work();
  } finally {
    if (isOurs) await timed(run, "thawMs", () => thaw(run, cgroup.dir, () => v2.writeFreeze(sys, cgroup.dir, false)));
  }
}

function tellFrozen(run: KillRun, isFrozen: boolean): void {
  if (isFrozen) emit(run, "trace", "frozen", { state: "frozen" });
  else emit(run, "debug", "the freeze does not complete: going on without it", { state: "freezing" });
}

/** Ask once; the kernel goes on by itself. */
function tryFreeze(run: KillRun, write: () => void): boolean {
  emit(run, "trace", "freezing");
  try {
    write();
    return true;
  } catch (error) {
    const isV1 = run.cgroup.hierarchy.version === "v1";
    if (!(error instanceof SysError) || (isV1 && isDenied(error))) throw error;
    if (!isGone(error)) emit(run, "debug", "not frozen: going on without it", { error: error.message });
    return false;
  }
}

function readsFrozen(run: KillRun): boolean {
  try {
    return v1.readFreezerState(run.sys, run.cgroup.dir) === "frozen";
  } catch (error) {
    if (isGone(error)) return true;
    throw error;
  }
}

/** Thaw a v1 cgroup first, so that its processes start to die, then whatever below it was frozen on its own. */
export function thawAll(run: KillRun): void {
  const { sys, cgroup } = run;
  thaw(run, cgroup.dir, () => v1.writeThawed(sys, cgroup.dir));
  using subtree = walkSubtree(sys, cgroup);
  for (const dir of subtree.dirs.slice(1)) {
    if (isFrozenItself(run, dir)) thaw(run, dir, () => v1.writeThawed(sys, dir));
  }
}

function isFrozenItself({ sys, cgroup: { hierarchy } }: KillRun, dir: Dir): boolean {
  try {
    return readOwnSwitch(sys, { hierarchy, dir });
  } catch (error) {
    // Where it cannot be read, thawing once too often does no harm.
    if (error instanceof SysError) return true;
    throw error;
  }
}

/** Thaw, more than once if need be. That it failed is in the report, and never hides the error that came before it. */
function thaw(run: KillRun, dir: Dir, write: () => void): void {
  for (let tried = 1; ; tried++) {
    try {
      write();
      emit(run, "trace", "thawed", { state: "thawed", path: dir.shown });
      run.leftFrozen.delete(dir.shown);
      return;
    } catch (error) {
      if (isGone(error) && isRemoved(run.sys, { dir })) return;
      if (tried < THAW_TRIES) continue;
      // Whoever was not let freeze is not let thaw either, and has left nothing behind.
      if (!isFrozenItself(run, dir)) return;
      run.leftFrozen.add(dir.shown);
      emit(run, "error", "could not thaw", { path: dir.shown, error: String(error) });
      return;
    }
  }
}
