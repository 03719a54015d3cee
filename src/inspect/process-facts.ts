// What is told of a process: by `show` and by `list --procs`. Reads only, and nothing that may hang.

import { readCgroupPath } from "../cgroup/open/hierarchy.ts";
import type { Cgroup } from "../cgroup/types.ts";
import { isDenied, SysError } from "../sys/errno.ts";
import { listThreads, type ProcessStat, readArgs, readBootTime, readStat, readStatus, startTime } from "../sys/proc.ts";
import { type Millis, type Pid, ROOT, type Sys } from "../sys/sys.ts";
import type { ShownProcess } from "./preview-types.ts";

const TICK_MS = 10;

/** Where a process was listed. */
type Place = Pick<Cgroup, "hierarchy" | "path">;

export interface ProcessFacts {
  readonly shown: ShownProcess;
  readonly isKernelThread: boolean;
  /** 0: no process traces it. */
  readonly tracerPid: Pid;
}

/** Reads what does not change from one process to the next once. @returns `undefined` for one that is gone or hidden */
export function processReader(sys: Sys): (cgroup: Place, pid: Pid) => ProcessFacts | undefined {
  const users = readUsers(sys);
  const bootedAt = readBootTime(sys);
  return (cgroup, pid) => ifShown(() => readProcess(sys, cgroup, pid, users, bootedAt));
}

/** One whose /proc is hidden from us is counted, and not shown. */
function ifShown<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (isDenied(error)) return undefined;
    throw error;
  }
}

function readProcess(
  sys: Sys,
  cgroup: Place,
  pid: Pid,
  users: ReadonlyMap<number, string>,
  bootedAt: Millis | null,
): ProcessFacts | undefined {
  const stat = readStat(sys, pid);
  const status = readStatus(sys, pid);
  if (stat === undefined || status === undefined) return undefined;
  const shown = {
    pid,
    ppid: stat.ppid,
    cgroup: readCgroupPath(sys, cgroup.hierarchy, pid) ?? cgroup.path,
    comm: stat.comm,
    args: mayHang(sys, pid, stat) ? null : readArgs(sys, pid),
    state: stat.state,
    uid: status.uid,
    user: users.get(status.uid) ?? null,
    startedAt: startTime(stat, bootedAt),
    cpuMs: stat.cpuTicks * TICK_MS,
    rssBytes: status.rssBytes,
    threads: stat.threads,
  };
  return { shown, isKernelThread: stat.isKernelThread, tracerPid: status.tracerPid };
}

/**
 * The command line lies in the process's own memory. One of its threads that is stuck in the kernel may hold the lock
 * on that memory, and then the reader is stuck as well: no command line of a process with a thread in state D.
 */
function mayHang(sys: Sys, pid: Pid, stat: ProcessStat): boolean {
  if (stat.state === "D") return true;
  if (stat.threads <= 1) return false;
  return listThreads(sys, pid).some((tid) => readStat(sys, tid)?.state === "D");
}

/** Names of uids, from /etc/passwd alone: a name service may be what hangs on this host. */
function readUsers(sys: Sys): ReadonlyMap<number, string> {
  const users = new Map<number, string>();
  try {
    for (const line of sys.readFile(ROOT, "/etc/passwd").split("\n")) {
      const [name, , uid] = line.split(":");
      if (name !== undefined && uid !== undefined && !users.has(Number(uid))) users.set(Number(uid), name);
    }
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
  }
  return users;
}
