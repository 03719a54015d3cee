// Checks that a process is still a member right before it is signalled. One that was moved out after it was listed must
// not be signalled.

import { isLeftBehind, type Lists, type Members } from "../../cgroup/members.ts";
import { readCgroupPath } from "../../cgroup/open/hierarchy.ts";
import { presentPath } from "../../cgroup/open/open-path.ts";
import { isWithin, leavesNamespace, mayBeTruncated } from "../../cgroup/open/path-names.ts";
import { ifPermitted, readOr } from "../../sys/errno.ts";
import { listThreads, showsOthers } from "../../sys/proc.ts";
import type { Pid } from "../../sys/sys.ts";
import { type KillContext, listMembers } from "../context.ts";
import type { HeldProcess } from "./held-process.ts";

/** How many processes are held and checked together. */
export const BATCH = 256;
/** The same while moves are watched: one read of the lists serves for all of them. */
const WATCHED_BATCH = 1024;
/**
 * v1: up to this many processes, one fresh read of the lists costs less than /proc/PID/cgroup of each, and is at most
 * 0.5 ms old at the last signal. With a thousand it would be 2 ms old, and members that had left meanwhile would die.
 */
const MAX_BY_LIST = 128;

type IsMember = (held: HeldProcess) => boolean;

export interface MemberCheckOptions {
  /** The inodes of the cgroups that were listed. */
  readonly cgroups: Members["cgroups"];
  /** How many processes are checked in all. */
  readonly count: number;
  /** Work is done between the check and the signal: a list would be too old by then. */
  readonly isSlow: boolean;
  /** No list shows these processes. */
  readonly isUnlisted: boolean;
}

/** How many processes may be held and checked together. */
export const maxBatch = (ctx: KillContext, options: MemberCheckOptions): number =>
  canWatch(ctx, options) ? WATCHED_BATCH : BATCH;

const canWatch = ({ sys, moves }: KillContext, { count, isSlow, isUnlisted }: MemberCheckOptions): boolean =>
  count > MAX_BY_LIST && !isSlow && !isUnlisted && showsOthers(sys) && moves.start();

/**
 * Prepare the check of one batch, for which pidfds are open already. Where /proc hides processes (hidepid), or shows paths
 * that cannot be compared, a fresh read of the lists decides.
 *
 * @param held  how many are in the batch
 */
export async function prepareMemberCheck(
  ctx: KillContext,
  options: MemberCheckOptions,
  held: number,
): Promise<IsMember> {
  const { sys, cgroup } = ctx;
  const { cgroups, count, isSlow, isUnlisted } = options;
  const isV2 = cgroup.hierarchy.version === "v2";
  const isByProc = isUnlisted || ((isV2 || isSlow || count > MAX_BY_LIST) && showsOthers(sys));
  const path = isByProc ? readOr(undefined, () => procPathOf(ctx)) : undefined;
  const isMember = path === undefined ? await checkByLists(ctx, isV2 ? "both" : "procs") : checkByProc(ctx, path);
  if (isV2) return (held) => isMemberById(ctx, held, cgroups, isMember);
  const isWatched = path !== undefined && held > MAX_BY_LIST && canWatch(ctx, options);
  return isWatched ? await checkWhileWatched(ctx, isMember) : isMember;
}

async function checkByLists(ctx: KillContext, lists: Lists): Promise<IsMember> {
  const { pids } = await listMembers(ctx, lists);
  return ({ pid }) => pids.has(pid);
}

function checkByProc(ctx: KillContext, path: string): IsMember {
  return ({ pid }) => isMemberByProc(ctx, pid, path);
}

/** By a fresh read of the lists, for as long as nothing can have been moved. Without a pidfd, its pid may be recycled. */
async function checkWhileWatched(ctx: KillContext, byProc: IsMember): Promise<IsMember> {
  const { moves } = ctx;
  if (!moves.begin()) return byProc;
  const { pids, isComplete } = await listMembers(ctx);
  if (!isComplete) return byProc;
  return (held) => (held.fd === undefined || moves.mayHaveMoved() ? byProc(held) : pids.has(held.pid));
}

/**
 * By the cgroup id of the pidfd, which is the leader's. By `isMember` if the kernel has none, for the threads if the leader is
 * elsewhere, and for those of a leader that has exited: it stays behind when they move. From Linux 6.16 on the kernel says
 * which one has.
 */
function isMemberById(
  { sys }: KillContext,
  held: HeldProcess,
  cgroups: Members["cgroups"],
  isMember: IsMember,
): boolean {
  const { fd } = held;
  const info = fd === undefined ? undefined : readOr("dead", () => sys.infoOf(fd));
  if (info === "dead") return false;
  const isInside = info !== undefined && cgroups.has(info.cgroupId);
  return (isInside && info.hasMemory) || readOr(isInside, () => isMember(held));
}

/**
 * The present path of the target as /proc/PID/cgroup shows it; `undefined` if it is too long to be shown in full, or leads
 * out of our cgroup namespace.
 *
 * @throws SysError  the target is gone
 */
export function procPathOf({ sys, cgroup }: KillContext): string | undefined {
  const path = presentPath(sys, cgroup);
  return path === undefined || mayBeTruncated(path) || leavesNamespace(path) ? undefined : path;
}

/** Is a thread in the subtree of this path? `false` if it is gone. */
export function isThreadInside({ sys, cgroup }: KillContext, tid: Pid, path: string): boolean {
  const place = readCgroupPath(sys, cgroup.hierarchy, tid);
  return place !== undefined && isWithin(place, path);
}

/** Is any thread of a process in the subtree? Threads can be in cgroups other than their leader's. */
export function isMemberByProc(ctx: KillContext, pid: Pid, path: string): boolean {
  const isInside = (): boolean => {
    // Its cgroup is read last, because it may leave until it is signalled.
    const isLeft = isLeftBehind(ctx.sys, ctx.cgroup, pid);
    if (isThreadInside(ctx, pid, path)) return !isLeft;
    return listThreads(ctx.sys, pid).some((tid) => tid !== pid && isThreadInside(ctx, tid, path));
  };
  // If /proc hides it (hidepid), the lists that named it a moment ago must do.
  return ifPermitted(isInside) ?? true;
}
