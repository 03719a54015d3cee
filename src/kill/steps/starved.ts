// Whether killed processes find a processor to die on.

import { PROC } from "../../sys/dir.ts";
import { readOr } from "../../sys/errno.ts";
import { isDead, listThreads, type ProcessStat } from "../../sys/proc.ts";
import type { Millis, Pid, Sys } from "../../sys/sys.ts";
import type { KillContext } from "../context.ts";
import { readStatIfReadable } from "./held-process.ts";

/** Up to this many other runnable threads are no competition: cgkill itself is one of them. */
const OTHERS = 4;
/** If none of the first few has died since the last look, none has found a processor: the kernel wakes them in this order. */
const SAMPLE = 8;
/** How many dead ones a look may pass over, at 1 to 15 µs each, and how many it may count that could run. */
const MAX_LOOKED_AT = 64;

/**
 * Watch whether the killed processes die by themselves.
 *
 * @returns asks whether none has died since the last call although they would with a higher priority. Where only they want
 *          the processors it gains nothing, and would make the kill of thousands three times slower.
 */
export function starvationWatch(ctx: KillContext): () => boolean {
  const { followed } = ctx;
  const seenDead = new Set<Pid>();
  let sizeBefore = followed.size;
  let ranBefore: ReadonlyMap<Pid, Millis> = new Map();
  return () => {
    const before = sizeBefore;
    followed.dropAllDead();
    sizeBefore = followed.size;
    if (sizeBefore < before) return false;
    const look = lookAtFirst(ctx, seenDead);
    let hasRun = false;
    for (const [pid, ms] of look.ran) hasRun ||= ms !== ranBefore.get(pid);
    ranBefore = look.ran;
    if (look.hasDeath) return false;
    const runnable = countRunnable(ctx);
    // Where the count is not known, any help is better than none.
    return !(runnable <= look.left + OTHERS) || (!hasRun && isThrottled(ctx, look, seenDead, runnable));
  };
}

interface Look {
  /** Whether any has died since the last look. Thousands are not followed. */
  readonly hasDeath: boolean;
  /** How many are left, as far as is known. */
  readonly left: number;
  /** How long those of the first few have run that could run now. */
  readonly ran: ReadonlyMap<Pid, Millis>;
}

/** @param seenDead  those that were seen dead before; others are added */
function lookAtFirst({ sys, record }: KillContext, seenDead: Set<Pid>): Look {
  const ran = new Map<Pid, Millis>();
  let dead = 0;
  let alive = 0;
  for (const pid of record.signalled.keys()) {
    if (record.killed.has(pid)) {
      // It counts once.
      seenDead.delete(pid);
      continue;
    }
    if (seenDead.has(pid)) continue;
    const ranMs = sys.cpuTimeOf(pid);
    const stat = ranMs === undefined ? undefined : readStatIfReadable(sys, pid);
    if (ranMs === undefined || (stat !== undefined && isDead(stat))) {
      seenDead.add(pid);
      if (++dead === MAX_LOOKED_AT) break;
      continue;
    }
    if (isRunnable(sys, pid, stat)) ran.set(pid, ranMs);
    if (++alive === SAMPLE) break;
  }
  return { hasDeath: dead > 0, left: record.signalled.size - record.killed.size - seenDead.size, ran };
}

function isRunnable(sys: Sys, pid: Pid, stat: ProcessStat | undefined): boolean {
  if (stat === undefined || stat.threads <= 1) return stat?.state === "R";
  const tids = readOr([], () => listThreads(sys, pid)).slice(0, SAMPLE);
  return tids.some((tid) => readStatIfReadable(sys, tid)?.state === "R");
}

/** How many threads the kernel counts as runnable on this host: the fourth field of /proc/loadavg begins with it. */
function countRunnable({ sys }: KillContext): number {
  const text = readOr("", () => sys.readRecord(PROC, "loadavg"));
  return Number.parseInt(text.split(" ")[3] ?? "", 10);
}

/**
 * Has a cgroup with a limit (`cpu.max`) used up its time, so that its processes wait for the next period, even to die? Then
 * those that could run have not run since the last look, and either that is all there are, or the kernel does not count
 * them, since they are in no queue. The limit is not for real-time threads.
 *
 * @param runnable  how many the kernel counts, with cgkill
 */
function isThrottled(
  { sys, record }: KillContext,
  { left, ran }: Look,
  seenDead: ReadonlySet<Pid>,
  runnable: number,
): boolean {
  if (ran.size === 0) return false;
  if (left <= SAMPLE) return true;
  // A count without cgkill is not the kernel's own.
  if (runnable < 1 || runnable > MAX_LOOKED_AT) return false;
  let missing = runnable - ran.size;
  let looked = 0;
  for (const pid of record.signalled.keys()) {
    if (missing <= 0 || looked === MAX_LOOKED_AT) break;
    if (record.killed.has(pid) || seenDead.has(pid) || ran.has(pid)) continue;
    looked++;
    if (isRunnable(sys, pid, readStatIfReadable(sys, pid))) missing--;
  }
  return missing <= 0;
}
