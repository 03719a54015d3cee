// What `show` and `list --procs` show of a process. Read-only, and no read may hang.

import { readCgroupPath } from "../cgroup/open/hierarchy.ts";
import type { Cgroup } from "../cgroup/types.ts";
import { PROC, ROOT } from "../sys/dir.ts";
import { isDenied, readOr } from "../sys/errno.ts";
import { mayHang } from "../sys/may-hang.ts";
import { type ProcessStat, readArgs, readStat, readStatus, wordAfter } from "../sys/proc.ts";
import type { Millis, Pid, Sys } from "../sys/sys.ts";
import type { ShownProcess } from "./preview-types.ts";

const TICK_MS = 10;

export interface ProcessFacts {
  readonly shown: ShownProcess;
  readonly isKernelThread: boolean;
  /** 0 if it is not traced. */
  readonly tracerPid: Pid;
}

/**
 * Reads one process that a cgroup lists.
 *
 * @returns `undefined` if the process is gone or its /proc is hidden
 */
export type ProcessReader = (cgroup: Pick<Cgroup, "hierarchy" | "path">, pid: Pid) => ProcessFacts | undefined;

export function createProcessReader(sys: Sys): ProcessReader {
  const users = readUsers(sys);
  const bootedAt = readBootTime(sys);
  const read: ProcessReader = (cgroup, pid) => {
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
      blockedOn: null,
    };
    return { shown, isKernelThread: stat.isKernelThread, tracerPid: status.tracerPid };
  };
  return (cgroup, pid) => readOr(undefined, () => read(cgroup, pid), isDenied);
}

/** Names by uid, from /etc/passwd only: a name service may be what hangs on this host. */
function readUsers(sys: Sys): ReadonlyMap<number, string> {
  const users = new Map<number, string>();
  const text = readOr("", () => sys.readFile(ROOT, "/etc/passwd"));
  for (const line of text.split("\n")) {
    const [name, , uid] = line.split(":");
    if (name !== undefined && uid !== undefined && !users.has(Number(uid))) users.set(Number(uid), name);
  }
  return users;
}

/** Read the boot time, in milliseconds since the epoch; `null` if it is hidden. */
export function readBootTime(sys: Sys): Millis | null {
  // With `subset=pid`, /proc contains only processes. In some containers it is an empty file.
  const text = readOr("", () => sys.readFile(PROC, "stat"));
  const btime = wordAfter(text, "btime ");
  return btime === "" ? null : Number(btime) * 1000;
}

/** The start time of a process in ISO 8601. @param bootedAt  from `readBootTime` */
export function startTime(stat: ProcessStat, bootedAt: Millis | null): string | null {
  if (bootedAt === null || stat.startTicks === undefined) return null;
  return new Date(bootedAt + stat.startTicks * TICK_MS).toISOString();
}
