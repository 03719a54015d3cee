// What one kill carries from step to step: what it was given, and what it has found out so far.
// Also the breath between steps, where a signal that arrived while we were busy is noticed.

import { type Members, readMembers, readMembersByThread } from "../cgroup/members.ts";
import { walkSubtree } from "../cgroup/tree.ts";
import { type Cgroup } from "../cgroup/types.ts";
import type { Millis, Pid, Pidfd, PollFd, Sys } from "../sys/sys.ts";
import { InterruptedError } from "./errors.ts";
import {
  type Fields,
  isHeard,
  type KillContext,
  type KillPlan,
  type Level,
  type Phases,
  type Spared,
} from "./types.ts";

/** A process held by descriptor: no other process can become it. As poll(2) takes it, to be waited for. */
export interface Pin extends PollFd {
  readonly pid: Pid;
  readonly fd: Pidfd;
}

export interface KillRun {
  readonly sys: Sys;
  readonly plan: KillPlan;
  readonly cgroup: Cgroup;
  readonly ctx: KillContext;
  /** Whom we killed, or the kernel did for us: dead unless he survives. The name where there was time to read it. */
  readonly killed: Map<Pid, string | null>;
  /** Whom the kernel does not let us signal. */
  readonly denied: Set<Pid>;
  readonly spared: Spared[];
  readonly leftFrozen: Set<string>;
  readonly phases: { -readonly [K in keyof Phases]: Phases[K] };
  /** Whom the last round went through: nobody of an earlier one who is dead by now. */
  signalled: ReadonlySet<Pid>;
  /** Signalled and not yet seen dead. */
  pins: Pin[];
  /** Members at the deadline that have no number here, and one entry for all of them. */
  unnumbered: number;
  /** Somebody was there, whether or not there was time to list him. */
  wasPopulated: boolean;
  removed: boolean;
  /** As in the outcome. */
  proven: boolean | null;
  phase: keyof Phases | null;
  lastBreath: Millis;
}

export function newRun(sys: Sys, plan: KillPlan, ctx: KillContext): KillRun {
  return {
    sys,
    plan,
    cgroup: plan.cgroup,
    ctx,
    killed: new Map(),
    denied: new Set(),
    spared: [],
    leftFrozen: new Set(),
    phases: { freezeMs: null, scanMs: null, signalMs: null, thawMs: null, waitMs: null, removeMs: null },
    signalled: new Set(),
    pins: [],
    unnumbered: 0,
    wasPopulated: false,
    removed: false,
    proven: null,
    phase: null,
    lastBreath: sys.now(),
  };
}

export function emit(run: KillRun, level: Level, message: string, fields: Fields = {}): void {
  const { cgroup, sys, ctx } = run;
  if (!isHeard(level, ctx.level ?? "trace")) return;
  const version = cgroup.hierarchy.version;
  ctx.onEvent({ level, message, fields: { cgroup: cgroup.path, version, executor_pid: sys.pid, ...fields } });
}

/** Time spent in a phase is added up over the rounds. */
export async function timed<T>(run: KillRun, phase: keyof Phases, work: () => T | Promise<T>): Promise<T> {
  const start = run.sys.now();
  const before = run.phase;
  run.phase = phase;
  try {
    return await work();
  } finally {
    run.phase = before;
    addTime(run, phase, start);
  }
}

export function addTime(run: KillRun, phase: keyof Phases, start: Millis): void {
  run.phases[phase] = (run.phases[phase] ?? 0) + run.sys.now() - start;
}

export function timeLeft(run: KillRun): Millis {
  return Math.max(0, run.ctx.deadline - run.sys.now());
}

/** How long we may be busy before a signal is noticed; people are promised 50 ms for all of it. */
const BREATH_MS = 20;

/**
 * Let a signal reach its handler, if that is due.
 *
 * @throws InterruptedError  one has
 */
export async function breathe(
  run: KillRun,
  isDue: boolean = run.sys.now() - run.lastBreath >= BREATH_MS,
): Promise<void> {
  if (isDue) {
    await run.sys.turn();
    run.lastBreath = run.sys.now();
    run.ctx.onProgress?.({ phase: run.phase, countLeft: () => countLeft(run) });
  }
  if (run.ctx.abort.aborted) throw new InterruptedError("interrupted");
}

/** For people, so never an error. */
function countLeft(run: KillRun): number {
  try {
    const { pids, invisible } = listMembers(run);
    return pids.size + invisible;
  } catch {
    return 0;
  }
}

/** Everybody in the subtree, from a fresh look at every cgroup of it. */
export function listMembers(run: KillRun): Members {
  using subtree = walkSubtree(run.sys, run.cgroup);
  return readMembers(run.sys, subtree.dirs);
}

/** The same by way of every thread: finds those that the lists of processes leave out. */
export function listMembersByThread(run: KillRun): Members {
  using subtree = walkSubtree(run.sys, run.cgroup);
  const byThread = readMembersByThread(run.sys, subtree.dirs, run.cgroup.hierarchy.version);
  const byProcess = readMembers(run.sys, subtree.dirs);
  return { pids: byThread.pids.union(byProcess.pids), invisible: byProcess.invisible };
}

export function closePins(run: KillRun): void {
  for (const { fd } of run.pins) run.sys.close(fd);
  run.pins = [];
}
