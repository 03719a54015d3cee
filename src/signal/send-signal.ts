// `cgkill signal`: one signal for every member, once. Nothing is frozen, moved, killed or removed.

import type { Match } from "../cgroup/errors.ts";
import { readFreezing } from "../cgroup/freeze-state.ts";
import { hierarchyName } from "../cgroup/open/hierarchy.ts";
import { closeContext, type KillContext, listMembers, newContext, timeLeft } from "../kill/context.ts";
import { InterruptedError, RefusedError } from "../kill/errors.ts";
import { resultOfError, type Started } from "../kill/outcome.ts";
import { guard } from "../kill/plan/guard.ts";
import { shortSignalName, signalName } from "../kill/signal-names.ts";
import { signalMembers } from "../kill/steps/signal.ts";
import type { Failure, FreezeTwin, KillControl, Killed, KillPlan, Outcome, Refusal } from "../kill/types.ts";
import { SysError } from "../sys/errno.ts";
import { readComm } from "../sys/proc.ts";
import type { Millis, Pid, Sys } from "../sys/sys.ts";

export interface SignalOutcome {
  readonly cgroup: string;
  readonly path: string | null;
  readonly hierarchy: string | null;
  readonly outcome: Exclude<Outcome, "killed" | "empty"> | "signalled";
  /** `HUP`; the number of a real-time signal. */
  readonly signal: string;
  /** The processes that it was sent to, also if the call then failed. */
  readonly signalled: readonly Killed[];
  /** The cgroup that keeps the target frozen: a handler runs only after the thaw. */
  readonly frozenBy: string | null;
  readonly startedAt: string;
  readonly durationMs: Millis;
  readonly error: Failure | null;
  /** The other cgroup of a target that is in v2 and in the v1 freezer: of the same processes, each is signalled once. */
  readonly twin: FreezeTwin | null;
  /** The cgroups that an ambiguous name means. */
  readonly matches: readonly Match[] | null;
}

interface SignalResult {
  readonly outcome: SignalOutcome["outcome"];
  readonly error: Failure | null;
  readonly matches?: readonly Match[];
}

/**
 * Send a signal to every member but ourselves: hold each by a pidfd, look again, send, and repeat until a pass over the
 * lists finds no new member, or the deadline is there.
 *
 * @param signal  1 to 64, not SIGKILL: what does not die of that is not reported here
 * @returns an outcome, however it ends; only a bug throws
 */
export async function executeSignal(
  sys: Sys,
  plan: KillPlan,
  signal: number,
  control: KillControl,
): Promise<SignalOutcome> {
  const started: Started = { wallMs: sys.wallClock(), monotonicMs: sys.now() };
  const ctx = newContext(sys, plan, control);
  const sent = new Map<Pid, string | null>();
  const report = (result: SignalResult): SignalOutcome => ({
    ...blankSignal(plan.cgroup.path, plan, signal, started, sys.now(), result),
    signalled: [...sent].map(([pid, comm]) => ({ pid, comm })),
    frozenBy: readFrozenBy(ctx),
  });
  try {
    if ((await guard(sys, plan, ctx.pace)) === "gone") return report(gone(ctx));
    const names = new Map<Pid, string | null>();
    const done = await signalMembers(ctx, {
      signal,
      // Also the live threads of an exited leader.
      lists: "both",
      before: ({ pid }) => void names.set(pid, readComm(sys, pid) ?? null),
      after: (pid) => void sent.set(pid, names.get(pid) ?? null),
    });
    return report(await resultOfSignal(ctx, signal, done, sent));
  } catch (error) {
    if (error instanceof RefusedError) return report(refused(error.refusal));
    if (error instanceof InterruptedError) return report(interrupted(ctx, signal, sent.size));
    return report(resultOfError(error));
  } finally {
    closeContext(ctx);
  }
}

