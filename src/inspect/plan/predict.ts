// What a kill would do: its steps, the fate of each process, and whether it would be refused on the way. Twins are
// predicted one after the other, as they are killed. Read-only.

import { paced } from "../../cgroup/paced.ts";
import type { Pace } from "../../cgroup/subtree.ts";
import { findToSpare, refuseStuck } from "../../kill/moves/step-aside.ts";
import { inKillOrder } from "../../kill/twins/execute-twins.ts";
import type { KillPlan, Refusal } from "../../kill/types.ts";
import type { Pid, Sys } from "../../sys/sys.ts";
import { canSignal, readPowers } from "../powers.ts";
import type { PlanStep, PreviewProcess } from "../preview-types.ts";
import { createProcessReader, type ProcessFacts } from "../process-facts.ts";
import { createDoubts } from "./fates.ts";
import { asideSteps, isKillDenied, planSteps, type StepFacts } from "./plan-steps.ts";

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
  const facts: ProcessFacts[] = [];
  for await (const pid of paced(members, pace)) {
    const process = read(plan.cgroup, pid);
    if (process !== undefined) facts.push(process);
  }
  const isSpared = (pid: Pid): boolean => pid === sys.pid || plan.options.spare.includes(pid);
  const canSignalMembers = facts.every(({ shown: { pid, uid } }) => isSpared(pid) || canSignal(sys, powers, pid, uid));
  const parts = await predictParts(sys, plan, { ...target, canSignalMembers, powers }, pace);
  const refusal = plan.refusal ?? parts.map((part) => part.refusal).find((each) => each !== null) ?? null;
  const doubtsOf = parts.map((part, at) => {
    const thawedToo = parts.find((other, otherAt) => otherAt !== at && !other.isDenied)?.plan.cgroup;
    return createDoubts(sys, part.plan, { members, isDenied: part.isDenied, powers, thawedToo });
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
  const fates: PreviewProcess[] = [];
  for await (const process of paced(facts, pace)) fates.push({ ...process.shown, ...fateOf(process) });
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
