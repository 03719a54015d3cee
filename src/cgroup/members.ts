// Who is in a cgroup: the lists that v1 and v2 have in common, and moving a process from one to another.
// Deliberately not here: the state of a cgroup, which the two versions tell in files of their own.

import { isDenied, isGone, isUnsupported } from "../sys/errno.ts";
import { readStatus } from "../sys/proc.ts";
import type { Dir, Pid, Sys } from "../sys/sys.ts";
import { parsePids } from "./parse.ts";
import type { CgroupVersion } from "./types.ts";

export interface Members {
  /** Process ids (thread groups), each once. */
  readonly pids: ReadonlySet<Pid>;
  /** Entries that our pid namespace cannot see: v2 lists them as 0, v1 not at all. Never signalled by number. */
  readonly invisible: number;
}

function readList(sys: Sys, dir: Dir, file: string): Pid[] {
  try {
    return parsePids(sys.readFile(dir, file));
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
}

/** The processes of one cgroup; a threaded one (v2) refuses that list and only has threads. */
function readProcs(sys: Sys, dir: Dir): Pid[] {
  try {
    return readList(sys, dir, "cgroup.procs");
  } catch (error) {
    if (isUnsupported(error)) return readThreadGroups(sys, dir, "cgroup.threads");
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
function readThreadGroup(sys: Sys, tid: Pid): Pid | undefined {
  try {
    return readStatus(sys, tid)?.tgid;
  } catch (error) {
    if (isDenied(error)) return tid;
    throw error;
  }
}

function collect(lists: Iterable<readonly Pid[]>): Members {
  const pids = new Set<Pid>();
  let invisible = 0;
  for (const list of lists) {
    for (const pid of list) {
      if (pid > 0) pids.add(pid);
      else invisible++;
    }
  }
  return { pids, invisible };
}

/** The processes listed in these cgroups, from a fresh read of each. */
export function readMembers(sys: Sys, dirs: readonly Dir[]): Members {
  return collect(dirs.map((dir) => readProcs(sys, dir)));
}

/** The same by way of every thread: slower, and finds members that the list of processes leaves out. */
export function readMembersByThread(sys: Sys, dirs: readonly Dir[], version: CgroupVersion): Members {
  const file = version === "v2" ? "cgroup.threads" : "tasks";
  return collect(dirs.map((dir) => readThreadGroups(sys, dir, file)));
}

/** Does any of these cgroups list anything at all, thread or process? The v1 question; v2 has `populated`. */
export function hasTasks(sys: Sys, dirs: readonly Dir[]): boolean {
  return dirs.some((dir) => readList(sys, dir, "tasks").length > 0 || readList(sys, dir, "cgroup.procs").length > 0);
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
