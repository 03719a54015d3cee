// The look before the kill: everything that `show` tells of a plan's cgroup. Reads only, and nothing that may hang.

import { readFreezing } from "../cgroup/freeze-state.ts";
import { hasTasks, readMembers, readProcs } from "../cgroup/members.ts";
import { hierarchyName } from "../cgroup/open/hierarchy.ts";
import type { Pace } from "../cgroup/subtree.ts";
import type { Cgroup, CgroupType } from "../cgroup/types.ts";
import * as v2 from "../cgroup/v2.ts";
import { findToSpare } from "../kill/moves/step-aside.ts";
import type { KillPlan, Refusal } from "../kill/types.ts";
import { labelOf } from "../label/label.ts";
import { SysError } from "../sys/errno.ts";
import type { Dir, Millis, Pid, Sys } from "../sys/sys.ts";
import { fateReader } from "./fates.ts";
import { isDeniedBy, planSteps } from "./plan-steps.ts";
import { canSignal, readPowers } from "./powers.ts";
import type { PlanStep, Preview, PreviewProcess } from "./preview-types.ts";
import { processReader } from "./process-facts.ts";

/** @param timeoutMs  as a kill would be given it, for the plan */
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
  const { steps, refusal, processes } = await foretell(sys, plan, facts, pace);
  return {
    cgroup: cgroup.path,
    path: cgroup.name,
    hierarchy: hierarchyName(cgroup.hierarchy),
    label: label?.text ?? null,
    supervisor: supervisor?.name ?? null,
    mayRestart: supervisor?.mayRestart ?? false,
    stop: supervisor?.stop ?? null,
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

interface Members {
  readonly populated: boolean;
  readonly timeoutMs: Millis;
  readonly moves: readonly Pid[];
  readonly members: ReadonlySet<Pid>;
}

interface Foretold {
  readonly steps: readonly PlanStep[];
  readonly refusal: Refusal | null;
  readonly processes: readonly PreviewProcess[];
}

/** What a kill would do, step by step and to each process. */
async function foretell(sys: Sys, plan: KillPlan, { members, ...rest }: Members, pace: Pace): Promise<Foretold> {
  const powers = readPowers(sys);
  const read = processReader(sys);
  const facts = [...members].map((pid) => read(plan.cgroup, pid)).filter((process) => process !== undefined);
  const isSpared = (pid: Pid): boolean => pid === sys.pid || plan.options.spare.includes(pid);
  const canSignalAll = facts.every(({ shown: { pid, uid } }) => isSpared(pid) || canSignal(sys, powers, pid, uid));
  const steps = await planSteps(sys, plan, { ...rest, canSignalAll, powers }, pace);
  const refusal = plan.refusal ?? refuseStuck(plan, rest.moves, steps);
  const judged = { ...plan, refusal };
  const fateOf = fateReader(sys, judged, { members, isDenied: isDeniedBy(plan, steps), powers });
  const processes = facts.map((process) => ({ ...process.shown, ...fateOf(process) }));
  return { steps: refusal === null ? steps : [], refusal, processes };
}

/** The kill itself finds that out by trying, before it touches anything. */
function refuseStuck({ cgroup }: KillPlan, moves: readonly Pid[], steps: readonly PlanStep[]): Refusal | null {
  const at = steps.findIndex(({ step, permitted }) => step === "step-aside" && permitted === false);
  if (at < 0) return null;
  return {
    code: "nowhere-to-step-aside",
    message: `pid ${moves[at]} is inside ${cgroup.path} and could not be moved out: no cgroup outside takes it`,
    hint: "name a cgroup outside the target that takes processes: --spare-to CGROUP",
    commands: [],
  };
}

async function isPopulated(sys: Sys, cgroup: Cgroup, pace: Pace): Promise<boolean> {
  if (cgroup.hierarchy.version === "v1" || cgroup.path === "/") return await hasTasks(sys, cgroup, pace);
  return v2.readEvents(sys, cgroup.dir).populated;
}

function readType(sys: Sys, cgroup: Cgroup): CgroupType {
  if (cgroup.hierarchy.version === "v1" || cgroup.path === "/") return "domain";
  return v2.readType(sys, cgroup.dir);
}

/** Where the memory controller is on; v1 has it in a hierarchy of its own. */
function readMemory(sys: Sys, dir: Dir): number | null {
  for (const file of ["memory.current", "memory.usage_in_bytes"]) {
    try {
      return Number(sys.readRecord(dir, file));
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
    }
  }
  return null;
}
