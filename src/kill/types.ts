// The values that a kill is made of: options in, a plan, events on the way, an outcome out.
// `KillOutcome` is the JSON contract in camel case; the command line prints its keys in snake case.

import type { Advice } from "../advice.ts";
import type { Match } from "../cgroup/errors.ts";
import type { Cgroup } from "../cgroup/types.ts";
import type { Millis, Pause, Pid } from "../sys/sys.ts";
import type { KillEvent, Level } from "./events.ts";
import type { SignalName } from "./signal-names.ts";

export type KillMethod = "kill" | "freezer" | "sweep";

export interface KillOptions {
  readonly method: KillMethod | "auto";
  /** Remove the emptied subtree; `undefined`: v1 yes, v2 no. */
  readonly remove: boolean | undefined;
  readonly graceMs: Millis;
  /** Sent at the start of the grace period. */
  readonly graceSignal: SignalName;
  /** Processes to be moved out of the target first. Our own is always among them. */
  readonly spare: readonly Pid[];
  /** Where to move them; an opened cgroup. */
  readonly spareTo: Cgroup | undefined;
  readonly allowAncestors: boolean;
  /** v1: thaw a frozen ancestor for the time of the kill, where the dead cannot be moved out of its reach. */
  readonly thawAncestors: boolean;
  /** v1, with removal: the directories of the same path in the other v1 hierarchies too. */
  readonly allHierarchies: boolean;
}

export const DEFAULT_OPTIONS: KillOptions = {
  method: "auto",
  remove: undefined,
  graceMs: 0,
  graceSignal: "TERM",
  spare: [],
  spareTo: undefined,
  allowAncestors: false,
  thawAncestors: false,
  allHierarchies: false,
};

/** Why a target is not killed, although it could be. */
export interface Refusal extends Advice {
  readonly code:
    | "hierarchy-root"
    | "holds-init"
    | "holds-ancestors"
    | "not-a-cgroup"
    | "empty-path"
    | "leaves-mount"
    | "frozen-ancestor"
    | "threaded"
    | "nowhere-to-step-aside"
    | "covered"
    | "not-mounted"
    | "not-where-named"
    | "changed"
    | "spare-not-inside"
    | "bad-line";
  readonly message: string;
}

/** What a kill would do. A value: making it has written nothing. */
export interface KillPlan {
  readonly cgroup: Cgroup;
  readonly method: KillMethod;
  readonly remove: boolean;
  readonly refusal: Refusal | null;
  readonly options: KillOptions;
  /** When it was looked, on the clock of `Sys.now`: an old look is no ground for a kill. */
  readonly checkedAt: Millis;
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
  /** `null` where reading it would have delayed the kill. */
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
  /** The kernel function it sleeps in. */
  readonly wchan: string | null;
  readonly sigkillPending: boolean | null;
  /** The v1 freezer cgroup that keeps it frozen. */
  readonly frozenBy: string | null;
  readonly tracerPid: Pid | null;
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

export interface Phases {
  readonly freezeMs: Millis | null;
  readonly scanMs: Millis | null;
  readonly signalMs: Millis | null;
  readonly thawMs: Millis | null;
  readonly waitMs: Millis | null;
  readonly removeMs: Millis | null;
}

/** The other of twins, of which nothing is removed. */
export interface FreezeTwin {
  readonly path: string;
  readonly method: null;
  readonly removed: null;
}

/** The v1 freezer cgroup of a target that is in v2 and in the v1 freezer. */
export interface TwinReport {
  readonly path: string;
  readonly method: KillMethod;
  readonly removed: boolean;
}

export interface Spared {
  readonly pid: Pid;
  readonly cgroup: string;
}

/** What became of one target. */
export interface KillOutcome {
  /** As /proc/PID/cgroup prints it; the name as given where it could not be opened. */
  readonly cgroup: string;
  readonly path: string | null;
  readonly hierarchy: string | null;
  readonly method: KillMethod | null;
  readonly outcome: Outcome;
  readonly killed: readonly Killed[];
  readonly killedCount: number;
  /** Those of them that ended in the grace period; `null` without one. The others needed SIGKILL. */
  readonly endedByGrace: number | null;
  readonly survivors: readonly Survivor[];
  readonly spared: readonly Spared[];
  readonly removed: boolean;
  /**
   * Has the kernel said that it is empty? `false` where its lists say so, and leave members of other pid namespaces out:
   * v1, and we are in one; `null` where the kill did not get so far.
   */
  readonly proven: boolean | null;
  /** Cgroups that we froze and could not thaw again: always empty, short of a kernel that refuses the write. */
  readonly leftFrozen: readonly string[];
  /** A kept v2 cgroup that was itself found frozen was thawed, once it was empty. */
  readonly thawedEmpty: boolean;
  readonly startedAt: string;
  readonly durationMs: Millis;
  readonly phases: Phases;
  readonly error: Failure | null;
  readonly twin: TwinReport | null;
  /** The cgroups that an ambiguous name means. */
  readonly matches: readonly Match[] | null;
}

/** What a kill is given by its caller besides the kernel: until when, whether to stop, and where its events go. */
export interface KillControl {
  /** On the clock of `Sys.now`. The grace period is not counted. */
  readonly deadline: Millis;
  readonly abort: AbortSignal;
  readonly onEvent: (event: KillEvent) => void;
  /** Events below it are never made; there are several for each process. All of them by default. */
  readonly level?: Level;
  /** Called now and then while it lasts, for a line that people watch. */
  readonly onProgress?: (progress: Progress) => Promise<void>;
  /** Called before the first step that takes time or holds anything, perhaps more than once: stop requests count now. */
  readonly begin?: () => void;
  /** Ctrl-Z and its like: asked between two steps. */
  readonly pause?: Pick<Pause, "isRequested" | "stop"> | undefined;
}

/** How far a kill is. */
export interface Progress {
  readonly phase: keyof Phases | null;
  /** How many are still there; asked of the kernel when it is called. */
  readonly countLeft: () => Promise<number>;
}
