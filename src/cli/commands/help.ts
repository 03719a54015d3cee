// The text of --help, and the help page of one command: made from the tables of commands and options, in up to 80 columns.

import { type CommandName, COMMANDS } from "../args/commands.ts";
import { helpOf, optionGroups, type OptionSpec, optionTable } from "../args/options.ts";

const OPTION_COLUMN = 26;
const MAX_WIDTH = 80;
/** On a narrower terminal too little text fits beside the left column, and the terminal wraps the lines instead. */
const MIN_WIDTH = 50;

type Pair = readonly [left: string, right: string];

export const NAMES: readonly Pair[] = [
  ["/sys/fs/cgroup/a/b", "a directory in any mounted cgroup hierarchy"],
  ["/a/b, a/b", "a path as /proc/PID/cgroup prints it"],
  ["., ./b", "relative to the working directory, if that is in a cgroup mount"],
  ["-", "names from standard input, one per line"],
];

export const EXIT_STATUS: readonly Pair[] = [
  ["0", "killed, and proven empty; or shown, frozen, thawed, signalled"],
  ["1", "a kernel or I/O error; or failures of several kinds"],
  ["2", "a usage error; or an ambiguous name"],
  ["3", "no such cgroup"],
  ["4", "refused by a safety check"],
  ["5", "denied by the kernel"],
  ["6", "processes survive at the deadline"],
  ["7", "empty, but the directory could not be removed"],
  ["130", "interrupted by SIGINT, or cancelled; 128 + N for signal N; all thawed"],
  ["70", "a bug in cgkill"],
  ["124", "run: the limit was reached (otherwise the command's status, or 128 + N)"],
  ["125", "run: a failure of cgkill itself, or processes survive"],
  ["126", "run: the command cannot be executed"],
  ["127", "run: the command was not found"],
];

export const EXAMPLES: readonly Pair[] = [
  ["cgkill show batch/job7", "preview: what would be killed, and how"],
  ["cgkill batch/job7", "kill, and return when it is proven empty"],
  ["cgkill list --sort procs", "the cgroups with the most processes first"],
  ["cgkill --name 'web-*' --all", "every cgroup, unit, container, pod or job that matches"],
  ["cgkill list --frozen", "frozen cgroups, and what froze them"],
  ["cgkill --pid 4711", "kill the whole cgroup that process 4711 is in"],
  ["cgkill -g 10s batch/job7", "send SIGTERM, and SIGKILL after ten seconds"],
  ["cgkill signal HUP batch/job7", "send SIGHUP to every process, once"],
  ["cgkill run --limit 1h make test", "run a command, and leave no process of it behind"],
  ["cgkill --json a b | jq .outcome", "for scripts: one JSON document per cgroup"],
];

/** By the command whose page has them. */
const EXAMPLES_OF: ReadonlyArray<readonly [command: CommandName, ...Pair]> = [
  ["kill", "cgkill kill batch/job7", "kill it, and prove it empty"],
  ["kill", "cgkill kill -g 10s -t 5s batch/job7", "10s for SIGTERM, then 5s for SIGKILL"],
  ["list", "cgkill list --sort procs", "those with the most processes first"],
  ["list", "cgkill list --stuck", "what does not die, and what it waits for"],
  ["show", "cgkill show batch/job7", "how it would be killed, and what is in it"],
  ["show", "cgkill show --json --pid 4711", "as JSON, for the cgroup of a process"],
  ["freeze", "cgkill freeze batch/job7", "stop it while you inspect it"],
  ["freeze", "cgkill freeze -t 1m batch/job7", "wait up to a minute"],
  ["thaw", "cgkill thaw batch/job7", "thaw it and everything below it"],
  ["thaw", "cgkill thaw --pid 4711", "thaw the cgroup of process 4711"],
  ["signal", "cgkill signal HUP batch/job7", "let daemons reload their configuration"],
  ["signal", "cgkill signal --json USR1 --pid 4711", "report as JSON which processes got it"],
  ["run", "cgkill run --limit 1h make test", "at most an hour; leave nothing behind"],
  ["run", "cgkill run -g 5s --report end.json job", "SIGTERM first; report the result as JSON"],
  ["completion", "cgkill completion bash", "print the script for bash"],
  ["completion", "cgkill completion fish", "print the script for fish"],
  ["help", "cgkill help thaw", "show the page of cgkill thaw"],
  ["help", "cgkill list --help", "show the page of cgkill list"],
];

