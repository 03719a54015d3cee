// Freezing the target for the duration of some work, and thawing it whatever happens.
//
// The freeze helps but is never required: if it does not complete in time, or fails, the work is done without it. The thaw
// is required on every way out; it includes descendants, and is read back.

import { readOwnSwitch } from "../../cgroup/freeze-state.ts";
import { freezeRepeater, isOn, type Switchable, turnSwitch, writeSwitch } from "../../cgroup/freezer-switch.ts";
import { walkSubtree } from "../../cgroup/subtree.ts";
import type { FreezeState, Visit } from "../../cgroup/types.ts";
import * as v1 from "../../cgroup/v1.ts";
import { isDenied, isGone, readOr, type SysError, tryTo } from "../../sys/errno.ts";
import { closing, type Millis } from "../../sys/sys.ts";
import { emit, type KillContext, timed, whileInForce } from "../context.ts";
import { hurryVictims } from "./victims-first.ts";
import { waitForEvents, waitForLock, waitUntil } from "./wait.ts";

/**
 * How long a freeze may take. An ordinary tree needs a few milliseconds, a fork bomb of hundreds up to 60 ms on two cores.
 * One that execs from threads never completes on v1, and dies without a freeze too: a longer wait would only delay that.
 */
const FREEZE_MS = 250;
/**
 * If any cgroup below the target is frozen: how long after the deadline they are still thawed, thousands of them. The answer
 * is due one second after the deadline, and survivors must be described before.
 */
const THAW_MS = 400;
/** The least time of the search for one: hundreds of cgroups. A tree of thousands answers close to that second anyway. */
const SEARCH_MS = 20;
/** The v1 freezer has no event for its state. */
const STATE_INTERVAL_MS = 1;

/**
 * Run `work` while the target is frozen, if that is possible, and thaw it whatever happens.
 *
 * A v1 cgroup is thawed even if it was frozen before, since no process dies in it otherwise. In a frozen v2 cgroup
 * processes do die: if it was frozen before, its switch is left alone.
 *
 * @param work         `isFrozen`: the freeze completed, so that no member runs
 * @param whileFreezing  v1: called once before the wait for the freeze, if there is one. A member that has been sent SIGKILL
 *                     by then is hurried; it runs no more of its own code, and dies only after the thaw
 * @throws SysError  v1: freezing is denied
 */
export async function whileFrozen(
  ctx: KillContext,
  work: (isFrozen: boolean) => Promise<unknown>,
  whileFreezing: () => Promise<boolean> = async () => false,
): Promise<void> {
  const { sys, cgroup } = ctx;
  // Without the lock, two cgkills could thaw each other's freeze, or take it for one that was there before.
  using _ = closing(sys, await waitForLock(ctx, "no-lock"));
  if (isV2(ctx) && readOwnSwitch(sys, cgroup)) return void (await work(false));
  const freezing = { undo: () => void thaw(ctx, cgroup), redo: () => void tryFreeze(ctx) };
  try {
    await whileInForce(ctx, freezing, async () => {
      try {
        await work(await timed(ctx, "freezeMs", () => freeze(ctx, whileFreezing)));
      } finally {
        await timed(ctx, "thawMs", () => void thaw(ctx, cgroup));
      }
    });
  } finally {
    // Cgroups below that were frozen on their own. Those were not frozen by us, so they are left frozen after a signal.
    // Regression: while they were thawed, the freeze was still in force, and a stop request froze it again.
    if (!isV2(ctx) && !ctx.control.abort.aborted) await timed(ctx, "thawMs", () => thawBelow(ctx));
  }
}

const isV2 = ({ cgroup }: KillContext): boolean => cgroup.hierarchy.version === "v2";

/** @returns whether the freeze completed */
async function freeze(ctx: KillContext, whileFreezing: () => Promise<boolean>): Promise<boolean> {
  if (!tryFreeze(ctx)) return false;
  const until = ctx.sys.now() + FREEZE_MS;
  const isFrozen = isV2(ctx)
    ? await waitForEvents(ctx, until, ({ frozen }) => frozen)
    : readStateV1(ctx) === "frozen" || (await waitUntilFrozen(ctx, until, whileFreezing));
  if (isFrozen) emit(ctx, "frozen", { state: "frozen" });
  else emit(ctx, "freeze-incomplete", { state: "freezing" });
  return isFrozen;
}

