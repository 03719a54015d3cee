// The only file that signals processes: pin, look again, signal, until a pass finds nobody new.
//
// A pid read from a list may be another process by the time it is signalled. So everybody listed is pinned by a
// pidfd, the lists are read once more, and only who is still listed is signalled: either the pinned process is a
// member at that moment, or it is dead and the signal goes nowhere. Two reads of the lists do for any number.

import { isWithin, readCgroupPath } from "../cgroup/hierarchy.ts";
import type { Members } from "../cgroup/members.ts";
import { isDenied, isFileLimit, isGone, SysError } from "../sys/errno.ts";
import { listThreads } from "../sys/proc.ts";
import { type Pid, POLLIN } from "../sys/sys.ts";
import { addTime, breathe, emit, type KillRun, type Pin, timeLeft } from "./run.ts";
import { dropAllDead } from "./wait.ts";

/** Descriptors left alone: ours, Bun's, and those of the cgroups held open. */
const RESERVED_FDS = 24;
const MIN_ROOM = 16;
/** So many are pinned or signalled between two looks at whether a signal has come for us. */
const BETWEEN_BREATHS = 512;
/** With so few descriptors that this many batches are needed, it is cheaper to ask for each process by itself. */
const TOO_MANY_BATCHES = 32;

/** Whether a pid may be signalled at all: never 0, init, ourselves, or one to be spared. */
function isTarget(run: KillRun, pid: Pid): boolean {
  return pid > 1 && pid !== run.sys.pid && !run.plan.options.spare.includes(pid);
}

export interface SignalOptions {
  readonly signal: number;
  /** How the members are listed. */
  readonly list: (run: KillRun) => Members;
  /** Done to each right before it is signalled; the pin is `undefined` where there are no pidfds. */
  readonly hold?: ((pid: Pid, pin: Pin | undefined) => void) | undefined;
  /** Stop after so many passes even if they still find somebody new. */
  readonly maxPasses?: number;
}

/**
 * Signal every member until a pass over the lists finds nobody new, or the deadline is there.
 *
 * Whoever was pinned is left in `run.pins`, to be waited for. A failure on one process is an event, and an entry in
 * `run.denied` if it was refused; it stops nobody else's death.
 */
export async function signalMembers(run: KillRun, options: SignalOptions): Promise<number> {
  const done = new Set<Pid>();
  run.signalled = done;
  // Whoever is still waited for is not pinned once more, and the pin of a dead one is none for who has its number now.
  dropAllDead(run);
  const { maxPasses = Number.POSITIVE_INFINITY } = options;
  const list = (): Members => {
    const start = run.sys.now();
    const members = options.list(run);
    addTime(run, "scanMs", start);
    return members;
  };
  let listed = list();
  emit(run, "trace", "found pids", { pids: [...listed.pids] });
  for (let pass = 1; pass <= maxPasses; pass++) {
    const fresh = [...listed.pids].filter((pid) => !done.has(pid) && isTarget(run, pid));
    if (fresh.length === 0 || (pass > 1 && timeLeft(run) === 0)) break;
    // One half of the room for those kept to be waited for, the other for the batch at hand.
    const size = Math.floor(roomFor(run) / 2);
    const isByList = fresh.length / size <= TOO_MANY_BATCHES;
    for (let at = 0; at < fresh.length;) {
      const lookAgain = (): ((pid: Pid) => boolean) => {
        if (!isByList) return (pid) => isMember(run, pid);
        listed = list();
        return (pid) => listed.pids.has(pid);
      };
      const batch = newBatch(run);
      await signalBatch(run, options, batch, fresh.slice(at, at + size), size, lookAgain);
      for (const pid of batch.handled) done.add(pid);
      at += batch.taken;
    }
    if (!isByList) listed = list();
  }
  return done.size;
}

interface Batch {
  /** Pinned before this batch, and still waited for. */
  readonly held: Map<Pid, Pin>;
  /** `undefined`: to be signalled by number. */
  readonly pins: Map<Pid, Pin | undefined>;
  /** Done with for now: signalled, or not to be pinned. */
  readonly handled: Set<Pid>;
  /** How many of those given to it were looked at; the others found no descriptor. */
  taken: number;
  isByNumber: boolean;
}

function newBatch(run: KillRun): Batch {
  const held = new Map(run.pins.map((pin) => [pin.pid, pin]));
  return { held, pins: new Map(), handled: new Set(), taken: 0, isByNumber: false };
}

