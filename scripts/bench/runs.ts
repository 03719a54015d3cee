// Many runs of `cgkill run`. Each command leaves daemons behind that only SIGKILL can kill, and sometimes a fork bomb.
// Every exit status must be right, and no process or cgroup may be left. Then measures the cost of one run.
//
//   bun scripts/bench/runs.ts [RUNS] [v1|v2]

import { mkdirSync, readdirSync, readFileSync, rmdirSync } from "node:fs";

import { median } from "./report.ts";

const BINARY = `${import.meta.dir}/../../dist/cgkill`;
const runs = Number(process.argv[2] ?? 1000);
const only = process.argv[3];

const mounts = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
const pointOf = (version: string): string | undefined =>
  mounts.find((line) => (version === "v2" ? / - cgroup2 / : / - cgroup \S+ \S*\bfreezer\b/).test(line))?.split(" ")[4];

/** The duration of the sleeps: only our processes have it on their command line. */
const mark = `1000.${process.pid}`;
const IGNORING = 'trap "" HUP INT QUIT TERM USR1 USR2 PIPE ALRM';
const DAEMON = `(${IGNORING}; setsid sh -c '(sleep ${mark} & sleep ${mark}) &' &)`;
/** At most 63 processes. */
const BOMB = `b() { [ $1 -gt 0 ] && { b $(($1 - 1)) & b $(($1 - 1)) & }; exec sleep ${mark}; }; (${IGNORING}; b 5) &`;

const left = (): string[] =>
  readdirSync("/proc").filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(mark);
    } catch {
      return false;
    }
  });

async function exitOf(argv: readonly string[]): Promise<number> {
  return await Bun.spawn([...argv], { stdio: ["ignore", "ignore", "inherit"] }).exited;
}

let wrong = 0;
for (const version of ["v1", "v2"].filter((each) => only === undefined || each === only)) {
  const point = pointOf(version);
  if (point === undefined) continue;
  const parent = `${point}/cgkill-test-runs-${process.pid}`;
  mkdirSync(parent);
  const run = [BINARY, "run", "--hierarchy", version, "--in", parent];
  for (let n = 0; n < runs; n++) {
    const status = n % 124;
    const script = [DAEMON, ...(n % 20 === 0 ? [BOMB] : []), `exit ${status}`].join("\n");
    const got = await exitOf([...run, "sh", "-c", script]);
    if (got === status) continue;
    wrong++;
    console.log(`${version}: run ${n}: exit status ${got}, expected ${status}`);
  }
  const cgroups = readdirSync(parent, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const processes = left();
  wrong += cgroups.length + processes.length;
  console.log(`${version}: ${runs} runs, left: ${processes.length} processes, ${cgroups.length} cgroups`);

  const calls: Readonly<Record<string, readonly string[]>> = {
    true: ["true"],
    "timeout true": ["timeout", "100", "true"],
    "cgkill --version": [BINARY, "--version"],
    "cgkill run true": [...run, "true"],
  };
  const times: Record<string, number[]> = {};
  for (let round = 0; round < 25; round++) {
    for (const [name, argv] of Object.entries(calls)) {
      const start = performance.now();
      await exitOf(argv);
      (times[name] ??= []).push(performance.now() - start);
    }
  }
  for (const [name, values] of Object.entries(times)) {
    console.log(`${version}: ${name}: ${median(values).toFixed(1)} ms (${Math.min(...values).toFixed(1)} minimum)`);
  }
  rmdirSync(parent);
}
process.exit(wrong === 0 ? 0 : 1);
