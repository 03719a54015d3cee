// The only file that signals processes: pin, look again, signal, until a pass finds nobody new.
//
// A pid read from a list may be another process by the time it is signalled. So everybody listed is pinned by a
// pidfd, the lists are read once more, and only who is still listed is signalled: either the pinned process is a
// member at that moment, or it is dead and the signal goes nowhere. Two reads of the lists do for any number.

import { isWithin, readCgroupPath } from "../cgroup/hierarchy.ts";
import type { Members } from "../cgroup/members.ts";
import { isDenied, isFileLimit, isGone, isUnsupported, SysError } from "../sys/errno.ts";
import { listThreads } from "../sys/proc.ts";
import type { Pid } from "../sys/sys.ts";
import { addTime, breathe, emit, type KillRun, type Pin, timeLeft } from "./run.ts";

/** Descriptors left alone: ours, Bun's, and those of the cgroups held open. */
const RESERVED_FDS = 24;
const MIN_ROOM = 16;
/** Below this many the usual soft limit of 1024 is enough, and raising it is spared. */
const FEW = 512;
/** So many are pinned in one go: not so many that a signal to us would wait, nor so few that lists are read for ever. */
const BATCH = 1024;
const MAX_BATCHES = 8;
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
  /** Done to each right before it is signalled. */
  readonly hold?: ((pid: Pid) => void) | undefined;
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
  const { signal, maxPasses = Number.POSITIVE_INFINITY } = options;
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
    const room = roomFor(run, fresh.length);
    const size = Math.min(room / 2, Math.max(BATCH, Math.ceil(fresh.length / MAX_BATCHES)));
    const isByList = fresh.length / size <= TOO_MANY_BATCHES;
    for (let at = 0; at < fresh.length; at += size) {
      const batch = pinAll(run, fresh.slice(at, at + size));
      if (isByList) listed = list();
      const start = run.sys.now();
      for (const [pid, pin] of batch) {
        if (!(isByList ? listed.pids.has(pid) : isMember(run, pid))) continue;
        options.hold?.(pid);
        send(run, pid, pin, signal);
        done.add(pid);
      }
      keepOrClose(run, batch.values(), room / 2);
      addTime(run, "signalMs", start);
      await breathe(run);
    }
    if (!isByList) listed = list();
  }
  return done.size;
}

/** How many descriptors there are for pins. */
function roomFor(run: KillRun, wanted: number): number {
  if (wanted + run.pins.length <= FEW) return 2 * FEW;
  return Math.max(MIN_ROOM, run.sys.raiseFileLimit() - RESERVED_FDS);
}

/** Is a process, or any thread of it, in the subtree now? The leader's place says nothing of the other threads'. */
function isMember(run: KillRun, pid: Pid): boolean {
  const { sys, cgroup } = run;
  const isInside = (path: string | undefined): boolean => path !== undefined && isWithin(path, cgroup.path);
  if (isInside(readCgroupPath(sys, cgroup.hierarchy, pid))) return true;
  return listThreads(sys, pid).some((tid) => isInside(readCgroupPath(sys, cgroup.hierarchy, tid)));
}

/** Pin each by a pidfd; `undefined` where this kernel has none, or no descriptor is to be had. Who is gone is left out. */
function pinAll(run: KillRun, pids: readonly Pid[]): Map<Pid, Pin | undefined> {
  const pins = new Map<Pid, Pin | undefined>();
  for (const pid of pids) {
    try {
      pins.set(pid, { pid, pidfd: run.sys.pidfdOpen(pid) });
    } catch (error) {
      if (error instanceof SysError && error.errno === "ESRCH") continue;
      if (!isUnsupported(error) && !isFileLimit(error)) throw error;
      if (pins.size === 0) emit(run, "debug", "no pidfd: signalling by number", { error: describe(error) });
      pins.set(pid, undefined);
    }
  }
  return pins;
}

function describe(error: SysError | unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}

function send(run: KillRun, pid: Pid, pin: Pin | undefined, signal: number): void {
  try {
    if (pin === undefined) run.sys.kill(pid, signal);
    else run.sys.pidfdSendSignal(pin.pidfd, pid, signal);
    emit(run, "trace", "signalled", { pid, signal });
    run.killed.set(pid, run.killed.get(pid) ?? null);
  } catch (error) {
    if (isGone(error)) return;
    if (isDenied(error)) run.denied.add(pid);
    emit(run, "trace", "failed to signal", { pid, signal, error: describe(error) });
  }
}

/** Pins are kept to be waited for as far as there is room; the other dead are found by looking again. */
function keepOrClose(run: KillRun, pins: Iterable<Pin | undefined>, room: number): void {
  for (const pin of pins) {
    if (pin === undefined) continue;
    if (run.pins.length < room) run.pins.push(pin);
    else run.sys.close(pin.pidfd);
  }
}
