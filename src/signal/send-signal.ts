// `cgkill signal`: send one signal to every member, once. Nothing is frozen, moved, killed or removed.

import { AS_OWNER_OF_PROCESSES } from "../advice.ts";
import { readFreezing } from "../cgroup/freeze-state.ts";
import { hierarchyName } from "../cgroup/open/hierarchy.ts";
import { closeContext, type KillContext, listMembers, newContext, timeLeft } from "../kill/context.ts";
import { InterruptedError, RefusedError } from "../kill/errors.ts";
import { failure, failureAt, type Result, resultOfError, type Started } from "../kill/outcome.ts";
import { guard } from "../kill/plan/guard.ts";
import { withoutKilling } from "../kill/plan/guarded.ts";
import { signalMembers } from "../kill/steps/signal.ts";
import type { KillControl, Killed, KillPlan, Outcome, Refusal, TargetOutcome, TwinReport } from "../kill/types.ts";
import { readOr } from "../sys/errno.ts";
import { readComm } from "../sys/proc.ts";
import { shortSignalName, signalName } from "../sys/signal-names.ts";
import type { Millis, Pid, Sys } from "../sys/sys.ts";

export interface SignalOutcome extends TargetOutcome {
  readonly outcome: Exclude<Outcome, "killed" | "empty"> | "signalled";
  /** `HUP`; for a real-time signal, its number. */
  readonly signal: string;
  /** The processes that it was sent to, even if the call failed afterwards. */
  readonly signalled: readonly Killed[];
  /** The cgroup that freezes the target: signal handlers run only after the thaw. */
  readonly frozenBy: string | null;
  /** The v1 freezer cgroup of twins, which has the same processes: each is signalled once. */
  readonly twin: TwinReport<null, null> | null;
}

type SignalResult = Result<SignalOutcome["outcome"]>;

/**
 * Send a signal to every member except cgkill itself. Repeated until a pass over the lists finds no new member, or the
 * deadline has passed.
 *
 * @param signal  1 to 64, but not SIGKILL: survivors are not reported
 * @returns an outcome, also for errors; only a bug throws
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
      // "both" also finds processes whose leader has exited.
      lists: "both",
      // hidepid may hide the name of a process that we may signal.
      before: ({ pid }) =>
        void names.set(
          pid,
          readOr(null, () => readComm(sys, pid) ?? null),
        ),
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

/** The result, by one more read of the lists: are there members that were not signalled? */
async function resultOfSignal(
  ctx: KillContext,
  signal: number,
  done: ReadonlySet<Pid>,
  sent: ReadonlyMap<Pid, unknown>,
): Promise<SignalResult> {
  const { sys, cgroup, record } = ctx;
  const name = signalName(signal);
  const { pids, invisible, isComplete } = await listMembers(ctx, "both");
  const others = [...pids].filter((pid) => pid !== sys.pid && !sent.has(pid));
  const sentTo = `sent ${name} to ${sent.size}`;
  const denied = [...record.denied].filter((pid) => !sent.has(pid));
  if (denied.length > 0) {
    const what = `${sentTo}; denied for ${denied.length} (pid ${some(denied)})`;
    return { outcome: "denied", error: failureAt(cgroup, "denied", what, AS_OWNER_OF_PROCESSES) };
  }
  const missed = others.filter((pid) => done.has(pid));
  if (missed.length > 0) {
    const what = `${sentTo}; could not be sent to ${missed.length} (pid ${some(missed)})`;
    return { outcome: "failed", error: failureAt(cgroup, "not-signalled", what) };
  }
  if (invisible > 0) {
    const what = `${sentTo}; ${invisible} cannot be seen from this pid namespace`;
    return { outcome: "failed", error: failureAt(cgroup, "not-visible", what, "run it on the host") };
  }
  if (timeLeft(ctx) === 0 && (others.length > 0 || !isComplete)) {
    const what = `${sentTo}; new members kept coming until the deadline`;
    return { outcome: "failed", error: failureAt(cgroup, "timed-out", what, "give it more time: --timeout 1m") };
  }
  return { outcome: "signalled", error: null };
}

const MAX_NAMED = 5;

const some = (pids: readonly Pid[]): string =>
  `${pids.slice(0, MAX_NAMED).join(", ")}${pids.length > MAX_NAMED ? ", …" : ""}`;

const gone = ({ cgroup }: KillContext): SignalResult => ({
  outcome: "not-found",
  error: failureAt(cgroup, "not-found", "no longer exists"),
});

const interrupted = ({ cgroup }: KillContext, signal: number, count: number): SignalResult => ({
  outcome: "interrupted",
  error: failureAt(cgroup, "interrupted", `interrupted: sent ${signalName(signal)} to ${count}`),
});

/** The guards are those of a kill, but their hints must not offer --spare, which `signal` does not have. */
function refused({ code, message, hint, commands }: Refusal): SignalResult {
  const error = withoutKilling(failure(code, message, hint, commands), "signal it too with --allow-ancestors");
  return { outcome: "refused", error };
}

/** `null` if it cannot be read. */
const readFrozenBy = ({ sys, cgroup }: KillContext): string | null =>
  readOr(null, () => readFreezing(sys, cgroup).by?.path ?? null);

/** The outcome for a target that was not touched. */
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
