// Many runs of `cgkill run`. Each command leaves daemons behind that only SIGKILL can kill, and sometimes a fork bomb.
// Every exit status must be right, and no process or cgroup may be left. `npm run bench run` measures the cost of one run.
//
//   bun scripts/bench/runs.ts [RUNS] [v1|v2]

import { readdirSync, readFileSync } from "node:fs";

import { canStage, makeCgroup } from "../../test/support/real-cgroup.ts";
import { BINARY } from "../../test/support/run-cgkill.ts";

const runs = Number(process.argv[2] ?? 1000);
const only = process.argv[3];

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

let wrong = 0;
const versions = (["v1", "v2"] as const).filter((each) => only === undefined || each === only);
for (const version of versions.filter(canStage)) {
  await using parent = makeCgroup(version);
  const run = [BINARY, "run", "--hierarchy", version, "--in", parent.dir];
  for (let n = 0; n < runs; n++) {
    const status = n % 124;
    const script = [DAEMON, ...(n % 20 === 0 ? [BOMB] : []), `exit ${status}`].join("\n");
    const got = await Bun.spawn([...run, "sh", "-c", script], { stdio: ["ignore", "ignore", "inherit"] }).exited;
    if (got === status) continue;
    wrong++;
    console.log(`${version}: run ${n}: exit status ${got}, expected ${status}`);
  }
  const cgroups = readdirSync(parent.dir, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const processes = left();
  wrong += cgroups.length + processes.length;
  console.log(`${version}: ${runs} runs, left: ${processes.length} processes, ${cgroups.length} cgroups`);
}
process.exit(wrong === 0 ? 0 : 1);
