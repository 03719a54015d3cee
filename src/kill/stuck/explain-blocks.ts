// Adds what each survivor waits for, with a hint and commands. Loaded only if there are survivors.

import { createBlockReader } from "../../blocked/find.ts";
import type { BlockedOn } from "../../blocked/types.ts";
import { comparablePath } from "../../cgroup/inside.ts";
import { readCgroupPath } from "../../cgroup/open/hierarchy.ts";
import { isWithin } from "../../cgroup/open/path-names.ts";
import { readOr, SysError } from "../../sys/errno.ts";
import type { Millis, Pid } from "../../sys/sys.ts";
import { type KillContext, yieldToSignals } from "../context.ts";
import type { Survivor, SurvivorReason } from "../types.ts";
import { explainNamespace } from "./pid-namespace.ts";

/** Time for all survivors together; those not reached keep the general hint. */
const EXPLAIN_MS: Millis = 500;
/** The answer is due one second after the deadline of the kill. */
const MAX_LATE_MS: Millis = 700;
/** Reasons that do not say what holds the process. */
const UNEXPLAINED: readonly SurvivorReason[] = ["uninterruptible", "dumping-core", "still-exiting", "moved-away"];

/**
 * @param listed  the members of the target
 * @returns the survivors unchanged if a read fails, for example because no descriptor is left
 */
export async function explainBlocks(
  ctx: KillContext,
  survivors: readonly Survivor[],
  listed: ReadonlySet<Pid>,
): Promise<readonly Survivor[]> {
  const { sys, cgroup, plan, record } = ctx;
  const until = Math.min(sys.now() + EXPLAIN_MS, record.deadline + MAX_LATE_MS);
  const explained: Survivor[] = [];
  try {
    using reader = createBlockReader(sys, {
      target: cgroup.name,
      dir: cgroup.dir,
      mayAbort: plan.options.abortFuse,
      isInside: insideOf(ctx, listed),
      pace: { until, yieldToSignals: () => yieldToSignals(ctx) },
    });
    for (const survivor of survivors) {
      const { pid, reason } = survivor;
      const isExplainable = pid > 0 && UNEXPLAINED.includes(reason) && sys.now() < until;
      if (isExplainable) await yieldToSignals(ctx);
      const finding = isExplainable ? await reader.read(pid) : undefined;
      const isHidden = isExplainable && finding === undefined && reason === "uninterruptible" && reader.isHidden(pid);
      const hint = isHidden ? `${survivor.hint}; CAP_SYS_PTRACE would show what blocks it` : survivor.hint;
      const advice = finding ?? (isExplainable ? await explainNamespace(ctx, survivor, until) : undefined);
      const { commands } = advice ?? survivor;
      const blockedOn = finding?.blockedOn ?? null;
      explained.push({
        ...survivor,
        reason: reasonOf(survivor, blockedOn),
        blockedOn,
        hint: advice?.hint ?? hint,
        commands,
      });
    }
    return explained;
  } catch (error) {
    if (error instanceof SysError) return survivors;
    throw error;
  }
}

/**
 * On a busy machine a blocked process may have been woken by SIGKILL, and still wait for a processor when it is described.
 * One that returns its memory is indeed exiting.
 */
const reasonOf = ({ reason }: Survivor, blockedOn: BlockedOn | null): SurvivorReason =>
  reason === "still-exiting" && blockedOn !== null && blockedOn.kind !== "memory" ? "uninterruptible" : reason;

/** @returns whether a process is in the target, or was when it was killed */
export function insideOf(ctx: KillContext, listed: ReadonlySet<Pid>): (pid: Pid) => boolean {
  const { sys, cgroup, followed } = ctx;
  const target = comparablePath(sys, cgroup);
  return (pid) => {
    if (listed.has(pid) || followed.get(pid) !== undefined) return true;
    const path = readOr(undefined, () => readCgroupPath(sys, cgroup.hierarchy, pid));
    return target !== undefined && path !== undefined && isWithin(path, target);
  };
}
