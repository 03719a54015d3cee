// The only file that signals processes: hold, look again, signal, until a pass finds no new member.
//
// A pid read from a list may be another process by the time it is signalled. So every listed process is held by a pidfd,
// then it is looked at again, and only one that is still a member is signalled.

import type { Lists, Members } from "../../cgroup/members.ts";
import { isDenied, isGone, SysError } from "../../sys/errno.ts";
import type { Pid } from "../../sys/sys.ts";
import { emit, type KillContext, listMembers, timed, timeLeft, yieldToSignals } from "../context.ts";
import type { HeldProcess } from "./held-process.ts";
import { BATCH, type IsMember, lookAgain } from "./membership.ts";

/** How long one look at a batch is good for, where what is done before a signal takes long. */
const LOOK_MS = 20;

/** Whether a pid may be signalled at all: never 0, init, ourselves, or one to be spared. */
function isTarget({ sys, plan }: KillContext, pid: Pid): boolean {
  return pid > 1 && pid !== sys.pid && !plan.options.spare.includes(pid);
}

export interface SignalOptions {
  readonly signal: number;
  /** How the members are listed. */
  readonly lists?: Lists;
  /** Done to each right before it is signalled. */
  readonly before?: ((held: HeldProcess) => void) | undefined;
  /** Called for each that was signalled. */
  readonly after?: (pid: Pid) => void;
  /** By each one's own /proc/PID/cgroup, because no list shows them. */
  readonly byProc?: boolean;
  /** Stop after so many passes even if they still find new members. */
  readonly maxPasses?: number;
}

/**
 * Signal every member until a pass over the lists finds no new one, or the deadline is there.
 *
 * Every process that was signalled is followed until it is dead. A failure on one is an event, and an entry in
 * `record.denied` if it was refused; it spares no other.
 */
export async function signalMembers(ctx: KillContext, options: SignalOptions): Promise<ReadonlySet<Pid>> {
  const { record, followed } = ctx;
  const done = new Set<Pid>();
  record.round = done;
  // The pidfd of a dead process is none for another that has its number now.
  followed.dropAllDead();
  const { lists = "procs", maxPasses = Number.POSITIVE_INFINITY } = options;
  const list = (): Promise<Members> => timed(ctx, "scanMs", () => listMembers(ctx, lists));
  for (let pass = 1; pass <= maxPasses; pass++) {
    const listed = await list();
    if (pass === 1) emit(ctx, "found", { pids: [...listed.pids] });
    record.wasPopulated ||= listed.pids.size + listed.invisible > 0;
    const fresh = [...listed.pids].filter((pid) => !done.has(pid) && isTarget(ctx, pid));
    if (fresh.length === 0 || (pass > 1 && timeLeft(ctx) === 0)) break;
    await signalAll(ctx, fresh, listed, options, done);
  }
  return done;
}

/** Signal some members, a batch at a time. @param done  the signalled ones are added, and those that cannot be held */
export async function signalAll(
  ctx: KillContext,
  pids: readonly Pid[],
  listed: Members,
  options: SignalOptions,
  done: Set<Pid>,
): Promise<void> {
  const count = options.byProc === true ? Number.POSITIVE_INFINITY : pids.length;
  for (let at = 0; at < pids.length;) {
    const from = at;
    const work = () =>
      signalBatch(ctx, pids.slice(from, from + BATCH), options, done, () => lookAgain(ctx, listed, count));
    at += await timed(ctx, "signalMs", work);
    await yieldToSignals(ctx);
  }
}

/** @returns how many were gone through: for the others there was no descriptor, or the look at them is too old */
async function signalBatch(
  ctx: KillContext,
  pids: readonly Pid[],
  options: SignalOptions,
  done: Set<Pid>,
  look: () => Promise<IsMember>,
): Promise<number> {
  const { followed } = ctx;
  const batch: HeldProcess[] = [];
  let count = 0;
  try {
    for (const pid of pids) {
      const held = hold(ctx, pid, done);
      if (held === "full") break;
      count++;
      if (held !== undefined) batch.push(held);
    }
    const isMember = await look();
    const lookedAt = ctx.sys.now();
    for (const [index, held] of batch.entries()) {
      if (index > 0 && ctx.sys.now() - lookedAt >= LOOK_MS) return pids.indexOf(held.pid);
      if (!isMember(held)) continue;
      options.before?.(held);
      send(ctx, held, options, done);
    }
    return count;
  } finally {
    for (const held of batch) followed.release(held);
  }
}

/** A process that cannot be held now is not signalled, but tried again in the next round. */
function hold(ctx: KillContext, pid: Pid, done: Set<Pid>): HeldProcess | "full" | undefined {
  try {
    return ctx.followed.hold(pid);
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    emit(ctx, "hold-failed", { pid, error: error.message });
    done.add(pid);
    return undefined;
  }
}

function send(ctx: KillContext, held: HeldProcess, { signal, after }: SignalOptions, done: Set<Pid>): void {
  const { sys, record, followed } = ctx;
  const { pid, fd } = held;
  done.add(pid);
  try {
    if (fd === undefined) sys.kill(pid, signal);
    else sys.pidfdSendSignal(fd, pid, signal);
    emit(ctx, "signalled", { pid, signal });
    after?.(pid);
    followed.follow(held);
  } catch (error) {
    if (isGone(error)) {
      // The kernel says so of its own threads too.
      if (!followed.isDead(held)) record.immune.add(pid);
      return;
    }
    if (isDenied(error)) record.denied.add(pid);
    emit(ctx, "signal-failed", { pid, signal, error: describe(error) });
  }
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}
