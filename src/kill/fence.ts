// A fork fence: pids.max = 0 for as long as some work takes, put back whatever happens.
// Only a help: where the cgroup has no such file, or the kernel an error for it, the work is done without.

import { readPidsMax, writePidsMax } from "../cgroup/pids.ts";
import { isRemoved } from "../cgroup/tree.ts";
import { isGone, SysError } from "../sys/errno.ts";
import { emit, type KillRun } from "./run.ts";

const NO_MORE = "0";

export async function behindFence(run: KillRun, work: () => Promise<unknown>): Promise<void> {
  const before = readLimit(run);
  try {
    if (before !== undefined && writeLimit(run, NO_MORE)) emit(run, "trace", "fenced: nobody forks", { before });
    await work();
  } finally {
    if (before !== undefined) takeDown(run, before);
  }
}

const TRIES = 3;

/** What was, again; people must know where that fails: nobody forks there any more. */
function takeDown(run: KillRun, before: string): void {
  for (let tried = 1; tried <= TRIES; tried++) if (writeLimit(run, before)) return;
  const { name, dir } = run.cgroup;
  if (!isRemoved(run.sys, { dir }))
    emit(run, "error", "could not take the fork fence down", { path: `${name}/pids.max`, before });
}

function readLimit(run: KillRun): string | undefined {
  try {
    return readPidsMax(run.sys, run.cgroup.dir);
  } catch (error) {
    if (error instanceof SysError) return undefined;
    throw error;
  }
}

function writeLimit(run: KillRun, limit: string): boolean {
  try {
    writePidsMax(run.sys, run.cgroup.dir, limit);
    return true;
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    if (!isGone(error)) emit(run, "debug", "pids.max could not be written", { limit, error: error.message });
    return false;
  }
}
