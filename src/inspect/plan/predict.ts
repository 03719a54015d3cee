// What a kill would do: its steps, the fate of each process, and whether it would be refused on the way. Twins are
// predicted one after the other, as they are killed. Read-only.

import { readFreezing } from "../../cgroup/freeze-state.ts";
import { readThreadGroup } from "../../cgroup/members.ts";
import { findFreezer, readCgroupPath } from "../../cgroup/open/hierarchy.ts";
import { openInHierarchy } from "../../cgroup/open/open-path.ts";
import { isWithin } from "../../cgroup/open/path-names.ts";
import { paced } from "../../cgroup/paced.ts";
import type { Pace } from "../../cgroup/subtree.ts";
import type { Cgroup, Hierarchy } from "../../cgroup/types.ts";
import { hasDestination } from "../../kill/moves/destinations.ts";
import { findToSpare, refuseStuck } from "../../kill/moves/step-aside.ts";
import { inKillOrder } from "../../kill/twins/execute-twins.ts";
import type { KillPlan, Refusal } from "../../kill/types.ts";
import type { Pid, Sys } from "../../sys/sys.ts";
import { canSignal, type Powers, readPowers } from "../powers.ts";
import type { FateReason, PlanStep, PreviewProcess } from "../preview-types.ts";
import { createProcessReader, type ProcessFacts } from "../process-facts.ts";
import { asideSteps, isKillDenied, planSteps, type StepFacts } from "./plan-steps.ts";
import { switchOf } from "./step-places.ts";

interface Prediction {
  /** None if the kill would be refused. */
  readonly steps: readonly PlanStep[];
  readonly refusal: Refusal | null;
  readonly processes: readonly PreviewProcess[];
  /** Processes that would be moved out first. */
  readonly moves: readonly Pid[];
}

/** Predict the steps of a kill and the fate of each process. */
export async function predictKill(
  sys: Sys,
  plan: KillPlan,
  members: ReadonlySet<Pid>,
  target: Pick<StepFacts, "populated" | "timeoutMs">,
  pace: Pace,
): Promise<Prediction> {
  const powers = readPowers(sys);
  const read = createProcessReader(sys);
  const processesRead = await Array.fromAsync(paced(members, pace), (pid) => read(plan.cgroup, pid));
  const facts = processesRead.filter((process) => process !== undefined);
  const isSpared = (pid: Pid): boolean => pid === sys.pid || plan.options.spare.includes(pid);
  const canSignalMembers = facts.every(({ shown: { pid, uid } }) => isSpared(pid) || canSignal(sys, powers, pid, uid));
  const parts = await predictParts(sys, plan, { ...target, canSignalMembers, powers }, pace);
  const refusal = plan.refusal ?? parts.map((part) => part.refusal).find((each) => each !== null) ?? null;
  const doubtsOf = parts.map((part, at) => {
    const thawedToo = parts.find((other, otherAt) => otherAt !== at && !other.isDenied)?.plan.cgroup;
    return createDoubts(sys, part, members, powers, thawedToo);
  });
  const fateOf = (process: ProcessFacts): Pick<PreviewProcess, "fate" | "fateReason"> => {
    if (refusal !== null) return { fate: "spared", fateReason: "refused" };
    if (isSpared(process.shown.pid)) return { fate: "spared", fateReason: null };
    // A process of twins is killed if one of the two kills can do that. One that may not be signalled in the freezer is
    // killed in v2, and survives for another reason.
    const doubts = doubtsOf.map((doubtOf) => doubtOf(process));
    if (doubts.includes(null)) return { fate: "killed", fateReason: null };
    return { fate: "may-survive", fateReason: doubts.find((doubt) => doubt !== "not-permitted") ?? "not-permitted" };
  };
  const fates = await Array.fromAsync(paced(facts, pace), (process) => ({ ...process.shown, ...fateOf(process) }));
  const { addBlocks } = await import("../blocked-members.ts");
  const processes = await addBlocks(sys, plan, members, fates, pace);
  const steps = refusal === null ? parts.flatMap((part) => part.steps) : [];
  return { steps, refusal, processes, moves: [...new Set(parts.flatMap(({ moves }) => moves))] };
}

/** The kill of one cgroup. */
interface Part {
  readonly plan: KillPlan;
  readonly steps: readonly PlanStep[];
  readonly moves: readonly Pid[];
  readonly isDenied: boolean;
  readonly refusal: Refusal | null;
}

type SharedFacts = Omit<StepFacts, "moves">;

