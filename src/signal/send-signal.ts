// `cgkill signal`: send one signal to every member, once. Nothing is frozen, moved, killed or removed.

import { AS_OWNER_OF_PROCESSES } from "../advice.ts";
import { readFreezing } from "../cgroup/freeze-state.ts";
import { type KillContext, listMembers, newContext, timeLeft } from "../kill/context.ts";
import { InterruptedError } from "../kill/errors.ts";
import { failureAt, type Result, resultOfError, targetOutcome } from "../kill/outcome.ts";
import { guard } from "../kill/plan/guard.ts";
import { withoutKilling } from "../kill/plan/refusals.ts";
import { signalMembers } from "../kill/steps/signal.ts";
import type { KillControl, Killed, KillPlan, Outcome, TargetOutcome, TwinReport } from "../kill/types.ts";
import { readOr } from "../sys/errno.ts";
import { readComm } from "../sys/proc.ts";
import { shortSignalName, signalName } from "../sys/signal-names.ts";
import type { Pid, Sys } from "../sys/sys.ts";

type Base = TargetOutcome<Exclude<Outcome, "killed" | "empty"> | "signalled">;

export interface SignalOutcome extends Base {
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
  using ctx = newContext(sys, plan, control);
  const { cgroup } = ctx;
  const sent = new Map<Pid, string | null>();
  const report = (result: SignalResult): SignalOutcome => ({
    ...blankSignal(targetOutcome(cgroup.path, plan, ctx.started, sys.now(), result), signal, plan.twin),
    signalled: [...sent].map(([pid, comm]) => ({ pid, comm })),
    frozenBy: readFrozenBy(sys, plan),
  });
  const fail = (outcome: "not-found" | "interrupted", what: string): SignalOutcome =>
    report({ outcome, error: failureAt(cgroup, outcome, what) });
  try {
    if ((await guard(sys, plan, ctx.pace)) === "gone") return fail("not-found", "no longer exists");
    const names = new Map<Pid, string | null>();
    // hidepid may hide the name of a process that we may signal.
    const readName = (pid: Pid): string | null => readOr(null, () => readComm(sys, pid) ?? null);
    const done = await signalMembers(ctx, {
      signal,
      // "both" also finds processes whose leader has exited.
      lists: "both",
      before: ({ pid }) => void names.set(pid, readName(pid)),
      after: (pid) => void sent.set(pid, names.get(pid) ?? null),
    });
    return report(await resultOfSignal(ctx, signal, done, sent));
  } catch (error) {
    if (error instanceof InterruptedError) {
      return fail("interrupted", `interrupted: sent ${signalName(signal)} to ${sent.size}`);
    }
    const result = resultOfError(error);
    // The guards are those of a kill, but their hints must not offer --spare, which `signal` does not have.
    return report({ ...result, error: result.error && withoutKilling(result.error, ANCESTOR_HINT) });
  }
}

/** The path of the cgroup that freezes the target. Of twins it may be in either hierarchy. */
function readFrozenBy(sys: Sys, { cgroup, twin }: KillPlan): string | null {
  const by = readOr(null, () => readFreezing(sys, cgroup).by?.path ?? null);
  return by === null && twin !== null ? readFrozenBy(sys, twin) : by;
}

const ANCESTOR_HINT = "signal it too with --allow-ancestors";

/** The result, by one more read of the lists: are there members that were not signalled? */
async function resultOfSignal(
  ctx: KillContext,
  signal: number,
  done: ReadonlySet<Pid>,
  sent: ReadonlyMap<Pid, unknown>,
): Promise<SignalResult> {
  const { sys, cgroup, record } = ctx;
  const { pids, invisible, isComplete } = await listMembers(ctx, "both");
  const fail = (outcome: "denied" | "failed", code: string, what: string, hint: string | null): SignalResult => {
    const all = `sent ${signalName(signal)} to ${sent.size}; ${what}`;
    return { outcome, error: failureAt(cgroup, code, all, hint) };
  };
  const others = [...pids].filter((pid) => pid !== sys.pid && !sent.has(pid));
  const denied = [...record.denied].filter((pid) => !sent.has(pid));
  if (denied.length > 0) return fail("denied", "denied", `denied for ${some(denied)}`, AS_OWNER_OF_PROCESSES);
  const missed = others.filter((pid) => done.has(pid));
  if (missed.length > 0) return fail("failed", "not-signalled", `could not be sent to ${some(missed)}`, null);
  if (invisible > 0) {
    return fail("failed", "not-visible", `${invisible} cannot be seen from this pid namespace`, "run it on the host");
  }
  if (timeLeft(ctx) === 0 && (others.length > 0 || !isComplete)) {
    return fail("failed", "timed-out", "new members kept coming until the deadline", "give it more time: --timeout 1m");
  }
  return { outcome: "signalled", error: null };
}

const MAX_NAMED = 5;

const some = (pids: readonly Pid[]): string =>
  `${pids.length} (pid ${pids.slice(0, MAX_NAMED).join(", ")}${pids.length > MAX_NAMED ? ", …" : ""})`;

/** The outcome for a target that was not touched. */
export function blankSignal(
  { startedAt, durationMs, error, matches, ...place }: Base,
  signal: number,
  twin: KillPlan | null,
): SignalOutcome {
  const findings = { signal: shortSignalName(signal), signalled: [], frozenBy: null };
  const other = twin && { path: twin.cgroup.name, method: null, removed: null };
  // In the order of the JSON.
  return { ...place, ...findings, startedAt, durationMs, error, twin: other, matches };
}
