// What `show` says of a cgroup and of the processes in it, before anything is done to them.

import type { Command } from "../advice.ts";
import type { CgroupType, FreezeState } from "../cgroup/types.ts";
import type { KillMethod, Refusal, SurvivorReason } from "../kill/types.ts";
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
  /** The longest wait for the processes to end. */
  readonly waitMs: Millis | null;
  /** The file that is written, or the directory that is made, removed or moved to. */
  readonly path: string | null;
  /** Does the kernel let us? `null` if that cannot be told without trying. */
  readonly permitted: boolean | null;
}

/** What a kill would do to a process. */
export type Fate = "killed" | "spared" | "may-survive";
/** `refused`: the kill would be refused, and so spares every process. */
export type FateReason = SurvivorReason | "refused";

/** What `show` and `list --procs` tell of a process. */
export interface ShownProcess {
  readonly pid: Pid;
  readonly ppid: Pid;
  readonly cgroup: string;
  readonly comm: string;
  /** The command line; `null` where there is none, or where reading it could hang. */
  readonly args: readonly string[] | null;
  /** One letter, as in /proc/PID/stat. */
  readonly state: string;
  readonly uid: number;
  /** The name of the uid, where /etc/passwd has one. */
  readonly user: string | null;
  /** `null` where the kernel does not say when it was booted. */
  readonly startedAt: string | null;
  readonly cpuMs: Millis;
  readonly rssBytes: number;
  readonly threads: number;
}

export interface PreviewProcess extends ShownProcess {
  readonly fate: Fate;
  /** Why it may survive, or is spared without being moved out; `null` otherwise. */
  readonly fateReason: FateReason | null;
}

export interface Preview {
  readonly cgroup: string;
  readonly path: string;
  readonly hierarchy: string;
  readonly label: string | null;
  /** Who is in charge of it, by its name, whether that one starts again what dies, and the command to stop it by. */
  readonly supervisor: string | null;
  readonly mayRestart: boolean;
  readonly stop: Command | null;
  /** Processes in the cgroup itself. */
  readonly procs: number;
  readonly procsSubtree: number;
  /** Members that our pid namespace cannot see. */
  readonly invisible: number;
  readonly state: FreezeState;
  /** The cgroup that was told to freeze: this one, or an ancestor. */
  readonly frozenBy: string | null;
  readonly populated: boolean;
  readonly type: CgroupType;
  readonly memoryBytes: number | null;
  /** CPU time of the subtree, where the kernel keeps it in this hierarchy (v2). */
  readonly cpuMs: Millis | null;
  /** Start of the first process that the kernel lists in the cgroup itself; `null` if there is none. */
  readonly startedAt: string | null;
  readonly method: KillMethod;
  readonly refusal: Refusal | null;
  /** Processes to be spared that are inside and would be moved out first. */
  readonly moves: readonly Pid[];
  /** What a kill with the same options would do, in this order; nothing if it would be refused. */
  readonly plan: readonly PlanStep[];
  readonly processes: readonly PreviewProcess[];
  /** The v1 freezer cgroup of a target that is in v2 and in the v1 freezer. */
  readonly twin: PreviewTwin | null;
}

export interface PreviewTwin {
  readonly path: string;
  readonly method: KillMethod;
  /** `null`: a preview removes nothing. */
  readonly removed: null;
}
