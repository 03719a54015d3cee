// Is a process that we hold still a member, right before it is signalled? A member may have been moved out since it was
// listed, and then it is no concern of ours.

import type { Members } from "../../cgroup/members.ts";
import { isWithin, readCgroupPath } from "../../cgroup/open/hierarchy.ts";
import { presentPath } from "../../cgroup/open/open-path.ts";
import { PROC_PATH_BYTES } from "../../cgroup/open/path-names.ts";
import { encodeText } from "../../sys/bytes.ts";
import { isDenied, SysError } from "../../sys/errno.ts";
import { listThreads } from "../../sys/proc.ts";
import type { Pid } from "../../sys/sys.ts";
import { type KillContext, listMembers } from "../context.ts";
import type { HeldProcess } from "./held-process.ts";

/** v1: so many are looked up in one fresh read of the lists. */
export const BATCH = 256;
/** v1: with more processes than this, one /proc/PID/cgroup for each costs less than fresh lists. */
const MANY = 1000;

export type IsMember = (held: HeldProcess) => boolean;

/**
 * How to look, for one batch that is held already.
 *
 * @param listed  the lists that the pass goes by
 * @param count   how many processes the pass is about
 */
export async function lookAgain(ctx: KillContext, listed: Members, count: number): Promise<IsMember> {
  if (ctx.cgroup.hierarchy.version === "v2") return (held) => isMemberById(ctx, held, listed);
  const path = pathForProc(ctx);
  if (path !== undefined && count > MANY) return ({ pid }) => isMemberByProc(ctx, pid, path);
  const { pids } = await listMembers(ctx);
  return ({ pid }) => pids.has(pid);
}

/** The kernel's word by pidfd: exact, and of this moment. Without it, and for a thread elsewhere, /proc. */
function isMemberById(ctx: KillContext, { pid, fd }: HeldProcess, { cgroups }: Members): boolean {
  const id = fd === undefined ? undefined : cgroupOf(ctx, fd);
  if (id === "dead") return false;
  if (id !== undefined && cgroups.has(id)) return true;
  const path = pathForProc(ctx);
  return path !== undefined && isMemberByProc(ctx, pid, path);
}

function cgroupOf({ sys }: KillContext, fd: number): bigint | "dead" | undefined {
  try {
    return sys.cgroupOf(fd);
  } catch (error) {
    if (error instanceof SysError) return "dead";
    throw error;
  }
}

/** Where /proc/PID/cgroup places the target now; `undefined` where its path is longer than that tells. */
function pathForProc({ sys, cgroup }: KillContext): string | undefined {
  const path = presentPath(sys, cgroup);
  return path === undefined || encodeText(path).length >= PROC_PATH_BYTES ? undefined : path;
}

/** Is it, or any thread of it, in the subtree? The leader's place says nothing of the other threads'. */
export function isMemberByProc({ sys, cgroup }: KillContext, pid: Pid, path: string): boolean {
  const isInside = (id: Pid): boolean => {
    const place = readCgroupPath(sys, cgroup.hierarchy, id);
    return place !== undefined && isWithin(place, path);
  };
  try {
    return isInside(pid) || listThreads(sys, pid).some((tid) => tid !== pid && isInside(tid));
  } catch (error) {
    // Hidden from us (hidepid): the lists have named it a moment ago.
    if (isDenied(error)) return true;
    throw error;
  }
}
