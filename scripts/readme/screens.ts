// The screens in README.md and in the manual, made by the real program: the compiled binary on real cgroups, with its
// interactive mode in a pseudo-terminal. Writes them, or with --check fails if they are out of date.
//
// All cgroups are below one of our own, which cgkill sees as the root of its hierarchy, so that the screens are the
// same on every host. What still varies (pids, times, memory) is replaced by fixed values: see screen-masks.ts.

import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";

import { canStage, destroy, liveMembers, mountPoint, startAdversary, until } from "../../test/support/real-cgroup.ts";
import { BINARY } from "../../test/support/run-cgkill.ts";
import { inTerminal, KEYS, type TerminalSession } from "../../test/support/terminal.ts";
import { asText, replaceBlock, writeOrCheck } from "./blocks.ts";
import { alignTables, maskPickList, maskTimes } from "./screen-masks.ts";

const root = `${import.meta.dir}/../..`;
const FILES: readonly string[] = [`${root}/README.md`, `${root}/scripts/release/man/manual.md`];
const COLUMNS = 80;
/** 500 processes take a while on a busy host. */
const POPULATED_MS = 120_000;

/** The cgroups of the demo and the processes in each. No two sums are equal, so that sorting by any column is unambiguous. */
const JOBS: ReadonlyArray<readonly [cgroup: string, script: string, count: number]> = [
  ["batch/job7", "i=1; while [ $i -lt 500 ]; do sleep 600 & i=$((i+1)); done; wait", 500],
  ["batch/job8", "sleep 600 & wait", 2],
  ["system.slice/web.service", "sleep 600 & sleep 600 & wait", 3],
  ["machine.slice/machine-db.scope", "exec sleep 600", 1],
];
/** The cgroup that cgkill is started from, like the shell of a login session. */
const HOME = "user.slice";

/** The deadline of the kill that leaves a survivor. */
const DEADLINE_MS = 500;

type Screens = Readonly<Record<string, string>>;

/** The words to put before a command so that it sees only the cgroups of the demo. */
function inDemo(dir: string): string[] {
  const inside = [
    "umount -R -l /sys/fs/cgroup",
    "mount -t cgroup2 none /sys/fs/cgroup",
    `echo $$ > /sys/fs/cgroup/${HOME}/cgroup.procs`,
    'exec "$@"',
  ].join(" && ");
  const outside = `echo $$ > ${dir}/cgroup.procs && exec unshare -C -m --propagation private sh -c '${inside}' sh "$@"`;
  return ["sh", "-c", outside, "sh"];
}

/** Why the screens cannot be made here; `undefined` if they can. */
function cannotMake(dir: string): string | undefined {
  if (!existsSync(`${dir}/cgroup.kill`)) return "this kernel has no cgroup.kill";
  const { exitCode, stderr } = Bun.spawnSync([...inDemo(dir), "true"]);
  return exitCode === 0 ? undefined : `no cgroup namespace of our own: ${stderr.toString().trim()}`;
}

async function populate(dir: string): Promise<void> {
  for (const [name, script] of JOBS) {
    const job = `${dir}/${name}`;
    mkdirSync(job, { recursive: true });
    Bun.spawn(["sh", "-c", `echo $$ > ${job}/cgroup.procs; exec sh -c '${script}'`], {
      stdio: ["ignore", "ignore", "ignore"],
    });
  }
  for (const [name, , count] of JOBS) {
    const isThere = (pid: number): boolean => commandOf(pid) !== "";
    await until(
      `${count} processes in ${name}`,
      () => {
        const members = liveMembers(`${dir}/${name}`);
        return members.length === count && members.every(isThere);
      },
      POPULATED_MS,
    );
  }
}

/** The command of a process; empty while it is still the shell that will exec it. */
function commandOf(pid: number): string {
  try {
    const command = readFileSync(`/proc/${pid}/cmdline`, "utf8");
    return command.includes("cgroup.procs") ? "" : command;
  } catch {
    return "";
  }
}

/** A command line, and what the terminal shows after it was typed. */
function typed(dir: string, line: string): string {
  const script = `PATH=${dirname(BINARY)}:$PATH; ${line}\nexit`;
  const child = Bun.spawnSync([...inDemo(dir), "sh", "-c", `exec 2>&1; ${script}`], {
    cwd: "/",
    env: { PATH: process.env["PATH"] ?? "", LANG: "C.UTF-8" },
    stdin: "ignore",
  });
  return `$ ${line}\n${child.stdout}`;
}

async function shows(terminal: TerminalSession, wanted: RegExp): Promise<void> {
  try {
    await until(String(wanted), () => wanted.test(terminal.lines().join("\n")));
  } catch (error) {
    throw new Error(`${(error as Error).message}\n${terminal.lines().join("\n")}`);
  }
}