/** One part, or two for twins, in the order of their kills: the second kills what the first leaves. */
async function predictParts(sys: Sys, plan: KillPlan, facts: SharedFacts, pace: Pace): Promise<readonly Part[]> {
  const { twin } = plan;
  if (twin === null) return [await predictPart(sys, plan, facts, pace)];
  const [first, second] = await inKillOrder(sys, plan, twin);
  const one = await predictPart(sys, first, facts, pace);
  // Processes are moved out of both before the first is killed, and the grace signal is not sent again.
  const moves = await findMoves(sys, second);
  const aside = asideSteps(sys, second, moves);
  const rest = { ...second, options: { ...second.options, graceMs: 0 } };
  const isLeft = one.isDenied || (first.method !== "kill" && !facts.canSignalMembers);
  const populated = facts.populated && isLeft;
  const planned = await planSteps(sys, rest, { ...facts, populated, moves: [] }, pace);
  // A v1 cgroup with children is frozen even if it is empty, but nothing is signalled.
  const steps = populated ? planned : planned.filter(({ step }) => step !== "kill");
  return [
    { ...one, steps: [...aside, ...one.steps] },
    { plan: rest, steps, moves, isDenied: isKillDenied(rest, steps), refusal: refuseMoves(second, moves, aside) },
  ];
}

async function predictPart(sys: Sys, plan: KillPlan, facts: SharedFacts, pace: Pace): Promise<Part> {
  const moves = await findMoves(sys, plan);
  const steps = await planSteps(sys, plan, { ...facts, moves }, pace);
  return { plan, steps, moves, isDenied: isKillDenied(plan, steps), refusal: refuseMoves(plan, moves, steps) };
}

const findMoves = async (sys: Sys, { refusal, cgroup, options }: KillPlan): Promise<readonly Pid[]> =>
  refusal === null ? await findToSpare(sys, cgroup, options) : [];

/** The refusal that a kill would end with if a process that must be moved out has no destination. */
function refuseMoves({ cgroup }: KillPlan, moves: readonly Pid[], steps: readonly PlanStep[]): Refusal | null {
  const at = steps.findIndex(({ step, permitted }) => step === "step-aside" && permitted === false);
  const pid = at < 0 ? undefined : moves[at];
  return pid === undefined ? null : refuseStuck(cgroup, pid, "no cgroup outside takes it");
}

/**
 * @param thawedToo  the twin, which is thawed for its own kill
 * @returns a function that says why the kill may fail to kill one member; `null`: it kills it
 */
function createDoubts(
  sys: Sys,
  { plan: { cgroup, method }, isDenied }: Part,
  members: ReadonlySet<Pid>,
  powers: Powers,
  thawedToo: Cgroup | undefined,
): (process: ProcessFacts) => FateReason | null {
  const readFreezer = createFreezerReader(sys, cgroup, thawedToo);
  return ({ shown: { pid, uid, state }, isKernelThread, tracerPid }) => {
    if (isKernelThread) return "kernel-thread";
    // cgroup.kill needs only the permission to write to the file, not to signal each member.
    if (isDenied || (method !== "kill" && !canSignal(sys, powers, pid, uid))) return "not-permitted";
    const hold = readFreezer(pid);
    if (hold === "elsewhere") return "frozen-elsewhere";
    // A tracer that is a member dies too, which detaches it.
    if (tracerPid > 0 && !members.has(readThreadGroup(sys, tracerPid) ?? tracerPid)) return "traced";
    // A process frozen by a v1 freezer is in state D as well.
    return state === "D" && hold === "none" ? "uninterruptible" : null;
  };
}

/**
 * Whether a v1 freezer keeps a process from dying. `none`: not frozen. `released`: the kill thaws it or moves it out.
 * `elsewhere`: it stays frozen.
 */
type FreezerHold = "none" | "released" | "elsewhere";

/** Each freezer cgroup that has members is read once. */
function createFreezerReader(sys: Sys, cgroup: Cgroup, thawedToo: Cgroup | undefined): (pid: Pid) => FreezerHold {
  const thawed = [cgroup, thawedToo].find((each) => each?.hierarchy.hasFreezer === true);
  const freezer = thawed?.hierarchy ?? findFreezer(sys);
  const known = new Map<string, FreezerHold>();
  // Ancestors of the target are thawed for its own kill only.
  const isThawed = (by: string): boolean =>
    thawed !== undefined && (isWithin(by, thawed.path) || (thawed === cgroup && isWithin(cgroup.path, by)));
  return (pid) => {
    const path = freezer === undefined ? undefined : readCgroupPath(sys, freezer, pid);
    if (freezer === undefined || path === undefined || path === "/") return "none";
    const hold = known.get(path) ?? readFreezerHold(sys, freezer, path, isThawed);
    known.set(path, hold);
    return hold;
  };
}

/** @param isThawed  whether the kill thaws the cgroup of this path, if that is permitted */
function readFreezerHold(sys: Sys, freezer: Hierarchy, path: string, isThawed: (path: string) => boolean): FreezerHold {
  using place = openInHierarchy(sys, freezer, path);
  if (place === undefined) return "none";
  const { state, by } = readFreezing(sys, place);
  if (state === "thawed") return "none";
  const isReleased = by !== null && isThawed(by.path) && canThaw(sys, freezer, by.path);
  return isReleased || hasDestination(sys, place) ? "released" : "elsewhere";
}

function canThaw(sys: Sys, freezer: Hierarchy, path: string): boolean {
  using place = openInHierarchy(sys, freezer, path);
  return place === undefined || switchOf(sys, place).permitted === true;
}
