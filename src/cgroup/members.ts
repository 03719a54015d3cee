// Which processes are in a cgroup: the lists that v1 and v2 have in common, and moving a process from one to another.
// Deliberately not here: the state of a cgroup, which the two versions tell in files of their own.

import { isDenied, isGone, isUnsupported, SysError } from "../sys/errno.ts";
import { readStatus } from "../sys/proc.ts";
import { type Dir, type Pid, PROC, type Sys } from "../sys/sys.ts";
import { parsePids } from "./open/mountinfo.ts";
import { type Pace, walkSubtree } from "./subtree.ts";
import type { Cgroup } from "./types.ts";

export interface Members {
  /** Process ids (thread groups), each once. */
  readonly pids: ReadonlySet<Pid>;
  /** Entries that our pid namespace cannot see: v2 lists them as 0, v1 not at all. Never signalled by number. */
  readonly invisible: number;
  /** The inodes of the cgroups whose lists these are. */
  readonly cgroups: ReadonlySet<bigint>;
  /** Were all the lists read? Not if time was up, or a cgroup was renamed without end. */
  readonly isComplete: boolean;
}

/** Which lists: of processes, of threads (which finds members that the first leaves out), or both. */
export type Lists = "procs" | "both";

function readList(sys: Sys, dir: Dir, file: string): Pid[] {
  try {
    return parsePids(sys.readFile(dir, file));
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
}

/** The processes of one cgroup; a threaded one (v2) refuses that list and only has threads. */
export function readProcs(sys: Sys, dir: Dir): Pid[] {
  try {
    return readList(sys, dir, "cgroup.procs");
  } catch (error) {
    if (isUnsupported(error)) return readThreadGroups(sys, dir, "cgroup.threads");
    throw error;
  }
}

/** The threads of one v2 cgroup. */
export const readThreads = (sys: Sys, dir: Dir): Pid[] => readList(sys, dir, "cgroup.threads");

/** With hidepid=2 /proc says of what it hides that it is not there; the kernel itself still knows a process by its number. */
function isHidden(sys: Sys, pid: Pid): boolean {
  if (sys.exists(PROC, "1/status")) return false;
  try {
    const fd = sys.pidfdOpen(pid);
    if (fd !== undefined) sys.close(fd);
    return fd !== undefined;
  } catch (error) {
    // A thread that does not lead its process, or no pidfds.
    if (error instanceof SysError) return false;
    throw error;
  }
}

/** The processes that the threads of a cgroup belong to: finds those whose leader is dead or elsewhere. */
function readThreadGroups(sys: Sys, dir: Dir, file: string): Pid[] {
  return readList(sys, dir, file)
    .map((tid) => (tid === 0 ? 0 : readThreadGroup(sys, tid)))
    .filter((pid) => pid !== undefined);
}

/** Where /proc is hidden from us a thread stands for itself: of most processes there is one, and it is the leader. */
export function readThreadGroup(sys: Sys, tid: Pid): Pid | undefined {
  try {
    return readStatus(sys, tid)?.tgid ?? (isHidden(sys, tid) ? tid : undefined);
  } catch (error) {
    if (isDenied(error)) return tid;
    throw error;
  }
}

/** The processes in a cgroup and all below it, from a fresh read of each list. */
export async function readMembers(sys: Sys, cgroup: Cgroup, lists: Lists = "procs", pace: Pace = {}): Promise<Members> {
  const pids = new Set<Pid>();
  const cgroups = new Set<bigint>();
  let invisible = 0;
  const threads = cgroup.hierarchy.version === "v2" ? "cgroup.threads" : "tasks";
  const enter = ({ dir, ino }: { readonly dir: Dir; readonly ino: bigint }): void => {
    cgroups.add(ino);
    for (const pid of readProcs(sys, dir)) {
      if (pid > 0) pids.add(pid);
      else invisible++;
    }
    if (lists === "procs") return;
    for (const pid of readThreadGroups(sys, dir, threads)) if (pid > 0) pids.add(pid);
  };
  const isComplete = await walkSubtree(sys, cgroup, { enter }, pace);
  return { pids, invisible, cgroups, isComplete };
}

/** Does a cgroup list anything at all, thread or process? The v1 question; v2 has `populated`. */
export const hasTasksItself = (sys: Sys, dir: Dir): boolean =>
  readList(sys, dir, "tasks").length > 0 || readList(sys, dir, "cgroup.procs").length > 0;

/** The same of all its subtree. One that could not be looked through is taken for populated. */
export async function hasTasks(sys: Sys, cgroup: Cgroup, pace: Pace = {}): Promise<boolean> {
  return !(await walkSubtree(sys, cgroup, { enter: ({ dir }) => !hasTasksItself(sys, dir) }, pace));
}

/** Is a process, or any thread of it, in this very cgroup, by the cgroup's own lists? */
export function hasMember(sys: Sys, { dir, hierarchy }: Cgroup, pid: Pid): boolean {
  const tgid = readThreadGroup(sys, pid) ?? pid;
  if (readProcs(sys, dir).includes(tgid)) return true;
  return hierarchy.version === "v2" && readThreads(sys, dir).includes(pid);
}

/**
 * Move a process, with all its threads.
 *
 * @throws SysError  ESRCH: gone; EBUSY: v2 keeps processes out of a cgroup that shares out controllers;
 *                   EACCES, EPERM: not allowed here or at the common ancestor
 */
export function moveProcess(sys: Sys, dir: Dir, pid: Pid): void {
  sys.writeFile(dir, "cgroup.procs", String(pid));
}
