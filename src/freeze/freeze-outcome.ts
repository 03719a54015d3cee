// The outcome of `cgkill freeze` and `cgkill thaw` for one target.

import { hierarchyName } from "../cgroup/open/hierarchy.ts";
import type { FreezeState } from "../cgroup/types.ts";
import type { Result, Started } from "../kill/outcome.ts";
import type { KillPlan, Outcome, Spared, TargetOutcome, TwinReport } from "../kill/types.ts";
import type { Millis } from "../sys/sys.ts";

export interface FreezeOutcome extends TargetOutcome {
  readonly outcome: Exclude<Outcome, "killed" | "empty"> | "frozen" | "thawed";
  readonly state: FreezeState | null;
  /** The cgroup whose own switch is on: this one or an ancestor. */
  readonly frozenBy: string | null;
  readonly spared: readonly Spared[];
  /** Cgroups that could not be thawed. */
  readonly leftFrozen: readonly string[];
  /** The v1 freezer cgroup of twins; its kill-specific keys are `null`. */
  readonly twin: TwinReport<null, null> | null;
}

/** The outcome for a target that was not touched. */
export function blankFreeze(
  name: string,
  plan: KillPlan | null,
  started: Started,
  now: Millis,
  { outcome, error, matches }: Result<FreezeOutcome["outcome"]>,
): FreezeOutcome {
  return {
    cgroup: plan?.cgroup.path ?? name,
    path: plan?.cgroup.name ?? null,
    hierarchy: plan === null ? null : hierarchyName(plan.cgroup.hierarchy),
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
