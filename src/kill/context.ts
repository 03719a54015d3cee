// The state that the steps of one kill share: its inputs, its pidfds, and what it must undo. What it finds out is in
// `record.ts`. Also the points between steps at which a pending signal is delivered.

import { type Lists, type Members, readMembers } from "../cgroup/members.ts";
import type { Pace } from "../cgroup/subtree.ts";
import type { Cgroup } from "../cgroup/types.ts";
import { isGone, SysError, tryTo } from "../sys/errno.ts";
import type { Millis, Pid, Sys } from "../sys/sys.ts";
import { InterruptedError } from "./errors.ts";
import { type EventKind, type Fields, isLevelEnabled, levelOf, toEvent } from "./events.ts";
import { type KillRecord, newRecord } from "./record.ts";
import { MoveWatch } from "./steps/move-watch.ts";
import { PidfdSet } from "./steps/pidfds.ts";
import type { KillControl, KillPlan, Phase, Started } from "./types.ts";

/** A change that must not outlast cgkill, nor stay while it is stopped: a freeze, a thaw, a fork fence. */
export interface Reversible {
  /** Never throws. */
  readonly undo: () => void;
  readonly redo: () => void;
}

/** Disposing closes the remaining descriptors, and restores the dispositions of ignored signals. */
export interface KillContext extends Disposable {
  readonly sys: Sys;
  readonly plan: KillPlan;
  readonly cgroup: Cgroup;
  readonly control: KillControl;
  readonly started: Started;
  readonly record: KillRecord;
  /** Processes that were signalled or moved, or are about to be killed by the kernel, until they are dead. */
  readonly followed: PidfdSet;
  readonly moves: MoveWatch;
  /** The changes in force, oldest first. */
  readonly inForce: Set<Reversible>;
  readonly pace: Pace;
}

export function newContext(sys: Sys, plan: KillPlan, control: KillControl): KillContext {
  const record = newRecord(sys.now(), control.deadline);
  const onDead = (pid: Pid): void => {
    if (record.isInGrace && record.graceSignalled.has(pid)) record.endedByGrace.add(pid);
    if (record.signalled.has(pid) || record.graceSignalled.has(pid))
      record.killed.set(pid, record.signalled.get(pid) ?? null);
  };
  const onNoPidfd = (error: SysError): void => emit(ctx, "no-pidfd", { error: error.message });
  const followed = new PidfdSet(sys, onDead, onNoPidfd);
  const moves = new MoveWatch(sys, plan.cgroup);
  const ctx: KillContext = {
    sys,
    plan,
    cgroup: plan.cgroup,
    control,
    started: { wallMs: sys.wallClock(), monotonicMs: sys.now() },
    record,
    followed,
    moves,
    inForce: new Set(),
    pace: { yieldToSignals: () => yieldToSignals(ctx) },
    [Symbol.dispose]() {
      followed.clear();
      moves[Symbol.dispose]();
      for (const { held } of record.fuse?.found.values() ?? []) sys.close(held.fd);
      record.signalShield?.[Symbol.dispose]();
    },
  };
  return ctx;
}

/** @param fields  or a function that makes them, called only if the event is wanted */
export function emit(
  { cgroup, sys, control }: KillContext,
  kind: EventKind,
  fields: Fields | (() => Fields) = {},
): void {
  if (!isLevelEnabled(levelOf(kind), control.level ?? "trace")) return;
  const { version } = cgroup.hierarchy;
  const made = typeof fields === "function" ? fields() : fields;
  control.onEvent(toEvent(kind, { cgroup: cgroup.path, version, executor_pid: sys.pid, ...made }));
}

/** Run a step that the kill can do without: a failure is an event, unless the process is gone. */
export function attempt(ctx: KillContext, what: string, work: () => void): void {
  const error = tryTo(work);
  if (error !== undefined && error.errno !== "ESRCH") emit(ctx, "trap-trouble", { what, error: error.message });
}

/** The same for a step with a result. @returns `fallback` after a failure, which is an event of this kind */
export async function orElse<T>(ctx: KillContext, kind: EventKind, fallback: T, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    emit(ctx, kind, { error: error.message });
    return fallback;
  }
}

/** Run a step, and add the time that it takes to its phase, without that of the phases inside it. */
export async function timed<T>({ sys, record }: KillContext, phase: Phase, work: () => T | Promise<T>): Promise<T> {
  const start = sys.now();
  const { phase: before, timedMs } = record;
  record.phase = phase;
  try {
    return await work();
  } finally {
    record.phase = before;
    const spent = sys.now() - start - (record.timedMs - timedMs);
    record.phases[phase] = (record.phases[phase] ?? 0) + spent;
    record.timedMs += spent;
  }
}

