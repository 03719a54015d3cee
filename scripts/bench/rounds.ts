// Runs a benchmark in rounds: everything that is compared runs once per round, in random order.

import type { Killer, Version, Workload } from "./killers.ts";
import { holdLayouts, measure, type Programs, type Trial } from "./measure.ts";
import type { Result } from "./report.ts";

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

const isUsable = ({ versions, needs, skipsLarge }: Killer, version: Version, { isLarge = false }: Workload): boolean =>
  versions.includes(version) && needs.every((name) => Bun.which(name) !== null) && !(isLarge && skipsLarge);

/** Run each killer against each workload on each version that it can be used on. @param note  called after each workload */
export async function runWorkloads(
  programs: Programs,
  killers: readonly Killer[],
  workloads: readonly Workload[],
  versions: readonly Version[],
  rounds: number,
  note: (results: readonly Result[]) => void = () => {},
): Promise<readonly Result[]> {
  await using namespaces = await holdLayouts();
  const results: Result[] = [];
  for (const workload of workloads) {
    for (const version of versions) {
      const usable = killers.filter((killer) => isUsable(killer, version, workload));
      const found = await runRounds(usable, rounds, (killer) =>
        measure(programs, killer, workload, version, namespaces),
      );
      for (const [{ name: killer }, trials] of found) {
        results.push({ killer, version, workload: workload.name, processes: workload.count, trials });
      }
      note(results);
      console.error(`${version}, ${workload.name}: done`);
    }
  }
  return results;
}
