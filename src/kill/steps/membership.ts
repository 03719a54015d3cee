// Checks that a process is still a member right before it is signalled. One that was moved out after it was listed must
// not be signalled.

import { isLeftBehind, type Members } from "../../cgroup/members.ts";
import { readCgroupPath } from "../../cgroup/open/hierarchy.ts";
import { presentPath } from "../../cgroup/open/open-path.ts";
import { isWithin, mayBeTruncated } from "../../cgroup/open/path-names.ts";
import { ifPermitted, readOr } from "../../sys/errno.ts";
import { listThreads } from "../../sys/proc.ts";
import type { Pid } from "../../sys/sys.ts";
import { type KillContext, listMembers } from "../context.ts";
import type { HeldProcess } from "./held-process.ts";

/** How many processes are held and checked together. */
export const BATCH = 256;
/**
 * v1: up to this many processes, one fresh read of the lists costs less than /proc/PID/cgroup of each, and is at most
 * 0.5 ms old at the last signal. With a thousand it would be 2 ms old, and members that had left meanwhile would die.
 */
const MAX_BY_LIST = 128;

type IsMember = (held: HeldProcess) => boolean;

/**
 * Prepare the check of one batch, for which pidfds are open already.
 *
 * @param cgroups  the inodes of the cgroups that were listed
 * @param count    how many processes this pass checks in all
 */
export async function prepareMemberCheck(
  ctx: KillContext,
  cgroups: Members["cgroups"],
  count: number,
): Promise<IsMember> {
  if (ctx.cgroup.hierarchy.version === "v2") return (held) => isMemberById(ctx, held, cgroups);
  const path = count > MAX_BY_LIST ? procPathOf(ctx) : undefined;
  if (path !== undefined) return ({ pid }) => isMemberByProc(ctx, pid, path);
  const { pids } = await listMembers(ctx);
  return ({ pid }) => pids.has(pid);
}

/**
 * By the cgroup id of the pidfd, which is the leader's. By /proc if the kernel has none, for the threads if the leader is
 * elsewhere, and for those of a leader that has exited: it stays behind when they move. From Linux 6.16 on the kernel says
 * which one has.
 */
function isMemberById(ctx: KillContext, { pid, fd }: HeldProcess, cgroups: Members["cgroups"]): boolean {
  const info = fd === undefined ? undefined : readOr("dead", () => ctx.sys.infoOf(fd));
  if (info === "dead") return false;
  const isInside = info !== undefined && cgroups.has(info.cgroupId);
  if (isInside && info.hasMemory) return true;
  const path = readOr(undefined, () => procPathOf(ctx));
  return path === undefined ? isInside : readOr(isInside, () => isMemberByProc(ctx, pid, path));
}

/**
 * The present path of the target as /proc/PID/cgroup shows it; `undefined` if it is too long to be shown in full.
 *
 * @throws SysError  the target is gone
 */
export function procPathOf({ sys, cgroup }: KillContext): string | undefined {
  const path = presentPath(sys, cgroup);
  return path === undefined || mayBeTruncated(path) ? undefined : path;
}

/** Is a thread in the subtree of this path? `false` if it is gone. */
export function isThreadInside({ sys, cgroup }: KillContext, tid: Pid, path: string): boolean {
  const place = readCgroupPath(sys, cgroup.hierarchy, tid);
  return place !== undefined && isWithin(place, path);
}

/** Is any thread of a process in the subtree? Threads can be in cgroups other than their leader's. */
export function isMemberByProc(ctx: KillContext, pid: Pid, path: string): boolean {
  const isInside = (): boolean =>
    isThreadInside(ctx, pid, path)
      ? !isLeftBehind(ctx.sys, ctx.cgroup, pid)
      : listThreads(ctx.sys, pid).some((tid) => tid !== pid && isThreadInside(ctx, tid, path));
  // If /proc hides it (hidepid), the lists that named it a moment ago must do.
  return ifPermitted(isInside) ?? true;
}