export function timeLeft({ sys, record }: KillContext): Millis {
  return Math.max(0, record.deadline - sys.now());
}

/** The longest that signals go unnoticed. The contract allows 50 ms from a signal to the way out. */
const YIELD_MS = 20;

/**
 * Run the handlers of pending signals, if the last time was at least `YIELD_MS` ago, and obey a stop request.
 *
 * @param isDue  `true` runs the handlers at once
 * @throws InterruptedError  a signal that ends the call has arrived
 */
export async function yieldToSignals(ctx: KillContext, isDue?: boolean): Promise<void> {
  const { sys, record, control } = ctx;
  if (isDue ?? sys.now() - record.lastYieldAt >= YIELD_MS) {
    await sys.turn();
    record.lastYieldAt = sys.now();
    if (control.onProgress !== undefined) await reportProgress(ctx);
  }
  if (control.abort.aborted) throw new InterruptedError();
  if (control.pause?.isRequested === true) await stopUntilContinued(ctx);
}

async function reportProgress({ sys, cgroup, record, control }: KillContext): Promise<void> {
  const countLeft = async (): Promise<number> => {
    try {
      const { pids, invisible } = await readMembers(sys, cgroup, "procs", { until: sys.now() + YIELD_MS });
      return pids.size + invisible;
    } catch {
      // Progress is only displayed: a failed count must not end the kill.
      return 0;
    }
  };
  const memoryLeft = async (): Promise<number | null> => {
    const { readUsage } = await import("../blocked/memory.ts");
    return readUsage(sys, cgroup.dir);
  };
  await control.onProgress?.({ phase: record.phase, countLeft, memoryLeft });
}

/** Obey Ctrl-Z: undo all changes, stop until SIGCONT, and make them again. The deadline moves by the time stopped. */
async function stopUntilContinued(ctx: KillContext): Promise<void> {
  const { record, control, inForce } = ctx;
  emit(ctx, "stopped");
  for (const { undo } of [...inForce].reverse()) undo();
  record.deadline += (await control.pause?.stop()) ?? 0;
  if (control.abort.aborted) throw new InterruptedError();
  for (const { redo } of inForce) redo();
  emit(ctx, "continued");
}

/**
 * Run `work`, which makes a change and undoes it in the end. A stop request meanwhile undoes it too, and redoes it
 * afterwards.
 */
export async function whileInForce<T>(ctx: KillContext, change: Reversible, work: () => Promise<T>): Promise<T> {
  const { sys, record, control, inForce } = ctx;
  control.begin?.();
  // A signal that JavaScript cannot handle would end cgkill before the undo. Ignored until the kill ends, because each
  // switch costs 0.02 ms.
  record.signalShield ??= sys.ignoreUndeliverable();
  inForce.add(change);
  try {
    return await work();
  } finally {
    inForce.delete(change);
  }
}

/** Make a change, run `work` while it is in force, and undo it whatever happens. */
export const whileChanged = (ctx: KillContext, change: Reversible, work: () => Promise<unknown>): Promise<void> =>
  whileInForce(ctx, change, async () => {
    try {
      change.redo();
      await work();
    } finally {
      change.undo();
    }
  });

/** List the processes of the subtree from a fresh read of every cgroup; incomplete if time is up. */
export async function listMembers(ctx: KillContext, lists: Lists = "procs"): Promise<Members> {
  return await readMembers(ctx.sys, ctx.cgroup, lists, walkPace(ctx));
}

/**
 * List the members and the processes of all threads, until a time of its own. A removed target has none; processes that left
 * it may still live.
 */
export async function listLeft({ sys, cgroup, pace }: KillContext, until: Millis): Promise<Members> {
  try {
    return await readMembers(sys, cgroup, "both", { ...pace, until });
  } catch (error) {
    if (isGone(error)) return { pids: new Set(), invisible: 0, cgroups: new Set(), isComplete: true };
    throw error;
  }
}

/** A walk at the deadline still gets this long: an incomplete one helps little. */
const MIN_WALK_MS = 60;

/** For a walk over the subtree. */
export const walkPace = ({ sys, record, pace }: KillContext): Pace & { readonly until: Millis } => ({
  ...pace,
  until: Math.max(record.deadline, sys.now() + MIN_WALK_MS),
});
