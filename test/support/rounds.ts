// Runs a race in rounds: a few by default, and with ROUNDS=500 that many of each, with a report.

import { expect } from "bun:test";

import { WaitedInVainError } from "./real-cgroup.ts";

const ROUNDS = process.env["ROUNDS"];
if (ROUNDS !== undefined && !/^[1-9]\d*$/.test(ROUNDS)) throw new Error(`ROUNDS=${ROUNDS} is not a number of rounds`);

export const IS_LONG: boolean = ROUNDS !== undefined;
export const ROUNDS_TIMEOUT_MS: number = 60_000 + Number(ROUNDS ?? 0) * 5000;

/** Print a line, in a long run only. */
export function report(what: string): void {
  if (IS_LONG) console.log(what);
}

/** Whether a busy machine could not stage a round. Only a long run may have such rounds, and reports how many. */
function isNotStaged(error: unknown): boolean {
  if (error instanceof SuppressedError) return isNotStaged(error.error) || isNotStaged(error.suppressed);
  return IS_LONG && error instanceof WaitedInVainError;
}

/**
 * Run all rounds, so that the number of failures is known, and fail if there was one, or if more than a tenth of a long
 * run could not be staged.
 *
 * @param round  returns what went wrong
 */
export async function inRounds(
  title: string,
  inTheGate: number,
  round: (index: number) => Promise<readonly string[]>,
): Promise<void> {
  const rounds = Number(ROUNDS ?? inTheGate);
  const bad: string[] = [];
  let notStaged = 0;
  for (let index = 0; index < rounds; index++) {
    try {
      const wrong = await round(index);
      if (wrong.length > 0) bad.push(`round ${index}: ${wrong.join("; ")}`);
    } catch (error) {
      if (!isNotStaged(error)) throw error;
      notStaged++;
    }
  }
  report(`${title}: ${bad.length} of ${rounds - notStaged} rounds bad, ${notStaged} not staged`);
  expect(bad).toEqual([]);
  expect(notStaged).toBeLessThanOrEqual(rounds / 10);
}
