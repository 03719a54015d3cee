// What the members of a target wait for in the kernel, added to a preview. Loaded only for a preview. Read-only.

import { createBlockReader } from "../blocked/find.ts";
import { mayBeBlocked } from "../blocked/stuck.ts";
import { paced } from "../cgroup/paced.ts";
import type { Pace } from "../cgroup/subtree.ts";
import type { KillPlan } from "../kill/types.ts";
import { SysError } from "../sys/errno.ts";
import type { Millis, Pid, Sys } from "../sys/sys.ts";
import type { PreviewProcess } from "./preview-types.ts";

/** For all processes together; those not reached in time are shown without. */
const EXPLAIN_MS: Millis = 500;

/**
 * A process that waits for a file system or device survives until it answers, so its fate becomes `may-survive`.
 *
 * @returns the processes as they are if a read fails
 */
export async function addBlocks(
  sys: Sys,
  { cgroup, options }: KillPlan,
  members: ReadonlySet<Pid>,
  processes: readonly PreviewProcess[],
  pace: Pace,
): Promise<readonly PreviewProcess[]> {
  const until = sys.now() + EXPLAIN_MS;
  const context = { target: cgroup.name, mayAbort: options.abortFuse, isInside: (pid: Pid) => members.has(pid), pace };
  const shown: PreviewProcess[] = [];
  try {
    const isSuspect = mayBeBlocked(sys);
    const suspects = new Set<Pid>();
    for await (const { pid } of paced(processes, pace)) if (isSuspect(pid)) suspects.add(pid);
    if (suspects.size === 0) return processes;
    using reader = createBlockReader(sys, context);
    for (const process of processes) {
      const finding = suspects.has(process.pid) && sys.now() < until ? await reader.read(process.pid) : undefined;
      const blockedOn = finding?.blockedOn ?? null;
      const holds = blockedOn !== null && ["fuse", "nfs", "block"].includes(blockedOn.kind);
      shown.push({ ...process, blockedOn, ...(holds && process.fate === "killed" ? SURVIVES : {}) });
    }
    return shown;
  } catch (error) {
    if (error instanceof SysError) return processes;
    throw error;
  }
}

const SURVIVES = { fate: "may-survive", fateReason: "uninterruptible" } as const;
