// Prepares cgkill to wait for names: does now whatever a kill under pressure must not wait for. When the next name
// arrives, the host may have no memory, process or idle processor left.

import { findHierarchies } from "../cgroup/open/hierarchy.ts";
import type { Hierarchy } from "../cgroup/types.ts";
import type { GuardedReader } from "../kill/plan/guarded-processes.ts";
import { executeTarget, planTarget } from "../kill/twins/kill-twins.ts";
import { singleTarget } from "../kill/twins/open-twins.ts";
import { DEFAULT_OPTIONS, type KillOutcome } from "../kill/types.ts";
import { lockMemory } from "../sys/calls/memory.ts";
import { PROC } from "../sys/dir.ts";
import { SysError, tryTo } from "../sys/errno.ts";
import { fieldsAfterName, isSingleThreaded } from "../sys/proc.ts";
import type { Sys } from "../sys/sys.ts";
import { makeChild, mayRunIn, openOwnCgroup } from "./birthplace.ts";

/** What the warm-up kills share with the kills of names. */
export interface Rehearsal {
  readonly allowAncestors: boolean;
  readonly readGuarded: GuardedReader;
  /** Render an outcome, and discard the text. */
  readonly report: (outcome: KillOutcome) => Promise<void>;
}

/**
 * Lock memory, warm up, and check what start-up has achieved: priority, OOM score, threads.
 *
 * @returns what is missing, each with its consequence for a kill
 */
export async function prepareStandby(sys: Sys, rehearsal: Rehearsal): Promise<string[]> {
  const lacks: string[] = [];
  const add = (lack: string, consequence: string): void => void lacks.push(`${lack}: ${consequence}`);
  const errno = sys.fallback === null ? lockMemory() : "ENOSYS";
  if (errno !== undefined) add(`memory is not locked (${errno})`, "a kill may have to wait for the disk");
  const warmUpProblem = await warmUp(sys, rehearsal);
  if (warmUpProblem !== undefined)
    add(`not warmed up (${warmUpProblem})`, "the first kill takes a few milliseconds longer");
  const problem = tryTo(() => {
    const fields = fieldsAfterName(sys.readRecord(PROC, "self/stat"));
    if (!REALTIME_POLICIES.includes(fields[POLICY] ?? "")) {
      const lack = Number(fields[NICE]) < 0 ? "no real-time priority" : "no higher priority";
      add(lack, "a kill may have to wait for other busy processes");
    }
    if (sys.readRecord(PROC, "self/oom_score_adj").trim() !== "-1000") {
      add("not exempt from the OOM killer", "it may be killed when memory runs out");
    }
    if (!isSingleThreaded(sys)) add("more than one thread", "it may abort when the host has no threads left");
  });
  if (problem !== undefined) add(`not checked (${problem.message})`, "priority and OOM score may be ordinary");
  return lacks;
}

/** Fields of /proc/PID/stat after the name, counted from 0. */
const NICE = 16;
const POLICY = 38;
const REALTIME_POLICIES: readonly string[] = ["1", "2"];

/** Measured: the first kill takes three times as long as the sixth. */
const ROUNDS = 5;

/** Kill an empty cgroup of our own a few times, in each hierarchy. @returns the first problem, if any */
async function warmUp(sys: Sys, rehearsal: Rehearsal): Promise<string | undefined> {
  let problem: string | undefined;
  for (const hierarchy of findHierarchies(sys).filter(mayRunIn)) {
    try {
      for (let round = 0; round < ROUNDS; round++) await killEmpty(sys, hierarchy, rehearsal);
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      problem ??= error.message;
    }
  }
  return problem;
}

async function killEmpty(
  sys: Sys,
  hierarchy: Hierarchy,
  { allowAncestors, readGuarded, report }: Rehearsal,
): Promise<void> {
  const own = openOwnCgroup(sys, hierarchy);
  using home = own.cgroup;
  if (home === undefined) throw new SysError("open", own.path ?? "our own cgroup", "ENOENT");
  using cgroup = makeChild(sys, home, `cgkill-standby-${sys.pid}`);
  if (cgroup === undefined) return;
  const options = { ...DEFAULT_OPTIONS, allowAncestors, mayStepAside: false, remove: true };
  const plan = await planTarget(sys, singleTarget(cgroup), () => options, {}, readGuarded);
  const control = {
    deadline: sys.now() + 1000,
    abort: new AbortController().signal,
    onEvent: () => {},
    isRehearsal: true,
  };
  await report(await executeTarget(sys, plan, control));
}
