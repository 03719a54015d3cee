// Maps outcomes to exit statuses, as the manual states them.

import type { FreezeOutcome } from "../freeze/freeze-thaw.ts";
import type { Outcome } from "../kill/types.ts";
import type { SignalOutcome } from "../signal/send-signal.ts";
import { DEADLY, type DeadlySignal } from "../sys/signals.ts";

/** The outcome for a target of any command. */
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

/** Shells report a process that signal N killed as this plus N. */
const SIGNAL_BASE = 128;

/**
 * Combine the outcomes of all targets into one exit status: that of the only kind of failure, or 1 for several kinds. A
 * signal that left any target undone takes precedence.
 *
 * @param signal  the name of the signal that interrupted cgkill; without one, "interrupted" is a question answered with no
 */
export function exitCodeOf(outcomes: readonly Status[], signal?: string): number {
  const number = DEADLY[signal as DeadlySignal] as number | undefined;
  if (number !== undefined && outcomes.includes("interrupted")) return SIGNAL_BASE + number;
  const failures = new Set<number>();
  for (const outcome of outcomes) failures.add(EXIT_CODES[outcome]);
  failures.delete(0);
  const [only = 0] = failures;
  return failures.size > 1 ? SEVERAL_KINDS : only;
}
