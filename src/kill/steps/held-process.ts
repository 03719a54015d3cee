// A process that stays identified even if its pid is recycled: by a pidfd, or without one by its pid and start time.

import { ifPermitted, readOr } from "../../sys/errno.ts";
import { listThreads, type ProcessStat, readStat, readStatus } from "../../sys/proc.ts";
import { type Pid, type Pidfd, type PollFd, POLLIN, type Sys } from "../../sys/sys.ts";

/** A process that is followed. With a pidfd, its `fd`, it can be passed to poll(2) as it is. */
export interface HeldProcess extends Partial<PollFd> {
  readonly pid: Pid;
  /** Without a pidfd: clock ticks after boot; `undefined` if /proc does not show them. */
  readonly startTicks?: number | undefined;
}

export function holdByPid(sys: Sys, pid: Pid): HeldProcess {
  return { pid, startTicks: readStatIfShown(sys, pid)?.startTicks };
}

/** Has it been sent SIGKILL, and is not dead yet? `false` if it is gone, or /proc hides it. */
export const isSigkillPending = (sys: Sys, pid: Pid): boolean =>
  readOr(false, () => readStatus(sys, pid)?.sigkillPending ?? false);

/**
 * Is it about to end? SIGKILL is no longer pending once the process acts on it, which a tracer outside, or a pid namespace
 * whose init it is, can make last. A leader that has exited says nothing of its other threads.
 */
export function isDying(sys: Sys, pid: Pid): boolean {
  if (isSigkillPending(sys, pid)) return true;
  const stat = readStatIfReadable(sys, pid);
  return stat !== undefined && ((stat.isExiting && stat.state !== "Z") || stat.isEndedBySigkill);
}

/** Is every thread of it a zombie? Until their tracer waits for all of them, its pidfd does not report the death. */
export function hasOnlyZombies(sys: Sys, pid: Pid): boolean {
  const tids = readOr([], () => listThreads(sys, pid));
  for (const tid of tids) if (readStatIfShown(sys, tid)?.state !== "Z") return false;
  return readStatIfShown(sys, pid)?.threads === tids.length;
}

/** `undefined` if the process is gone, or /proc hides it. */
export const readStatIfShown = (sys: Sys, pid: Pid): ProcessStat | undefined => ifPermitted(() => readStat(sys, pid));

/** `undefined` after any other failure, too. */
export const readStatIfReadable = (sys: Sys, pid: Pid): ProcessStat | undefined =>
  readOr(undefined, () => readStat(sys, pid));

export interface Opened {
  readonly dead: readonly Pid[];
  /** For `PidfdSet.follow`. */
  readonly living: readonly HeldProcess[];
}

/**
 * Open the pidfds of many processes that were just killed, and close those of the dead: less work than to hold each. What
 * is in neither list could not be looked at.
 *
 * @param maxOpen  how many may be open
 * @param maxFd    descriptors from here on are left free
 */
export function openLiving(sys: Sys, pids: readonly Pid[], maxOpen: number, maxFd: number): Opened {
  const dead: Pid[] = [];
  const opened: HeldProcess[] = [];
  // An error: no pidfds, or no descriptor. Who holds a single process finds that out too.
  readOr(undefined, () => {
    for (const pid of pids) {
      if (opened.length >= maxOpen || (opened.at(-1)?.fd ?? 0) >= maxFd) return;
      const fd = sys.pidfdOpen(pid);
      if (fd === undefined) dead.push(pid);
      else opened.push({ pid, fd, events: POLLIN });
    }
  });
  const ended = new Set(readOr([], () => sys.poll(opened as PollFd[], 0)));
  const living: HeldProcess[] = [];
  for (const held of opened) {
    const fd = held.fd as Pidfd;
    if (!ended.has(fd)) {
      living.push(held);
      continue;
    }
    sys.close(fd);
    dead.push(held.pid);
  }
  return { dead, living };
}
