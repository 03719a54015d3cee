// Method "kill": one write to cgroup.kill, then a kill by pidfd of whatever the kernel missed.
//
// The kernel walks the thread-group leaders of the subtree. Live threads of an exited leader, a process in the middle of
// an exec from another thread, and members that move out or in can survive that. What is left is frozen briefly and
// killed by pidfd.

import { comparablePath } from "../../cgroup/inside.ts";
import { readMembers } from "../../cgroup/members.ts";
import { isRemoved } from "../../cgroup/subtree.ts";
import { killSubtree } from "../../cgroup/v2.ts";
import { isGone, isUnsupported, readOr } from "../../sys/errno.ts";
import type { Pid } from "../../sys/sys.ts";
import { emit, type KillContext, listMembers, orElse, timed, timeLeft, yieldToSignals } from "../context.ts";
import { moveKilledOut } from "../moves/frozen-ancestors.ts";
import { whileFrozen } from "../steps/freezing.ts";
import { type HeldProcess, isDying } from "../steps/held-process.ts";
import { BATCH, isMemberByProc } from "../steps/membership.ts";
import { findTopmost, isCallersChild, readStarter } from "../steps/starter.ts";
import { hurryVictims } from "../steps/victims-first.ts";
import { isEmpty, waitForEmpty } from "../steps/wait.ts";
import { isRestDenied, killByFreezer, readVictimNames, sigkillMembers, waitRound } from "./freezer.ts";

/** Time for reading the lists before the write: enough for thousands of processes in one cgroup. */
const SCAN_MS = 4;
/** With more processes than this, pidfds are opened only after the write, to check which processes are dead. */
const MAX_HELD_AHEAD = 64;
/** The first interval between counts of the remaining members; doubled each time. */
const FIRST_COUNT_MS = 25;
/**
 * The time that a death takes, per process. Listing members takes a lock that exiting processes need too, so thousands of
 * them are not counted earlier. But a wait never takes more than this share of the time left, since processes that the
 * kernel missed must still be killed by pidfd.
 */
const DEATH_MS = 0.05;
const MAX_WAIT_SHARE = 0.25;

/** @returns whether the subtree is empty and all signalled processes are dead; `false` at the deadline */
export async function killByKernel(ctx: KillContext): Promise<boolean> {
  const { sys, record, followed } = ctx;
  const listed = await timed(ctx, "scanMs", () => scan(ctx));
  const first = listed.size <= MAX_HELD_AHEAD ? followAll(ctx, listed) : 0;
  const isKnown = record.starter !== undefined || isCallersChild(sys, followed.get(first), ctx.plan.ancestors);
  const topmost = isKnown ? null : findTopmost(sys, listed);
  if (!(await timed(ctx, "signalMs", () => writeKill(ctx)))) {
    // Nothing was killed: a process that leaves before it is signalled may live.
    followed.clear();
    return killByFreezer(ctx);
  }
  // Only after the write: a denied kill kills nothing.
  for (const pid of listed) record.signalled.set(pid, null);
  if (!ctx.plan.remove) emit(ctx, "kept");
  record.starter ??= readStarter(sys, topmost, ctx.plan.ancestors);
  readVictimNames(ctx, listed);
  const isFinished = await timed(ctx, "waitMs", () => waitWhileShrinking(ctx, listed.size));
  const hasLeft = await verifyDead(ctx, listed);
  // A process that left may come back: then kill once more. That costs little and is rarely needed.
  if (isFinished && followed.size === 0 && !hasLeft) return true;
  for (let round = 1; timeLeft(ctx) > 0; round++) {
    await whileFrozen(ctx, async () => {
      writeKill(ctx);
      await sigkillMembers(ctx, round);
    });
    await moveKilledOut(ctx);
    if (await waitRound(ctx, round)) return true;
    if (isRestDenied(ctx, round)) return false;
  }
  return false;
}

/** List the processes that the write will kill, for the report; incomplete if that would delay the kill. */
async function scan(ctx: KillContext): Promise<ReadonlySet<Pid>> {
  const { sys, cgroup, plan, record } = ctx;
  // The list only serves the report: the kill goes on without it.
  const listed = await orElse(ctx, "list-incomplete", undefined, async () => {
    const members = await readMembers(sys, cgroup, "leaders", { ...ctx.pace, until: sys.now() + SCAN_MS });
    // The exited leader of a spared process stays in the list, and the kernel does not kill its process for that.
    const { spare } = plan.options;
    const isLeft = (pid: Pid): boolean => !spare.includes(pid);
    const pids = spare.length === 0 ? members.pids : new Set([...members.pids].filter(isLeft));
    // A list that was cut short may be empty although there are members.
    record.wasPopulated ||= pids.size + members.invisible > 0 || !(await isEmpty(ctx));
    return pids;
  });
  record.wasPopulated ||= listed === undefined;
  emit(ctx, "found", () => ({ pids: [...(listed ?? [])] }));
  return listed ?? new Set();
}

