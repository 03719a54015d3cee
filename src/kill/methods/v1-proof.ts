// Proof that a kept v1 subtree is empty. No read of its lists is proof: a process that another keeps moving between its
// cgroups can be missing from each list when that list is read. But its /proc/PID/cgroup always names a cgroup inside. So
// every process in /proc is checked, preferably while the subtree is frozen, when no member can fork or exit.
//
// Also the targets that are empty from the start, of either version, for which there is nothing to kill.

import { isOn } from "../../cgroup/freezer-switch.ts";
import { isInnerDir, isRemoved } from "../../cgroup/subtree.ts";
import { PROC } from "../../sys/dir.ts";
import { isDenied, isGone, readOr } from "../../sys/errno.ts";
import { isDead, listThreads, readStat, showsAllProcesses } from "../../sys/proc.ts";
import { SIGNALS } from "../../sys/signal-names.ts";
import type { Pid, Sys } from "../../sys/sys.ts";
import { type KillContext, timed, walkPace, yieldToSignals } from "../context.ts";
import { isThreadInside, procPathOf } from "../steps/membership.ts";
import { signalAll } from "../steps/signal.ts";
import { isEmpty } from "../steps/wait.ts";
import type { KillPlan } from "../types.ts";

/** The members of a target, as /proc shows them. */
interface ProcScan {
  readonly inside: ReadonlySet<Pid>;
  /** Whether every process could be checked, and the target kept its path during the scan. */
  readonly isComplete: boolean;
}

const YIELD_EVERY = 128;
/** For a target that is renamed over and over. */
const MAX_SCANS = 8;

/** Only a kept v1 cgroup needs this: v2 has `populated`, and rmdir fails on a populated cgroup. */
export const needsProof = ({ plan, cgroup }: KillContext): boolean => !plan.remove && cgroup.hierarchy.version === "v1";

/** Find the processes that have a thread inside; spared ones are skipped. Repeated if the target is renamed meanwhile. */
async function scanProc(ctx: KillContext): Promise<ProcScan> {
  const { sys, plan, cgroup } = ctx;
  for (let scan = 1; ; scan++) {
    const path = readOr(undefined, () => procPathOf(ctx));
    // A removed one has no members: the path that it has left, with " (deleted)" at its end, may be that of another one.
    const isOver = isRemoved(sys, cgroup);
    if (path === undefined || isOver) return { inside: new Set(), isComplete: isOver };
    const inside = new Set<Pid>();
    let isComplete = showsAllProcesses(sys);
    let checked = 0;
    const { until } = walkPace(ctx);
    for (const { name } of sys.readSubdirs(PROC)) {
      const pid = Number(name);
      if (!Number.isInteger(pid) || pid === sys.pid || plan.options.spare.includes(pid)) continue;
      const seen = isMember(ctx, pid, path);
      // Awaited only if necessary: for each process that would take as long as a quarter of the scan.
      const isInside = seen instanceof Promise ? await seen : seen;
      if (isInside === true) inside.add(pid);
      isComplete &&= isInside !== undefined;
      if (++checked % YIELD_EVERY !== 0) continue;
      await yieldToSignals(ctx);
      if (sys.now() > until) return { inside, isComplete: false };
    }
    if (readOr(undefined, () => procPathOf(ctx)) === path) return { inside, isComplete };
    if (scan === MAX_SCANS) return { inside, isComplete: false };
  }
}

/** `undefined`: /proc hides it. */
type Seen = boolean | undefined;

/** Is a living process inside, by any of its threads? */
function isMember(ctx: KillContext, pid: Pid, path: string): Seen | Promise<Seen> {
  const { sys } = ctx;
  try {
    if (isThreadInside(ctx, pid, path)) return isAlive(sys, pid);
    return hasThreads(sys, pid) && isOtherThreadInside(ctx, pid, path);
  } catch (error) {
    return seenDespite(error);
  }
}

/** Of one process there may be thousands. */
async function isOtherThreadInside(ctx: KillContext, pid: Pid, path: string): Promise<Seen> {
  try {
    for (const tid of listThreads(ctx.sys, pid)) {
      if (tid !== pid && isThreadInside(ctx, tid, path)) return true;
      await yieldToSignals(ctx);
    }
    return false;
  } catch (error) {
    return seenDespite(error);
  }
}

