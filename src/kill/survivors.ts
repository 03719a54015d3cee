// Who is left at the deadline, why, and what a person can do about it. Reads only what cannot hang.

import { readFreezing } from "../cgroup/freezing.ts";
import { findHierarchies, readCgroupPath } from "../cgroup/hierarchy.ts";
import { openInHierarchy } from "../cgroup/path.ts";
import { quoteWord } from "../cgroup/shell.ts";
import type { Hierarchy } from "../cgroup/types.ts";
import { SysError } from "../sys/errno.ts";
import { type ProcessStat, type ProcessStatus, readStat, readStatus, readWchan } from "../sys/proc.ts";
import type { Pid } from "../sys/sys.ts";
import { type KillRun, listMembers, listMembersByThread } from "./run.ts";
import type { Survivor, SurvivorReason } from "./types.ts";

/**
 * Describe everybody who is still there; never empty, since it is asked only where the kernel says "not empty".
 *
 * Those without a number of their own share one entry: that our pid namespace cannot see, or that no list shows.
 */
export function findSurvivors(run: KillRun): Survivor[] {
  const { sys, cgroup } = run;
  const { pids, invisible } = listMembersByThread(run);
  const freezer = findHierarchies(sys).find(({ hasFreezer }) => hasFreezer);
  run.unnumbered = invisible;
  let listed: ReadonlySet<Pid> | undefined;
  // One that /proc does not show (hidepid=2) and the lists still do is there.
  const isHidden = (pid: Pid): boolean => (listed ??= listMembers(run).pids).has(pid);
  const survivors = [...pids]
    .map((pid) => orBare(run, pid, () => describe(run, pid, freezer) ?? (isHidden(pid) ? bare(run, pid) : undefined)))
    .filter((survivor) => survivor !== undefined);
  if (invisible > 0) survivors.push(unnumbered(cgroup.path, "not-visible", invisible));
  if (survivors.length === 0) survivors.push(unnumbered(cgroup.path, "still-exiting", 1));
  return survivors;
}

/** One whose /proc we may not read is named by his number all the same. */
function orBare(run: KillRun, pid: Pid, read: () => Survivor | undefined): Survivor | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    return bare(run, pid);
  }
}

function bare(run: KillRun, pid: Pid): Survivor {
  const reason = run.denied.has(pid) ? "not-permitted" : "still-exiting";
  return { ...unnumbered(run.cgroup.path, reason, 1), pid };
}

function describe(run: KillRun, pid: Pid, freezer: Hierarchy | undefined): Survivor | undefined {
  const { sys, cgroup } = run;
  const stat = readStat(sys, pid);
  const status = readStatus(sys, pid);
  if (stat === undefined || status === undefined) return undefined;
  const frozenBy = freezer === undefined ? null : findFreezer(run, pid, freezer);
  const wchan = readWchan(sys, pid);
  const reason = findReason(stat, status, frozenBy, run.denied.has(pid));
  return {
    pid,
    ppid: stat.ppid,
    comm: stat.comm,
    state: stat.state,
    uid: status.uid,
    wchan,
    sigkillPending: status.sigkillPending,
    frozenBy,
    tracerPid: status.tracerPid > 0 ? status.tracerPid : null,
    cgroup: readCgroupPath(sys, cgroup.hierarchy, pid) ?? cgroup.path,
    reason,
    hint: hintFor(reason, { pid, wchan, frozenBy, tracerPid: status.tracerPid }),
  };
}

function findReason(
  stat: ProcessStat,
  status: ProcessStatus,
  frozenBy: string | null,
  isNotPermitted: boolean,
): SurvivorReason {
  if (stat.isKernelThread) return "kernel-thread";
  if (isNotPermitted) return "not-permitted";
  if (frozenBy !== null) return "frozen-elsewhere";
  if (status.tracerPid > 0 && stat.state.toLowerCase() === "t") return "traced";
  return stat.state === "D" ? "uninterruptible" : "still-exiting";
}

interface HintFacts {
  readonly pid: Pid;
  readonly wchan: string | null;
  readonly frozenBy: string | null;
  readonly tracerPid: Pid;
}

function hintFor(reason: SurvivorReason, { pid, wchan, frozenBy, tracerPid }: HintFacts): string {
  switch (reason) {
    case "kernel-thread":
      return `a kernel thread cannot be killed: move it to the root of the hierarchy, echo ${pid} > cgroup.procs there`;
    case "not-permitted":
      return "it belongs to somebody else: run cgkill as root or as its owner";
    case "frozen-elsewhere":
      return `thaw it, and it dies: cgkill thaw ${quoteWord(frozenBy ?? "")}`;
    case "traced":
      return `pid ${tracerPid} traces it and holds it: end or detach that one`;
    case "uninterruptible":
      return `blocked in the kernel (${wchan ?? "unknown"}): it dies when that call returns; see /proc/${pid}/stack, and its disk, network or FUSE mounts`;
    case "not-visible":
      return "they belong to another pid namespace: run cgkill on the host";
    case "still-exiting":
      return "SIGKILL is under way: give it more time, --timeout 1m";
  }
}

function unnumbered(cgroup: string, reason: SurvivorReason, count: number): Survivor {
  return {
    pid: 0,
    ppid: null,
    comm: count === 1 ? null : `(${count} processes)`,
    state: null,
    uid: null,
    wchan: null,
    sigkillPending: null,
    frozenBy: null,
    tracerPid: null,
    cgroup,
    reason,
    hint: hintFor(reason, { pid: 0, wchan: null, frozenBy: null, tracerPid: 0 }),
  };
}

/** The v1 freezer cgroup that holds a process frozen, as a directory. */
function findFreezer({ sys }: KillRun, pid: Pid, freezer: Hierarchy): string | null {
  const path = readCgroupPath(sys, freezer, pid);
  const cgroup = path === undefined ? undefined : openInHierarchy(sys, freezer, path);
  if (cgroup === undefined) return null;
  try {
    return readFreezing(sys, cgroup).by?.name ?? null;
  } finally {
    sys.close(cgroup.fd);
  }
}
