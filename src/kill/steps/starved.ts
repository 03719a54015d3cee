// Whether killed processes find a processor to die on.

import { PROC } from "../../sys/dir.ts";
import { readOr } from "../../sys/errno.ts";
import { isDead, listThreads, type ProcessStat } from "../../sys/proc.ts";
import type { Millis, Pid, Sys } from "../../sys/sys.ts";
import type { KillContext } from "../context.ts";
import { readStatIfShown } from "./held-process.ts";

/** Up to this many other runnable threads are no competition: cgkill itself is one of them. */
const OTHERS = 4;
/** If none of the first few has died since the last look, none has found a processor: the kernel wakes them in this order. */
const SAMPLE = 8;
/** How many dead ones a look may pass over, at 1 to 15 µs each. */
const MAX_DEAD = 64;

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
    const { hasDeath, ran } = lookAtFirst(ctx, seenDead);
    const isThrottled = isAllThrottled(ran, ranBefore);
    ranBefore = ran;
    return !hasDeath && (isThrottled || isContended(ctx));
  };
}

interface Look {
  /** Whether any has died since the last look. Thousands are not followed. */
  readonly hasDeath: boolean;
  /** How long those have run that could run now. */
  readonly ran: ReadonlyMap<Pid, Millis>;
}

/** @param seenDead  those that were seen dead before; others are added */
function lookAtFirst({ sys, record }: KillContext, seenDead: Set<Pid>): Look {
  const ran = new Map<Pid, Millis>();
  let dead = 0;
  let alive = 0;
  for (const pid of record.signalled.keys()) {
    if (record.killed.has(pid) || seenDead.has(pid)) continue;
    const ranMs = sys.cpuTimeOf(pid);
    const stat = ranMs === undefined ? undefined : readOr(undefined, () => readStatIfShown(sys, pid));
    if (ranMs === undefined || (stat !== undefined && isDead(stat))) {
      seenDead.add(pid);
      if (++dead === MAX_DEAD) break;
      continue;
    }
    if (stat !== undefined && isRunnable(sys, pid, stat)) ran.set(pid, ranMs);
    if (++alive === SAMPLE) break;
  }
  return { hasDeath: dead > 0, ran };
}

function isRunnable(sys: Sys, pid: Pid, { state, threads }: ProcessStat): boolean {
  if (state === "R" || threads <= 1) return state === "R";
  const tids = readOr([], () => listThreads(sys, pid)).slice(0, SAMPLE);
  return tids.some((tid) => readStatIfShown(sys, tid)?.state === "R");
}

/**
 * Has a cgroup with a limit (`cpu.max`) used up its time, so that its processes wait for the next period, even to die? Then
 * they are runnable, and have not run since the last look. The limit is not for real-time threads.
 */
function isAllThrottled(ran: ReadonlyMap<Pid, Millis>, ranBefore: ReadonlyMap<Pid, Millis>): boolean {
  return ran.size > 0 && [...ran].every(([pid, ms]) => ms === ranBefore.get(pid));
}

/**
 * Do other processes want the processors, too? The fourth field of /proc/loadavg begins with the number of runnable threads
 * on this host.
 */
function isContended({ sys, record }: KillContext): boolean {
  const alive = record.signalled.size - record.killed.size;
  const text = readOr("", () => sys.readRecord(PROC, "loadavg"));
  const runnable = Number.parseInt(text.split(" ")[3] ?? "", 10);
  return !(runnable <= alive + OTHERS);
}