/** A member that sleeps needs a processor to freeze, unless its sleep is one that the freezer knows. */
async function waitUntilFrozen(
  ctx: KillContext,
  until: Millis,
  whileFreezing: () => Promise<boolean>,
): Promise<boolean> {
  const isHurried = await whileFreezing();
  using hurry = hurryVictims(ctx);
  const repeat = freezeRepeater(ctx.sys, ctx.cgroup);
  return await waitUntil(ctx, { until, intervalMs: STATE_INTERVAL_MS }, () => {
    if (isHurried) hurry.look();
    const state = readStateV1(ctx);
    repeat(state);
    return state === "frozen";
  });
}

/** Turn the switch on. @returns `false` if that failed */
function tryFreeze(ctx: KillContext): boolean {
  const { sys, cgroup } = ctx;
  emit(ctx, "freezing");
  const error = tryTo(() => writeSwitch(sys, cgroup, true));
  if (error === undefined) return true;
  if (!isV2(ctx) && isDenied(error)) throw error;
  if (!isGone(error)) emit(ctx, "not-frozen", { error: error.message });
  return false;
}

/** A removed cgroup reads as frozen: nothing in it runs. */
const readStateV1 = ({ sys, cgroup }: KillContext): FreezeState =>
  readOr("frozen", () => v1.readFreezerState(sys, cgroup.dir), isGone);

/**
 * Thaw a target of the v1 freezer that was frozen before, and all cgroups below it, when its members have SIGKILL pending:
 * where another process moves them from one frozen cgroup to the next, they would never die.
 */
export async function thawFound(ctx: KillContext): Promise<void> {
  const { sys, cgroup } = ctx;
  if (!cgroup.hierarchy.hasFreezer) return;
  using _ = closing(sys, await waitForLock(ctx, "no-lock"));
  if (isOn(sys, cgroup)) thaw(ctx, cgroup);
  await thawBelow(ctx);
}

/**
 * Thaw all frozen cgroups below the target, whichever process froze them. A search that finds none ends at the deadline; once
 * one is found, there is time for the others. Those that are left then are recorded.
 *
 * @param onResult  called after each thaw, with the failure if it was one
 * @returns whether it reached all of them
 */
export async function thawBelow(
  ctx: KillContext,
  onResult: (error: SysError | null) => void = () => {},
): Promise<boolean> {
  const { sys, cgroup, record } = ctx;
  const { hierarchy } = cgroup;
  const path = cgroup.dir.shown;
  for (;;) {
    const { deadline } = record;
    const searchUntil = Math.max(deadline, sys.now() + SEARCH_MS);
    const until = Math.max(searchUntil, deadline + THAW_MS);
    const isCut = (): boolean => sys.now() > (record.isFrozenBelow ? until : searchUntil);
    const enter = ({ dir, ino }: Visit): boolean => {
      if (ino !== cgroup.id.ino && isOn(sys, { hierarchy, dir })) {
        record.isFrozenBelow = true;
        onResult(thaw(ctx, { hierarchy, dir }));
      }
      return !isCut();
    };
    const isComplete = await walkSubtree(sys, cgroup, { enter }, { ...ctx.pace, until });
    const isLeft = !isComplete && isCut();
    // Again if the deadline has moved, because cgkill was stopped meanwhile.
    if (isLeft && record.deadline > deadline) continue;
    if (isLeft) emit(ctx, "thaw-cut", { path });
    record.thawCutAt = isLeft && record.isFrozenBelow ? path : null;
    return isComplete;
  }
}

/**
 * Thaw one cgroup. A failure goes into the report; it is not thrown, which would hide an earlier error.
 *
 * @returns the failure, if it was one
 */
export function thaw(ctx: KillContext, place: Switchable): SysError | null {
  const { sys, record } = ctx;
  const path = place.dir.shown;
  const error = turnSwitch(sys, place, false);
  if (error === null) {
    emit(ctx, "thawed", { state: "thawed", path });
    record.leftFrozen.delete(path);
  } else {
    record.leftFrozen.add(path);
    emit(ctx, "not-thawed", { path, error: String(error) });
  }
  return error;
}
