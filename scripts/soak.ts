// Kills random trees of random adversaries under random trouble, and has an observer of its own check the contract's
// promise after every round. Seeded: the same seed makes the same choices. Ends by itself, at the first violation or
// after the last round; SIGINT and SIGTERM end it after the current round.
//
//   bun scripts/soak.ts [ROUNDS] [SEED] [FIRST]
//
// A round depends on the seed and its number only: `soak.ts 1 SEED NUMBER` repeats one.

import { canStage } from "../test/support/real-cgroup.ts";
import { build } from "./build/build.ts";
import type { Hierarchy } from "./soak/adversaries.ts";
import { chooseRound } from "./soak/choose.ts";

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
const { NotStaged, play } = await import("./soak/round.ts");
const { startKillTrace } = await import("../test/support/kill-trace.ts");

/** @returns how many rounds were clean; `undefined` after a violation */
async function soak(): Promise<number | undefined> {
  await using trace = await startKillTrace();
  let clean = 0;
  for (let nth = first; nth < first + rounds && !isInterrupted; nth++) {
    const round = chooseRound(seed, nth, versions);
    const name = `round ${nth} of seed ${seed}: ${JSON.stringify(round)}`;
    try {
      const told = await play(round, trace);
      if (nth % 25 === 0 || rounds <= 50) console.log(`${name}  ${told}`);
      clean++;
    } catch (error) {
      if (error instanceof NotStaged) {
        console.log(`${name}  not staged: ${error.message}`);
        continue;
      }
      console.error(name);
      console.error(error instanceof Error ? error.message : error);
      return undefined;
    }
  }
  return clean;
}

console.log(`soak: ${rounds} rounds, seed ${seed}, on ${versions.join(", ")}`);
const startedAt = performance.now();
const clean = await soak();
if (clean !== undefined) {
  console.log(`soak: ${clean} rounds clean in ${((performance.now() - startedAt) / 1000).toFixed(0)} s`);
}
// A machine that stages too few has shown nothing.
process.exit(clean !== undefined && clean >= rounds * 0.9 ? 0 : 1);
