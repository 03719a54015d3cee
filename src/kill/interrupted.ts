// What a kill that a signal ended has done, and what it leaves: by one more look, which is bounded in time.

import { readFreezing } from "../cgroup/freeze-state.ts";
import { readMembers } from "../cgroup/members.ts";
import { SysError } from "../sys/errno.ts";
import type { Millis } from "../sys/sys.ts";
import type { KillContext } from "./context.ts";
import { type FailedResult, failure } from "./outcome.ts";
import { signalName, SIGNALS } from "./signal-names.ts";

/** For each of the two looks: within 50 ms of the signal we are to be on our way out. */
const LOOK_MS: Millis = 15;

/** To be called after the thaw. Adds to `record.killed` what was sent SIGKILL and is dead by now. */
export async function resultOfInterrupted(ctx: KillContext): Promise<FailedResult> {
  const { plan, record } = ctx;
  findDead(ctx);
  const left = await countLeft(ctx);
  const running = left === null ? "the number still running is unknown" : `${left} still running`;
  const { graceSignal } = plan.options;
  const done = record.isInGrace
    ? `in the grace period: ${record.gracedCount} sent ${signalName(SIGNALS[graceSignal])}`
    : `${record.killed.size} killed`;
  const message = ["interrupted", record.isInGrace ? " " : ": ", done, `, ${running}`, frozenNow(ctx)].join("");
  return { outcome: "interrupted", error: failure("interrupted", message) };
}

/** The kernel kills more processes by one write than are held: which of them are dead is seen only now. */
function findDead({ sys, record, followed }: KillContext): void {
  const until = sys.now() + LOOK_MS;
  followed.dropAllDead();
  for (const [pid, comm] of record.signalled) {
    if (record.killed.has(pid) || followed.get(pid) !== undefined) continue;
    if (sys.now() > until) return;
    try {
      const held = followed.hold(pid);
      if (held === "full") return;
      if (held === undefined || followed.isDead(held)) record.killed.set(pid, comm);
      if (held !== undefined) followed.release(held);
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
    }
  }
}

/** Members, and what was sent SIGKILL and is elsewhere; `null` if they could not be counted in time. */
async function countLeft({ sys, cgroup, plan, followed }: KillContext): Promise<number | null> {
  try {
    const { pids, invisible, isComplete } = await readMembers(sys, cgroup, "procs", { until: sys.now() + LOOK_MS });
    if (!isComplete) return null;
    const ours = new Set([sys.pid, ...plan.options.spare]);
    return new Set([...pids, ...followed.pids]).difference(ours).size + invisible;
  } catch (error) {
    if (error instanceof SysError) return null;
    throw error;
  }
}

/** What could not be thawed is listed in the report itself. */
function frozenNow({ sys, cgroup, record }: KillContext): string {
  if (record.leftFrozen.size > 0) return "";
  try {
    const { state, by } = readFreezing(sys, cgroup);
    if (state !== "thawed") return `; frozen by ${by?.path ?? "others"}, as it was found`;
    return record.isInGrace ? "; nothing was frozen" : "; nothing left frozen";
  } catch (error) {
    if (error instanceof SysError) return "";
    throw error;
  }
}
