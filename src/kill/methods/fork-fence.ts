// A fork fence: pids.max is 0 for the duration of some work, and is restored whatever happens. Without that file, or while
// another cgkill has its fence up, the work is done without a fence.

import { readMark, removeMark, writeMark } from "../../cgroup/marks.ts";
import { readPidsMax, writePidsMax } from "../../cgroup/pids.ts";
import { isRemoved } from "../../cgroup/subtree.ts";
import type { Cgroup } from "../../cgroup/types.ts";
import { isGone, readOr, SysError, tryTo } from "../../sys/errno.ts";
import { closing, type Fd, type Sys } from "../../sys/sys.ts";
import { emit, type KillContext, whileChanged } from "../context.ts";
import { waitForLock } from "../steps/wait.ts";

const NO_FORKS = "0";

/** Run `work` with the fence up, if that is possible. */
export async function behindFence(ctx: KillContext, work: () => Promise<unknown>): Promise<void> {
  const { sys, cgroup } = ctx;
  const mayExist = readOr(true, () => sys.exists(cgroup.dir, "pids.max"));
  // Without the lock, two cgkills would each save and restore the 0 of the other.
  const lock = mayExist ? await waitForLock(ctx, "no-fence") : undefined;
  if (lock === undefined) return void (await work());
  using _ = closing(sys, lock);
  let before: string | undefined;
  const lower = (): void => {
    if (before !== undefined) takeDown(ctx, lock, before);
  };
  const raise = (): void => {
    before = putUp(ctx, lock) ?? before;
  };
  await whileChanged(ctx, { undo: lower, redo: raise }, work);
}

/** @returns the limit to restore; `undefined` if there is no fence */
function putUp(ctx: KillContext, lock: Fd): string | undefined {
  const { sys, cgroup } = ctx;
  try {
    const before = findLimit(sys, cgroup, lock);
    // Without it, the limit would be lost if this cgkill is killed.
    if (!writeMark(sys, lock, "pids.max", before)) {
      emit(ctx, "no-fence", { error: "it cannot be marked" });
      return undefined;
    }
    writePidsMax(sys, cgroup.dir, NO_FORKS);
    emit(ctx, "fenced", { before });
    return before;
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    removeMark(sys, lock, "pids.max");
    if (!isGone(error)) emit(ctx, "no-fence", { error: error.message });
    return undefined;
  }
}

/**
 * The limit without a fence. A cgkill that was killed with its fence up has left it in a mark. If another limit was written
 * since, that counts.
 */
function findLimit(sys: Sys, { dir }: Cgroup, lock: Fd): string {
  const limit = readPidsMax(sys, dir);
  return limit === NO_FORKS ? (readMark(sys, lock, "pids.max") ?? limit) : limit;
}

const MAX_TRIES = 3;

/** Restore the limit. If that fails it is an error event: no process can fork there any more. */
function takeDown(ctx: KillContext, lock: Fd, before: string): void {
  const { sys, cgroup } = ctx;
  for (let tried = 1; tried <= MAX_TRIES; tried++) if (restore(sys, cgroup, lock, before)) return;
  if (!isRemoved(sys, cgroup)) emit(ctx, "fence-left", { path: `${cgroup.name}/pids.max`, before });
}

function restore(sys: Sys, { dir }: Cgroup, lock: Fd, before: string): boolean {
  if (tryTo(() => writePidsMax(sys, dir, before)) !== undefined) return false;
  removeMark(sys, lock, "pids.max");
  return true;
}

/** Take down the fence of a cgkill that was killed, if there is one. No error is reported. */
export function takeDownStale(sys: Sys, cgroup: Cgroup): void {
  const lock = readOr(undefined, () => sys.tryLock(cgroup.dir));
  if (lock === undefined) return;
  using _ = closing(sys, lock);
  const marked = readOr(undefined, () => readMark(sys, lock, "pids.max"));
  if (marked === undefined) return;
  const before = readOr(marked, () => findLimit(sys, cgroup, lock));
  restore(sys, cgroup, lock, before);
}
