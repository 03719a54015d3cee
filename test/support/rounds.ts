// A race is tried in rounds: a few in the gate, ROUNDS=500 of each by hand, which then tells what was seen.

import { expect } from "bun:test";

const ROUNDS = process.env["ROUNDS"];
if (ROUNDS !== undefined && !/^[1-9]\d*$/.test(ROUNDS)) throw new Error(`ROUNDS=${ROUNDS} is not a number of rounds`);

export const IS_LONG: boolean = ROUNDS !== undefined;
export const ROUNDS_TIMEOUT_MS: number = 60_000 + Number(ROUNDS ?? 0) * 5000;

/** Printed in a long run only. */
export function report(what: string): void {
  if (IS_LONG) console.log(what);
}

/**
 * Run all rounds, so that the number of bad ones is known too, and fail if there was one.
 *
 * @param round  returns what was wrong in it
 */
export async function inRounds(
  title: string,
  inTheGate: number,
  round: (index: number) => Promise<readonly string[]>,
): Promise<void> {
  const rounds = Number(ROUNDS ?? inTheGate);
  const bad: string[] = [];
  for (let index = 0; index < rounds; index++) {
    const wrong = await round(index);
    if (wrong.length > 0) bad.push(`round ${index}: ${wrong.join("; ")}`);
  }
  report(`${title}: ${bad.length} of ${rounds} rounds bad`);
  expect(bad).toEqual([]);
}
