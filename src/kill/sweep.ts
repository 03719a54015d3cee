// Method "sweep": no freezer and no cgroup.kill here, so signal until a pass over the lists finds nobody new.

import { signalEverybody, waitRound } from "./freezer.ts";
import { type KillRun, timeLeft } from "./run.ts";

/** @returns whether the subtree is empty; `false` at the deadline */
export async function killBySweep(run: KillRun): Promise<boolean> {
  for (let round = 1; ; round++) {
    await signalEverybody(run, round);
    if (await waitRound(run, round)) return true;
    if (timeLeft(run) === 0) return false;
  }
}
