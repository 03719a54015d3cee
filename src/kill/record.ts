// What a kill has found out so far. Only the kill writes it; the outcome is made from it.

import type { FuseConnection } from "../blocked/fuse/connections.ts";
import type { Hierarchy } from "../cgroup/types.ts";
import type { Millis, Pid } from "../sys/sys.ts";
import type { Starter } from "./steps/starter.ts";
import type { AbortedFuse, Phase, Phases, Spared } from "./types.ts";

export const NO_PHASES: Phases = {
  freezeMs: null,
  scanMs: null,
  signalMs: null,
  thawMs: null,
  waitMs: null,
  removeMs: null,
};

export interface FoundConnection {
  readonly held: FuseConnection;
  /** Since when its servers have not run. */
  readonly idleSince: Millis;
  /** Changes when a server runs, or another one appears. */
  readonly activity: string;
}

/** A search for FUSE connections to abort, which looks at each twice. */
export interface FuseSearch {
  /** When it is due, on the clock of `Sys.now`. */
  readonly dueAt: Millis;
  /** Connections found, held open from the first look to the write. */
  readonly found: Map<number, FoundConnection>;
}

export interface KillRecord {
  /** Processes sent SIGKILL, by us or by the kernel, with their names if they were read. */
  readonly signalled: Map<Pid, string | null>;
  /** Signalled processes that are dead. */
  readonly killed: Map<Pid, string | null>;
  /** Processes sent the grace signal. */
  readonly graceSignalled: Set<Pid>;
  /** Processes that died in the grace period after its signal. */
  readonly endedByGrace: Set<Pid>;
  /** Whether the grace period is running; it stays `true` if a signal interrupted it. */
  isInGrace: boolean;
  /** Processes that the kernel did not permit us to signal. */
  readonly denied: Set<Pid>;
  /** As in the outcome; `undefined` until it is looked for. */
  starter?: Starter | null | undefined;
  readonly spared: Spared[];
  /** Processes moved out of a frozen cgroup so that they could die, with the cgroup that they were in. */
  readonly movedOut: Map<Pid, { readonly hierarchy: Hierarchy; readonly path: string }>;
  readonly leftFrozen: Set<string>;
  /** Whether any cgroup below the target was found frozen on its own. */
  isFrozenBelow: boolean;
  /** The target, if there was no time to thaw all of these. */
  thawCutAt: string | null;
  /** As in the outcome. */
  isThawedEmpty: boolean;
  readonly abortedFuse: AbortedFuse[];
  /** With --abort-fuse: what the search for connections to abort has seen, once it is due. */
  fuse?: FuseSearch | undefined;
  readonly phases: Record<Phase, Millis | null>;
  /** Their sum. */
  timedMs: Millis;
  /** Pids signalled in the current round. */
  round: ReadonlySet<Pid>;
  /** How many survivors have no pid in our pid namespace. */
  invisible: number;
  /** Whether the target was removed before anything was done. */
  wasGone: boolean;
  /** Whether there were members, even if there was no time to list them. */
  wasPopulated: boolean;
  /** v1: whether the last scan of /proc proves that there is no further member. */
  isScanned: boolean;
  removed: boolean;
  /** As in the outcome. */
  proven: boolean | null;
  phase: Phase | null;
  lastYieldAt: Millis;
  /** When killed processes were first given priority to die, since the last pause; `undefined` if none has been given. */
  hurriedAt?: Millis | undefined;
  /** Killed processes that had it for a while, and lived on. */
  readonly hadTheirTurn: Set<Pid>;
  /** Until it is disposed, signals that JavaScript cannot handle are ignored. */
  signalShield?: Disposable | undefined;
  /** On the clock of `Sys.now`; moved by the time that the grace period and stops took. */
  deadline: Millis;
}

export function newRecord(now: Millis, deadline: Millis): KillRecord {
  return {
    signalled: new Map(),
    killed: new Map(),
    graceSignalled: new Set(),
    endedByGrace: new Set(),
    isInGrace: false,
    denied: new Set(),
    spared: [],
    movedOut: new Map(),
    leftFrozen: new Set(),
    isFrozenBelow: false,
    thawCutAt: null,
    isThawedEmpty: false,
    abortedFuse: [],
    phases: { ...NO_PHASES },
    timedMs: 0,
    round: new Set(),
    invisible: 0,
    wasGone: false,
    wasPopulated: false,
    isScanned: false,
    removed: false,
    proven: null,
    phase: null,
    lastYieldAt: now,
    hadTheirTurn: new Set(),
    deadline,
  };
}
