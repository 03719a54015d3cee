// Removing the emptied subtree, from the bottom up. Only after the kernel has said that it is empty: on kernels from
// 6.19 on, rmdir of a cgroup that merely looks empty may block for good.

import { findHierarchies } from "../cgroup/hierarchy.ts";
import { hasTasks } from "../cgroup/members.ts";
import { openInHierarchy } from "../cgroup/path.ts";
import { isRemoved, walkSubtree } from "../cgroup/tree.ts";
import type { Cgroup } from "../cgroup/types.ts";
import { isBusy, isGone, SysError } from "../sys/errno.ts";
import { type Dir, dirOf, type Millis, ROOT, type Sys } from "../sys/sys.ts";
import { checkIdentity } from "./guard.ts";
import { emit, type KillRun, timeLeft } from "./run.ts";
import { isEmpty, waitUntil } from "./wait.ts";

const FIRST_PAUSE_MS = 1;
const LAST_PAUSE_MS = 50;

/**
 * Remove the subtree, which the kernel has said is empty; again and again while it says that it is busy.
 *
 * @param killAgain  what to do about somebody who came in meanwhile; as long as he is there nothing is removed
 * @throws SysError  the last refusal, at the deadline; any other error at once
 */
export async function removeSubtree(run: KillRun, killAgain: () => Promise<void>): Promise<void> {
  let refusal: unknown;
  for (let pause: Millis = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LAST_PAUSE_MS)) {
    if (refusal === undefined || isEmpty(run)) {
      try {
        removeAll(run, run.cgroup);
        if (run.plan.options.allHierarchies) removeTwins(run);
        run.removed = true;
        emit(run, "trace", "removed");
        return;
      } catch (error) {
        if (!isBusy(error)) throw error;
        refusal = error;
      }
    }
    if (timeLeft(run) === 0) throw refusal;
    emit(run, "debug", "busy, trying again", { error: String(refusal) });
    await waitUntil(run, { until: run.sys.now() + pause }, () => false);
    await killAgain();
  }
}

/** Children before parents. What is gone is gone: systemd removes an emptied unit by itself. */
function removeAll(run: KillRun, cgroup: Cgroup): void {
  const { sys } = run;
  using subtree = walkSubtree(sys, cgroup);
  for (const dir of subtree.dirs.slice(1).reverse()) remove(run, parentOf(dir), baseOf(dir));
  const place = presentPlace(sys, cgroup);
  if (place === undefined) return;
  const fd = sys.openDir(ROOT, place.parent);
  try {
    remove(run, dirOf(fd, place.parent), place.name);
  } finally {
    sys.close(fd);
  }
}

/**
 * By which name it is to be removed now: a v1 cgroup may have been renamed since it was opened. Never by a name that is
 * another directory's.
 *
 * @returns `undefined` where it is gone
 * @throws SysError  it is there, and has no name that leads to it at this moment
 */
function presentPlace(sys: Sys, cgroup: Cgroup): { parent: string; name: string } | undefined {
  let path = cgroup.name;
  if (checkIdentity(sys, cgroup) !== "same") {
    if (isRemoved(sys, cgroup)) return undefined;
    path = sys.pathOf(cgroup.fd);
    if (checkIdentity(sys, { ...cgroup, name: path }) !== "same") {
      // The kernel's own word why it does not lead there, else ours: something is mounted over it, or it was renamed again.
      sys.close(sys.openDir(ROOT, path));
      throw new SysError("rmdir", path, "EBUSY");
    }
  }
  const at = path.lastIndexOf("/");
  return { parent: path.slice(0, at), name: path.slice(at + 1) };
}

/** The cgroups of the same path in the other v1 hierarchies; one that somebody is in stays, and is an error. */
function removeTwins(run: KillRun): void {
  const { sys, cgroup } = run;
  for (const hierarchy of findHierarchies(sys)) {
    if (hierarchy.version === "v2" || hierarchy.controllers === cgroup.hierarchy.controllers) continue;
    const twin = openInHierarchy(sys, hierarchy, cgroup.path);
    if (twin === undefined) continue;
    try {
      checkEmpty(run, twin);
      removeAll(run, twin);
      emit(run, "trace", "removed the twin", { path: twin.name });
    } finally {
      sys.close(twin.fd);
    }
  }
}

/** Nobody has killed there, and rmdir is not the one to be asked: what the file's head says of it goes for twins too. */
function checkEmpty({ sys }: KillRun, twin: Cgroup): void {
  using subtree = walkSubtree(sys, twin);
  if (hasTasks(sys, subtree.dirs)) throw new SysError("rmdir", twin.name, "EBUSY");
}

function remove(run: KillRun, parent: Dir, name: string): void {
  try {
    run.sys.removeDir(parent, name);
  } catch (error) {
    if (!isGone(error)) throw error;
  }
}

const baseOf = ({ shown }: Dir): string => shown.slice(shown.lastIndexOf("/") + 1);

function parentOf({ through, shown }: Dir): Dir {
  return { through: through.slice(0, through.lastIndexOf("/")), shown: shown.slice(0, shown.lastIndexOf("/")) };
}
