// Compares cgkill with what a user would run instead, in one run, round by round in random order. Only ratios count:
// the same machine may be twice as fast an hour later. Needs root, a C compiler, and the tools to compare with.
//
//   bun scripts/bench/bench.ts [kill] [start] [list] [pressure] [entry] [run] [--rounds N] [--only WORKLOAD] [--write]
//
// kill: time to exit and to empty, survivors, CPU, memory. start: what each build option gains. list: `cgkill list`
// against other tools, and the interactive mode up to its first list. The other sections run only if named, because the
// host can do little else meanwhile. pressure: beside 1,000 busy processes, and with no process left. entry: with and
// without the first instructions of the binary. run: `cgkill run`. --write updates scripts/README.md.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { parseArgs } from "node:util";

import { canStage, makeCgroup } from "../../test/support/real-cgroup.ts";
import { inTerminal, KEYS } from "../../test/support/terminal.ts";
import { build, FLAGS } from "../build/build.ts";
import { writeBlock } from "../readme/blocks.ts";
import { cgkillKiller, helloKiller, killers, ONE, standbyKiller, WORKLOADS } from "./killers.ts";
import { compile, measureAlone, type Programs, type Trial } from "./measure.ts";
import { plot } from "./plot.ts";
import { benchEntry, benchPressure, benchRun } from "./pressure.ts";
import { beyondStart, median, peakMib, table } from "./report.ts";
import { runRounds, runWorkloads } from "./rounds.ts";
import { GROUPS, withTree } from "./tree.ts";

const VERSIONS = (["v2", "v1"] as const).filter((version) => canStage(version));
const REPORT = `${import.meta.dir}/../README.md`;
const OUT = `${import.meta.dir}/../../dist/bench`;
const HELLO = 'console.log("hello");\n';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "7" },
    only: { type: "string" },
    write: { type: "boolean", default: false },
  },
});
const ROUNDS = Number(options.rounds);
if (!(ROUNDS >= 1)) throw new Error(`--rounds ${options.rounds}: must be at least 1`);
const scratch = mkdtempSync(`${tmpdir()}/cgkill-bench-`);
const sections = positionals.length > 0 ? positionals : ["kill", "start", "list"];

const exits = (trials: readonly Trial[]): number[] => trials.map(({ exitMs }) => exitMs);

async function benchKill(programs: Programs, cgkill: string, hello: string): Promise<string> {
  const all = [...killers(cgkill, programs.floor, programs.original), standbyKiller(cgkill)];
  for (const { name, needs } of all) {
    if (needs.some((need) => Bun.which(need) === null)) console.error(`left out: ${name} (not installed)`);
  }
  const started = await runWorkloads(programs, [helloKiller(hello)], [ONE], ["v2"], ROUNDS);
  const hellos = started.flatMap(({ trials }) => trials);
  const helloMs = median(exits(hellos));
  const workloads = WORKLOADS.filter(({ name }) => options.only === undefined || name === options.only);
  mkdirSync(OUT, { recursive: true });
  const results = await runWorkloads(programs, all, workloads, VERSIONS, ROUNDS, (found) =>
    writeFileSync(`${OUT}/kill.json`, `${JSON.stringify({ rounds: ROUNDS, helloMs, results: found }, null, 1)}\n`),
  );
  const picture = options.write ? `${import.meta.dir}/plot.svg` : `${OUT}/plot.svg`;
  writeFileSync(picture, plot(results));
  console.error(beyondStart(results, helloMs).join("\n"));
  const start = `A Bun hello world beside one sleeper, in the same run: ${helloMs.toFixed(1)} ms, ${peakMib(hellos)} MiB.`;
  return `${VERSIONS.map((version) => table(results, version, WORKLOADS)).join("\n\n")}\n\n${start}`;
}

const without = (flag: string): string[] => FLAGS.filter((each) => !each.startsWith(flag));
const instead = (flag: string, other: string): string[] => FLAGS.map((each) => (each.startsWith(flag) ? other : each));

