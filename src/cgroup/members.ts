// The members of a cgroup: reads the lists that v1 and v2 share, and moves a process to another cgroup. The state of a
// cgroup is in v1.ts and v2.ts, because the two versions have different files for it.

import type { Dir } from "../sys/dir.ts";
import { isDenied, isGone, isUnsupported, readOr } from "../sys/errno.ts";
import { ifAlive, isInPidNamespace, listThreads, readStatus, readSummary, showsOthers } from "../sys/proc.ts";
import type { Pid, Sys } from "../sys/sys.ts";
import { readCgroupPath } from "./open/hierarchy.ts";
import { parsePids } from "./open/mountinfo.ts";
import { isWithin, leavesNamespace, mayBeTruncated } from "./open/path-names.ts";
import { type Pace, walkSubtree } from "./subtree.ts";
import type { Cgroup, Hierarchy, Visit } from "./types.ts";
import { readEvents } from "./v2.ts";

export interface Members {
  /** Process ids (thread groups), each once. */
  readonly pids: ReadonlySet<Pid>;
  /** Number of members without a pid in our pid namespace: v2 lists them as 0, v1 not at all (`mayHideMembers`). */
  readonly invisible: number;
  /** The inodes of the cgroups that were read. */
  readonly cgroups: ReadonlySet<bigint>;
  /** `false` if the deadline passed first, or a cgroup was renamed again and again. */
  readonly isComplete: boolean;
}

/**
 * Which members to read: the processes; "both": also those that only the lists of threads show; "leaders": every entry of
 * the lists of processes, in one read of each, which on v2 may be an exited leader that was left behind.
 */
export type Lists = "leaders" | "procs" | "both";

/** Whether members may be in no list, because they belong to another pid namespace. */
export const mayHideMembers = (sys: Sys, { version }: Pick<Hierarchy, "version">): boolean =>
  version === "v1" && isInPidNamespace(sys);

const readList = (sys: Sys, dir: Dir, file: string): Pid[] =>
  readOr([], () => parsePids(sys.readFile(dir, file)), isGone);

/** Read the processes of one cgroup. A threaded cgroup (v2) has no such list: there the processes of its threads. */
export function readProcs(sys: Sys, dir: Dir): Pid[] {
  try {
    return readList(sys, dir, "cgroup.procs");
  } catch (error) {
    if (isUnsupported(error)) return readThreadGroups(sys, dir);
    throw error;
  }
}

/** Read the thread ids of one v2 cgroup. */
export const readThreads = (sys: Sys, dir: Dir): Pid[] => readList(sys, dir, "cgroup.threads");

/** With hidepid=2, hidden processes seem to be absent from /proc; pidfd_open(2) still finds them. */
export function isHidden(sys: Sys, pid: Pid): boolean {
  if (showsOthers(sys)) return false;
  // An error: the kernel has no pidfds.
  const fd = readOr(undefined, () => sys.pidfdOpen(pid));
  if (fd !== undefined) sys.close(fd);
  return fd !== undefined;
}

/** The processes that the threads of a cgroup belong to, including those whose leader has exited or is elsewhere. */
function readThreadGroups(sys: Sys, dir: Dir): Pid[] {
  return readThreads(sys, dir)
    .map((tid) => (tid === 0 ? 0 : readThreadGroup(sys, tid)))
    .filter((pid) => pid !== undefined);
}

/**
 * Find the process of a thread; `undefined` if it is gone. If /proc is hidden from us, the thread id is returned: most
 * processes have one thread, the leader.
 */
export function readThreadGroup(sys: Sys, tid: Pid): Pid | undefined {
  return readOr(tid, () => readStatus(sys, tid)?.tgid ?? (isHidden(sys, tid) ? tid : undefined), isDenied);
}

/** Read the members of a cgroup and of everything below it, from a fresh read of each list. */
export async function readMembers(sys: Sys, cgroup: Cgroup, lists: Lists, pace: Pace): Promise<Members> {
  const pids = new Set<Pid>();
  const tids = new Set<Pid>();
  const cgroups = new Set<bigint>();
  let invisible = 0;
  const isV2 = cgroup.hierarchy.version === "v2";
  const threads = isV2 ? "cgroup.threads" : "tasks";
  const readsThreads = lists === "both" || (isV2 && lists === "procs");
  const enter = ({ dir, ino }: Visit): void => {
    cgroups.add(ino);
    for (const pid of readProcs(sys, dir)) {
      if (pid > 0) pids.add(pid);
      else invisible++;
    }
    if (readsThreads) for (const tid of readList(sys, dir, threads)) if (tid > 0) tids.add(tid);
  };
  const isWalked = await walkSubtree(sys, cgroup, { enter }, pace);
  // A leader that has exited is in no list of threads.
  if (readsThreads)
    for (const pid of pids) if (!tids.has(pid) && isLeftBehind(sys, cgroup, pid, tids)) pids.delete(pid);
  const isComplete = (lists !== "both" || (await addThreadGroups(sys, tids, pids, pace))) && isWalked;
  return { pids, invisible, cgroups, isComplete };
}

