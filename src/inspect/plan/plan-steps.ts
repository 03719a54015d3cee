// The steps that a kill would take, in order, and whether the kernel would permit each: the plan that `show` prints.
// Follows execute.ts and the methods, without the steps that a kill takes only if a process does not die. Read-only.

import { isOn } from "../../cgroup/freezer-switch.ts";
import type { Pace } from "../../cgroup/subtree.ts";
import type { Cgroup } from "../../cgroup/types.ts";
import { findTrapHierarchy, trapParents } from "../../kill/methods/trap.ts";
import { canSkipIfEmpty } from "../../kill/methods/v1-proof.ts";
import { hasDestination } from "../../kill/moves/destinations.ts";
import { findFrozenAncestor } from "../../kill/moves/frozen-ancestors.ts";
import type { KillPlan } from "../../kill/types.ts";
import type { Millis, Pid, Sys } from "../../sys/sys.ts";
import { canChange, canMove, type Powers } from "../powers.ts";
import type { PlanStep, StepName } from "../preview-types.ts";
import {
  findDestination,
  findFrozenAbove,
  findFrozenBelow,
  findRemovedToo,
  mayRemove,
  type StepPlace,
  switchOf,
} from "./step-places.ts";

export interface StepFacts {
  readonly populated: boolean;
  /** Processes inside that the kill moves out first: ours and those to be spared. */
  readonly moves: readonly Pid[];
  /** We may signal every member that is not spared. */
  readonly canSignalMembers: boolean;
  /** Counted after the grace period. */
  readonly timeoutMs: Millis;
  readonly powers: Powers;
}

/** @returns no step for a plan that is refused */
export async function planSteps(sys: Sys, plan: KillPlan, facts: StepFacts, pace: Pace): Promise<PlanStep[]> {
  if (plan.refusal !== null) return [];
  const steps = facts.populated || !canSkipIfEmpty(sys, plan) ? await killSteps(sys, plan, facts, pace) : [];
  if (plan.remove) steps.push(...removals(sys, plan, facts.powers));
  // A kept subtree is thawed.
  else if (plan.cgroup.hierarchy.version === "v2") steps.push(...(await thawFound(sys, plan.cgroup, pace)));
  return steps;
}

/** One step for each process that is moved out. */
export function asideSteps(sys: Sys, { cgroup, options }: KillPlan, moves: readonly Pid[]): PlanStep[] {
  return moves.map((pid) => {
    const place = canMove(sys, cgroup, pid) ? findDestination(sys, cgroup, options.spareTo) : undefined;
    const { name = null, reason = null } = place ?? {};
    return step("step-aside", { path: name, permitted: place !== undefined, reason });
  });
}

async function killSteps(sys: Sys, plan: KillPlan, facts: StepFacts, pace: Pace): Promise<PlanStep[]> {
  const { options } = plan;
  const { populated, canSignalMembers, timeoutMs } = facts;
  const steps = asideSteps(sys, plan, facts.moves);
  if (options.graceMs > 0) {
    const signal = `SIG${options.graceSignal}`;
    steps.push(step("grace", { signal, waitMs: options.graceMs, permitted: canSignalMembers }));
  }
  // In an empty cgroup the grace period ends at once, and nothing is left to kill.
  if (options.graceMs === 0 || populated) {
    const wait = step("wait", { waitMs: timeoutMs, permitted: true });
    const method = await methodSteps(sys, plan, facts, pace);
    steps.push(...aroundAncestors(sys, plan, [...method, ...movesOut(sys, plan), wait]));
  }
  return steps;
}

function step(name: StepName, given: Partial<Omit<PlanStep, "step">>): PlanStep {
  return { step: name, signal: null, waitMs: null, path: null, permitted: null, reason: null, ...given };
}

const at = (name: StepName, ...places: readonly StepPlace[]): PlanStep[] =>
  places.map((place) => step(name, { path: place.name, permitted: place.permitted }));

async function methodSteps(
  sys: Sys,
  { cgroup, method }: KillPlan,
  { canSignalMembers, powers }: StepFacts,
  pace: Pace,
): Promise<PlanStep[]> {
  const kill = step("kill", { signal: "SIGKILL", permitted: canSignalMembers });
  switch (method) {
    case "kill": {
      const path = `${cgroup.name}/cgroup.kill`;
      return [{ ...kill, path, permitted: sys.isWritable(cgroup.dir, "cgroup.kill") }];
    }
    case "freezer":
      return await freezerSteps(sys, cgroup, kill, pace);
    case "sweep": {
      const thaws = cgroup.hierarchy.hasFreezer ? await thawFound(sys, cgroup, pace) : [];
      return sweepSteps(sys, cgroup, kill, powers, thaws);
    }
  }
}