/** Time a kill of one process, with each build option removed or changed in turn. */
async function benchStart(programs: Programs, cgkill: string, hello: string): Promise<string> {
  const order = `${scratch}/kill.order`;
  await using recorded = makeCgroup("v2");
  const main = `${import.meta.dir}/../../src/main.ts`;
  // The released binary hides BUN_* from Bun.
  const plain = await build(main, "cgkill", [], `${scratch}/plain`, FLAGS, false);
  Bun.spawnSync([plain, recorded.dir], { env: { ...process.env, BUN_BYTECODE_ORDER_OUT: order } });
  const variants = new Map<string, readonly string[]>([
    ["without --bytecode", without("--bytecode")],
    ["without --splitting", without("--splitting")],
    ["without --production", without("--production")],
    ["--compile-jit-policy left at 1", without("--compile-jit-policy")],
    ["--compile-jit-policy=8", instead("--compile-jit-policy", "--compile-jit-policy=8")],
    ["with --bytecode-order, recorded on this kill", [...FLAGS, `--bytecode-order=${order}`]],
    ["with --smol", FLAGS.map((flag) => (flag.startsWith("--compile-exec-argv") ? `${flag} --smol` : flag))],
  ]);
  const starters = [helloKiller(hello), cgkillKiller("as it is", cgkill)];
  for (const [name, flags] of variants) {
    const into = `${scratch}/${starters.length}`;
    starters.push(cgkillKiller(name, await build(main, "cgkill", [], into, flags)));
  }
  const results = await runWorkloads(programs, starters, [ONE], ["v2"], ROUNDS);
  const [first = Number.NaN] = results.map(({ trials }) => median(exits(trials)));
  const lines = results.map(({ killer, trials }) => {
    const ms = median(exits(trials));
    return `| ${killer} | ${ms.toFixed(1)} | ${(ms / first).toFixed(2)} | ${peakMib(trials)} |`;
  });
  return ["| build | ms | ratio | MiB |", "| --- | --- | --- | --- |", ...lines].join("\n");
}

async function benchList(programs: Programs, cgkill: string): Promise<string> {
  const lines: string[] = [];
  for (const version of VERSIONS) {
    const found = await withTree(version, GROUPS, async (dir, path) => {
      const commands = new Map<string, readonly string[]>([
        ["cgkill list --all --json", [cgkill, "list", "--all", "--json", dir]],
        ["a C program that reads the same", [programs.list, dir]],
        ["systemd-cgls --all", ["systemd-cgls", "--all", "--no-pager", dir]],
        ["find, with cat of cgroup.procs", ["find", dir, "-name", "cgroup.procs", "-exec", "cat", "{}", "+"]],
        ...(version === "v1" ? [["lscgroup", ["lscgroup", "-g", `freezer:${path}`]] as const] : []),
      ]);
      const installed = [...commands].filter(([, [program = ""]]) => Bun.which(program) !== null);
      return await runRounds(installed, ROUNDS, ([, argv]) => measureAlone(programs, argv));
    });
    for (const [[name], trials] of found) {
      lines.push(`| ${name} | ${version} | ${Math.round(median(exits(trials)))} | ${peakMib(trials)} |`);
    }
  }
  const first = await withTree("v2", 10, firstList);
  return [
    "| 5,000 cgroups | | ms | MiB |",
    "| --- | --- | --- | --- |",
    ...lines,
    "",
    `Interactive mode, 1,000 cgroups, from its start to the first list on a terminal: ${Math.round(first)} ms.`,
  ].join("\n");
}

async function firstList(): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const start = performance.now();
    await using terminal = inTerminal([]);
    await terminal.sees("Which cgroups?");
    times.push(performance.now() - start);
    terminal.types(KEYS.ctrlC);
    await terminal.ended();
  }
  return median(times);
}

/** Built into dist as well: the location of a file affects its start by about 6 %. */
const withoutEntry = (): Promise<string> =>
  build(`${import.meta.dir}/../../src/main.ts`, "cgkill", [], `${OUT}/plain`, FLAGS, false);

try {
  writeFileSync(`${scratch}/hello.ts`, HELLO);
  const programs = await compile(scratch);
  const hello = await build(`${scratch}/hello.ts`, "hello", [], scratch);
  const cgkill = await build();
  const work: Readonly<Record<string, () => Promise<string>>> = {
    kill: () => benchKill(programs, cgkill, hello),
    start: () => benchStart(programs, cgkill, hello),
    list: () => benchList(programs, cgkill),
    pressure: () => benchPressure(programs, cgkill, VERSIONS, ROUNDS),
    entry: async () => benchEntry(programs, cgkill, await withoutEntry(), VERSIONS, ROUNDS),
    run: () => benchRun(cgkill, VERSIONS, ROUNDS),
  };
  for (const section of sections) {
    const bench = work[section];
    if (bench === undefined) throw new Error(`${section}: no such section: choose ${Object.keys(work).join(", ")}`);
    const text = await bench();
    console.log(`${text}\n`);
    if (options.write) await writeBlock(REPORT, `bench ${section}`, text);
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
