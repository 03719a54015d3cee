// The values of a kill: its options, its plan, its outcome, and what its caller controls.
// `KillOutcome` is the JSON contract in camel case; the command line prints its keys in snake case.

import type { Advice } from "../advice.ts";
import type { BlockedOn, Server } from "../blocked/types.ts";
import type { Match, NameRefusal } from "../cgroup/errors.ts";
import type { Cgroup } from "../cgroup/types.ts";
import type { SignalName } from "../sys/signal-names.ts";
import type { Pause } from "../sys/signals.ts";
import type { Millis, Pid } from "../sys/sys.ts";
import type { KillEvent, Level } from "./events.ts";
import type { Pids, Starter } from "./steps/starter.ts";

export type KillMethod = "kill" | "freezer" | "sweep";

export interface KillOptions {
  readonly method: KillMethod | "auto";
  /** Remove the emptied subtree; `undefined`: v1 yes, v2 no. */
  readonly remove: boolean | undefined;
  readonly graceMs: Millis;
  /** Sent at the start of the grace period. */
  readonly graceSignal: SignalName;
  /** Processes to move out of the target first, besides cgkill itself. */
  readonly spare: readonly Pid[];
  /** Where to move them; an open cgroup. */
  readonly spareTo: Cgroup | undefined;
  /** If this is `false`, a target that contains cgkill itself is refused. */
  readonly mayStepAside: boolean;
  readonly allowAncestors: boolean;
  /** v1: thaw a frozen ancestor for the duration of the kill, if killed processes cannot be moved out of it to die. */
  readonly thawAncestors: boolean;
  /** v1, with removal: remove the directories of the same path in the other v1 hierarchies too. */
  readonly allHierarchies: boolean;
  /** Abort FUSE connections that survivors wait in, if no process outside the target can answer in them any more. */
  readonly abortFuse: boolean;
  /** Kill the cgroup that was opened even if another one has its name by now. */
  readonly mayBeRenamed: boolean;
}

export const DEFAULT_OPTIONS: KillOptions = {
  method: "auto",
  remove: undefined,
  graceMs: 0,
  graceSignal: "TERM",
  spare: [],
  spareTo: undefined,
  mayStepAside: true,
  allowAncestors: false,
  thawAncestors: false,
  allHierarchies: false,
  abortFuse: false,
  mayBeRenamed: false,
};

/** Why cgkill refuses to kill a target. */
export interface Refusal extends Advice {
  readonly code:
    | NameRefusal
    | "foreign-proc"
    | "holds-init"
    | "holds-ancestors"
    | "holds-standby"
    | "frozen-ancestor"
    | "threaded"
    | "nowhere-to-step-aside"
    | "changed"
    | "spare-not-inside"
    | "bad-line";
  readonly message: string;
}

/** What a kill would do. Making a plan writes nothing. */
export interface KillPlan {
  readonly cgroup: Cgroup;
  readonly method: KillMethod;
  readonly remove: boolean;
  readonly refusal: Refusal | null;
  readonly options: KillOptions;
  /** When the guards were checked, on the clock of `Sys.now`; a kill checks them again if that was long ago. */
  readonly checkedAt: Millis;
  /** The processes that started this cgkill, without PID 1. They wait for the result. */
  readonly ancestors: Pids;
  /** The same cgroup in the v1 freezer, if both are one target. */
  readonly twin: KillPlan | null;
}

export type Outcome =
  | "killed"
  | "empty"
  | "missing"
  | "failed"
  | "usage"
  | "not-found"
  | "refused"
  | "denied"
  | "survivors"
  | "not-removed"
  | "interrupted"
  | "internal";

export interface Killed {
  readonly pid: Pid;
  /** `null` if it could not be read, or only by delaying the kill. */
  readonly comm: string | null;
}

export type SurvivorReason =
  | "uninterruptible"
  | "frozen-elsewhere"
  | "traced"
  | "not-permitted"
  | "not-visible"
  | "kernel-thread"
  | "still-exiting"
  | "dumping-core"
  | "moved-away";

export interface Survivor extends Advice {
  readonly pid: Pid;
  readonly ppid: Pid | null;
  readonly comm: string | null;
  /** One letter, as in /proc/PID/stat. */
  readonly state: string | null;
  readonly uid: number | null;
  /** The kernel function that it sleeps in. */
  readonly wchan: string | null;
  readonly sigkillPending: boolean | null;
  /** The v1 freezer cgroup that keeps it frozen. */
  readonly frozenBy: string | null;
  readonly tracerPid: Pid | null;
  /** What it waits for in the kernel; `null` if that is not known. */
  readonly blockedOn: BlockedOn | null;
  readonly cgroup: string;
  readonly reason: SurvivorReason;
  readonly hint: string;
}