/** On v2, a cgroup that is already frozen is left frozen, and without cgroup.freeze the kill goes on unfrozen. */
async function freezerSteps(sys: Sys, cgroup: Cgroup, kill: PlanStep, pace: Pace): Promise<PlanStep[]> {
  const isV2 = cgroup.hierarchy.version === "v2";
  if (isV2 && (!sys.exists(cgroup.dir, "cgroup.freeze") || isOn(sys, cgroup))) return [kill];
  const own = switchOf(sys, cgroup);
  const below = isV2 ? [] : await findFrozenBelow(sys, cgroup, pace);
  return [...at("freeze", own), kill, ...at("thaw", own, ...below)];
}

/** Thaw everything that was frozen before. */
async function thawFound(sys: Sys, cgroup: Cgroup, pace: Pace): Promise<PlanStep[]> {
  const own = isOn(sys, cgroup) ? [switchOf(sys, cgroup)] : [];
  return at("thaw", ...own, ...(await findFrozenBelow(sys, cgroup, pace)));
}

/**
 * A trap in the first freezer cgroup where one can be created, else a fork fence, else neither.
 *
 * @param thaws  of cgroups found frozen, while the trap still exists, or after the fence is gone
 */
function sweepSteps(sys: Sys, cgroup: Cgroup, kill: PlanStep, powers: Powers, thaws: readonly PlanStep[]): PlanStep[] {
  const trap = findTrapParent(sys, cgroup, powers);
  if (trap !== undefined) return [...at("trap", trap), kill, ...thaws, ...at("untrap", trap)];
  if (!sys.exists(cgroup.dir, "pids.max")) return [kill, ...thaws];
  const fence = { name: `${cgroup.name}/pids.max`, permitted: sys.isWritable(cgroup.dir, "pids.max") };
  return [...at("fence", fence), kill, ...at("unfence", fence), ...thaws];
}

function findTrapParent(sys: Sys, cgroup: Cgroup, powers: Powers): StepPlace | undefined {
  const freezer = findTrapHierarchy(sys, cgroup);
  if (freezer === undefined) return undefined;
  for (using parent of trapParents(sys, freezer)) {
    const permitted = canChange(sys, powers, parent);
    if (permitted !== false) return { name: parent.name, permitted };
  }
  return undefined;
}

/** v1: below a frozen ancestor, killed processes cannot die until they are moved out. */
function movesOut(sys: Sys, { cgroup }: KillPlan): PlanStep[] {
  using ancestor = findFrozenAncestor(sys, cgroup);
  const place = ancestor === null ? undefined : findDestination(sys, cgroup);
  return place === undefined ? [] : [step("move-out", { path: place.name, permitted: true })];
}

function aroundAncestors(sys: Sys, { cgroup, options }: KillPlan, inner: readonly PlanStep[]): readonly PlanStep[] {
  const isThawing = options.thawAncestors && cgroup.hierarchy.hasFreezer && !hasDestination(sys, cgroup);
  const above = isThawing ? findFrozenAbove(sys, cgroup) : [];
  return [...at("thaw-ancestor", ...above), ...inner, ...at("freeze-ancestor", ...above)];
}

function removals(sys: Sys, { cgroup, options }: KillPlan, powers: Powers): PlanStep[] {
  const own = { name: cgroup.name, permitted: mayRemove(sys, cgroup, powers) };
  const others = options.allHierarchies ? findRemovedToo(sys, cgroup, powers) : [];
  return at("remove", own, ...others);
}

/** Would the kernel deny the kill before it has killed anything? */
export function isKillDenied({ cgroup, method }: KillPlan, steps: readonly PlanStep[]): boolean {
  const isV1 = cgroup.hierarchy.version === "v1";
  return steps.some(
    ({ step: name, permitted }) =>
      permitted === false &&
      (name === "thaw-ancestor" || (name === "freeze" && isV1) || (name === "kill" && method === "kill")),
  );
}