/** The lines from the last one that matches `from` to the next one that matches `to`. */
function between(terminal: TerminalSession, from: RegExp, to: RegExp): string {
  const lines = terminal.lines();
  const start = lines.findLastIndex((line) => from.test(line));
  const end = lines.findIndex((line, at) => at >= start && to.test(line));
  if (start < 0 || end < 0) throw new Error(`not on the screen: ${from} to ${to}\n${lines.join("\n")}`);
  return `${lines.slice(start, end + 1).join("\n")}\n`;
}

async function interactive(dir: string): Promise<Screens> {
  await using terminal = inTerminal([], { under: inDemo(dir), env: { NO_COLOR: "1" }, columns: COLUMNS });
  await shows(terminal, /◆  Which cgroups\?[\s\S]*└/);
  terminal.types("job");
  await shows(terminal, /Search: job█ +1 of 2,[\s\S]*└/);
  terminal.types(KEYS.down);
  terminal.types(KEYS.tab);
  await shows(terminal, /❯ ◼ .* batch\/job8[\s\S]*1 marked[\s\S]*└/);
  const find = maskPickList(between(terminal, /◆ {2}Which cgroups/, /^└/));
  terminal.types(KEYS.enter);
  await shows(terminal, /◆  What about[\s\S]*❯ Leave it alone[\s\S]*└/);
  const look = between(terminal, /^\/batch\/job8/, /^└/);
  terminal.types(KEYS.end);
  await shows(terminal, /❯ Kill 2 processes[\s\S]*└/);
  terminal.types(KEYS.enter);
  await shows(terminal, /◆  Kill 2 processes in[\s\S]*❯ No[\s\S]*└/);
  terminal.types("y");
  await shows(terminal, /◆  What now\?[\s\S]*❯ Done[\s\S]*└/);
  const summary = between(terminal, /◇ {2}Kill 2 processes in/, /^ {4}cgkill /);
  terminal.types(KEYS.enter);
  if ((await terminal.ended()) !== 0) throw new Error(`the interactive mode failed\n${terminal.lines().join("\n")}`);
  return { find, look, summary: withoutRetries(summary) };
}

/** On a slow host cgkill freezes and signals once more, and reports it: leave those lines out. */
const withoutRetries = (screen: string): string =>
  screen.replace(/^ {2}(frozen|thawed|\d+ process(es)? signalled) {2}.*\n/gm, "");

async function survivor(dir: string): Promise<string> {
  const job = `${dir}/batch/job9`;
  mkdirSync(job);
  await using _ = startAdversary("tracehold", 1, job);
  let tracer = 0;
  try {
    await until("a traced process", () => {
      const [tracee] = liveMembers(job);
      if (tracee === undefined) return false;
      tracer = Number(/^TracerPid:\s*(\d+)/m.exec(readFileSync(`/proc/${tracee}/status`, "utf8"))?.[1]);
      return tracer > 0;
    });
    return typed(dir, `cgkill -t ${DEADLINE_MS}ms batch/job9`);
  } finally {
    // The tracee is held until its tracer ends.
    if (tracer > 0) process.kill(tracer, "SIGKILL");
  }
}

async function makeScreens(dir: string): Promise<Screens> {
  await populate(dir);
  const list = typed(dir, "cgkill list");
  const show = typed(dir, "cgkill show system.slice/web.service");
  const questions = await interactive(dir);
  const kill = [
    typed(dir, "cgkill batch/job7"),
    typed(dir, `cgkill --json batch/job7 | grep -o '"outcome":"[a-z]*"'`),
    typed(dir, `cgkill ${HOME}; echo $?`),
  ].join("");
  const screens = { kill, list, show, ...questions };
  const masked = Object.entries(screens).map(([name, text]) => [name, maskTimes(alignTables(text), 12)] as const);
  // The kill of this one ends at its deadline.
  return { ...Object.fromEntries(masked), survivor: maskTimes(alignTables(await survivor(dir)), DEADLINE_MS + 1) };
}

function withScreens(markdown: string, screens: Screens): string {
  const wanted = [...markdown.matchAll(/<!-- screen (\S+) -->/g)].map(([, name = ""]) => name);
  return wanted.reduce((text, name) => {
    const screen = screens[name];
    if (screen === undefined) throw new Error(`there is no screen ${name}`);
    return replaceBlock(text, `screen ${name}`, asText(screen));
  }, markdown);
}

if (!canStage("v2")) process.exit(0);

const dir = `${mountPoint("v2")}/cgkill-demo-screens-${process.pid}`;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => void destroy(dir).finally(() => process.exit(1)));
}
let screens: Screens = {};
let problem: string | undefined;
try {
  mkdirSync(`${dir}/${HOME}`, { recursive: true });
  problem = cannotMake(dir);
  if (problem === undefined) screens = await makeScreens(dir);
} finally {
  await destroy(dir);
}
if (problem !== undefined) {
  console.log(`left out: the screens (${problem})`);
  process.exit(0);
}

const fresh = new Map<string, string>();
for (const file of FILES) fresh.set(file, withScreens(await Bun.file(file).text(), screens));
if (!(await writeOrCheck(fresh, "bun scripts/readme/screens.ts"))) process.exit(1);
