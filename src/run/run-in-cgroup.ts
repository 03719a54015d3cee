// `cgkill run`: runs a command in a cgroup of its own, from its start to the proof that none of its processes is left.

import { isPopulated } from "../cgroup/members.ts";
import { findHierarchies } from "../cgroup/open/hierarchy.ts";
import { openInHierarchy, presentPath } from "../cgroup/open/open-path.ts";
import { isRemoved } from "../cgroup/subtree.ts";
import type { Cgroup } from "../cgroup/types.ts";
import { InterruptedError } from "../kill/errors.ts";
import { blankOutcome, failure, type KillResult, resultOfError } from "../kill/outcome.ts";
import { type GuardedReader, readGuardedNow } from "../kill/plan/guarded-processes.ts";
import { FOREIGN_PROC } from "../kill/plan/refusals.ts";
import { executeTarget, planTarget } from "../kill/twins/kill-twins.ts";
import { singleTarget } from "../kill/twins/open-twins.ts";
import { DEFAULT_OPTIONS, type KillControl, type KillOutcome } from "../kill/types.ts";
import { readOr, SysError, tryTo } from "../sys/errno.ts";
import { readSelf } from "../sys/proc.ts";
import { type SignalName, SIGNALS } from "../sys/signal-names.ts";
import { raise, readIgnoredSignals } from "../sys/signals.ts";
import type { Spawner } from "../sys/spawn/spawner.ts";
import { closeUnless, type Fd, type Millis, type Pid, POLLIN, type Sys } from "../sys/sys.ts";
import { type Birthplace, discard, enterNew, leave, type PlaceOptions } from "./birthplace.ts";
import { notStarted, RUN_STATUS, RunError } from "./not-started.ts";
import { type End, type Exit, supervise } from "./supervise.ts";

export interface RunOptions extends PlaceOptions {
  readonly words: readonly string[];
  /** `undefined`: no limit. */
  readonly limitMs: Millis | undefined;
  readonly graceMs: Millis;
  readonly graceSignal: SignalName;
  readonly timeoutMs: Millis;
}

/** How a command ended, and the outcome of the kill of its cgroup. */
export interface RunEnd {
  readonly end: End;
  /** `undefined` if the command survives. */
  readonly exit: Exit | undefined;
  readonly outcome: KillOutcome;
}

const SIGNALLED = 128;

/** Nothing interrupts the final kill: a signal that arrives during it asks for what is already under way. */
const NEVER_ABORTED = new AbortController().signal;

/** The exit status of `cgkill run`. */
export function statusOf({ end, exit, outcome }: RunEnd): number {
  if (outcome.error !== null || exit === undefined || end.by === "failure") return RUN_STATUS.failed;
  if (end.by === "limit") return RUN_STATUS.limit;
  return exit.is === "exited" ? exit.code : SIGNALLED + exit.signal;
}

/**
 * Run a command, and return when none of its processes is left or the deadline of the kill has passed.
 *
 * Signals are held from here on until this process ends: they are forwarded, or end the run.
 *
 * @param control  for the final kill; the deadline is set here
 * @param abort    aborted if a signal arrived before signals were held
 * @throws RunError, InterruptedError  nothing was started
 */
export async function runInCgroup(
  sys: Sys,
  spawner: Spawner,
  options: RunOptions,
  control: Omit<KillControl, "deadline" | "abort">,
  abort: AbortSignal,
): Promise<RunEnd> {
  const { limitMs = Number.POSITIVE_INFINITY, graceMs, graceSignal } = options;
  if (readSelf(sys).isProcForeign) throw new RunError(FOREIGN_PROC.message, FOREIGN_PROC.hint);
  const signals = spawner.holdSignals(readIgnoredSignals(sys));
  // Let the handler of a signal that arrived earlier run.
  await sys.turn();
  if (abort.aborted) throw new InterruptedError();
  const birthplace = enterNew(sys, findHierarchies(sys), options);
  const pid = startIn(sys, spawner, birthplace, options.words);
  using cgroup = birthplace.cgroup;
  spawner.protect();
  sys.setUrgent(true);
  const isSentToAll = (signal: number): boolean => graceMs > 0 && SIGNALS[graceSignal] === signal;
  const end = supervise(sys, spawner, {
    pid,
    signals,
    until: sys.now() + limitMs,
    isForwarded: (signal) => !isSentToAll(signal),
    stopOurselves: () => raise("SIGTSTP"),
  });
  // Held, it would not withdraw a stop request in the kill, and nothing would continue us.
  spawner.releaseContinue();
  const wait = (ms: Millis): Exit | undefined => readOr(undefined, () => exitOf(sys, spawner, signals, pid, ms));
  const early = end.by === "itself" ? end.exit : end.by === "signal" && graceMs === 0 ? wait(FORWARDED_MS) : undefined;
  let outcome = await killRest(sys, cgroup, options, control);
  if (outcome.error?.code === "covered") {
    // The command has mounted something inside.
    using beneath = openAgain(sys, cgroup);
    if (beneath !== undefined) outcome = await killRest(sys, beneath, options, control);
  }
  const exit = early ?? wait(REAP_MS);
  return { end, exit, outcome: withFailure(outcome, end, exit, pid) };
}

