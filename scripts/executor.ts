// An example of the library: a small executor. Each task runs in a cgroup of its own, and whatever it leaves behind is
// killed with that cgroup. At the end the whole group is killed. The executor is inside that group, and survives.
//
//   bun scripts/executor.ts [--limit SECONDS] /sys/fs/cgroup/jobs 'COMMAND' 'COMMAND'...

import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";

import { createGroupKiller, type KillOutcome, type Logger } from "../src/index.ts";

interface Ended {
  readonly task: string;
  readonly command: string;
  /** `null` if it was killed, at the limit or by a signal. */
  readonly exit_code: number | null;
  readonly outcome: string;
  /** Processes that were still alive when it ended. */
  readonly killed_count: number;
}

type Kill = (path: string) => Promise<Pick<KillOutcome, "outcome" | "killedCount" | "spared">>;

/** The child joins the cgroup before it runs the command, so everything that it forks is born inside. */
const JOIN = 'echo $$ >"$1/cgroup.procs" && exec sh -c "$2"';

async function runTask(kill: Kill, path: string, command: string, limitMs: number): Promise<Ended> {
  mkdirSync(path);
  const child = Bun.spawn(["sh", "-c", JOIN, "sh", path, command], { stdio: ["ignore", "inherit", "inherit"] });
  // At the limit the whole cgroup is killed, not only the child.
  let atLimit: ReturnType<Kill> | undefined;
  const timer = setTimeout(() => {
    atLimit = kill(path);
  }, limitMs);
  const code = await child.exited;
  clearTimeout(timer);
  const { outcome, killedCount } = await (atLimit ?? kill(path));
  return {
    task: path,
    command,
    exit_code: child.signalCode === null ? code : null,
    outcome,
    killed_count: killedCount,
  };
}

const { values, positionals } = parseArgs({ options: { limit: { type: "string" } }, allowPositionals: true });
const [group, ...commands] = positionals;
if (group === undefined || commands.length === 0) {
  console.error("usage: executor.ts [--limit SECONDS] CGROUP-DIRECTORY COMMAND...");
  process.exit(2);
}
const limitMs = Number(values.limit ?? 10) * 1000;

const print = (message: string, fields: object): void => console.error(`executor: ${message}`, JSON.stringify(fields));
/** The steps of a kill are at `debug` and `trace`; they are dropped here. */
const log: Logger = { trace() {}, debug() {}, info: print, warn: print, error: print };
const killer = createGroupKiller(log, process.pid, { remove: true });
/** After a stop the group is already gone. That is success here, although the killer itself would reject. */
const kill: Kill = async (path) =>
  existsSync(path) ? await killer.killGroup({ path }) : { outcome: "missing", killedCount: 0, spared: [] };

mkdirSync(group);
writeFileSync(`${group}/cgroup.procs`, String(process.pid));
// A stop ends the tasks, and with them the wait below.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => void kill(group));

let isGood = true;
try {
  const tasks = commands.map((command, index) => runTask(kill, `${group}/task-${index + 1}`, command, limitMs));
  for (const task of tasks) {
    const ended = await task;
    console.log(JSON.stringify(ended));
    if (ended.exit_code !== 0) isGood = false;
  }
} finally {
  const { outcome, spared } = await kill(group);
  console.log(JSON.stringify({ group, outcome, survived: spared.map(({ pid }) => pid) }));
}
process.exit(isGood ? 0 : 1);
