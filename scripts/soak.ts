// Kills random trees of random adversaries under random trouble, and has an observer of its own check the contract's
// promise after every round. Seeded: the same seed makes the same choices. Ends by itself, at the first violation or
// after the last round; SIGINT and SIGTERM end it after the current round.
//
//   bun scripts/soak.ts [ROUNDS] [SEED] [FIRST]
//
// A round depends on the seed and its number only: `soak.ts 1 SEED NUMBER` repeats one.

import { canStage } from "../test/support/real-cgroup.ts";
import { build } from "./build.ts";
import { chooseRound, type Hierarchy } from "./soak/choose.ts";

const [rounds = 50, seed = Date.now() % 1_000_000, first = 1] = process.argv.slice(2).map(Number);
if (!Number.isInteger(rounds) || rounds < 1 || !Number.isInteger(seed) || !Number.isInteger(first)) {
  console.error("soak: bun scripts/soak.ts [ROUNDS] [SEED] [FIRST]: numbers");
  process.exit(2);
}

let isInterrupted = false;
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => (isInterrupted = true));

const versions = (["v1", "v2", "pids"] as const satisfies Hierarchy[]).filter((version) => canStage(version));
await build();
// These want the binary.
const { play } = await import("./soak/round.ts");
const { startKillTrace } = await import("../test/support/kill-trace.ts");

/** @returns how many rounds were clean; `undefined` after a violation */
async function soak(): Promise<number | undefined> {
  await using trace = await startKillTrace();
  for (let nth = first; nth < first + rounds; nth++) {
    if (isInterrupted) return nth - first;
    const round = chooseRound(seed, nth, versions);
    try {
      const told = await play(round, trace);
      if (nth % 25 === 0 || rounds <= 50) console.log(`${String(nth).padStart(5)}  ${JSON.stringify(round)}  ${told}`);
    } catch (error) {
      console.error(`round ${nth} of seed ${seed}: ${JSON.stringify(round)}`);
      console.error(error instanceof Error ? error.message : error);
      return undefined;
    }
  }
  return rounds;
}

console.log(`soak: ${rounds} rounds, seed ${seed}, on ${versions.join(", ")}`);
const startedAt = performance.now();
const clean = await soak();
if (clean !== undefined) {
  console.log(`soak: ${clean} rounds clean in ${((performance.now() - startedAt) / 1000).toFixed(0)} s`);
}
process.exit(clean === rounds ? 0 : 1);
