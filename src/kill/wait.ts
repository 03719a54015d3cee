// The only wait: for the kernel to say that something is so, on its events, within the deadline.
//
// v2 says in cgroup.events that a cgroup is empty or frozen, and wakes us. v1 says nothing: there everybody signalled
// is waited for by pidfd, and then the lists must be empty twice. Deaths are waited for one after another: all have
// to happen, so the order is no matter, and each poll(2) costs the same however many there are.

import { hasTasks } from "../cgroup/members.ts";
import { isRemoved, walkSubtree } from "../cgroup/tree.ts";
import { type Events, EVENTS_FILE, readEvents, rereadEvents } from "../cgroup/v2.ts";
import { isGone } from "../sys/errno.ts";
import { type Fd, type Millis, type PollFd, POLLPRI } from "../sys/sys.ts";
import { breathe, type KillRun, type Pin } from "./run.ts";

/**
 * The longest wait without another look, where an event is expected. The kernel holds a notice of cgroup.events back
 * for 10 ms after the last one of the same file, so that an early one can hide a late one.
 */
const LOOK_MS = 25;
/** From one look at the lists to the next, where no event can be had. */
const LIST_PACE_MS = 5;

/** Is the subtree empty, as the kernel tells it at this moment? A cgroup that is gone is. */
export function isEmpty(run: KillRun): boolean {
  const { sys, cgroup } = run;
  try {
    if (cgroup.hierarchy.version === "v2") return !readEvents(sys, cgroup.dir).populated;
    // Each look walks anew: who was not seen may have gone into a cgroup made after the first walk.
    return !seesTasks(run) && !seesTasks(run);
  } catch (error) {
    if (isGone(error) && isRemoved(sys, cgroup)) return true;
    throw error;
  }
}

function seesTasks({ sys, cgroup }: KillRun): boolean {
  using subtree = walkSubtree(sys, cgroup);
  return hasTasks(sys, subtree.dirs);
}

export interface WaitOptions {
  /** On the clock of `Sys.now`; the deadline of the whole comes first. */
  readonly until: Millis;
  readonly watched?: () => readonly PollFd[];
  /** The longest wait without another look. */
  readonly paceMs?: Millis;
}

/**
 * Wait until `isDone`, looking again whenever a watched descriptor is ready and at least every `paceMs`.
 *
 * @returns whether it is done; `false` when time is up
 * @throws InterruptedError  a signal arrived
 */
export async function waitUntil(run: KillRun, options: WaitOptions, isDone: () => boolean): Promise<boolean> {
  const { until, watched = () => [], paceMs = LOOK_MS } = options;
  const end = Math.min(until, run.ctx.deadline);
  for (;;) {
    if (isDone()) return true;
    const left = end - run.sys.now();
    if (left <= 0) return false;
    const ready = run.sys.poll(watched(), Math.min(left, paceMs));
    await breathe(run, ready.length === 0 || undefined);
  }
}

/** Wait for cgroup.events of the target to say so (v2); a cgroup that is gone counts as done. */
export async function waitForEvents(
  run: KillRun,
  until: Millis,
  isDone: (events: Events) => boolean,
): Promise<boolean> {
  const { sys, cgroup } = run;
  let fd: Fd | undefined;
  try {
    const file = sys.openFile(cgroup.dir, EVENTS_FILE);
    fd = file;
    const watched = () => [{ fd: file, events: POLLPRI }, ...nextDeath(run)];
    return await waitUntil(run, { until, watched }, () => {
      dropDead(run);
      return isDone(rereadEvents(sys, file, cgroup.dir));
    });
  } catch (error) {
    if (isGone(error) && isRemoved(sys, cgroup)) return true;
    throw error;
  } finally {
    if (fd !== undefined) sys.close(fd);
  }
}

/** Wait until `until` for the subtree to be empty. */
export async function waitForEmpty(run: KillRun, until: Millis): Promise<boolean> {
  if (run.cgroup.hierarchy.version === "v2") return waitForEvents(run, until, ({ populated }) => !populated);
  // Nobody is pinned where the kernel has no pidfds: then the lists are all there is to look at.
  if (run.pins.length === 0) return waitUntil(run, { until, paceMs: LIST_PACE_MS }, () => isEmpty(run));
  const areDead = (): boolean => {
    dropDead(run);
    return run.pins.length === 0;
  };
  return (await waitUntil(run, { until, watched: () => nextDeath(run) }, areDead)) && isEmpty(run);
}

function nextDeath(run: KillRun): Pin[] {
  const pin = run.pins.at(-1);
  return pin === undefined ? [] : [pin];
}

/** So many are asked after in one poll(2). */
const AT_ONCE = 256;

/** Forget those at the end of the list that are dead, until one lives. */
function dropDead(run: KillRun): void {
  while (run.pins.length > 0 && dropSome(run, Math.max(0, run.pins.length - AT_ONCE)) === 0);
}

/** Forget all that are dead, wherever in the list they stand. */
export function dropAllDead(run: KillRun): void {
  for (let from = run.pins.length; from > 0;) {
    from = Math.max(0, from - AT_ONCE);
    dropSome(run, from);
  }
}

/**
 * Close the dead among those that stand from `from` on, AT_ONCE at most: a pidfd is readable when the whole thread
 * group is dead.
 *
 * @returns how many of them live
 */
function dropSome({ sys, pins }: KillRun, from: number): number {
  const asked = pins.slice(from, from + AT_ONCE);
  const dead = new Set(sys.poll(asked, 0));
  if (dead.size === 0) return asked.length;
  const living = asked.filter(({ fd }) => !dead.has(fd));
  pins.splice(from, asked.length, ...living);
  for (const fd of dead) sys.close(fd);
  return living.length;
}
