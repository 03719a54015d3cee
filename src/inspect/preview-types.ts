// What `show` reports about a cgroup and its processes, before anything is changed.

import type { Command } from "../advice.ts";
import type { BlockedOn } from "../blocked/types.ts";
import type { CgroupType, FreezeState } from "../cgroup/types.ts";
import type { Killed, KillMethod, Refusal, SurvivorReason, TwinReport } from "../kill/types.ts";
import type { Millis, Pid } from "../sys/sys.ts";

export type StepName =
  | "step-aside"
  | "grace"
  | "thaw-ancestor"
  | "freeze"
  | "trap"
  | "fence"
  | "kill"
  | "thaw"
  | "untrap"
  | "unfence"
  | "move-out"
  | "wait"
  | "freeze-ancestor"
  | "remove";

/** One step of a kill that has not begun. */
export interface PlanStep {
  readonly step: StepName;
  /** "SIGTERM", if one is sent. */
  readonly signal: string | null;
  /** The maximum time to wait for the processes to end. */
  readonly waitMs: Millis | null;
  /** The file written, or the directory created, removed or moved to. */
  readonly path: string | null;
  /** Would the kernel permit it? `null` if only trying would show. */
  readonly permitted: boolean | null;
  /** Why a process is moved elsewhere than to the cgroup of --spare-to; `null` if it is not. */
  readonly reason: string | null;
}

/** What a kill would do to a process. */
export type Fate = "killed" | "spared" | "may-survive";
/** `refused`: the kill would be refused, which spares every process. */
export type FateReason = SurvivorReason | "refused";

/** What `show` and `list --procs` show of a process. */
export interface ShownProcess {
  readonly pid: Pid;
  readonly ppid: Pid;
  readonly cgroup: string;
  readonly comm: string;
  /** The command line; `null` if the process has none, or if reading it could hang. */
  readonly args: readonly string[] | null;
  /** One letter, as in /proc/PID/stat. */
  readonly state: string;
  readonly uid: number;
  /** The user name, if /etc/passwd has one. */
  readonly user: string | null;
  /** ISO 8601; `null` if the boot time is hidden. */
  readonly startedAt: string | null;
  readonly cpuMs: Millis;
  readonly rssBytes: number;
  readonly threads: number;
  /** What it waits for in the kernel; `null` if it does not, if that is not known, or if it was not looked for. */
  readonly blockedOn: BlockedOn | null;
}

export interface PreviewProcess extends ShownProcess {
  readonly fate: Fate;
  /** Why it may survive, or why it is spared without being moved out; `null` otherwise. */
  readonly fateReason: FateReason | null;
}

/** What `list` and `show` report of a cgroup. */
export interface CgroupFacts {
  /** As /proc/PID/cgroup prints it; `path` is its directory. */
  readonly cgroup: string;
  readonly path: string;
  readonly hierarchy: string;
  readonly label: string | null;
  /** Processes in the cgroup itself. */
  readonly procs: number;
  readonly procsSubtree: number;
  /**
   * Members outside our pid namespace: `list` counts those of the cgroup itself. `null` if there may be some that no list
   * shows.
   */
  readonly invisible: number | null;
  readonly state: FreezeState;
  /** The nearest cgroup whose own freezer is on: this one or an ancestor. */
  readonly frozenBy: string | null;
  readonly populated: boolean;
  readonly type: CgroupType;
  readonly memoryBytes: number | null;
  readonly method: KillMethod;
  readonly refusal: Refusal | null;
  /** Start of the first process that the kernel lists in the cgroup itself, usually the oldest; `null` if there is none. */
  readonly startedAt: string | null;
  /** CPU time of the subtree; `null` on v1. `list` does not read that of an unpopulated cgroup. */
  readonly cpuMs: Millis | null;
}

export interface Preview extends CgroupFacts {
  /** The program that manages it, whether that may restart what dies, and the command that stops it properly. */
  readonly supervisor: string | null;
  readonly mayRestart: boolean;
  readonly stop: Command | null;
  /** The living process outside that started its processes, and may start them again. */
  readonly startedBy: Killed | null;
  /** Processes inside that would be moved out first: ours and those to be spared. */
  readonly moves: readonly Pid[];
  /** What a kill with the same options would do, in order; empty if it would be refused. */
  readonly plan: readonly PlanStep[];
  readonly processes: readonly PreviewProcess[];
  /** The v1 freezer cgroup of a target that exists in v2 and in the v1 freezer. */
  readonly twin: TwinReport<KillMethod, null> | null;
}
