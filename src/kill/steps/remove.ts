// Removing the emptied subtree, bottom-up. Only after the kernel has reported it empty: since Linux 6.19, rmdir of a
// cgroup whose lists are empty although it is populated may block forever.

import { hasTasks } from "../../cgroup/members.ts";
import { findHierarchies } from "../../cgroup/open/hierarchy.ts";
import { lookUp } from "../../cgroup/open/open-path.ts";
import { isRemoved, walkSubtree } from "../../cgroup/subtree.ts";
import type { Cgroup } from "../../cgroup/types.ts";
import type { Dir } from "../../sys/dir.ts";
import { isBusy, isGone, SysError, tryTo } from "../../sys/errno.ts";
import type { Millis } from "../../sys/sys.ts";
import { emit, type KillContext, timeLeft, walkPace } from "../context.ts";
import { byPresentName } from "../plan/identity.ts";
import { isEmpty, waitUntil } from "./wait.ts";

const FIRST_PAUSE_MS = 1;
const MAX_PAUSE_MS = 50;
/** rmdir of a cgroup with something mounted over it fails with EBUSY for as long as that is mounted. */
const MAX_TRIES_IF_COVERED = 3;

/**
 * Remove the subtree, which is empty; try again while the kernel says EBUSY.
 *
 * @param killAgain  kills processes that were moved in meanwhile; nothing is removed while there are any
 * @throws SysError  the last EBUSY at the deadline, or any other error at once
 */
export async function removeSubtree(ctx: KillContext, killAgain: () => Promise<void>): Promise<void> {
  const { sys, cgroup, plan, record } = ctx;
  let refusal: unknown;
  let missed: unknown;
  let tries = 0;
  for (let pause: Millis = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, MAX_PAUSE_MS)) {
    if (refusal === undefined || (await isEmpty(ctx))) {
      try {
        missed = undefined;
        await removeAll(ctx, cgroup, (error) => (missed = error));
        record.removed = true;
        record.proven = true;
        // Cgroups that could not be thawed are gone.
        record.leftFrozen.clear();
        record.thawCutAt = null;
        if (plan.options.allHierarchies) await removeInOtherHierarchies(ctx);
        emit(ctx, "removed");
        return;
      } catch (error) {
        if (!isBusy(error)) throw error;
        // If a child could not be opened, that is why its parent is busy.
        refusal = missed ?? error;
      }
    }
    if (timeLeft(ctx) === 0 || (cgroup.isCovered && ++tries >= MAX_TRIES_IF_COVERED)) throw refusal;
    emit(ctx, "busy", { error: String(refusal) });
    await waitUntil(ctx, { until: sys.now() + pause }, () => false);
    await killAgain();
  }
}

/** Remove children before parents. One that is gone already is no error: systemd removes emptied units by itself. */
async function removeAll(ctx: KillContext, cgroup: Cgroup, miss: (error: unknown) => void = () => {}): Promise<void> {
  const { sys } = ctx;
  const leave = (parent: Dir, name: string): void => void remove(ctx, parent, name);
  const isComplete = await walkSubtree(sys, cgroup, { enter: () => {}, leave, miss }, walkPace(ctx));
  if (!isComplete) throw new SysError("rmdir", cgroup.name, "EBUSY");
  byPresentName(sys, cgroup, (parent, name) => {
    const isDone = remove(ctx, parent, name);
    // Renamed between the search and rmdir: it still exists, under another name.
    if (!isDone && !isRemoved(sys, cgroup)) throw new SysError("rmdir", cgroup.name, "EBUSY");
  });
}

/** Remove the cgroups of the same path in the other v1 hierarchies. One with members is kept, and is an error. */
async function removeInOtherHierarchies(ctx: KillContext): Promise<void> {
  const { sys, cgroup } = ctx;
  for (const hierarchy of findHierarchies(sys)) {
    if (hierarchy.version === "v2" || hierarchy.controllers === cgroup.hierarchy.controllers) continue;
    const found = lookUp(sys, hierarchy, cgroup.path);
    if (found.is === "covered") throw new SysError("rmdir", found.point, "EXDEV");
    if (found.is !== "open") continue;
    using other = found.cgroup;
    // Nothing was killed there, so it may be populated, and rmdir may block (see above).
    if (await hasTasks(sys, other, ctx.pace)) throw new SysError("rmdir", other.name, "EBUSY");
    await removeAll(ctx, other);
    emit(ctx, "removed-twin", { path: other.name });
  }
}

/** @returns `false` if nothing has that name */
function remove({ sys }: KillContext, parent: Dir, name: string): boolean {
  const error = tryTo(() => sys.removeDir(parent, name));
  if (error !== undefined && !isGone(error)) throw error;
  return error === undefined;
}