/**
 * Follow as many as there are descriptors for. Held first, all of them: a followed process gives up its pidfd for the next
 * one, which would read /proc for each before the write.
 *
 * @returns the first that lives; 0 if there is none
 */
function followAll({ followed }: KillContext, pids: ReadonlySet<Pid>): Pid {
  const all: HeldProcess[] = [];
  for (const pid of pids) {
    const held = readOr(undefined, () => followed.hold(pid));
    if (held === "full") break;
    if (held !== undefined) all.push(held);
  }
  for (const held of all) followed.follow(held);
  return all[0]?.pid ?? 0;
}

/**
 * Check that every listed process is dead. One that lives outside left the cgroup before the write, unless it is dying:
 * then it was moved meanwhile, and is followed.
 *
 * @returns whether any left before the write, or could not be checked because descriptors ran out
 */
async function verifyDead(ctx: KillContext, listed: ReadonlySet<Pid>): Promise<boolean> {
  const { record, followed } = ctx;
  const isUnknown = (pid: Pid): boolean => !record.killed.has(pid) && followed.get(pid) === undefined;
  const unknown = [...listed].filter(isUnknown);
  let isFull = false;
  for (let at = 0; at < unknown.length && !isFull; at += BATCH) {
    const batch = unknown.slice(at, at + BATCH);
    const { dead, living } = followed.openTogether(batch);
    for (const held of living) followed.follow(held);
    for (const pid of dead) record.killed.set(pid, record.signalled.get(pid) ?? null);
    for (const pid of dead.length + living.length === batch.length ? [] : batch.filter(isUnknown)) {
      const held = followed.hold(pid);
      isFull = held === "full";
      if (held === "full") break;
      if (held === undefined) record.killed.set(pid, record.signalled.get(pid) ?? null);
      else followed.follow(held);
    }
    await yieldToSignals(ctx);
  }
  followed.dropAllDead();
  return (await forgetLeft(ctx, listed)) || isFull;
}

/** Stop following listed processes that live and left before the write. @returns whether there are any */
async function forgetLeft(ctx: KillContext, listed: ReadonlySet<Pid>): Promise<boolean> {
  const { sys, record, followed } = ctx;
  let hasLeft = false;
  for (const pid of followed.size === 0 ? [] : listed) {
    if (followed.get(pid) === undefined) continue;
    await yieldToSignals(ctx);
    // A member that lives was missed by the kernel: follow it until it is killed, wherever it goes.
    if (isDying(sys, pid) || isStillMember(ctx, pid)) continue;
    record.signalled.delete(pid);
    followed.unfollow(pid);
    hasLeft = true;
  }
  return hasLeft;
}

function isStillMember(ctx: KillContext, pid: Pid): boolean {
  const path = comparablePath(ctx.sys, ctx.cgroup);
  return readOr(true, () => path !== undefined && isMemberByProc(ctx, pid, path));
}

/** @returns `false` if the cgroup has no cgroup.kill; a removed cgroup counts as killed */
function writeKill(ctx: KillContext): boolean {
  const { sys, cgroup } = ctx;
  try {
    killSubtree(sys, cgroup.dir);
    emit(ctx, "killed-by-kernel");
    return true;
  } catch (error) {
    if (isGone(error) && isRemoved(sys, cgroup)) return true;
    if (!isUnsupported(error)) throw error;
    emit(ctx, "no-kernel-kill", { error: String(error) });
    return false;
  }
}

/** Wait for the subtree to be empty, while every count finds fewer members than the one before. */
async function waitWhileShrinking(ctx: KillContext, dying: number): Promise<boolean> {
  const hurry = hurryVictims(ctx);
  let left = dying;
  let before = Number.POSITIVE_INFINITY;
  for (let intervalMs = FIRST_COUNT_MS; ; intervalMs *= 2) {
    const waitMs = Math.max(intervalMs, Math.min(left * DEATH_MS, timeLeft(ctx) * MAX_WAIT_SHARE));
    if (await waitForEmpty(ctx, ctx.sys.now() + waitMs, hurry)) return true;
    ctx.control.begin?.();
    const { pids, invisible } = await listMembers(ctx, "leaders");
    left = pids.size + invisible;
    if (left === 0 || left >= before || timeLeft(ctx) === 0) return false;
    before = left;
  }
}
