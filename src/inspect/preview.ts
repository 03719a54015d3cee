// The preview of a kill: everything that `show` reports about the target. Read-only, and no read may hang.

import { readFreezing } from "../cgroup/freeze-state.ts";
import { isPopulated, readMembers, readProcs } from "../cgroup/members.ts";
import { hierarchyName } from "../cgroup/open/hierarchy.ts";
import type { Pace } from "../cgroup/subtree.ts";
import type { Cgroup, CgroupType } from "../cgroup/types.ts";
import * as v2 from "../cgroup/v2.ts";
import { findToSpare } from "../kill/moves/step-aside.ts";
import { findTopmost, readStarter } from "../kill/steps/starter.ts";
import type { KillPlan, Refusal } from "../kill/types.ts";
import { labelOf } from "../label/label.ts";
import { findRestarter } from "../restart/restarter.ts";
import type { Dir, Millis, Pid, Sys } from "../sys/sys.ts";
import { attemptRead } from "./attempt-read.ts";
import { createFateReader } from "./fates.ts";
import { isKillDenied, planSteps } from "./plan-steps.ts";
import { canSignal, readPowers } from "./powers.ts";
import type { PlanStep, Preview, PreviewProcess } from "./preview-types.ts";
import { createProcessReader } from "./process-facts.ts";

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
  const moves = plan.refusal === null ? await findToSpare(sys, cgroup, plan.options) : [];
  const facts = { populated, timeoutMs, moves, members: all.pids };
  const { steps, refusal, processes } = await predictKill(sys, plan, facts, pace);
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
    invisible: all.invisible,
    state: freezing.state,
    frozenBy: freezing.by?.path ?? null,
    populated,
    type: readType(sys, cgroup),
    memoryBytes: readMemory(sys, cgroup.dir),
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

interface TargetFacts {
  readonly populated: boolean;
  readonly timeoutMs: Millis;
  readonly moves: readonly Pid[];
  readonly members: ReadonlySet<Pid>;
}

interface Prediction {
  readonly steps: readonly PlanStep[];
  readonly refusal: Refusal | null;
  readonly processes: readonly PreviewProcess[];
}

/** Predict the steps of a kill and the fate of each process. */
async function predictKill(
  sys: Sys,
  plan: KillPlan,
  { members, ...rest }: TargetFacts,
  pace: Pace,
): Promise<Prediction> {
  const powers = readPowers(sys);
  const read = createProcessReader(sys);
  const facts = [...members].map((pid) => read(plan.cgroup, pid)).filter((process) => process !== undefined);
  const isSpared = (pid: Pid): boolean => pid === sys.pid || plan.options.spare.includes(pid);
  const canSignalMembers = facts.every(({ shown: { pid, uid } }) => isSpared(pid) || canSignal(sys, powers, pid, uid));
  const steps = await planSteps(sys, plan, { ...rest, canSignalMembers, powers }, pace);
  const refusal = plan.refusal ?? refuseStuck(plan, rest.moves, steps);
  const fateFacts = { members, isDenied: isKillDenied(plan, steps), powers };
  const readFate = createFateReader(sys, { ...plan, refusal }, fateFacts);
  const fates = facts.map((process) => ({ ...process.shown, ...readFate(process) }));
  const { addBlocks } = await import("./blocked-members.ts");
  const processes = await addBlocks(sys, plan, members, fates, pace);
  return { steps: refusal === null ? steps : [], refusal, processes };
}

/** The refusal that a kill would end with if a process that must be moved out has no destination. */
function refuseStuck({ cgroup }: KillPlan, moves: readonly Pid[], steps: readonly PlanStep[]): Refusal | null {
  const at = steps.findIndex(({ step, permitted }) => step === "step-aside" && permitted === false);
  if (at < 0) return null;
  return {
    code: "nowhere-to-step-aside",
    message: `pid ${moves[at]} is inside ${cgroup.path} and could not be moved out: no cgroup outside takes it`,
    hint: "name a cgroup outside the target that accepts processes: --spare-to CGROUP",
    commands: [],
  };
}

function readType(sys: Sys, cgroup: Cgroup): CgroupType {
  if (cgroup.hierarchy.version === "v1" || cgroup.path === "/") return "domain";
  return v2.readType(sys, cgroup.dir);
}

/** @returns `null` without the memory controller; on v1 that is a hierarchy of its own */
function readMemory(sys: Sys, dir: Dir): number | null {
  for (const file of ["memory.current", "memory.usage_in_bytes"]) {
    const text = attemptRead(() => sys.readRecord(dir, file));
    if (text !== undefined) return Number(text);
  }
  return null;
}
