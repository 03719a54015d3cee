// What a kill has found out so far. Written by the kill alone; the outcome is made from it.

import type { Hierarchy } from "../cgroup/types.ts";
import type { Millis, Pid } from "../sys/sys.ts";
import type { Phases, Spared } from "./types.ts";

export interface KillRecord {
  /** Processes sent SIGKILL, by us or by the kernel, with their names if they were read. */
  readonly signalled: Map<Pid, string | null>;
  /** Those of them that are dead. */
  readonly killed: Map<Pid, string | null>;
  /** Processes sent the grace signal; empty after the grace period. */
  readonly graced: Set<Pid>;
  /** Those of them that ended of it. */
  readonly endedByGrace: Set<Pid>;
  /** How many were sent it; known once the grace period has ended. */
  gracedCount: number;
  /** The grace period has begun, and has not come to its end: after a signal, too. */
  isInGrace: boolean;
  /** Processes that the kernel does not let us signal. */
  readonly denied: Set<Pid>;
  /** Processes that take no signal: kernel threads. */
  readonly immune: Set<Pid>;
  readonly spared: Spared[];
  /** Processes that were moved out of a frozen cgroup to die, with the place that they were in. */
  readonly movedOut: Map<Pid, { readonly hierarchy: Hierarchy; readonly path: string }>;
  readonly leftFrozen: Set<string>;
  /** As in the outcome. */
  isThawedEmpty: boolean;
  readonly phases: { -readonly [K in keyof Phases]: Phases[K] };
  /** Pids signalled in the current round. */
  round: ReadonlySet<Pid>;
  /** Survivors without a pid in our pid namespace. */
  unnumbered: number;
  /** There were members, whether or not there was time to list them. */
  wasPopulated: boolean;
  /** Nothing was written or signalled: there was no member. */
  isFoundEmpty: boolean;
  /** v1: a scan of /proc while everything was frozen has found no further member. */
  isScanned: boolean;
  removed: boolean;
  /** As in the outcome. */
  proven: boolean | null;
  phase: keyof Phases | null;
  lastYieldAt: Millis;
  /** Signals that cannot be handled are ignored until it is disposed. */
  signalShield: Disposable | undefined;
  /** On the clock of `Sys.now`; later than given by what the grace period and a stop have taken. */
  deadline: Millis;
}

export function newRecord(now: Millis, deadline: Millis): KillRecord {
  return {
    signalled: new Map(),
    killed: new Map(),
    graced: new Set(),
    endedByGrace: new Set(),
    gracedCount: 0,
    isInGrace: false,
    denied: new Set(),
    immune: new Set(),
    spared: [],
    movedOut: new Map(),
    leftFrozen: new Set(),
    isThawedEmpty: false,
    phases: { freezeMs: null, scanMs: null, signalMs: null, thawMs: null, waitMs: null, removeMs: null },
    round: new Set(),
    unnumbered: 0,
    wasPopulated: false,
    isFoundEmpty: false,
    isScanned: false,
    removed: false,
    proven: null,
    phase: null,
    lastYieldAt: now,
    signalShield: undefined,
    deadline,
  };
}
