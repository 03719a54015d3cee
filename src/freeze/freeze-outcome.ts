// The outcome of `cgkill freeze` and `cgkill thaw` for one target.

import type { Match } from "../cgroup/errors.ts";
import { hierarchyName } from "../cgroup/open/hierarchy.ts";
import type { Cgroup, FreezeState } from "../cgroup/types.ts";
import type { Started } from "../kill/outcome.ts";
import type { Failure, FreezeTwin, Outcome, Spared } from "../kill/types.ts";
import type { Millis } from "../sys/sys.ts";

export interface FreezeOutcome {
  readonly cgroup: string;
  readonly path: string | null;
  readonly hierarchy: string | null;
  readonly outcome: Exclude<Outcome, "killed" | "empty"> | "frozen" | "thawed";
  readonly state: FreezeState | null;
  /** The cgroup whose own switch is on: this one or an ancestor. */
  readonly frozenBy: string | null;
  readonly spared: readonly Spared[];
  /** Cgroups that could not be thawed. */
  readonly leftFrozen: readonly string[];
  readonly startedAt: string;
  readonly durationMs: Millis;
  readonly error: Failure | null;
  /** The v1 freezer cgroup of twins; its kill-specific keys are `null`. */
  readonly twin: FreezeTwin | null;
  /** The cgroups that an ambiguous name matches. */
  readonly matches: readonly Match[] | null;
}

export interface FreezeResult {
  readonly outcome: FreezeOutcome["outcome"];
  readonly error: Failure | null;
  readonly matches?: readonly Match[];
}

/** The outcome for a target that was not touched. */
export function blankFreeze(
  name: string,
  cgroup: Cgroup | null,
  started: Started,
  now: Millis,
  { outcome, error, matches }: FreezeResult,
): FreezeOutcome {
  return {
    cgroup: name,
    path: cgroup?.name ?? null,
    hierarchy: cgroup === null ? null : hierarchyName(cgroup.hierarchy),
    outcome,
    state: null,
    frozenBy: null,
    spared: [],
    leftFrozen: [],
    startedAt: new Date(started.wallMs).toISOString(),
    durationMs: now - started.monotonicMs,
    error,
    twin: null,
    matches: matches ?? null,
  };
}
