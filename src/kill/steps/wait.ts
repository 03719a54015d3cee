// The only wait: for the kernel to say that something is so, on its events, within the deadline.
//
// v2 says in cgroup.events that a cgroup is empty or frozen, and wakes us. v1 says nothing: there every signalled process
// is waited for by pidfd, and then the lists must be empty twice. On both, what was signalled or moved must be dead,
// wherever it is by then. Deaths are waited for one after another: all have to happen, so the order does not matter, and
// each poll(2) costs the same however many there are.

import { hasTasks } from "../../cgroup/members.ts";
import { isRemoved } from "../../cgroup/subtree.ts";
import { type Events, EVENTS_FILE, readEvents, rereadEvents } from "../../cgroup/v2.ts";
import { isGone } from "../../sys/errno.ts";
import { type Fd, type Millis, type PollFd, POLLPRI } from "../../sys/sys.ts";
import { type KillContext, walkDeadline, yieldToSignals } from "../context.ts";

/**
 * The longest wait without another look, where an event is expected. The kernel holds a notice of cgroup.events back
 * for 10 ms after the last one of the same file, so that an early one can hide a late one.
 */
const LOOK_MS = 25;
/** From one look at the lists to the next, where no event can be had. */
const LIST_PACE_MS = 5;

/** Is the subtree empty, as the kernel tells it at this moment? A cgroup that is gone is. */
export async function isEmpty(ctx: KillContext): Promise<boolean> {
  const { sys, cgroup } = ctx;
  try {
    if (cgroup.hierarchy.version === "v2") return !readEvents(sys, cgroup.dir).populated;
    // Each look walks anew: what was not seen may have gone into a cgroup made after the first walk.
    const pace = { ...ctx.pace, until: walkDeadline(ctx) };
    return !(await hasTasks(sys, cgroup, pace)) && !(await hasTasks(sys, cgroup, pace));
  } catch (error) {
    if (isGone(error) && isRemoved(sys, cgroup)) return true;
    throw error;
  }
}

export interface WaitOptions {
  /** On the clock of `Sys.now`; the deadline of the whole comes first. */
  readonly until: Millis;
  readonly withProgress?: () => readonly PollFd[];
  /** The longest wait without another look. */
  readonly paceMs?: Millis;
}

/**
 * Wait until `isDone`, looking again whenever a watched descriptor is ready and at least every `paceMs`.
 *
 * @returns whether it is done; `false` when time is up
 * @throws InterruptedError  a signal arrived
 */
export async function waitUntil(
  ctx: KillContext,
  options: WaitOptions,
  isDone: () => boolean | Promise<boolean>,
): Promise<boolean> {
  const { until, withProgress = () => [], paceMs = LOOK_MS } = options;
  for (;;) {
    if (await isDone()) return true;
    const left = Math.min(until, ctx.record.deadline) - ctx.sys.now();
    if (left <= 0) return false;
    const ready = ctx.sys.poll(withProgress(), Math.min(left, paceMs));
    await yieldToSignals(ctx, ready.length === 0 || undefined);
  }
}

/** Wait for cgroup.events of the target to say so (v2); a cgroup that is gone counts as done. */
export async function waitForEvents(
  ctx: KillContext,
  until: Millis,
  isDone: (events: Events) => boolean,
): Promise<boolean> {
  const { sys, cgroup, followed } = ctx;
  let fd: Fd | undefined;
  try {
    const file = sys.openFile(cgroup.dir, EVENTS_FILE);
    fd = file;
    const withProgress = () => [{ fd: file, events: POLLPRI }, ...followed.next()];
    return await waitUntil(ctx, { until, withProgress }, () => {
      followed.dropDead();
      return isDone(rereadEvents(sys, file, cgroup.dir));
    });
  } catch (error) {
    if (isGone(error) && isRemoved(sys, cgroup)) return isDone({ populated: false, frozen: true });
    throw error;
  } finally {
    if (fd !== undefined) sys.close(fd);
  }
}

/** Wait until `until` for the subtree to be empty, and for what was signalled or moved to be dead. */
export async function waitForEmpty(ctx: KillContext, until: Millis): Promise<boolean> {
  const { cgroup, followed } = ctx;
  const areDead = (): boolean => {
    followed.dropDead();
    return followed.size === 0;
  };
  if (cgroup.hierarchy.version === "v2") {
    if (await waitForEvents(ctx, until, ({ populated }) => !populated && areDead())) return true;
    return await isEmptyAndGone(ctx, until, areDead);
  }
  const withProgress = () => followed.next();
  const hadNone = followed.size === 0;
  const paceMs = followed.next().length === 0 ? LIST_PACE_MS : LOOK_MS;
  if (followed.size > 0 && !(await waitUntil(ctx, { until, withProgress, paceMs }, areDead))) return false;
  if (await isEmpty(ctx)) return true;
  if (!followed.isByNumber && !hadNone) return false;
  return await waitUntil(ctx, { until, paceMs: LIST_PACE_MS }, () => isEmpty(ctx));
}

/** A target that is gone has no more events, and what left it may have yet to die. */
async function isEmptyAndGone(ctx: KillContext, until: Millis, areDead: () => boolean): Promise<boolean> {
  const { sys, cgroup, followed } = ctx;
  if (!isRemoved(sys, cgroup)) return false;
  return await waitUntil(ctx, { until, withProgress: () => followed.next() }, areDead);
}
