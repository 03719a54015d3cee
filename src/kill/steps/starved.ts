// Whether killed processes find a processor to die on.

import { PROC } from "../../sys/dir.ts";
import { readOr } from "../../sys/errno.ts";
import { isDead } from "../../sys/proc.ts";
import type { Pid } from "../../sys/sys.ts";
import type { KillContext } from "../context.ts";
import { readStatIfShown } from "./held-process.ts";

/** Up to this many other runnable threads are no competition: cgkill itself is one of them. */
const OTHERS = 4;
/** If none of the first few has died since the last look, none has found a processor: the kernel wakes them in this order. */
const SAMPLE = 8;
/** How many may be looked at to find out that they are throttled, at 20 µs each. */
const MAX_RUNNABLE = 64;

/**
 * Would the killed processes die sooner with a higher priority? Where only they want the processors, that gains nothing,
 * and would make the kill of thousands three times slower.
 */
export function needsHelp(ctx: KillContext): boolean {
  const { sys, record } = ctx;
  const alive = record.signalled.size - record.killed.size;
  // The fourth field begins with the number of runnable threads on this host.
  const text = readOr("", () => sys.readRecord(PROC, "loadavg"));
  const runnable = Number.parseInt(text.split(" ")[3] ?? "", 10);
  return !(runnable <= alive + OTHERS) || isThrottled(ctx, runnable);
}

/**
 * Has a cgroup with a limit (`cpu.max`) used up its time, so that its processes wait for the next period, even to die? Then
 * they are runnable in /proc, but in no queue, and the kernel does not count them. The limit is not for real-time threads.
 *
 * @param runnable  how many the kernel counts, with cgkill
 */
function isThrottled({ sys, record }: KillContext, runnable: number): boolean {
  if (runnable > MAX_RUNNABLE) return false;
  let left = runnable;
  let looked = 0;
  for (const pid of record.signalled.keys()) {
    if (record.killed.has(pid)) continue;
    const isRunnable = readOr(undefined, () => readStatIfShown(sys, pid))?.state === "R";
    if (isRunnable && --left <= 0) return true;
    if (++looked === MAX_RUNNABLE) return false;
  }
  return false;
}

/** @param seen  those that were seen dead before, which show no progress; another is added */
export function isAnyDead({ sys, record }: KillContext, seen: Set<Pid>): boolean {
  let count = 0;
  for (const pid of record.signalled.keys()) {
    if (record.killed.has(pid) || seen.has(pid)) continue;
    const stat = readOr(undefined, () => readStatIfShown(sys, pid));
    if (stat === undefined || isDead(stat)) {
      seen.add(pid);
      return true;
    }
    if (++count === SAMPLE) break;
  }
  return false;
}
