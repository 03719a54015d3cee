// The result of a kill that a signal interrupted: how many are dead and how many still run, by one more bounded check.

import { readFreezing } from "../cgroup/freeze-state.ts";
import { readMembers } from "../cgroup/members.ts";
import { readOr } from "../sys/errno.ts";
import { signalName, SIGNALS } from "../sys/signal-names.ts";
import type { Millis } from "../sys/sys.ts";
import { type KillContext, orElse } from "./context.ts";
import { type FailedResult, failure } from "./outcome.ts";

/** For each of the two checks: the contract allows 50 ms from a signal to the way out. */
const CHECK_MS: Millis = 15;

/**
 * Call it after the thaw, when processes can die, and after the dead have been dropped. Adds to `record.killed` those that
 * were sent SIGKILL and are dead.
 */
export async function resultOfInterrupted(ctx: KillContext): Promise<FailedResult> {
  const { plan, record } = ctx;
  findDead(ctx);
  const left = await countLeft(ctx);
  const running = left === null ? "the number still running is unknown" : `${left} still running`;
  const { graceSignal } = plan.options;
  const done = record.isInGrace
    ? `in the grace period: ${record.graceSignalled.size} sent ${signalName(SIGNALS[graceSignal])}`
    : `${record.killed.size} killed`;
  const message = ["interrupted", record.isInGrace ? " " : ": ", done, `, ${running}`, describeFreeze(ctx)].join("");
  return { outcome: "interrupted", error: failure("interrupted", message) };
}

/** One write to cgroup.kill kills more processes than we hold pidfds for: check the others now. */
function findDead({ sys, record, followed }: KillContext): void {
  const until = sys.now() + CHECK_MS;
  for (const [pid, comm] of record.signalled) {
    if (record.killed.has(pid) || followed.get(pid) !== undefined) continue;
    if (sys.now() > until) return;
    const held = readOr(null, () => followed.hold(pid));
    if (held === "full") return;
    if (held === undefined || (held !== null && followed.isDead(held))) record.killed.set(pid, comm);
    if (held) followed.release(held);
  }
}

/** Count the members, and processes elsewhere that were sent SIGKILL; `null` if that could not be done in time. */
async function countLeft(ctx: KillContext): Promise<number | null> {
  const { sys, cgroup, plan, followed } = ctx;
  return await orElse(ctx, "list-incomplete", null, async () => {
    const { pids, invisible, isComplete } = await readMembers(sys, cgroup, "procs", { until: sys.now() + CHECK_MS });
    if (!isComplete) return null;
    const left = new Set([...pids, ...followed.pids]);
    for (const ours of [sys.pid, ...plan.options.spare]) left.delete(ours);
    return left.size + invisible;
  });
}

/** Nothing if some cgroups could not be thawed: the report lists them. */
function describeFreeze({ sys, cgroup, record }: KillContext): string {
  if (record.leftFrozen.size > 0) return "";
  return readOr("", () => {
    const { state, by } = readFreezing(sys, cgroup);
    if (state !== "thawed") return `; frozen by ${by?.path ?? "others"}, as it was found`;
    return record.isInGrace ? "; nothing was frozen" : "; nothing left frozen";
  });
}
