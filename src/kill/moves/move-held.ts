// Moving a process that is held. The kernel takes a pid, not a pidfd: if the process dies before the write, its pid may have
// been recycled, and the wrong process is moved. So its death is checked right before the write and after it.

import { moveProcess } from "../../cgroup/members.ts";
import { readCgroupPath } from "../../cgroup/open/hierarchy.ts";
import { openInHierarchy } from "../../cgroup/open/open-path.ts";
import type { Cgroup } from "../../cgroup/types.ts";
import { tryTo } from "../../sys/errno.ts";
import { isDead, readStat } from "../../sys/proc.ts";
import type { Pid, Sys } from "../../sys/sys.ts";
import type { KillContext } from "../context.ts";
import type { HeldProcess } from "../steps/held-process.ts";

/**
 * Move a process that is held, if it is alive. If it is dead afterwards, a process that has taken over its pid is moved to the
 * cgroup of its parent.
 *
 * @param fallback  where that one is moved if the cgroup of its parent cannot be opened
 * @returns whether it was moved, or died during the move
 * @throws SysError  as `moveProcess`
 */
export function moveHeld(
  { sys, followed }: KillContext,
  held: HeldProcess,
  to: Cgroup,
  fallback: Cgroup = to,
): boolean {
  const { pid } = held;
  if (followed.isDead(held)) return false;
  moveProcess(sys, to.dir, pid);
  if (followed.isDead(held)) tryTo(() => moveToParentsCgroup(sys, fallback, pid));
  return true;
}

/** Move a process that took over a recycled pid to the cgroup of its parent, in which it was born moments ago. */
function moveToParentsCgroup(sys: Sys, fallback: Cgroup, pid: Pid): void {
  const stat = readStat(sys, pid);
  // As a rule its pid is not recycled: moved out of a frozen cgroup, it has died at once.
  if (stat === undefined || isDead(stat)) return;
  const path = readCgroupPath(sys, fallback.hierarchy, stat.ppid);
  using origin = path === undefined ? undefined : openInHierarchy(sys, fallback.hierarchy, path);
  moveProcess(sys, (origin ?? fallback).dir, pid);
}