/** Start the command while we are inside, then leave, whether it was started or not. */
function startIn(sys: Sys, spawner: Spawner, birthplace: Birthplace, words: readonly string[]): Pid {
  using _ = birthplace.home;
  try {
    const pid = spawner.start(words);
    leave(sys, birthplace);
    return pid;
  } catch (error) {
    leave(sys, birthplace);
    discard(sys, birthplace.cgroup);
    throw error instanceof SysError ? notStarted(sys, words[0] ?? "", error) : error;
  }
}

/** Report why the status is not the command's, unless the kill has failed too. @throws the failure, if it is a bug */
function withFailure(outcome: KillOutcome, end: End, exit: Exit | undefined, pid: Pid): KillOutcome {
  if (outcome.error !== null) return outcome;
  if (end.by === "failure") return { ...outcome, ...resultOfError(end.error), matches: null };
  if (exit !== undefined) return outcome;
  const hint = `it was moved out of its cgroup, or its tracer holds it: see /proc/${pid}/cgroup`;
  return { ...outcome, outcome: "failed", error: failure("not-ended", `the command, pid ${pid}, has not ended`, hint) };
}

/** Open the cgroup beneath what is mounted there by now; `undefined` if that is not permitted, or cannot be found. */
function openAgain(sys: Sys, cgroup: Cgroup): Cgroup | undefined {
  const path = readOr(undefined, () => presentPath(sys, cgroup));
  const hierarchy = findHierarchies(sys).find(({ controllers }) => controllers === cgroup.hierarchy.controllers);
  if (path === undefined || hierarchy === undefined) return undefined;
  const found = openInHierarchy(sys, hierarchy, path);
  return found !== undefined && closeUnless(sys, found.fd, () => found.id.ino === cgroup.id.ino) ? found : undefined;
}

const readNone: GuardedReader = (sys) => ({
  at: sys.now(),
  guarded: [],
  ancestors: new Map(),
  isProcForeign: false,
});

async function killRest(
  sys: Sys,
  cgroup: Cgroup,
  { graceMs, graceSignal, timeoutMs }: RunOptions,
  control: Omit<KillControl, "deadline" | "abort">,
): Promise<KillOutcome> {
  // The command may have renamed its cgroup (v1) and put another one in its place.
  const options = { ...DEFAULT_OPTIONS, remove: true, mayBeRenamed: true, graceMs, graceSignal };
  const started = { wallMs: sys.wallClock(), monotonicMs: sys.now() };
  // The command may have lowered our limit of open files.
  tryTo(() => void sys.raiseFileLimit());
  try {
    // An empty cgroup contains no process to guard. The kill checks again, unless it follows at once.
    const readGuarded = (await isPopulated(sys, cgroup)) ? readGuardedNow : readNone;
    const plan = await planTarget(sys, singleTarget(cgroup), () => options, {}, readGuarded);
    return await executeTarget(sys, plan, {
      ...control,
      abort: NEVER_ABORTED,
      deadline: started.monotonicMs + timeoutMs,
    });
  } catch (error) {
    // If another program removed it, it was empty.
    const result: KillResult = isRemoved(sys, cgroup) ? { outcome: "empty", error: null } : resultOfError(error);
    return { ...blankOutcome(cgroup.path, null, started, sys.now(), result), removed: result.error === null };
  }
}

/** How long a forwarded signal may take to end the command. Without this wait, SIGKILL would often come first. */
const FORWARDED_MS: Millis = 40;
/** How long to wait until a dead child can be reaped. */
const REAP_MS: Millis = 1000;

/** Wait for the end of the command. */
function exitOf(sys: Sys, spawner: Spawner, signals: Fd, pid: Pid, timeoutMs: Millis): Exit | undefined {
  for (const until = sys.now() + timeoutMs; ;) {
    const change = spawner.changeOf(pid);
    if (change !== undefined && change.is !== "stopped") return change;
    const left = until - sys.now();
    if (left <= 0) return undefined;
    // SIGCHLD wakes us. Other signals are dropped: the end that they ask for has begun.
    sys.poll([{ fd: signals, events: POLLIN }], left);
    while (spawner.takeSignal(signals) !== undefined);
  }
}