/** What one more look finds: members that the signal did not reach. */
async function resultOfSignal(
  ctx: KillContext,
  signal: number,
  done: ReadonlySet<Pid>,
  sent: ReadonlyMap<Pid, unknown>,
): Promise<SignalResult> {
  const { sys, record } = ctx;
  const name = signalName(signal);
  const { pids, invisible, isComplete } = await listMembers(ctx, "both");
  const others = [...pids].filter((pid) => pid !== sys.pid && !sent.has(pid));
  const told = `sent ${name} to ${sent.size}`;
  const denied = [...record.denied].filter((pid) => !sent.has(pid));
  if (denied.length > 0) {
    const error = failed(ctx, "denied", `${told}; denied for ${denied.length} (pid ${some(denied)})`);
    return { outcome: "denied", error: { ...error, hint: "run it as root, or as the user that owns these processes" } };
  }
  const missed = others.filter((pid) => done.has(pid));
  if (missed.length > 0) {
    return failure(ctx, "not-signalled", `${told}; could not be sent to ${missed.length} (pid ${some(missed)})`);
  }
  if (invisible > 0) {
    const error = failed(ctx, "not-visible", `${told}; ${invisible} cannot be seen from this pid namespace`);
    return { outcome: "failed", error: { ...error, hint: "run it on the host" } };
  }
  if (timeLeft(ctx) === 0 && (others.length > 0 || !isComplete)) {
    const error = failed(ctx, "timed-out", `${told}; new members kept coming until the deadline`);
    return { outcome: "failed", error: { ...error, hint: "give it more time: --timeout 1m" } };
  }
  return { outcome: "signalled", error: null };
}

const MAX_NAMED = 5;

const some = (pids: readonly Pid[]): string =>
  `${pids.slice(0, MAX_NAMED).join(", ")}${pids.length > MAX_NAMED ? ", …" : ""}`;

const failed = ({ cgroup }: KillContext, code: string, what: string): Failure => ({
  code,
  message: `${cgroup.path}: ${what}`,
  hint: null,
  commands: [],
  operation: null,
  path: cgroup.name,
  errno: null,
});

const failure = (ctx: KillContext, code: string, what: string): SignalResult => ({
  outcome: "failed",
  error: failed(ctx, code, what),
});

const gone = (ctx: KillContext): SignalResult => ({
  outcome: "not-found",
  error: failed(ctx, "not-found", "no longer exists"),
});

const interrupted = (ctx: KillContext, signal: number, count: number): SignalResult => ({
  outcome: "interrupted",
  error: failed(ctx, "interrupted", `interrupted: sent ${signalName(signal)} to ${count}`),
});

/** The guards of a kill, in the words of a signal: nothing can be spared here. */
function refused({ code, message, hint, commands }: Refusal): SignalResult {
  const isAncestor = code === "holds-ancestors";
  const said = code === "holds-init" ? message.replace(/;.*$/, "") : message;
  const way = isAncestor ? { hint: "to send it the signal too: --allow-ancestors", commands: [] } : { hint, commands };
  return { outcome: "refused", error: { code, message: said, ...way, operation: null, path: null, errno: null } };
}

/** For the report: what cannot be read is not told. */
function readFrozenBy({ sys, cgroup }: KillContext): string | null {
  try {
    return readFreezing(sys, cgroup).by?.path ?? null;
  } catch (error) {
    if (error instanceof SysError) return null;
    throw error;
  }
}

/** The report of a target that was not touched. */
export function blankSignal(
  name: string,
  plan: KillPlan | null,
  signal: number,
  started: Started,
  now: Millis,
  { outcome, error, matches }: SignalResult,
): SignalOutcome {
  const twin = plan?.twin ?? null;
  return {
    cgroup: plan?.cgroup.path ?? name,
    path: plan?.cgroup.name ?? null,
    hierarchy: plan === null ? null : hierarchyName(plan.cgroup.hierarchy),
    outcome,
    signal: shortSignalName(signal),
    signalled: [],
    frozenBy: null,
    startedAt: new Date(started.wallMs).toISOString(),
    durationMs: now - started.monotonicMs,
    error,
    twin: twin && { path: twin.cgroup.name, method: null, removed: null },
    matches: matches ?? null,
  };
}
