// Side by side with what a user would pick instead, in one run, round by round in changing order. Times are from
// before the start of a killer to its exit; every kill is looked at right after by other means. Only ratios count:
// the same machine is twice as fast an hour later.
//
//   bun scripts/bench.ts [ROUNDS]

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";

import { $ } from "bun";

import {
  type Adversary,
  canStage,
  liveMembers,
  makeCgroup,
  startAdversary,
  subtree,
  until,
} from "../test/support/real-cgroup.ts";
import { build } from "./build.ts";

const ROUNDS = Number(process.argv[2] ?? 15);

interface Workload {
  readonly name: string;
  readonly version: "v1" | "v2";
  /** Who is to be killed; none for the cost of a start alone. */
  readonly victims: readonly [Adversary, number];
}

interface Killer {
  readonly name: string;
  readonly argv: (dir: string) => readonly string[];
  /** A killer that leaves somebody alive is not compared, but shown up. */
  readonly kills: boolean;
  readonly versions: readonly ("v1" | "v2")[];
}

const WORKLOADS: readonly Workload[] = [
  { name: "1 process, v2", version: "v2", victims: ["sleepers", 1] },
  { name: "1 process, v1", version: "v1", victims: ["sleepers", 1] },
  { name: "100 processes, v2", version: "v2", victims: ["sleepers", 100] },
  { name: "100 processes, v1", version: "v1", victims: ["sleepers", 100] },
  { name: "1,000 processes, v2", version: "v2", victims: ["sleepers", 1000] },
  { name: "1,000 processes, v1", version: "v1", victims: ["sleepers", 1000] },
  { name: "5,000 processes, v2", version: "v2", victims: ["sleepers", 5000] },
  { name: "5,000 processes, v1", version: "v1", victims: ["sleepers", 5000] },
];

/** What people type: write, then look until it is empty. */
const SHELL_V2 = 'echo 1 > "$1/cgroup.kill"; while ! grep -q "populated 0" "$1/cgroup.events"; do sleep 0.01; done';
const SHELL_V1 = [
  'echo FROZEN > "$1/freezer.state"; until grep -q FROZEN "$1/freezer.state"; do sleep 0.01; done',
  'xargs kill -9 < "$1/cgroup.procs"; echo THAWED > "$1/freezer.state"',
  'while [ -n "$(cat "$1/cgroup.procs")" ]; do sleep 0.01; done; rmdir "$1"',
].join("; ");

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] as number;
}

interface Result {
  readonly times: number[];
  survivors: number;
}

async function runOnce(killer: Killer, { version, victims }: Workload): Promise<{ ms: number; survivors: number }> {
  await using cgroup = makeCgroup(version);
  const [name, count] = victims;
  await using _ = startAdversary(name, count, cgroup.dir);
  await until(`${count} ${name}`, () => liveMembers(cgroup.dir).length >= count, 60_000);
  const start = performance.now();
  const child = Bun.spawn([...killer.argv(cgroup.dir)], { stdio: ["ignore", "ignore", "inherit"] });
  await child.exited;
  const ms = performance.now() - start;
  const survivors = subtree(cgroup.dir).length === 0 ? 0 : liveMembers(cgroup.dir).length;
  return { ms, survivors };
}

async function measure(workload: Workload, killers: readonly Killer[]): Promise<Map<Killer, Result>> {
  const results = new Map(killers.map((killer): [Killer, Result] => [killer, { times: [], survivors: 0 }]));
  for (let round = 0; round <= ROUNDS; round++) {
    for (const killer of [...killers].sort(() => Math.random() - 0.5)) {
      const { ms, survivors } = await runOnce(killer, workload);
      const result = results.get(killer) as Result;
      // The first round warms the caches.
      if (round > 0) result.times.push(ms);
      if (survivors > 0) result.survivors++;
    }
  }
  return results;
}

function print(workload: Workload, results: ReadonlyMap<Killer, Result>): void {
  const hello = [...results].find(([{ kills }]) => !kills)?.[1].times ?? [];
  console.log(
    `\n${workload.name}: ms from start to exit, median (min-max) of ${ROUNDS}, and ratio to a Bun hello world`,
  );
  for (const [killer, { times, survivors }] of results) {
    const ratio = (median(times) / median(hello)).toFixed(2);
    const spread = `(${Math.min(...times).toFixed(1)}-${Math.max(...times).toFixed(1)})`;
    const verdict = killer.kills ? (survivors === 0 ? "empty at exit, every time" : `SURVIVORS in ${survivors}`) : "";
    console.log(
      `  ${killer.name.padEnd(24)} ${median(times).toFixed(1).padStart(7)} ${spread.padEnd(16)} x${ratio}  ${verdict}`,
    );
  }
}

const scratch = mkdtempSync(`${tmpdir()}/cgkill-bench-`);
try {
  writeFileSync(`${scratch}/hello.ts`, 'import { writeSync } from "node:fs";\nwriteSync(1, "hello\\n");\n');
  const hello = await build(`${scratch}/hello.ts`, "hello-bench");
  const cgkill = await build();
  const killers: Killer[] = [
    { name: "cgkill", argv: (dir) => [cgkill, dir], kills: true, versions: ["v1", "v2"] },
    { name: "Bun hello world", argv: () => [hello], kills: false, versions: ["v1", "v2"] },
    { name: "shell, cgroup.kill", argv: (dir) => ["sh", "-c", SHELL_V2, "sh", dir], kills: true, versions: ["v2"] },
    { name: "shell, freezer", argv: (dir) => ["sh", "-c", SHELL_V1, "sh", dir], kills: true, versions: ["v1"] },
  ];
  const compiler = Bun.which("cc");
  if (compiler !== null) {
    const floor = `${scratch}/floor`;
    await $`${compiler} -O2 -o ${floor} ${import.meta.dir}/floor.c`;
    killers.push({ name: "C floor, unsafe", argv: (dir) => [floor, dir], kills: true, versions: ["v1", "v2"] });
  }
  for (const workload of WORKLOADS) {
    if (!canStage(workload.version)) continue;
    const fitting = killers.filter(({ versions }) => versions.includes(workload.version));
    print(workload, await measure(workload, fitting));
  }
  rmSync(hello);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
