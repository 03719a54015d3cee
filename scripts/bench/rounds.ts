// Runs a benchmark in rounds: everything that is compared runs once per round, in random order.

import type { Trial } from "./measure.ts";

const shuffled = <T>(values: readonly T[]): T[] => [...values].sort(() => Math.random() - 0.5);

/** The first round warms the caches and is not counted. @returns the trials of each, in the order of `all` */
export async function runRounds<T>(
  all: readonly T[],
  rounds: number,
  trial: (one: T) => Promise<Trial>,
): Promise<Map<T, Trial[]>> {
  const trials = new Map(all.map((one): [T, Trial[]] => [one, []]));
  for (let round = 0; round <= rounds; round++) {
    for (const one of shuffled(all)) {
      const figures = await trial(one);
      if (round > 0) trials.get(one)?.push(figures);
    }
  }
  return trials;
}
