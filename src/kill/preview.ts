// The look before the kill: everything that `show` tells of a plan's cgroup. Reads only, and nothing that may hang.

import { readFreezing } from "../cgroup/freezing.ts";
import { hierarchyName, readCgroupPath } from "../cgroup/hierarchy.ts";
import { labelOf } from "../cgroup/label.ts";
import { hasTasks, readMembers, readProcs } from "../cgroup/members.ts";
import type { Pace } from "../cgroup/subtree.ts";
import type { Cgroup, CgroupType } from "../cgroup/types.ts";
import * as v2 from "../cgroup/v2.ts";
import { isDenied, SysError } from "../sys/errno.ts";
import { listThreads, type ProcessStat, readArgs, readBootTime, readStat, readStatus, startTime } from "../sys/proc.ts";
import { type Dir, type Millis, type Pid, ROOT, type Sys } from "../sys/sys.ts";
import type { Preview, PreviewProcess } from "./preview-types.ts";
import type { KillPlan } from "./types.ts";

const TICK_MS = 10;

export async function readPreview(sys: Sys, plan: KillPlan, pace: Pace = {}): Promise<Preview> {
  const { cgroup } = plan;
  const own = new Set(readProcs(sys, cgroup.dir).filter((pid) => pid > 0));
  const all = await readMembers(sys, cgroup, "procs", pace);
  const freezing = readFreezing(sys, cgroup);
  const label = labelOf(cgroup.path);
  const supervisor = label?.supervisor() ?? null;
  return {
    cgroup: cgroup.path,
    path: cgroup.name,
    hierarchy: hierarchyName(cgroup.hierarchy),
    label: label?.text ?? null,
    supervisor: supervisor?.name ?? null,
    mayRestart: supervisor?.mayRestart ?? false,
    stop: supervisor?.stop ?? null,
    procs: own.size,
    procsSubtree: all.pids.size,
    invisible: all.invisible,
    state: freezing.state,
    frozenBy: freezing.by?.path ?? null,
    populated: await isPopulated(sys, cgroup, pace),
    type: readType(sys, cgroup),
    memoryBytes: readMemory(sys, cgroup.dir),
    method: plan.method,
    refusal: plan.refusal,
    moves: plan.moves,
    processes: readProcesses(sys, cgroup, all.pids),
  };
}

async function isPopulated(sys: Sys, cgroup: Cgroup, pace: Pace): Promise<boolean> {
  if (cgroup.hierarchy.version === "v1" || cgroup.path === "/") return await hasTasks(sys, cgroup, pace);
  return v2.readEvents(sys, cgroup.dir).populated;
}

function readType(sys: Sys, cgroup: Cgroup): CgroupType {
  if (cgroup.hierarchy.version === "v1" || cgroup.path === "/") return "domain";
  return v2.readType(sys, cgroup.dir);
}

/** Where the memory controller is on; v1 has it in a hierarchy of its own. */
function readMemory(sys: Sys, dir: Dir): number | null {
  for (const file of ["memory.current", "memory.usage_in_bytes"]) {
    try {
      return Number(sys.readRecord(dir, file));
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
    }
  }
  return null;
}

function readProcesses(sys: Sys, cgroup: Cgroup, pids: ReadonlySet<Pid>): PreviewProcess[] {
  const users = readUsers(sys);
  const bootedAt = readBootTime(sys);
  return [...pids]
    .map((pid) => unlessHidden(() => readProcess(sys, cgroup, pid, users, bootedAt)))
    .filter((process) => process !== undefined);
}

/** One whose /proc is hidden from us is counted, and not shown. */
function unlessHidden<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (isDenied(error)) return undefined;
    throw error;
  }
}

function readProcess(
  sys: Sys,
  cgroup: Cgroup,
  pid: Pid,
  users: ReadonlyMap<number, string>,
  bootedAt: Millis | null,
): PreviewProcess | undefined {
  const stat = readStat(sys, pid);
  const status = readStatus(sys, pid);
  if (stat === undefined || status === undefined) return undefined;
  return {
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
