// Freezing for the duration of some work, and thawing whatever happens.
//
// Freezing is a help, never a condition: where it does not complete in its time, or the kernel has an error for it,
// the work is done without. Thawing is a duty: on every way out, descendants included, and read back.

import { readOwnSwitch } from "../../cgroup/freeze-state.ts";
import { isOn, type Switchable, turnSwitch, writeSwitch } from "../../cgroup/freezer-switch.ts";
import { walkSubtree } from "../../cgroup/subtree.ts";
import * as v1 from "../../cgroup/v1.ts";
import { isDenied, isGone, SysError } from "../../sys/errno.ts";
import type { Fd } from "../../sys/sys.ts";
import { emit, type KillContext, timed, whileInForce } from "../context.ts";
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

/**
 * Do `work` while the target is frozen, if it can be; thaw it whatever happens.
 *
 * A v1 cgroup is thawed also if it was found frozen, since no process dies in a frozen one. On v2 they do, and the switch
 * is put back as it was found.
 *
 * @param work  `isFrozen`: no member runs, as far as its own lists tell
 * @throws SysError  v1: the kernel does not permit us to freeze
 */
export async function whileFrozen(ctx: KillContext, work: (isFrozen: boolean) => Promise<unknown>): Promise<void> {
  const lock = await takeLock(ctx);
  try {
    if (ctx.cgroup.hierarchy.version === "v1") await whileFrozenV1(ctx, work);
    else await whileFrozenV2(ctx, work);
  } finally {
    if (lock !== undefined) ctx.sys.close(lock);
  }
}

/** So that a second cgkill neither thaws what we froze nor takes our freeze for what it found. */
async function takeLock(ctx: KillContext): Promise<Fd | undefined> {
  const { sys, cgroup } = ctx;
  let lock: Fd | undefined;
  try {
    await waitUntil(ctx, { until: sys.now() + LOCK_MS, paceMs: LOCK_PACE_MS }, () => {
      lock = sys.tryLock(cgroup.dir);
      return lock !== undefined;
    });
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    emit(ctx, "no-lock", { error: error.message });
  }
  return lock;
}

async function whileFrozenV1(ctx: KillContext, work: (isFrozen: boolean) => Promise<unknown>): Promise<void> {
  const { sys, cgroup } = ctx;
  const held = { undo: () => void thaw(ctx, cgroup), redo: () => void tryFreeze(ctx) };
  await whileInForce(ctx, held, async () => {
    try {
      let isFrozen = false;
      await timed(ctx, "freezeMs", async () => {
        if (!tryFreeze(ctx)) return;
        const options = { until: sys.now() + FREEZE_MS, paceMs: FREEZE_PACE_MS };
        isFrozen = await waitUntil(ctx, options, () => readsFrozen(ctx));
        reportFrozen(ctx, isFrozen);
      });
      await work(isFrozen);
    } finally {
      await timed(ctx, "thawMs", () => thawAll(ctx));
    }
  });
}

async function whileFrozenV2(ctx: KillContext, work: (isFrozen: boolean) => Promise<unknown>): Promise<void> {
  const { sys, cgroup } = ctx;
  if (readOwnSwitch(sys, cgroup)) return void (await work(false));
  const held = { undo: () => void thaw(ctx, cgroup), redo: () => void tryFreeze(ctx) };
  await whileInForce(ctx, held, async () => {
    try {
      let isFrozen = false;
      await timed(ctx, "freezeMs", async () => {
        if (!tryFreeze(ctx)) return;
        isFrozen = await waitForEvents(ctx, sys.now() + FREEZE_MS, ({ frozen }) => frozen);
        reportFrozen(ctx, isFrozen);
      });
      await work(isFrozen);
    } finally {
      await timed(ctx, "thawMs", () => thaw(ctx, cgroup));
    }
  });
}

function reportFrozen(ctx: KillContext, isFrozen: boolean): void {
  if (isFrozen) emit(ctx, "frozen", { state: "frozen" });
  else emit(ctx, "freeze-incomplete", { state: "freezing" });
}

function tryFreeze(ctx: KillContext): boolean {
  const { sys, cgroup } = ctx;
  emit(ctx, "freezing");
  try {
    writeSwitch(sys, cgroup, true);
    return true;
  } catch (error) {
    const isV1 = cgroup.hierarchy.version === "v1";
    if (!(error instanceof SysError) || (isV1 && isDenied(error))) throw error;
    if (!isGone(error)) emit(ctx, "not-frozen", { error: error.message });
    return false;
  }
}

function readsFrozen({ sys, cgroup }: KillContext): boolean {
  try {
    return v1.readFreezerState(sys, cgroup.dir) === "frozen";
  } catch (error) {
    if (isGone(error)) return true;
    throw error;
  }
}

/**
 * Thaw a v1 cgroup first, so that its processes start to die, then whatever below it was frozen on its own: not by us, and
 * so there is no time for it once a signal has come or time is up.
 */
async function thawAll(ctx: KillContext): Promise<void> {
  thaw(ctx, ctx.cgroup);
  if (!ctx.control.abort.aborted) await thawBelow(ctx);
}

/** Thaw what was frozen below the target, by whatever process, until the deadline. */
export async function thawBelow(ctx: KillContext): Promise<void> {
  const { sys, cgroup, record } = ctx;
  const { hierarchy } = cgroup;
  const enter = ({ dir, ino }: { readonly dir: Switchable["dir"]; readonly ino: bigint }): void => {
    if (ino !== cgroup.id.ino && isOn(sys, { hierarchy, dir })) thaw(ctx, { hierarchy, dir });
  };
  await walkSubtree(sys, cgroup, { enter }, { ...ctx.pace, until: record.deadline });
}

/** That it failed is in the report, and never hides the error that came before it. @returns whether it is thawed */
export function thaw(ctx: KillContext, place: Switchable): boolean {
  const { sys, record } = ctx;
  const path = place.dir.shown;
  const error = turnSwitch(sys, place, false);
  if (error === null) {
    emit(ctx, "thawed", { state: "thawed", path });
    record.leftFrozen.delete(path);
    return true;
  }
  record.leftFrozen.add(path);
  emit(ctx, "not-thawed", { path, error: String(error) });
  return false;
}
