// Victims first: a process needs a processor to die, and beside a thousand busy processes it waits most of a second for one.
// So threads that SIGKILL has not ended within a millisecond get the lowest real-time priority, where that is permitted.
// The only file that changes the priority of other processes.
//
// Never a thread that may live: each must have SIGKILL pending, or be exiting. The kernel takes an id, not a pidfd, so each is
// checked again afterwards: if it has died meanwhile, its id may be that of another, and the priority is taken back. Few have
// the priority at a time, for a bounded time, and those that are still alive lose it.

import { PROC } from "../../sys/dir.ts";
import { readOr } from "../../sys/errno.ts";
import { listThreads, type ProcessStat } from "../../sys/proc.ts";
import type { Millis, Pid, Policy, Sys } from "../../sys/sys.ts";
import { emit, type KillContext, type Reversible } from "../context.ts";
import { type HeldProcess, readStatIfShown } from "./held-process.ts";
import { starvationWatch } from "./starved.ts";

/** Without competition an ordinary process is dead after 0.1 to 0.3 ms. */
const FIRST_LOOK_MS: Millis = 1;
/** How many threads have the priority at a time: they die one after the other, at 40 µs each. */
const MAX_RAISED = 64;
/**
 * How long they have the priority before a pause of the same length. A process that takes longer has gigabytes to free,
 * and the host needs its processors too.
 */
const MAX_RAISED_MS: Millis = 250;
/** The longest time between two looks while any has it. */
const RAISED_LOOK_MS: Millis = 32;
/** After this time without a death, others get their turn: one of them may hold the lock that all of these wait for. */
const TURN_MS: Millis = 8;
/** So many that may not be raised show that none may. */
const FEW = 8;
/** How many processes one look may look at, at 20 to 40 µs each. */
const MAX_LOOKED_AT = 256;

interface Thread {
  readonly held: HeldProcess;
  readonly tid: Pid;
}

interface Raised extends Thread {
  readonly policy: Policy;
}

/** Disposed at the end of each wait of a round: threads that are still alive get back the priority that they had. */
export interface Hurry extends Disposable {
  /** How long the wait may last until the next look. */
  readonly intervalMs: Millis;
  /** Look whether the killed processes find a processor, if a look is due, and raise some if they do not. */
  look(): void;
}

/** For one round of signals, of which it looks the less often the longer it takes. Until the first look it costs nothing. */
export function hurryVictims(ctx: KillContext): Hurry {
  const { sys, record, followed, inForce } = ctx;
  let intervalMs = FIRST_LOOK_MS;
  // Known from an earlier wait, it is not found out again.
  let isNeeded = record.hurriedAt !== undefined;
  let nextAt = isNeeded ? 0 : sys.now() + intervalMs;
  let isHopeless = false;
  let raised: Raised[] = [];
  const restore = (): void => {
    for (const each of raised) if (isAlive(ctx, each)) sys.restorePriority(each.tid, each.policy);
    raised = [];
  };
  const change: Reversible = { undo: restore, redo: () => {} };

  const areStarved = starvationWatch(ctx);
  const passed = record.hadTheirTurn;
  let lastDeathAt = 0;

  /** @returns whether any was raised */
  const raise = (): boolean => {
    isNeeded = true;
    const now = sys.now();
    const spent = now - (record.hurriedAt ?? now);
    if (spent >= MAX_RAISED_MS) {
      restore();
      if (spent < 2 * MAX_RAISED_MS) return false;
      record.hurriedAt = now;
    }
    inForce.add(change);
    // Otherwise those that come first would use up the look.
    followed.dropAllDead();
    const alive = raised.filter((each) => isAlive(ctx, each));
    if (alive.length < MAX_RAISED) lastDeathAt = now;
    raised = alive;
    if (now - lastDeathAt >= TURN_MS) {
      for (const { held } of alive) passed.add(held.pid);
      restore();
      lastDeathAt = now;
    }
    const before = raised.length;
    let refused = 0;
    const known = new Set([...passed, ...raised.map(({ held }) => held.pid)]);
    for (const thread of dyingThreads(ctx, known)) {
      if (raised.length >= MAX_RAISED) break;
      const policy = raiseOne(ctx, thread);
      if (policy !== undefined) raised.push({ ...thread, policy });
      else if (isAlive(ctx, thread) && ++refused === FEW && raised.length === 0) {
        // It is not permitted here, or we have no such priority ourselves.
        isHopeless = true;
        break;
      }
    }
    if (raised.length === before) {
      // All have had their turn: begin again.
      if (raised.length < MAX_RAISED) passed.clear();
      return false;
    }
    record.hurriedAt ??= now;
    emit(ctx, "raised", { threads: raised.slice(before).map(({ tid }) => tid) });
    return true;
  };

  return {
    get intervalMs() {
      return intervalMs;
    },
    look() {
      if (isHopeless || sys.now() < nextAt) return;
      const isDue = isNeeded || areStarved();
      intervalMs = isDue && raise() ? FIRST_LOOK_MS : intervalMs * 2;
      if (raised.length > 0) intervalMs = Math.min(intervalMs, RAISED_LOOK_MS);
      if (isHopeless) intervalMs = Number.POSITIVE_INFINITY;
      nextAt = sys.now() + intervalMs;
    },
    [Symbol.dispose]() {
      inForce.delete(change);
      restore();
    },
  };
}

