// The only file that signals processes.
//
// A pid from a list may belong to another process by the time it is signalled. So open a pidfd for every listed process,
// check its membership again, and signal only those that are still members; repeat until a pass finds no new member.

import type { Lists, Members } from "../../cgroup/members.ts";
import { isDenied, isGone, SysError } from "../../sys/errno.ts";
import type { Pid } from "../../sys/sys.ts";
import { emit, type KillContext, listMembers, timed, timeLeft, yieldToSignals } from "../context.ts";
import type { HeldProcess } from "./held-process.ts";
import { maxBatch, type MemberCheckOptions, prepareMemberCheck } from "./membership.ts";
import { findTopmost, readStarter } from "./starter.ts";

/** How long one check may serve: a signal waits for its end, and where lists decide who is a member, they grow old. */
const MAX_CHECK_MS = 20;

/** Validate a pid before signalling it: never 0 (the caller's process group), init, cgkill itself, or a spared one. */
function isTarget({ sys, plan }: KillContext, pid: Pid): boolean {
  return pid > 1 && pid !== sys.pid && !plan.options.spare.includes(pid);
}

export interface SignalOptions {
  readonly signal: number;
  /** Which lists to read. Default: "procs". */
  readonly lists?: Lists;
  /** Called for each process right before it is signalled. */
  readonly before?: ((held: HeldProcess) => void) | undefined;
  /** Called for each process that was signalled. */
  readonly after?: (pid: Pid) => void;
  /** Check membership by /proc/PID/cgroup, because no list shows these processes. */
  readonly byProc?: boolean;
  /**
   * Signal those first that are listed last. v2 lists a main process before those that it has forked; signalled first, it
   * would die first, and a supervisor that ends the others would be faster than their signals.
   */
  readonly isReversed?: boolean;
  /** Stop after this many passes even if the last one found new members. */
  readonly maxPasses?: number;
  /** They have been signalled before: stop at the deadline. Otherwise each is signalled once, however late. */
  readonly isRepeated?: boolean;
  /** Pids that need no signal any more; those that are signalled, or could not be, are added. */
  readonly done?: Set<Pid>;
}

/**
 * Signal every member, until a pass over the lists finds no new one or the deadline has passed.
 *
 * Every signalled process is followed until it is dead. A process that cannot be signalled is an event, and an entry in
 * `record.denied` if that was denied; the others are signalled all the same.
 *
 * @returns the pids that were signalled, or could not be
 */
export async function signalMembers(ctx: KillContext, options: SignalOptions): Promise<ReadonlySet<Pid>> {
  const { record, followed } = ctx;
  const { done = new Set<Pid>(), lists, maxPasses = Number.POSITIVE_INFINITY } = options;
  record.round = done;
  // The pid of a dead process may have been recycled for a new member, which needs a pidfd of its own.
  followed.dropAllDead();
  for (let pass = 1; pass <= maxPasses; pass++) {
    const listed = await timed(ctx, "scanMs", () => listMembers(ctx, lists));
    const topmost = record.starter === undefined ? findTopmost(ctx.sys, listed.pids) : null;
    if (pass === 1) emit(ctx, "found", () => ({ pids: [...listed.pids] }));
    record.wasPopulated ||= listed.pids.size + listed.invisible > 0;
    const fresh: Pid[] = [];
    for (const pid of options.isReversed === true ? [...listed.pids].reverse() : listed.pids)
      if (!done.has(pid) && isTarget(ctx, pid)) fresh.push(pid);
    const mayStop = pass > 1 || options.isRepeated === true;
    if (fresh.length === 0 || (mayStop && timeLeft(ctx) === 0)) break;
    await signalAll(ctx, fresh, { ...options, done, cgroups: listed.cgroups });
    record.starter ??= readStarter(ctx.sys, topmost, ctx.plan.ancestors);
  }
  return done;
}

/** What the batches of one pass have in common. */
export interface SignalPass extends SignalOptions {
  readonly done: Set<Pid>;
  /** The inodes of the cgroups that were listed. */
  readonly cgroups: Members["cgroups"];
}

/** Signal some members, batch by batch. */
export async function signalAll(ctx: KillContext, pids: readonly Pid[], pass: SignalPass): Promise<void> {
  const { cgroups, before, byProc } = pass;
  const check = { cgroups, count: pids.length, isSlow: before !== undefined, isUnlisted: byProc === true };
  const size = maxBatch(ctx, check);
  for (let at = 0; at < pids.length;) {
    const batch = pids.slice(at, at + size);
    at += await timed(ctx, "signalMs", () => signalBatch(ctx, batch, check, pass));
    await yieldToSignals(ctx);
    if (isOver(ctx, pass)) return;
  }
}

const isOver = (ctx: KillContext, { isRepeated }: SignalPass): boolean => isRepeated === true && timeLeft(ctx) === 0;

/** @returns how many were handled; for the rest no descriptor was free */
async function signalBatch(
  ctx: KillContext,
  pids: readonly Pid[],
  check: MemberCheckOptions,
  pass: SignalPass,
): Promise<number> {
  const { followed } = ctx;
  const batch: HeldProcess[] = [];
  let handled = 0;
  try {
    for (const pid of pids) {
      const held = hold(ctx, pid, pass.done);
      if (held === "full") break;
      handled++;
      if (held !== undefined) batch.push(held);
    }
    await yieldToSignals(ctx);
    let isMember = await prepareMemberCheck(ctx, check, batch.length);
    let checkedAt = ctx.sys.now();
    for (const [index, held] of batch.entries()) {
      if (index > 0 && ctx.sys.now() - checkedAt >= MAX_CHECK_MS) {
        await yieldToSignals(ctx);
        if (isOver(ctx, pass)) break;
        isMember = await prepareMemberCheck(ctx, check, batch.length - index);
        checkedAt = ctx.sys.now();
      }
      if (!isMember(held)) continue;
      pass.before?.(held);
      send(ctx, held, pass);
    }
    return handled;
  } finally {
    for (const held of batch) followed.release(held);
  }
}

/** A process that cannot be held is not signalled in this round. The next round tries again. */
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

function send(ctx: KillContext, held: HeldProcess, { signal, after, done }: SignalPass): void {
  const { sys, record, followed } = ctx;
  const { pid, fd } = held;
  done.add(pid);
  try {
    if (fd === undefined) sys.kill(pid, signal);
    else sys.pidfdSendSignal(fd, pid, signal);
    emit(ctx, "signalled", { pid, signal });
    record.denied.delete(pid);
    after?.(pid);
    followed.follow(held);
  } catch (error) {
    // It is dead, or a kernel thread.
    if (isGone(error)) return;
    if (isDenied(error)) record.denied.add(pid);
    emit(ctx, "signal-failed", { pid, signal, error: error instanceof Error ? error.message : String(error) });
  }
}