export interface Failure extends Advice {
  readonly code: string;
  readonly message: string;
  readonly operation: string | null;
  readonly path: string | null;
  readonly errno: string | null;
}

export type Phase = "freezeMs" | "scanMs" | "signalMs" | "thawMs" | "waitMs" | "removeMs";
/** `null`: the kill had no such phase. */
export type Phases = Readonly<Record<Phase, Millis | null>>;

/** The v1 freezer cgroup of twins. Method and removal are `null` for a command that neither kills nor removes. */
export interface TwinReport<Method = KillMethod, Removed = boolean> {
  readonly path: string;
  readonly method: Method;
  readonly removed: Removed;
}

export interface Spared {
  readonly pid: Pid;
  readonly cgroup: string;
}

/** A FUSE connection that was aborted, on request. */
export interface AbortedFuse {
  readonly connection: number;
  readonly mount: string | null;
  readonly source: string | null;
  readonly server: Server | null;
}

/** When a command began: by the wall clock for the report, by the monotonic one for the duration. */
export interface Started {
  readonly wallMs: Millis;
  readonly monotonicMs: Millis;
}

/** What the outcomes of all commands that act on a target have. */
export interface TargetOutcome<Verdict> {
  /** As /proc/PID/cgroup prints it; the name as given if it could not be opened. */
  readonly cgroup: string;
  readonly path: string | null;
  readonly hierarchy: string | null;
  readonly outcome: Verdict;
  readonly startedAt: string;
  readonly durationMs: Millis;
  readonly error: Failure | null;
  /** The cgroups that an ambiguous name matches. */
  readonly matches: readonly Match[] | null;
}

/** The outcome of a kill of one target. */
export interface KillOutcome extends TargetOutcome<Outcome> {
  readonly method: KillMethod | null;
  readonly killed: readonly Killed[];
  readonly killedCount: number;
  /** How many of them ended in the grace period, and needed no SIGKILL; `null` without a grace period. */
  readonly endedByGrace: number | null;
  readonly survivors: readonly Survivor[];
  readonly spared: readonly Spared[];
  readonly removed: boolean;
  /**
   * Whether emptiness is proven. `false` if members may be hidden: on v1, for a kept directory, members of other pid
   * namespaces are in no list, and /proc may be incomplete. `null` if the kill did not get that far.
   */
  readonly proven: boolean | null;
  /**
   * Cgroups that could not be thawed. Empty unless the kernel refused the write, or there was no time for all frozen cgroups
   * below the target: then the target is one of them.
   */
  readonly leftFrozen: readonly string[];
  /** Whether a kept v2 cgroup was frozen before the kill, and was thawed once empty. */
  readonly thawedEmpty: boolean;
  readonly abortedFuse: readonly AbortedFuse[];
  readonly phases: Phases;
  readonly twin: TwinReport | null;
  /** What started it, PID 1 excepted. Not in the JSON. */
  readonly starter: Starter | null;
}

/** How a caller controls a kill: its deadline, how to stop it, and where its events go. */
export interface KillControl {
  /** On the clock of `Sys.now`. The kill moves it by the length of the grace period. */
  readonly deadline: Millis;
  readonly abort: AbortSignal;
  readonly onEvent: (event: KillEvent) => void;
  /** Run the method even if the target is empty, so that its code is loaded and compiled for the next kill. */
  readonly isRehearsal?: boolean;
  /** Less severe events are not created: there are several per process. Default: all are. */
  readonly level?: Level;
  /** Called repeatedly during the kill, for a progress line. */
  readonly onProgress?: (progress: Progress) => Promise<void>;
  /** Called before the first step that may take long or change anything, maybe repeatedly: obey `pause` from then on. */
  readonly begin?: () => void;
  /** Called at the end with the time by which the grace period and stops have moved the deadline. */
  readonly onEnd?: (movedMs: Millis) => void;
  /** Stop requests (SIGTSTP, SIGTTIN, SIGTTOU), which are checked between steps. */
  readonly pause?: Pick<Pause, "isRequested" | "stop"> | undefined;
}

/** The progress of a kill. */
export interface Progress {
  readonly phase: Phase | null;
  /** Read the number of remaining members. */
  readonly countLeft: () => Promise<number>;
  /** Read the memory that the target still uses, in bytes; `null` if no controller counts it. */
  readonly memoryLeft: () => Promise<number | null>;
}