/**
 * The dying threads of the killed processes that are alive, each process held by a pidfd and followed from here on.
 *
 * @param known  processes to leave out
 */
function* dyingThreads({ sys, record, followed }: KillContext, known: ReadonlySet<Pid>): Generator<Thread> {
  let count = 0;
  for (const pid of record.signalled.keys()) {
    if (record.killed.has(pid) || known.has(pid)) continue;
    if (++count > MAX_LOOKED_AT) return;
    const held = readOr("full", () => followed.hold(pid));
    if (held === "full") continue;
    if (held === undefined || (held.fd !== undefined && followed.isDead(held))) {
      // The next look has no need of it. A followed one is noted when it is dropped.
      if (followed.get(pid) === undefined) record.killed.set(pid, record.signalled.get(pid) ?? null);
      if (held !== undefined) followed.release(held);
      continue;
    }
    const { tids, isWhole } = readOr(NONE, () => readDying(sys, pid));
    // One that is not followed yet was listed before the kill. It may have left, or its pid may be another's by now.
    if (held.fd !== undefined && (isWhole || followed.get(pid) === held)) {
      followed.follow(held);
      for (const tid of tids) yield { held, tid };
    }
    followed.release(held);
  }
}

interface Dying {
  readonly tids: readonly Pid[];
  /** Whether all threads of the process are dying. */
  readonly isWhole: boolean;
}

const NONE: Dying = { tids: [], isWhole: false };

/** Each thread by itself: an exec kills all but one, and a leader that has exited may leave threads that live. */
function readDying(sys: Sys, pid: Pid): Dying {
  const leader = readStatIfShown(sys, pid);
  if (leader === undefined) return NONE;
  if (leader.threads <= 1) return isDying(leader) ? { tids: [pid], isWhole: true } : NONE;
  const tids = listThreads(sys, pid);
  const looked = tids.slice(0, MAX_RAISED);
  const dying = looked.filter((tid) => isDying(tid === pid ? leader : readStatIfShown(sys, tid)));
  const ended = looked.includes(pid) && isZombie(leader) ? 1 : 0;
  return { tids: dying, isWhole: dying.length > 0 && dying.length + ended === tids.length };
}

const isZombie = ({ state }: ProcessStat): boolean => state === "Z" || state === "X";

const isDying = (stat: ProcessStat | undefined): boolean =>
  stat !== undefined && !isZombie(stat) && (stat.isSigkillPending || stat.isExiting);

/** @returns the policy that it had; `undefined` if it was not raised */
function raiseOne(ctx: KillContext, thread: Thread): Policy | undefined {
  const { sys } = ctx;
  const policy = sys.raisePriority(thread.tid);
  if (policy === undefined || isAlive(ctx, thread)) return policy;
  sys.restorePriority(thread.tid, policy);
  return undefined;
}

/** Is it alive, so that its id is its own? A pidfd that is followed no more is closed. */
function isAlive({ sys, followed }: KillContext, { held, tid }: Thread): boolean {
  const now = followed.get(held.pid);
  if (now === undefined || followed.isDead(now)) return false;
  return tid === held.pid || readOr(false, () => sys.exists(PROC, `${held.pid}/task/${tid}`));
}
