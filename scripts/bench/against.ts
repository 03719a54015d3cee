// Compares this build with an older binary, in one interleaved run: kills of 1 to 5,000 processes on both versions, and
// a list of 5,000 cgroups. The older binary takes part twice: its ratio to itself shows the noise.
//
//   bun scripts/bench/against.ts BINARY [ROUNDS [PROCESSES]]
//
// With PROCESSES (1, 100, 1,000 or 5,000), only kills of so many.

import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";

import { canStage } from "../../test/support/real-cgroup.ts";
import { build } from "../build/build.ts";
import { cgkillKiller, ONE, type Version, WORKLOADS } from "./killers.ts";
import { compile, measureAlone, type Trial } from "./measure.ts";
import { median } from "./report.ts";
import { runRounds, runWorkloads } from "./rounds.ts";
import { GROUPS, withTree } from "./tree.ts";

const [older, rounds = "31", only] = process.argv.slice(2);
const COUNTS: readonly string[] = ["1", "100", "1,000", "5,000"];
if (older === undefined || !(Number(rounds) >= 1) || (only !== undefined && !COUNTS.includes(only))) {
  console.error("against: bun scripts/bench/against.ts BINARY [ROUNDS [PROCESSES]]");
  process.exit(2);
}

const versions = (["v2", "v1"] as const satisfies Version[]).filter((version) => canStage(version));
const workloads = WORKLOADS.filter(({ name }) => (only === undefined ? COUNTS : [only]).includes(name));
const scratch = mkdtempSync(`${tmpdir()}/cgkill-bench-`);

/** The location of a file affects how fast it starts, so all copies are in one directory. */
function copied(binary: string, name: string): string {
  copyFileSync(binary, `${scratch}/${name}`);
  return `${scratch}/${name}`;
}

function report(what: string, trials: ReadonlyArray<readonly Trial[]>): void {
  const [now = [], before = [], again = []] = trials;
  const ms = (each: readonly Trial[]): number => median(each.map(({ exitMs }) => exitMs));
  const ratio = (each: readonly Trial[]): string => (ms(each) / ms(before)).toFixed(3);
  console.log(`| ${what} | ${ms(before).toFixed(1)} | ${ms(now).toFixed(1)} | ${ratio(now)} | ${ratio(again)} |`);
}

try {
  const programs = await compile(scratch);
  const binaries = [copied(await build(), "now"), copied(older, "before"), copied(older, "again")];
  console.log(`${rounds} rounds, medians in ms, from the start to the exit\n`);
  console.log("| | before | now | ratio | the older one against itself |\n| --- | --- | --- | --- | --- |");
  for (const workload of workloads) {
    for (const version of versions) {
      const killers = binaries.map((binary) => cgkillKiller(binary, binary));
      const results = await runWorkloads(programs, killers, [workload], [version], Number(rounds));
      const trials = results.map((each) => each.trials);
      report(`${version}, ${workload === ONE ? "1 process" : `${workload.name} processes`}`, trials);
    }
  }
  for (const version of only === undefined ? versions : []) {
    const trials = await withTree(version, GROUPS, (dir) =>
      runRounds(binaries, Number(rounds), (binary) => measureAlone(programs, [binary, "list", "--all", "--json", dir])),
    );
    report(`${version}, list of 5,000 cgroups`, [...trials.values()]);
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
