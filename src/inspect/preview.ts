// The preview of a kill: everything that `show` reports about the target. Read-only, and no read may hang.

import { readUsage } from "../blocked/memory.ts";
import { readFreezing } from "../cgroup/freeze-state.ts";
import { isPopulated, mayHideMembers, readMembers, readProcs } from "../cgroup/members.ts";
import { hierarchyName } from "../cgroup/open/hierarchy.ts";
import type { Pace } from "../cgroup/subtree.ts";
import * as v2 from "../cgroup/v2.ts";
import { findTopmost, readStarter } from "../kill/steps/starter.ts";
import type { KillPlan } from "../kill/types.ts";
import { labelOf } from "../label/label.ts";
import { findRestarter } from "../restart/restarter.ts";
import type { Millis, Sys } from "../sys/sys.ts";
import { predictKill } from "./plan/predict.ts";
import type { Preview } from "./preview-types.ts";

/**
 * Read what a kill would do to its target.
 *
 * @param timeoutMs  the value of --timeout, shown in the plan
 */
export async function readPreview(sys: Sys, plan: KillPlan, timeoutMs: Millis, pace: Pace = {}): Promise<Preview> {
  const { cgroup, twin } = plan;
  const procs = new Set(readProcs(sys, cgroup.dir).filter((pid) => pid > 0));
  const all = await readMembers(sys, cgroup, "procs", pace);
  const own = readFreezing(sys, cgroup);
  const freezing = twin === null || own.state !== "thawed" ? own : readFreezing(sys, twin.cgroup);
  const label = labelOf(cgroup.path);
  const supervisor = label?.supervisor() ?? null;
  const populated = await isPopulated(sys, cgroup, pace);
  const target = { populated, timeoutMs };
  const { steps, refusal, processes, moves } = await predictKill(sys, plan, all.pids, target, pace);
  const restarter = await findRestarter(sys, cgroup.path, readStarter(sys, findTopmost(sys, all.pids), plan.ancestors));
  const keeper = restarter?.isSupervisor === true ? restarter : supervisor;
  return {
    cgroup: cgroup.path,
    path: cgroup.name,
    hierarchy: hierarchyName(cgroup.hierarchy),
    label: label?.text ?? null,
    supervisor: keeper?.name ?? null,
    mayRestart: restarter?.isSupervisor ?? false,
    stop: keeper?.stop ?? null,
    startedBy: restarter === null || restarter.pid === null ? null : { pid: restarter.pid, comm: restarter.name },
    procs: procs.size,
    procsSubtree: all.pids.size,
    invisible: mayHideMembers(sys, cgroup.hierarchy) ? null : all.invisible,
    state: freezing.state,
    frozenBy: freezing.by?.path ?? null,
    populated,
    type: cgroup.hierarchy.version === "v1" || cgroup.path === "/" ? "domain" : v2.readType(sys, cgroup.dir),
    memoryBytes: readUsage(sys, cgroup.dir),
    cpuMs: cgroup.hierarchy.version === "v2" ? v2.readCpu(sys, cgroup.dir) : null,
    startedAt: processes.find(({ pid }) => procs.has(pid))?.startedAt ?? null,
    method: plan.method,
    refusal,
    moves,
    plan: steps,
    processes,
    twin: twin === null ? null : { path: twin.cgroup.name, method: twin.method, removed: null },
  };
}