/** @param columns  the width of the terminal */
export function renderHelp(columns: number = MAX_WIDTH): string {
  const commands = Object.entries(COMMANDS).map(([name, [help]]): Pair => [name, help]);
  const statuses = EXIT_STATUS.map(([code, what]): Pair => [code.padStart(3), what]);
  return [
    usageSection(Object.values(COMMANDS).flatMap(([, ...usages]) => usages)),
    "Kill every process in a cgroup and below it, on cgroup v1 and v2, and prove it.\n",
    section("Commands", commands, OPTION_COLUMN, columns),
    "Run cgkill help COMMAND or cgkill COMMAND --help for the page of one command.\n",
    section("Naming a CGROUP", NAMES, OPTION_COLUMN, columns),
    ...Object.entries(optionGroups()).map(([title, options]) => optionSection(title, options, columns)),
    section("Exit status", statuses, 6, columns),
    section("Examples", EXAMPLES, 35, columns),
  ].join("\n");
}

/** Commands with enough options to need headings for them. */
const GROUPED: readonly CommandName[] = ["kill", "show"];

/** The help page of one command: usage, summary, its own options, two examples. */
export function renderCommandHelp(name: CommandName, columns: number = MAX_WIDTH): string {
  const [help, ...usages] = COMMANDS[name];
  const examples = EXAMPLES_OF.flatMap(([command, ...pair]) => (command === name ? [pair] : []));
  const groups = GROUPED.includes(name) ? Object.entries(optionGroups()) : [["Options", optionTable()] as const];
  return [
    usageSection(usages),
    `${help.charAt(0).toUpperCase()}${help.slice(1)}.\n`,
    ...groups
      .map(([title, options]) => [title, options.filter(({ commands }) => commands.includes(name))] as const)
      .filter(([, own]) => own.length > 0)
      .map(([title, own]) => optionSection(title, own, columns, name)),
    section("Examples", examples, 41, columns),
    "Run cgkill --help for all commands, exit statuses and ways to name a CGROUP.\n",
  ].join("\n");
}

const usageSection = (usages: readonly string[]): string => `Usage:\n${usages.map((usage) => ` ${usage}\n`).join("")}`;

function optionSection(title: string, options: readonly OptionSpec[], columns: number, name?: CommandName): string {
  const rows = options.map((option): Pair => {
    const indent = option.short === undefined ? " ".repeat("-x, ".length) : "";
    return [`${indent}${option.usage}`, name === undefined ? option.help : helpOf(option, name)];
  });
  return section(title, rows, OPTION_COLUMN, columns);
}

/** @param column  where the right column begins */
function section(title: string, rows: readonly Pair[], column: number, columns: number): string {
  return `${title}:\n${rows.map(([left, right]) => `${row(left, right, column, columns)}\n`).join("")}`;
}

/** Two columns. If the left one is too wide, the right one starts on the next line. */
function row(left: string, right: string, column: number, columns: number): string {
  const width = Math.min(MAX_WIDTH, Math.max(MIN_WIDTH, columns));
  const lines = Bun.wrapAnsi(right, width - column).split("\n");
  const indent = " ".repeat(column);
  const start = ` ${left}`;
  const first = start.length + 2 > column ? `${start}\n${indent}` : start.padEnd(column);
  return lines.map((line, index) => (index === 0 ? first : indent) + line).join("\n");
}
