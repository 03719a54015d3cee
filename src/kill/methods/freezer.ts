// Method "freezer": freeze, send SIGKILL to every member, thaw, wait for each death; repeat until the subtree is empty.

import { readOr } from "../../sys/errno.ts";
import { readComm } from "../../sys/proc.ts";
import { SIGNALS } from "../../sys/signal-names.ts";
import type { Millis, Pid } from "../../sys/sys.ts";
import { type KillContext, listMembers, timed, timeLeft, yieldToSignals } from "../context.ts";
import { moveKilledOut } from "../moves/frozen-ancestors.ts";
import { whileFrozen } from "../steps/freezing.ts";
import { hasOnlyZombies, isSigkillPending } from "../steps/held-process.ts";
import { signalMembers, type SignalOptions } from "../steps/signal.ts";
import { hurryVictims } from "../steps/victims-first.ts";
import { waitForEmpty } from "../steps/wait.ts";
import { needsProof, proveEmpty, sigkillUnlisted } from "./v1-proof.ts";

/** How long a round waits without a death before the next round begins: doubled each time. */
const FIRST_ROUND_MS = 50;
const MAX_ROUND_MS = 800;

/** @returns whether the subtree is empty and all signalled processes are dead; `false` at the deadline */
export async function killByFreezer(ctx: KillContext): Promise<boolean> {
  for (let round = 1; ; round++) {
    const done = new Set<Pid>();
    const kill = async (isFrozen: boolean): Promise<void> => {
      // On v1 none dies before the thaw. One that is not frozen may start another when it sees the death of a child.
      const isReversed = isFrozen && ctx.cgroup.hierarchy.version === "v2";
      await sigkillMembers(ctx, round, { done, isReversed });
      if (needsProof(ctx)) await sigkillUnlisted(ctx, done, isFrozen);
    };
    await whileFrozen(ctx, kill, () => sigkillFew(ctx, round, done));
    await moveKilledOut(ctx);
    if ((await waitRound(ctx, round)) && (await proveEmpty(ctx))) return true;
    if (timeLeft(ctx) === 0 || isRestDenied(ctx, round)) return false;
  }
}

/** Larger targets are not signalled before they are frozen: that would take longer than the freeze. */
const FEW = 64;

/**
 * Send SIGKILL to the members of a small target while it freezes, so that they can be hurried.
 *
 * @returns whether it is small
 */
async function sigkillFew(ctx: KillContext, round: number, done: Set<Pid>): Promise<boolean> {
  const { pids } = await listMembers(ctx);
  if (pids.size > FEW) return false;
  await sigkillMembers(ctx, round, { done, maxPasses: 1 });
  return true;
}

/**
 * Send SIGKILL to every member. From the second round on the threads are listed too: they show processes that
 * cgroup.procs leaves out, such as those whose leader has exited.
 */
export function sigkillMembers(
  ctx: KillContext,
  round: number,
  options: Pick<SignalOptions, "before" | "done" | "isReversed" | "maxPasses"> = {},
): Promise<unknown> {
  const after = (pid: Pid): void => {
    if (!ctx.record.signalled.has(pid)) ctx.record.signalled.set(pid, null);
  };
  const isRepeated = round > 1;
  const lists = isRepeated ? "both" : "procs";
  return signalMembers(ctx, { ...options, signal: SIGNALS.KILL, lists, isRepeated, after });
}

/**
 * Wait for the deaths of this round. While followed processes keep dying the wait goes on; what is left after a wait
 * without a death is signalled again in the next round.
 *
 * @returns whether the subtree is empty and no followed process lives
 */
export async function waitRound(ctx: KillContext, round: number): Promise<boolean> {
  const { sys, followed, record } = ctx;
  ctx.moves.end();
  readVictimNames(ctx, record.round);
  const waitMs = Math.min(FIRST_ROUND_MS * 2 ** (round - 1), MAX_ROUND_MS);
  return timed(ctx, "waitMs", async () => {
    const hurry = hurryVictims(ctx);
    for (;;) {
      const before = followed.size;
      if (await waitForEmpty(ctx, sys.now() + waitMs, hurry)) return true;
      // `waitForEmpty` polls one pidfd at a time: others may be dead already.
      followed.dropAllDead();
      if (followed.size >= before) await dropZombies(ctx);
      const left = followed.size;
      if (left === 0 || left >= before || timeLeft(ctx) === 0) return false;
    }
  });
}

/** Leave out processes that died unseen. What the deadline cuts off is judged with the survivors. */
async function dropZombies(ctx: KillContext): Promise<void> {
  const { sys, followed, record } = ctx;
  for (const pid of [...followed.pids]) {
    await yieldToSignals(ctx);
    if (timeLeft(ctx) === 0) return;
    if (!record.signalled.has(pid) || !hasOnlyZombies(sys, pid)) continue;
    followed.unfollow(pid);
    record.killed.set(pid, record.signalled.get(pid) ?? null);
  }
}

/**
 * Was SIGKILL denied for everything that this round found, and is it pending nowhere? Then no further round can do more.
 * Never in the first round, which leaves out processes that only the lists of threads show.
 */
export function isRestDenied({ sys, record, followed }: KillContext, round: number): boolean {
  if (round === 1 || record.round.size === 0) return false;
  return [...record.round, ...followed.pids].every((pid) => record.denied.has(pid) && !isSigkillPending(sys, pid));
}

/** For the names of killed processes, which are read while they die: it delays nothing. */
const MAX_READ_MS = 1;

/**
 * Read the names of dying processes into `record.signalled`. A name that cannot be read stays `null`, and ends nothing.
 *
 * @param pids  signalled just now; a pid that was signalled earlier may have been recycled
 */
export function readVictimNames({ sys, record }: KillContext, pids: Iterable<Pid>): void {
  const until: Millis = sys.now() + MAX_READ_MS;
  for (const pid of pids) {
    if (sys.now() > until) return;
    if (record.signalled.get(pid) !== null) continue;
    const comm = readOr(undefined, () => readComm(sys, pid));
    if (comm !== undefined) record.signalled.set(pid, comm);
  }
}
