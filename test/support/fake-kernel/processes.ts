// A process of the modelled kernel, and what holds it back.

import type { FakeGroup, FakeHierarchy } from "./groups.ts";

export interface FakeThread {
  readonly tid: number;
  readonly group: FakeGroup;
}

export interface FakeProcess {
  readonly pid: number;
  ppid: number;
  comm: string;
  /** Its only live thread if the leader has exited; the pid itself otherwise. */
  readonly tid: number;
  readonly groups: Map<FakeHierarchy, FakeGroup>;
  /** When it was started, in clock ticks after boot. */
  startTicks: number;
  /** Time from SIGKILL to death. */
  exitMs: number;
  /** How many writes to cgroup.kill miss it: some during an exec, all if the leader has exited. */
  missesKill: number;
  ignoresTerm: boolean;
  /** Blocked in the kernel; SIGKILL has no effect. */
  isStuck: boolean;
  /** In an exec, which does not go on if it is stuck: reading some files of /proc would block. */
  isInExec: boolean;
  /** Signalling it fails with EPERM. */
  isDenied: boolean;
  isInvisible: boolean;
  isKernelThread: boolean;
  /** It is writing a core dump and dies when that is done. */
  isDumpingCore: boolean;
  uid: number;
  /** The tracer that keeps it stopped in spite of SIGKILL; 0 if it is not traced. */
  tracerPid: number;
  /** Its other threads, each with its cgroup: v1, or threaded v2. */
  otherThreads: readonly FakeThread[];
  /** It forks whenever time passes, until this many forking processes are alive. */
  forksUpTo: number;
  /** Its scheduling policy. */
  policy: number;
  /** It finds no processor before it has a real-time priority. */
  isStarved: boolean;
  killedAt: number | undefined;
  /** It has begun to exit: freezing no longer delays its death. */
  isDying: boolean;
  isDead: boolean;
  isReaped: boolean;
}

/** The properties of a sleeping process that no test has asked to be anything else. */
export function defaultProcess(pid: number): Omit<FakeProcess, "pid" | "groups"> {
  return {
    ppid: 1,
    comm: "sleeper",
    tid: pid,
    startTicks: 100,
    exitMs: 0.3,
    missesKill: 0,
    ignoresTerm: false,
    isStuck: false,
    isInExec: false,
    isDenied: false,
    isInvisible: false,
    isKernelThread: false,
    isDumpingCore: false,
    uid: 0,
    tracerPid: 0,
    otherThreads: [],
    forksUpTo: 0,
    policy: 0,
    isStarved: false,
    killedAt: undefined,
    isDying: false,
    isDead: false,
    isReaped: false,
  };
}

/** Whether something other than a freezer keeps a process alive after SIGKILL. */
export const ignoresSigkill = (process: FakeProcess): boolean =>
  process.isStuck ||
  process.isKernelThread ||
  process.isDumpingCore ||
  process.tracerPid > 0 ||
  (process.isStarved && process.policy === 0);

export function isFrozenOnV1({ groups }: Pick<FakeProcess, "groups">): boolean {
  for (const [{ version }, group] of groups) if (version === "v1" && group.isFreezing) return true;
  return false;
}

export function isFrozenAnywhere({ groups }: Pick<FakeProcess, "groups">): boolean {
  for (const group of groups.values()) if (group.isFreezing) return true;
  return false;
}

/** The thread ids in /proc/PID/task: an exited leader stays there as a zombie until its last thread exits. */
export function threadsOf({ pid, tid, isDead, otherThreads }: FakeProcess): number[] {
  return isDead ? [pid] : [...new Set([pid, tid, ...otherThreads.map((thread) => thread.tid)])];
}
