// Method "kill": one write to cgroup.kill, and then whatever the kernel's file does not reach.
//
// It signals thread-group leaders. An exited leader's live threads and an exec in flight from another thread survive
// it, and members can move out and in. So whatever is left is frozen briefly and killed by pidfd.

import { comparablePath } from "../../cgroup/inside.ts";
import { readMembers } from "../../cgroup/members.ts";
import { hasEvents, killSubtree } from "../../cgroup/v2.ts";
import { isGone, isUnsupported, SysError } from "../../sys/errno.ts";
import { readStatus } from "../../sys/proc.ts";
import type { Pid } from "../../sys/sys.ts";
import { emit, type KillContext, listMembers, timed, timeLeft } from "../context.ts";
import { moveKilledOut } from "../moves/frozen-ancestors.ts";
import { whileFrozen } from "../steps/freezing.ts";
import type { HeldProcess } from "../steps/held-process.ts";
import { isMemberByProc } from "../steps/membership.ts";
import { isEmpty, waitForEmpty } from "../steps/wait.ts";
import { readVictimNames } from "../victim-names.ts";
import { killByFreezer, signalEverything, waitRound } from "./freezer.ts";

/** What the lists may cost before the write: enough for thousands of processes in one cgroup. */
const SCAN_MS = 4;
/** Up to so many are held before the write; more of them are looked for once they should be dead. */
const HELD_AHEAD = 64;
/** From one look at what is left to the next, as long as they grow fewer: doubled each time. */
const FIRST_LOOK_MS = 25;
/**
 * Thousands are left alone for as long as they may need: to list them takes a lock that their deaths need as well. But
 * never so long that there is no time left to kill those by pidfd that the kernel has missed.
 */
const DEATH_MS = 0.05;
const MAX_PART_LENGTH = 0.25;

/** @returns whether the subtree is empty and all that was killed is dead; `false` at the deadline */
export async function killByKernel(ctx: KillContext): Promise<boolean> {
  const { followed } = ctx;
  const listed = await timed(ctx, "scanMs", () => scan(ctx));
  const held = listed.size > HELD_AHEAD ? [] : holdAll(ctx, listed);
  let isWritten = false;
  try {
    isWritten = await timed(ctx, "signalMs", () => writeKill(ctx));
    if (isWritten) countAsSignalled(ctx, listed, held);
  } finally {
    for (const process of held) followed.release(process);
  }
  if (!isWritten) return killByFreezer(ctx);
  readVictimNames(ctx, listed);
  const isFinished = await timed(ctx, "waitMs", () => waitWhileFewer(ctx, listed.size));
  const hasLeft = verifyDead(ctx, listed);
  // One that has left may come back: one more look costs little, and that it is needed is rare.
  if (isFinished && followed.size === 0 && !hasLeft) return true;
  for (let round = 1; timeLeft(ctx) > 0; round++) {
    await whileFrozen(ctx, async () => {
      writeKill(ctx);
      await signalEverything(ctx, round);
    });
    await moveKilledOut(ctx);
    if (await waitRound(ctx, round)) return true;
  }
  return false;
}

/** The processes that the write will kill, for the report. Cut short where reading the lists would delay the kill. */
async function scan(ctx: KillContext): Promise<ReadonlySet<Pid>> {
  const { sys, cgroup, record } = ctx;
  let listed: ReadonlySet<Pid> = new Set();
  try {
    const members = await readMembers(sys, cgroup, "procs", { ...ctx.pace, until: sys.now() + SCAN_MS });
    listed = members.pids;
    // Cut short it may have listed no process, where there are some.
    record.wasPopulated ||= listed.size + members.invisible > 0 || !(await isEmpty(ctx));
  } catch (error) {
    // The list is for people; the write does without.
    if (!(error instanceof SysError)) throw error;
    record.wasPopulated = true;
    emit(ctx, "list-incomplete", { error: error.message });
  }
  emit(ctx, "found", { pids: [...listed] });
  return listed;
}

function holdAll({ followed }: KillContext, pids: ReadonlySet<Pid>): HeldProcess[] {
  const held: HeldProcess[] = [];
  for (const pid of pids) {
    try {
      const process = followed.hold(pid);
      if (process === "full") break;
      if (process !== undefined) held.push(process);
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
    }
  }
  return held;
}

/** Only after the write: a denied kill kills nothing. */
function countAsSignalled(
  { record, followed }: KillContext,
  listed: ReadonlySet<Pid>,
  held: readonly HeldProcess[],
): void {
  for (const pid of listed) record.signalled.set(pid, null);
  for (const process of held) followed.follow(process);
}

/**
 * What was listed should be dead now. A process that lives outside and has no SIGKILL pending has left before the write;
 * one that has was moved away on its way to death, and is followed.
 *
 * @returns whether there are such that have left
 */
function verifyDead(ctx: KillContext, listed: ReadonlySet<Pid>): boolean {
  const { record, followed } = ctx;
  let hasLeft = false;
  followed.dropAllDead();
  for (const pid of listed) {
    if (record.killed.has(pid)) continue;
    const held = followed.hold(pid);
    if (held === "full") return true;
    if (held === undefined || followed.isDead(held)) record.killed.set(pid, record.signalled.get(pid) ?? null);
    // What is still a member was missed: it stays followed until it is killed, wherever it goes.
    else if (isSigkillPending(ctx, pid) || isStillMember(ctx, pid)) followed.follow(held);
    else {
      record.signalled.delete(pid);
      followed.unfollow(pid);
      hasLeft = true;
    }
    if (held !== undefined) followed.release(held);
  }
  return hasLeft;
}

function isStillMember(ctx: KillContext, pid: Pid): boolean {
  const path = comparablePath(ctx.sys, ctx.cgroup);
  try {
    return path !== undefined && isMemberByProc(ctx, pid, path);
  } catch (error) {
    if (error instanceof SysError) return true;
    throw error;
  }
}

function isSigkillPending({ sys }: KillContext, pid: Pid): boolean {
  try {
    return readStatus(sys, pid)?.sigkillPending ?? false;
  } catch (error) {
    if (error instanceof SysError) return false;
    throw error;
  }
}

/** @returns `false` where this kernel has no such file for the cgroup; a cgroup that is gone counts as killed */
function writeKill(ctx: KillContext): boolean {
  const { sys, cgroup } = ctx;
  try {
    killSubtree(sys, cgroup.dir);
    emit(ctx, "killed-by-kernel");
    return true;
  } catch (error) {
    if (isGone(error) && !hasEvents(sys, cgroup.dir)) return true;
    if (!isUnsupported(error)) throw error;
    emit(ctx, "no-kernel-kill", { error: String(error) });
    return false;
  }
}

/** Many take long to die, and then there is nothing to do but wait: as long as there are fewer at every look. */
async function waitWhileFewer(ctx: KillContext, dying: number): Promise<boolean> {
  let left = dying;
  let before = Number.POSITIVE_INFINITY;
  for (let pace = FIRST_LOOK_MS; ; pace *= 2) {
    const patience = Math.max(pace, Math.min(left * DEATH_MS, timeLeft(ctx) * MAX_PART_LENGTH));
    if (await waitForEmpty(ctx, ctx.sys.now() + patience)) return true;
    const { pids, invisible } = await listMembers(ctx);
    left = pids.size + invisible;
    if (left === 0 || left >= before || timeLeft(ctx) === 0) return false;
    before = left;
  }
}