function seenDespite(error: unknown): Seen {
  if (isDenied(error)) return undefined;
  if (isGone(error)) return false;
  throw error;
}

/** Whether there is a thread besides the leader: the link count of /proc/PID/task is 2 + the number of threads. */
const hasThreads = (sys: Sys, pid: Pid): boolean => sys.statusIn(PROC, `${pid}/task`).links > 3;

function isAlive(sys: Sys, pid: Pid): boolean {
  const stat = readStat(sys, pid);
  return stat !== undefined && !isDead(stat);
}

/**
 * Send SIGKILL to members that no list shows, until a scan finds no new one. Call it while the subtree is frozen.
 *
 * @param done      pids that were signalled, or could not be; new ones are added
 * @param isFrozen  whether the freeze completed: only then does the last scan count as proof
 */
export async function sigkillUnlisted(ctx: KillContext, done: Set<Pid>, isFrozen: boolean): Promise<void> {
  const { record, followed } = ctx;
  const { deadline } = record;
  for (;;) {
    const { inside, isComplete } = await timed(ctx, "scanMs", () => scanProc(ctx));
    const fresh = [...inside].filter((pid) => !done.has(pid));
    // One that could not be signalled is not followed, and lives.
    const isEachFollowed = [...inside].every((pid) => followed.get(pid) !== undefined);
    // The deadline moves when cgkill is stopped, and the target is thawed meanwhile.
    const wasFrozen = isFrozen && record.deadline === deadline;
    record.isScanned = wasFrozen && isComplete && isEachFollowed;
    if (fresh.length === 0) return;
    await sigkillPids(ctx, fresh, done);
    if (ctx.sys.now() > record.deadline) return;
  }
}

async function sigkillPids(ctx: KillContext, pids: readonly Pid[], done: Set<Pid>): Promise<void> {
  const after = (pid: Pid): void => void ctx.record.signalled.set(pid, null);
  await signalAll(ctx, pids, { signal: SIGNALS.KILL, after, byProc: true, done, cgroups: new Set() });
  // A process that could not be signalled is not tried again in this round.
  for (const pid of pids) done.add(pid);
}

/** Scan /proc once. @returns the members that it found; `record.isScanned` says whether it proves that there is none */
async function scanForProof(ctx: KillContext): Promise<readonly Pid[]> {
  const { inside, isComplete } = await timed(ctx, "scanMs", () => scanProc(ctx));
  ctx.record.isScanned = isComplete && inside.size === 0;
  return [...inside];
}

/**
 * Prove that an emptied v1 target that is kept is empty, or send SIGKILL to the members that /proc shows.
 *
 * @returns whether no process is inside, as far as /proc shows; always `true` if no proof is needed
 */
export async function proveEmpty(ctx: KillContext): Promise<boolean> {
  if (!needsProof(ctx) || ctx.record.isScanned) return true;
  const inside = await scanForProof(ctx);
  if (inside.length > 0) await sigkillPids(ctx, inside, new Set());
  return inside.length === 0;
}

/**
 * Can the kill be skipped if `isEmpty` finds the subtree empty? Then nothing is frozen, written or moved. While no other v1
 * cgroup is frozen, a freeze makes the kernel patch its own code (a static key), which stalls every processor for
 * milliseconds; and standard input may name thousands of empty targets.
 *
 * On v2 one read of the kernel's own flag answers. A v1 cgroup must have no children: a process could move between them
 * ahead of the reader, and reading the lists of a wide subtree once more delays the kill of its members by seconds. One
 * that is kept must not be frozen either, since the kill would have to thaw it; removal is proof, because rmdir(2) fails on
 * a populated cgroup.
 */
export function canSkipIfEmpty(sys: Sys, { cgroup, remove }: KillPlan): boolean {
  if (cgroup.hierarchy.version === "v2") return true;
  return !isInnerDir(sys.statusOf(cgroup.fd)) && (remove || !isOn(sys, cgroup));
}

/** Is there nothing to kill? If so, that is as well proven as after a kill. */
export async function isAlreadyEmpty(ctx: KillContext): Promise<boolean> {
  if (!canSkipIfEmpty(ctx.sys, ctx.plan) || !(await isEmpty(ctx))) return false;
  if (!needsProof(ctx)) return true;
  await scanForProof(ctx);
  return ctx.record.isScanned;
}
