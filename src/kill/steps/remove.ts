// Removing the emptied subtree, from the bottom up. Only after the kernel has said that it is empty: on kernels from
// 6.19 on, rmdir of a cgroup that merely looks empty may block for good.

import { hasTasks } from "../../cgroup/members.ts";
import { findHierarchies } from "../../cgroup/open/hierarchy.ts";
import { lookUp } from "../../cgroup/open/open-path.ts";
import { isRemoved, walkSubtree } from "../../cgroup/subtree.ts";
import type { Cgroup } from "../../cgroup/types.ts";
import { isBusy, isGone, SysError } from "../../sys/errno.ts";
import { type Dir, dirOf, type Millis } from "../../sys/sys.ts";
import { emit, type KillContext, timeLeft, walkDeadline } from "../context.ts";
import { findPresentName } from "../plan/identity.ts";
import { isEmpty, waitUntil } from "./wait.ts";

const FIRST_PAUSE_MS = 1;
const LAST_PAUSE_MS = 50;
/** Where something is mounted over a cgroup the kernel says busy, and goes on saying so. */
const COVERED_TRIES = 3;

/**
 * Remove the subtree, which the kernel has said is empty; again and again while it says that it is busy.
 *
 * @param killAgain  what to do about a process that came in meanwhile; as long as it is there nothing is removed
 * @throws SysError  the last refusal, at the deadline; any other error at once
 */
export async function removeSubtree(ctx: KillContext, killAgain: () => Promise<void>): Promise<void> {
  const { sys, cgroup, plan, record } = ctx;
  let refusal: unknown;
  let missed: unknown;
  let tries = 0;
  for (let pause: Millis = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LAST_PAUSE_MS)) {
    if (refusal === undefined || (await isEmpty(ctx))) {
      try {
        missed = undefined;
        await removeAll(ctx, cgroup, (error) => (missed = error));
        if (plan.options.allHierarchies) await removeTwins(ctx);
        record.removed = true;
        emit(ctx, "removed");
        return;
      } catch (error) {
        if (!isBusy(error)) throw error;
        // A child that could not be opened is why its parent is busy.
        refusal = missed ?? error;
      }
    }
    if (timeLeft(ctx) === 0 || (cgroup.isCovered && ++tries >= COVERED_TRIES)) throw refusal;
    emit(ctx, "busy", { error: String(refusal) });
    await waitUntil(ctx, { until: sys.now() + pause }, () => false);
    await killAgain();
  }
}

/** Children before parents. What is gone is gone: systemd removes an emptied unit by itself. */
async function removeAll(ctx: KillContext, cgroup: Cgroup, miss: (error: unknown) => void = () => {}): Promise<void> {
  const { sys } = ctx;
  const leave = (parent: Dir, name: string): void => void remove(ctx, parent, name);
  const isComplete = await walkSubtree(
    sys,
    cgroup,
    { enter: () => {}, leave, miss },
    { ...ctx.pace, until: walkDeadline(ctx) },
  );
  if (!isComplete) throw new SysError("rmdir", cgroup.name, "EBUSY");
  const found = findPresentName(sys, cgroup);
  if (found === undefined) return;
  try {
    const parent = dirOf(found.parent, cgroup.name.slice(0, cgroup.name.lastIndexOf("/")));
    const isDone = remove(ctx, parent, found.name);
    // Renamed between the look and the deed: it is still there, under another name.
    if (!isDone && !isRemoved(sys, cgroup)) throw new SysError("rmdir", cgroup.name, "EBUSY");
  } finally {
    sys.close(found.parent);
  }
}

/** The cgroups of the same path in the other v1 hierarchies; one that has members stays, and is an error. */
async function removeTwins(ctx: KillContext): Promise<void> {
  const { sys, cgroup } = ctx;
  for (const hierarchy of findHierarchies(sys)) {
    if (hierarchy.version === "v2" || hierarchy.controllers === cgroup.hierarchy.controllers) continue;
    const found = lookUp(sys, hierarchy, cgroup.path);
    if (found.is === "covered") throw new SysError("rmdir", found.point, "EXDEV");
    if (found.is !== "open") continue;
    const twin = found.cgroup;
    try {
      // No process was killed there, and rmdir is not the one to be asked: what the file's head says goes for twins too.
      if (await hasTasks(sys, twin, ctx.pace)) throw new SysError("rmdir", twin.name, "EBUSY");
      await removeAll(ctx, twin);
      emit(ctx, "removed-twin", { path: twin.name });
    } finally {
      sys.close(twin.fd);
    }
  }
}

/** @returns `false` if there is nothing of that name */
function remove({ sys }: KillContext, parent: Dir, name: string): boolean {
  try {
    sys.removeDir(parent, name);
    return true;
  } catch (error) {
    if (isGone(error)) return false;
    throw error;
  }
}
