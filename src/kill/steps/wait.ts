// Waiting for a state of the kernel, by its events where it has them, until the deadline.
//
// On v2, cgroup.events reports that a cgroup is empty or frozen, and wakes poll(2). v1 has no such event: every signalled
// process is waited for by pidfd, and then the lists must be empty, twice if the cgroup is kept. In both, every process
// that was signalled or moved must die, wherever it is. Deaths are waited for one pidfd at a time: all of them must happen,
// so the order does not matter, and each poll(2) costs the same however many processes there are.

import { hasTasks } from "../../cgroup/members.ts";
import { isRemoved } from "../../cgroup/subtree.ts";
import type { Cgroup } from "../../cgroup/types.ts";
import { type Events, EVENTS_FILE, readEvents, rereadEvents } from "../../cgroup/v2.ts";
import { isGone } from "../../sys/errno.ts";
import { closing, type Fd, type Millis, type PollFd, POLLPRI } from "../../sys/sys.ts";
import { type KillContext, orElse, timeLeft, walkPace, yieldToSignals } from "../context.ts";
import type { Hurry } from "./victims-first.ts";

/**
 * The longest wait before the state is read again although an event is expected. The kernel limits notifications of one
 * cgroup.events file to one per 10 ms, so that a change right after another is reported late.
 */
const EVENT_INTERVAL_MS = 25;
/** The interval between reads of the lists, for which there are no events. */
const LIST_INTERVAL_MS = 5;
/** How long another cgkill may have the lock before the work is done without it. */
const LOCK_MS = 250;
const LOCK_INTERVAL_MS = 2;

/** Is the subtree empty now? By `populated` on v2, by the lists on v1. A removed cgroup is empty. */
export async function isEmpty(ctx: KillContext): Promise<boolean> {
  const { sys, cgroup, plan } = ctx;
  try {
    if (cgroup.hierarchy.version === "v2") return !readEvents(sys, cgroup.dir).populated;
    const pace = walkPace(ctx);
    if (await hasTasks(sys, cgroup, pace)) return false;
    // Twice, since a process that the first walk missed may have moved into a cgroup created during it. Where the cgroup is
    // removed, rmdir finds it.
    return plan.remove || !(await hasTasks(sys, cgroup, pace));
  } catch (error) {
    if (isGone(error) && isRemoved(sys, cgroup)) return true;
    throw error;
  }
}

interface WaitOptions {
  /** On the clock of `Sys.now`. The deadline of the kill, which a stop moves, applies as well. */
  readonly until?: Millis | undefined;
  /** Descriptors whose readiness may change the state. */
  readonly watch?: (() => readonly PollFd[]) | undefined;
  /** The longest wait before `isDone` is called again. */
  readonly intervalMs?: Millis;
  /** `isDone` looks after the killed processes by this: no wait lasts longer than until its next look. */
  readonly hurry?: Hurry | undefined;
}

/**
 * Wait until `isDone` returns `true`. It is called whenever a watched descriptor is ready, and every `intervalMs`.
 *
 * @returns `false` if time is up
 * @throws InterruptedError  a signal arrived
 */
export async function waitUntil(
  ctx: KillContext,
  options: WaitOptions,
  isDone: () => boolean | Promise<boolean>,
): Promise<boolean> {
  const { until = Number.POSITIVE_INFINITY, watch = () => [], intervalMs = EVENT_INTERVAL_MS, hurry } = options;
  for (;;) {
    if (await isDone()) return true;
    const left = Math.min(until, ctx.record.deadline) - ctx.sys.now();
    if (left <= 0) return false;
    const ready = ctx.sys.poll(watch(), Math.min(left, intervalMs, hurry?.intervalMs ?? intervalMs));
    await yieldToSignals(ctx, ready.length === 0 || undefined);
  }
}

/**
 * Wait for a state in cgroup.events of the target (v2). A removed cgroup counts as empty and frozen.
 *
 * @param hurry  looks after the killed processes meanwhile
 */
