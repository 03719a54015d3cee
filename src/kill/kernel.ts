// Method "kill": one write to cgroup.kill, and then whoever the kernel's file does not reach.
//
// It signals thread-group leaders. An exited leader's live threads and an exec in flight from another thread survive
// it, and members can hop out and in. So whoever is left is frozen for a moment and killed by pid.

import { readMembers } from "../cgroup/members.ts";
import { walkSubtree } from "../cgroup/tree.ts";
import { hasEvents, killSubtree } from "../cgroup/v2.ts";
import { isGone, isUnsupported } from "../sys/errno.ts";
import { readComm } from "../sys/proc.ts";
import type { Millis } from "../sys/sys.ts";
import { moveDeadOut } from "./corpses.ts";
import { whileFrozen } from "./freeze.ts";
import { killByFreezer, signalEverybody, waitRound } from "./freezer.ts";
import { emit, type KillRun, listMembers, timed, timeLeft } from "./run.ts";
import { isEmpty, waitForEmpty } from "./wait.ts";

/** What the lists may cost before the write: enough for thousands of processes in one cgroup. */
const SCAN_MS = 4;
/** What names may cost after it, while the processes die. */
const NAMES_MS = 1;
/** From one look at who is left to the next, as long as they grow fewer: doubled each time. */
const FIRST_LOOK_MS = 25;

/** @returns whether the subtree is empty; `false` at the deadline */
export async function killByKernel(run: KillRun): Promise<boolean> {
  await timed(run, "scanMs", () => scan(run));
  if (!(await timed(run, "signalMs", () => writeKill(run)))) return killByFreezer(run);
  nameTheDying(run);
  if (await timed(run, "waitMs", () => waitWhileFewer(run))) return true;
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
function scan(run: KillRun): void {
  const { sys, cgroup } = run;
  const until = sys.now() + SCAN_MS;
  using subtree = walkSubtree(sys, cgroup, until);
  for (const dir of subtree.dirs) {
    for (const pid of readMembers(sys, [dir]).pids) run.killed.set(pid, null);
    if (sys.now() > until) break;
  }
  // Cut short it may have listed nobody, where somebody is.
  run.wasPopulated = run.killed.size > 0 || !isEmpty(run);
  emit(run, "trace", "found pids", { pids: [...run.killed.keys()] });
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

function nameTheDying(run: KillRun): void {
  const until: Millis = run.sys.now() + NAMES_MS;
  for (const pid of run.killed.keys()) {
    if (run.sys.now() > until) return;
    run.killed.set(pid, readComm(run.sys, pid) ?? null);
  }
}

/** Many take long to die, and then nothing is to be done but to wait: as long as there are fewer at every look. */
async function waitWhileFewer(run: KillRun): Promise<boolean> {
  let before = Number.POSITIVE_INFINITY;
  for (let patience = FIRST_LOOK_MS; ; patience *= 2) {
    if (await waitForEmpty(run, run.sys.now() + patience)) return true;
    const { pids, invisible } = listMembers(run);
    const left = pids.size + invisible;
    if (left === 0 || left >= before || timeLeft(run) === 0) return false;
    before = left;
  }
}
