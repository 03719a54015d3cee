// The table from outcomes to exit status, as the manual states it.

import type { FreezeOutcome } from "../freeze/freeze-outcome.ts";
import type { Outcome } from "../kill/types.ts";
import type { SignalOutcome } from "../signal/send-signal.ts";
import { DEADLY, type DeadlySignal } from "../sys/signals.ts";

/** What became of a target: of a kill, a freeze, a thaw or a signal. */
export type Status = Outcome | FreezeOutcome["outcome"] | SignalOutcome["outcome"];

export const EXIT_CODES: Readonly<Record<Status, number>> = {
  frozen: 0,
  thawed: 0,
  signalled: 0,
  killed: 0,
  empty: 0,
  missing: 0,
  failed: 1,
  usage: 2,
  "not-found": 3,
  refused: 4,
  denied: 5,
  survivors: 6,
  "not-removed": 7,
  interrupted: 130,
  internal: 70,
};

const SEVERAL_KINDS = 1;

/** Added to the number of the signal that ended us, as a shell reports it. */
const SIGNALLED = 128;

/**
 * One status for all targets: that of the one kind of failure there was; 1 for several kinds. A signal that left any of
 * them undone is what ended us, whatever else there was.
 *
 * @param signal  the signal that interrupted us, if one did; without one, "interrupted" was an answer to a question
 */
export function exitCodeOf(outcomes: readonly Status[], signal?: string): number {
  const number = DEADLY[signal as DeadlySignal] as number | undefined;
  if (number !== undefined && outcomes.includes("interrupted")) return SIGNALLED + number;
  const failures = new Set(outcomes.map((outcome) => EXIT_CODES[outcome]).filter((code) => code !== 0));
  const [only = 0] = failures;
  return failures.size > 1 ? SEVERAL_KINDS : only;
}
