// A small executor, made of `cgkill run` and the library. Each task runs in a cgroup of its own, by `cgkill run`: whatever it
// leaves behind is killed with that cgroup. At the end the library kills the whole group that the executor is in itself, and
// the executor survives.
//
//   bun scripts/executor.ts [--limit SECONDS] /sys/fs/cgroup/jobs 'COMMAND' 'COMMAND'...
//
// Prints the report of each task, and of the end. It makes the directory, which must be in a mounted hierarchy, and needs
// `cgkill` in PATH, or built in dist.

import { mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { parseArgs } from "node:util";

import { createGroupKiller, type Logger } from "../src/index.ts";

const CGKILL = Bun.which("cgkill") ?? `${import.meta.dir}/../dist/cgkill`;

const { values, positionals } = parseArgs({ options: { limit: { type: "string" } }, allowPositionals: true });
const [group, ...commands] = positionals;
if (group === undefined || commands.length === 0) {
  console.error("usage: executor.ts [--limit SECONDS] CGROUP-DIRECTORY COMMAND...");
  process.exit(2);
}

const print = (message: string, fields: object): void => console.error(`executor: ${message}`, JSON.stringify(fields));
/** The steps of a kill are at `debug` and `trace`; they are dropped here. */
const log: Logger = { trace() {}, debug() {}, info: print, warn: print, error: print };
const killer = createGroupKiller(log, process.pid, { remove: true });

mkdirSync(group);
try {
  // Never creates the file: on another file system it would be a plain one.
  writeFileSync(`${group}/cgroup.procs`, String(process.pid), { flag: "r+" });
} catch (error) {
  rmdirSync(group);
  console.error(`executor: cannot enter ${group}: ${(error as NodeJS.ErrnoException).code}`);
  process.exit(2);
}
const reports = mkdtempSync(`${tmpdir()}/executor-`);
let isGood = true;
try {
  const tasks = commands.map((command, index) => {
    const name = `task-${index + 1}`;
    const report = `${reports}/${name}`;
    const options = ["--in", group, "--as", name, "--limit", values.limit ?? "10", "--report", report];
    const child = Bun.spawn([CGKILL, "run", ...options, "sh", "-c", command], {
      stdio: ["ignore", "inherit", "inherit"],
    });
    return { child, report };
  });
  // A stop ends the tasks, each with everything that it has started, and with them the wait below.
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      for (const { child } of tasks) child.kill("SIGTERM");
    });
  }
  for (const { child, report } of tasks) {
    if ((await child.exited) !== 0) isGood = false;
    process.stdout.write(readFileSync(report));
  }
} finally {
  rmSync(reports, { recursive: true });
  const { outcome, spared } = await killer.killGroup({ path: group });
  console.log(JSON.stringify({ group, outcome, survived: spared.map(({ pid }) => pid) }));
}
process.exit(isGood ? 0 : 1);