export async function waitForEvents(
  ctx: KillContext,
  until: Millis,
  isDone: (events: Events) => boolean,
  hurry?: Hurry,
): Promise<boolean> {
  const { sys, cgroup, followed } = ctx;
  try {
    const fd = sys.openFile(cgroup.dir, EVENTS_FILE);
    using _ = closing(sys, fd);
    const watch = () => [{ fd, events: POLLPRI }, ...followed.next()];
    return await waitUntil(ctx, { until, watch, hurry }, () => {
      followed.dropDead();
      return isDone(rereadEvents(sys, fd, cgroup.dir));
    });
  } catch (error) {
    if (!isGone(error) || !isRemoved(sys, cgroup)) throw error;
    // It has no events any more, but processes that were moved out of it may still live.
    const options = { until, watch: () => followed.next(), hurry };
    return await waitUntil(ctx, options, () => isDone({ populated: false, frozen: true }));
  }
}

/**
 * Take the advisory lock of a cgroup's directory, which protects what two cgkills would both save and restore.
 *
 * @param trouble  the event of a failure
 * @param maxMs    how long another cgkill may have the lock
 * @returns the descriptor to close; `undefined` after a failure, or if another cgkill has it for longer
 */
export function waitForLock(
  ctx: KillContext,
  trouble: "no-lock" | "no-fence",
  { dir }: Pick<Cgroup, "dir"> = ctx.cgroup,
  maxMs: Millis = LOCK_MS,
): Promise<Fd | undefined> {
  const { sys } = ctx;
  return orElse(ctx, trouble, undefined, async () => {
    let lock: Fd | undefined;
    await waitUntil(ctx, { until: sys.now() + maxMs, intervalMs: LOCK_INTERVAL_MS }, () => {
      lock = sys.tryLock(dir);
      return lock !== undefined;
    });
    return lock;
  });
}

/** After the abort of a FUSE connection: time for the deaths that it allows. */
const ABORTED_MS: Millis = 250;

/**
 * Wait for the subtree to be empty, and for every process that was signalled or moved to be dead.
 *
 * @param hurry  looks after the killed processes meanwhile
 */
export async function waitForEmpty(ctx: KillContext, until: Millis, hurry?: Hurry): Promise<boolean> {
  if (await waitOnce(ctx, until, hurry)) return true;
  // Not before the wait: a process that was just thawed or signalled is not blocked again yet.
  if (!isFuseAbortDue(ctx)) return false;
  const { abortIdleFuse } = await import("../stuck/abort-fuse.ts");
  return (await abortIdleFuse(ctx)) && (await waitOnce(ctx, ctx.sys.now() + ABORTED_MS, hurry));
}

async function waitOnce(ctx: KillContext, until: Millis, hurry: Hurry | undefined): Promise<boolean> {
  const { cgroup, followed, record } = ctx;
  using _ = hurry;
  const isDone = (isPopulated: boolean): boolean => {
    const isOver = (): boolean => followed.size === 0 && !isPopulated;
    followed.dropDead();
    if (!isOver()) hurry?.look();
    return isOver();
  };
  if (cgroup.hierarchy.version === "v2") {
    return await waitForEvents(ctx, until, ({ populated }) => isDone(populated), hurry);
  }
  const watch = () => followed.next();
  const hadNone = followed.size === 0;
  const intervalMs = followed.next().length === 0 ? LIST_INTERVAL_MS : EVENT_INTERVAL_MS;
  if (followed.size > 0 && !(await waitUntil(ctx, { until, watch, intervalMs, hurry }, () => isDone(false))))
    return false;
  if (await isEmpty(ctx)) return true;
  // The next round signals what is left. A grace period has none: it is for all members, also those started meanwhile.
  if (!record.isInGrace && !followed.hasPidOnly && !hadNone) return false;
  const listMs = record.isInGrace ? EVENT_INTERVAL_MS : LIST_INTERVAL_MS;
  return await waitUntil(ctx, { until, intervalMs: listMs }, () => isEmpty(ctx));
}

/** How much of its time a kill waits before it looks for FUSE connections to abort. */
const FUSE_WAIT_SHARE = 0.25;

/** With --abort-fuse: has the kill waited for a part of its time? */
function isFuseAbortDue(ctx: KillContext): boolean {
  const { sys, plan, record } = ctx;
  if (!plan.options.abortFuse || record.isInGrace) return false;
  record.fuse ??= { dueAt: sys.now() + timeLeft(ctx) * FUSE_WAIT_SHARE, found: new Map() };
  return sys.now() >= record.fuse.dueAt && timeLeft(ctx) > 0;
}
