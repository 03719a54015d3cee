// A fork fence: pids.max = 0 for the duration of some work, put back whatever happens. Only a help: where the cgroup has
// no such file, or another cgkill is at it, the work is done without.

import { readMark, removeMark, writeMark } from "../../cgroup/marks.ts";
import { readPidsMax, writePidsMax } from "../../cgroup/pids.ts";
import { isRemoved } from "../../cgroup/subtree.ts";
import type { Cgroup } from "../../cgroup/types.ts";
import { isGone, SysError } from "../../sys/errno.ts";
import type { Fd, Sys } from "../../sys/sys.ts";
import { emit, type KillContext, whileInForce } from "../context.ts";
import { waitUntil } from "../steps/wait.ts";

const NO_MORE = "0";
/** For another cgkill that has its fence up: two of them would each put the other's 0 back. */
const LOCK_MS = 250;
const LOCK_PACE_MS = 2;

export async function behindFence(ctx: KillContext, work: () => Promise<unknown>): Promise<void> {
  const lock = await takeLock(ctx);
  if (lock === undefined) return void (await work());
  try {
    const before = putUp(ctx, lock);
    if (before === undefined) return void (await work());
    const held = { undo: () => takeDown(ctx, lock, before), redo: () => void putUp(ctx, lock) };
    await whileInForce(ctx, held, async () => {
      try {
        await work();
      } finally {
        takeDown(ctx, lock, before);
      }
    });
  } finally {
    ctx.sys.close(lock);
  }
}

async function takeLock(ctx: KillContext): Promise<Fd | undefined> {
  const { sys, cgroup } = ctx;
  let lock: Fd | undefined;
  try {
    if (!sys.exists(cgroup.dir, "pids.max")) return undefined;
    await waitUntil(ctx, { until: sys.now() + LOCK_MS, paceMs: LOCK_PACE_MS }, () => {
      lock = sys.tryLock(cgroup.dir);
      return lock !== undefined;
    });
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    emit(ctx, "no-fence", { error: error.message });
  }
  return lock;
}

/** @returns the limit to be put back; `undefined` where there is no fence */
function putUp(ctx: KillContext, lock: Fd): string | undefined {
  const { sys, cgroup } = ctx;
  try {
    // One that was killed with its fence up has left word of what was before.
    const before = readMark(sys, lock, "pids.max") ?? readPidsMax(sys, cgroup.dir);
    writeMark(sys, lock, "pids.max", before);
    writePidsMax(sys, cgroup.dir, NO_MORE);
    emit(ctx, "fenced", { before });
    return before;
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    removeMark(sys, lock, "pids.max");
    if (!isGone(error)) emit(ctx, "no-fence", { error: error.message });
    return undefined;
  }
}

const TRIES = 3;

/** What was, again; people must know where that fails: no process can fork there any more. */
function takeDown(ctx: KillContext, lock: Fd, before: string): void {
  const { sys, cgroup } = ctx;
  for (let tried = 1; tried <= TRIES; tried++) if (restore(sys, cgroup, lock, before)) return;
  if (!isRemoved(sys, cgroup)) emit(ctx, "fence-left", { path: `${cgroup.name}/pids.max`, before });
}

function restore(sys: Sys, { dir }: Cgroup, lock: Fd, before: string): boolean {
  try {
    writePidsMax(sys, dir, before);
  } catch (error) {
    if (error instanceof SysError) return false;
    throw error;
  }
  removeMark(sys, lock, "pids.max");
  return true;
}

/** Take down the fence of a cgkill that was killed. @returns whether there was one */
export function takeDownStale(sys: Sys, cgroup: Cgroup): boolean {
  let lock: Fd | undefined;
  try {
    lock = sys.tryLock(cgroup.dir);
    const before = lock === undefined ? undefined : readMark(sys, lock, "pids.max");
    return lock !== undefined && before !== undefined && restore(sys, cgroup, lock, before);
  } catch (error) {
    if (error instanceof SysError) return false;
    throw error;
  } finally {
    if (lock !== undefined) sys.close(lock);
  }
}
