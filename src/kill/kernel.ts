// Method "kill": one write to cgroup.kill, and then whoever the kernel's file does not reach.
//
// It signals thread-group leaders. An exited leader's live threads and an exec in flight from another thread survive
// it, and members can hop out and in. So whoever is left is frozen for a moment and killed by pid.

import { readMembers } from "../cgroup/members.ts";
import { walkSubtree } from "../cgroup/tree.ts";
import { hasEvents, killSubtree } from "../cgroup/v2.ts";
import { isGone, isUnsupported, SysError } from "../sys/errno.ts";
import type { Pid } from "../sys/sys.ts";
import { moveDeadOut } from "./corpses.ts";
import { whileFrozen } from "./freeze.ts";
import { killByFreezer, signalEverybody, waitRound } from "./freezer.ts";
import { nameTheDying } from "./names.ts";
import { emit, type KillRun, listMembers, timed, timeLeft } from "./run.ts";
import { isEmpty, waitForEmpty } from "./wait.ts";

/** What the lists may cost before the write: enough for thousands of processes in one cgroup. */
const SCAN_MS = 4;
/** From one look at who is left to the next, as long as they grow fewer: doubled each time. */
const FIRST_LOOK_MS = 25;
/**
 * Thousands are left alone for as long as they may need: to list them takes a lock that their deaths need as well. But
 * never so long that there is no time left to kill those by pid whom the kernel has missed.
 */
const DEATH_MS = 0.05;
const LONGEST_PART = 0.25;

/** @returns whether the subtree is empty; `false` at the deadline */
export async function killByKernel(run: KillRun): Promise<boolean> {
  const listed = await timed(run, "scanMs", () => scan(run));
  if (!(await timed(run, "signalMs", () => writeKill(run)))) return killByFreezer(run);
  // Not before: whom the kernel was not let kill is not among the killed.
  for (const pid of listed) run.killed.set(pid, null);
  nameTheDying(run, listed);
  if (await timed(run, "waitMs", () => waitWhileFewer(run, listed.size))) return true;
  for (let round = 1; timeLeft(run) > 0; round++) {
    await whileFrozen(run, async () => {
      writeKill(run);
      await signalEverybody(run, round);
    });
    moveDeadOut(run);
    if (await waitRound(run, round)) return true;
  }
  return false;
}

/** Whom the write will kill, for the report. Cut short where the subtree is so wide that reading it would keep the kill waiting. */
function scan(run: KillRun): ReadonlySet<Pid> {
  const { sys, cgroup } = run;
  const until = sys.now() + SCAN_MS;
  const listed = new Set<Pid>();
  try {
    using subtree = walkSubtree(sys, cgroup, until);
    for (const dir of subtree.dirs) {
      for (const pid of readMembers(sys, [dir]).pids) listed.add(pid);
      if (sys.now() > until) break;
    }
    // Cut short it may have listed nobody, where somebody is.
    run.wasPopulated ||= listed.size > 0 || !isEmpty(run);
  } catch (error) {
    // The list is for people; the write does without.
    if (!(error instanceof SysError)) throw error;
    run.wasPopulated = true;
    emit(run, "debug", "the list of whom it will kill is not complete", { error: error.message });
  }
  emit(run, "trace", "found pids", { pids: [...listed] });
  return listed;
}

/** @returns `false` where this kernel has no such file for the cgroup; a cgroup that is gone counts as killed */
function writeKill(run: KillRun): boolean {
  const { sys, cgroup } = run;
  try {
    killSubtree(sys, cgroup.dir);
    emit(run, "trace", "killed by the kernel");
    return true;
  } catch (error) {
    if (isGone(error) && !hasEvents(sys, cgroup.dir)) return true;
    if (!isUnsupported(error)) throw error;
    emit(run, "info", "no cgroup.kill here: killing by pid", { error: String(error) });
    return false;
  }
}

/** Many take long to die, and then nothing is to be done but to wait: as long as there are fewer at every look. */
async function waitWhileFewer(run: KillRun, dying: number): Promise<boolean> {
  let left = dying;
  let before = Number.POSITIVE_INFINITY;
  for (let pace = FIRST_LOOK_MS; ; pace *= 2) {
    const patience = Math.max(pace, Math.min(left * DEATH_MS, timeLeft(run) * LONGEST_PART));
    if (await waitForEmpty(run, run.sys.now() + patience)) return true;
    const { pids, invisible } = listMembers(run);
    left = pids.size + invisible;
    if (left === 0 || left >= before || timeLeft(run) === 0) return false;
    before = left;
  }
}