/** Pin a batch, look again, and signal who is still a member. */
async function signalBatch(
  run: KillRun,
  { signal, hold }: SignalOptions,
  batch: Batch,
  pids: readonly Pid[],
  room: number,
  lookAgain: () => (pid: Pid) => boolean,
): Promise<void> {
  const { held, pins, handled } = batch;
  try {
    for (const pid of pids) {
      if (!pin(run, pid, batch)) break;
      batch.taken++;
      if (pins.size % BETWEEN_BREATHS === 0) await breathe(run);
    }
    const isStillMember = lookAgain();
    const start = run.sys.now();
    for (const [pid, pinned] of pins) {
      if (!isStillMember(pid)) continue;
      hold?.(pid, pinned);
      send(run, pid, pinned, signal);
      handled.add(pid);
      if (handled.size % BETWEEN_BREATHS === 0) await breathe(run);
    }
    addTime(run, "signalMs", start);
  } finally {
    // Who was signalled is kept to be waited for as far as there is room; the others are found by looking again.
    for (const [pid, pinned] of pins) {
      if (pinned === undefined || held.has(pid)) continue;
      if (handled.has(pid) && run.pins.length < room) run.pins.push(pinned);
      else run.sys.close(pinned.fd);
    }
  }
  await breathe(run);
}

/** How many descriptors there are for pins, those that are kept included. */
function roomFor(run: KillRun): number {
  return Math.max(MIN_ROOM, run.sys.raiseFileLimit() - RESERVED_FDS);
}

/** Is a process, or any thread of it, in the subtree now? The leader's place says nothing of the other threads'. */
function isMember(run: KillRun, pid: Pid): boolean {
  const { sys, cgroup } = run;
  const isInside = (path: string | undefined): boolean => path !== undefined && isWithin(path, cgroup.path);
  if (isInside(readCgroupPath(sys, cgroup.hierarchy, pid))) return true;
  return listThreads(sys, pid).some((tid) => isInside(readCgroupPath(sys, cgroup.hierarchy, tid)));
}

/** The kernel's own pidfd_open never says "not permitted": a seccomp filter does that knows no such call. */
const NO_PIDFDS = ["ENOSYS", "EOPNOTSUPP", "EPERM", "EACCES"];

/**
 * Pin by a pidfd; by number only where there are none, or not even one descriptor is to be had. Who is gone is left out,
 * and who cannot be pinned now is not signalled, but tried again in the next round.
 *
 * @returns `false` where the batch has all the descriptors there are: he is for the next one
 */
function pin(run: KillRun, pid: Pid, batch: Batch): boolean {
  const { held, pins, handled } = batch;
  const before = held.get(pid);
  try {
    pins.set(pid, before ?? { pid, fd: run.sys.pidfdOpen(pid), events: POLLIN });
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    if (error.errno === "ESRCH") return true;
    if (isFileLimit(error)) {
      if (releaseOthers(run, batch)) return pin(run, pid, batch);
      if (pins.values().some((pinned) => pinned !== undefined)) return false;
    } else if (!NO_PIDFDS.includes(error.errno)) {
      emit(run, "trace", "failed to pin", { pid, error: describe(error) });
      handled.add(pid);
      return true;
    }
    if (!batch.isByNumber) emit(run, "debug", "no pidfd: signalling by number", { error: describe(error) });
    batch.isByNumber = true;
    pins.set(pid, undefined);
  }
  return true;
}

/**
 * Let go of whom this batch has no need of: that they are dead the lists tell too.
 *
 * @returns whether there were any
 */
function releaseOthers(run: KillRun, { held, pins }: Batch): boolean {
  const others = run.pins.filter(({ pid }) => !pins.has(pid));
  run.pins = run.pins.filter(({ pid }) => pins.has(pid));
  for (const { pid, fd } of others) {
    held.delete(pid);
    run.sys.close(fd);
  }
  return others.length > 0;
}

function describe(error: SysError | unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}

function send(run: KillRun, pid: Pid, pin: Pin | undefined, signal: number): void {
  try {
    if (pin === undefined) run.sys.kill(pid, signal);
    else run.sys.pidfdSendSignal(pin.fd, pid, signal);
    emit(run, "trace", "signalled", { pid, signal });
    run.killed.set(pid, run.killed.get(pid) ?? null);
  } catch (error) {
    if (isGone(error)) return;
    if (isDenied(error)) run.denied.add(pid);
    emit(run, "trace", "failed to signal", { pid, signal, error: describe(error) });
  }
}
