// What one kill is given, and what it holds; what it has found out is in its record. Also the breath between two steps,
// where a signal that arrived meanwhile is noticed.

import { type Lists, type Members, readMembers } from "../cgroup/members.ts";
import type { Pace } from "../cgroup/subtree.ts";
import type { Cgroup } from "../cgroup/types.ts";
import type { SysError } from "../sys/errno.ts";
import type { Millis, Pid, Sys } from "../sys/sys.ts";
import { InterruptedError } from "./errors.ts";
import { type EventKind, type Fields, isHeard, levelOf, toEvent } from "./events.ts";
import { type KillRecord, newRecord } from "./record.ts";
import { PidfdSet } from "./steps/pidfds.ts";
import type { KillControl, KillPlan, Phases } from "./types.ts";

/** Something that must not stay when we stop or end: a freeze, a fence. */
export interface Held {
  /** Give it up; never throws. */
  readonly release: () => void;
  readonly retake: () => void;
}

export interface KillContext {
  readonly sys: Sys;
  readonly plan: KillPlan;
  readonly cgroup: Cgroup;
  readonly control: KillControl;
  readonly record: KillRecord;
  /** Processes that were signalled or moved, until they are dead. */
  readonly followed: PidfdSet;
  readonly held: Set<Held>;
  readonly pace: Pace;
}

export function newContext(sys: Sys, plan: KillPlan, control: KillControl): KillContext {
  const record = newRecord(sys.now(), control.deadline);
  const onDead = (pid: Pid): void => {
    if (record.graced.has(pid)) record.endedByGrace.add(pid);
    if (record.signalled.has(pid) || record.graced.has(pid)) record.killed.set(pid, record.signalled.get(pid) ?? null);
  };
  const onByNumber = (error: SysError): void => emit(ctx, "no-pidfd", { error: error.message });
  const followed = new PidfdSet(sys, onDead, onByNumber);
  const ctx: KillContext = {
    sys,
    plan,
    cgroup: plan.cgroup,
    control,
    record,
    followed,
    held: new Set(),
    pace: { yieldToSignals: () => yieldToSignals(ctx) },
  };
  return ctx;
}

export function emit({ cgroup, sys, control }: KillContext, kind: EventKind, fields: Fields = {}): void {
  if (!isHeard(levelOf(kind), control.level ?? "trace")) return;
  const version = cgroup.hierarchy.version;
  control.onEvent(toEvent(kind, { cgroup: cgroup.path, version, executor_pid: sys.pid, ...fields }));
}

/** Time spent in a phase is added up over the rounds. */
export async function timed<T>(
  { sys, record }: KillContext,
  phase: keyof Phases,
  work: () => T | Promise<T>,
): Promise<T> {
  const start = sys.now();
  const before = record.phase;
  record.phase = phase;
  try {
    return await work();
  } finally {
    record.phase = before;
    record.phases[phase] = (record.phases[phase] ?? 0) + sys.now() - start;
  }
}

export function timeLeft({ sys, record }: KillContext): Millis {
  return Math.max(0, record.deadline - sys.now());
}

/** How long we may be busy before a signal is noticed; people are promised 50 ms for all of it. */
const YIELD_MS = 20;

/**
 * Let a signal reach its handler, if that is due.
 *
 * @throws InterruptedError  one has
 */
export async function yieldToSignals(ctx: KillContext, isDue?: boolean): Promise<void> {
  const { sys, record, control } = ctx;
  if (isDue ?? sys.now() - record.lastBreath >= YIELD_MS) {
    await sys.turn();
    record.lastBreath = sys.now();
    if (control.onProgress !== undefined) await reportProgress(ctx);
  }
  if (control.abort.aborted) throw new InterruptedError();
  if (control.pause?.isRequested === true) await stopMeanwhile(ctx);
}

async function reportProgress({ sys, cgroup, record, control }: KillContext): Promise<void> {
  const countLeft = async (): Promise<number> => {
    try {
      const { pids, invisible } = await readMembers(sys, cgroup, "procs", { until: sys.now() + YIELD_MS });
      return pids.size + invisible;
    } catch {
      // For people, so never an error.
      return 0;
    }
  };
  await control.onProgress?.({ phase: record.phase, countLeft });
}

/** Ctrl-Z: nothing stays frozen while we are stopped, and the time that this takes is not counted. */
async function stopMeanwhile(ctx: KillContext): Promise<void> {
  const { record, control, held } = ctx;
  emit(ctx, "stopped");
  for (const { release } of [...held].reverse()) release();
  record.deadline += (await control.pause?.stop()) ?? 0;
  if (control.abort.aborted) throw new InterruptedError();
  for (const { retake } of held) retake();
  emit(ctx, "continued");
}

/** Do `work` with something in place that is given up while we are stopped. */
export async function whileHeld<T>(ctx: KillContext, what: Held, work: () => Promise<T>): Promise<T> {
  const { sys, record, held } = ctx;
  // Signals that no handler can be had for would end us with this in place. Until the end of the kill: it costs something.
  record.shield ??= sys.ignoreUndeliverable();
  held.add(what);
  try {
    return await work();
  } finally {
    held.delete(what);
  }
}

/** Close what the kill still holds. */
export function closeContext({ followed, record }: KillContext): void {
  followed.clear();
  record.shield?.[Symbol.dispose]();
  record.shield = undefined;
}

/** The processes in the subtree, from a fresh look at every cgroup of it. As far as one gets by the deadline. */
export async function listMembers(ctx: KillContext, lists: Lists = "procs"): Promise<Members> {
  return await readMembers(ctx.sys, ctx.cgroup, lists, { ...ctx.pace, until: walkEnd(ctx) });
}

/** A walk that is cut short is of little use: at least so long. */
const MIN_WALK_MS = 60;

export const walkEnd = ({ sys, record }: KillContext): Millis => Math.max(record.deadline, sys.now() + MIN_WALK_MS);