/**
 * Is this a leader that has exited, while all of its threads are outside? On v2 it stays in the cgroup, and in its list,
 * when its process is moved to another one.
 *
 * @param listed  the threads of the subtree: they decide where a path that leads out of our cgroup namespace cannot
 */
export function isLeftBehind(sys: Sys, { hierarchy, path }: Cgroup, pid: Pid, listed?: ReadonlySet<Pid>): boolean {
  if (hierarchy.version === "v1") return false;
  const isOutside = (tid: Pid): boolean => {
    if (leavesNamespace(path)) return listed?.has(tid) !== true;
    const place = tid === pid ? "/" : readCgroupPath(sys, hierarchy, tid);
    return place === undefined || !(isWithin(place, path) || mayBeTruncated(place));
  };
  const isExited = (): boolean => readSummary(sys, pid)?.state === "Z";
  return readOr(false, () => isExited() && listThreads(sys, pid).every(isOutside));
}

/** Threads read between two yields: up to 4 ms of work. */
const YIELD_EVERY = 64;

/** Add the processes that threads belong to. @returns `false` if the deadline passed first */
async function addThreadGroups(sys: Sys, tids: ReadonlySet<Pid>, pids: Set<Pid>, pace: Pace): Promise<boolean> {
  let read = 0;
  for (const tid of tids) {
    // The leader of a process that is listed: most processes have no other thread.
    if (pids.has(tid)) continue;
    const pid = readThreadGroup(sys, tid);
    if (pid !== undefined) pids.add(pid);
    if (++read % YIELD_EVERY !== 0) continue;
    if (pace.until !== undefined && sys.now() > pace.until) return false;
    await pace.yieldToSignals?.();
  }
  return true;
}

/** Whether a v1 cgroup lists any process or thread. On v2, read `populated` instead. */
const hasTasksItself = (sys: Sys, dir: Dir): boolean =>
  (ifAlive(() => sys.readRecord(dir, "tasks")) ?? "") !== "" || readList(sys, dir, "cgroup.procs").length > 0;

/** The same for a whole subtree; `true` if it could not be read completely. */
export async function hasTasks(sys: Sys, cgroup: Cgroup, pace: Pace): Promise<boolean> {
  return !(await walkSubtree(sys, cgroup, { enter: ({ dir }) => !hasTasksItself(sys, dir) }, pace));
}

/** Whether there is a process in a subtree: on v2 what the kernel says, except for the root, of which it says nothing. */
export async function isPopulated(sys: Sys, cgroup: Cgroup, pace: Pace = {}): Promise<boolean> {
  if (cgroup.hierarchy.version === "v1" || cgroup.path === "/") return await hasTasks(sys, cgroup, pace);
  return readEvents(sys, cgroup.dir).populated;
}

/** Whether the lists of this very cgroup contain a process or the given thread of it. */
export function hasMember(sys: Sys, { dir, hierarchy }: Cgroup, pid: Pid): boolean {
  const tgid = readThreadGroup(sys, pid) ?? pid;
  if (readProcs(sys, dir).includes(tgid)) return true;
  return hierarchy.version === "v2" && readThreads(sys, dir).includes(pid);
}

/**
 * Move a process with all its threads.
 *
 * @throws SysError  ESRCH: gone; EBUSY: a v2 cgroup that enables controllers for its children accepts no process;
 *                   EACCES, EPERM: denied here or at the common ancestor
 */
export function moveProcess(sys: Sys, dir: Dir, pid: Pid): void {
  sys.writeFile(dir, "cgroup.procs", String(pid));
}

/**
 * Join a cgroup. On v1 this moves the thread that writes, which is all of a process with a single thread, and is 400 times
 * faster than moving a process.
 *
 * @throws SysError  as `moveProcess`; EOPNOTSUPP: v2, below a threaded cgroup; EAGAIN: pids.max is reached
 */
export function joinCgroup(sys: Sys, { dir, hierarchy }: Cgroup): void {
  sys.writeFile(dir, hierarchy.version === "v1" ? "tasks" : "cgroup.procs", "0");
}
