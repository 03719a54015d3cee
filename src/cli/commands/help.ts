// The text of --help, made from the tables of commands and options, in up to 80 columns.

import { type CommandSpec, commandTable } from "../args/commands.ts";
import type { OptionSpec } from "../args/option-spec.ts";
import { optionGroups } from "../args/options.ts";

export const HELP_COLUMN = 26;
export const HELP_WIDTH = 80;
/** On a narrower terminal too little text fits beside the left column, and the terminal wraps the lines instead. */
const MIN_WIDTH = 50;

export const NAMES: ReadonlyArray<readonly [string, string]> = [
  ["/sys/fs/cgroup/a/b", "a directory in any mounted cgroup hierarchy"],
  ["/a/b, a/b", "a path as /proc/PID/cgroup prints it"],
  ["., ./b", "relative to the working directory, if that is in a cgroup mount"],
  ["-", "names from standard input, one per line"],
];

export const EXIT_STATUS: ReadonlyArray<readonly [string, string]> = [
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

export const EXAMPLES: ReadonlyArray<readonly [string, string]> = [
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

/** Two columns. If the left one is too wide, the right one starts on the next line. */
export function row(left: string, right: string, column: number, columns: number): string {
  const width = Math.min(HELP_WIDTH, Math.max(MIN_WIDTH, columns));
  const lines = Bun.wrapAnsi(right, width - column).split("\n");
  const indent = " ".repeat(column);
  const start = ` ${left}`;
  const first = start.length + 2 > column ? `${start}\n${indent}` : start.padEnd(column);
  return lines.map((line, index) => (index === 0 ? first : indent) + line).join("\n");
}

export function optionLabel({ long, short, value, isValueOptional }: OptionSpec): string {
  const name = `${short === undefined ? " ".repeat("-x, ".length) : `-${short}, `}--${long}`;
  if (isValueOptional) return `${name}[=${value}]`;
  return value === undefined ? name : `${name} ${value}`;
}

export function section(title: string, rows: readonly string[]): string {
  return `${title}:\n${rows.join("\n")}\n`;
}

export const usageSection = (commands: readonly CommandSpec[]): string =>
  section(
    "Usage",
    commands.flatMap(({ usages }) => usages.map((usage) => ` ${usage}`)),
  );

/** @param columns  the width of the terminal */
export function renderHelp(columns: number = HELP_WIDTH): string {
  const examples = EXAMPLES.map(([command, what]) => row(command, what, 35, columns));
  return [
    usageSection(commandTable()),
    "Kill every process in a cgroup and below it, on cgroup v1 and v2, and prove it.\n",
    section(
      "Commands",
      commandTable().map(({ name, help }) => row(name, help, HELP_COLUMN, columns)),
    ),
    "Run cgkill help COMMAND or cgkill COMMAND --help for the page of one command.\n",
    section(
      "Naming a CGROUP",
      NAMES.map(([name, what]) => row(name, what, HELP_COLUMN, columns)),
    ),
    ...Object.entries(optionGroups()).map(([group, options]) =>
      section(
        group,
        options.map((option) => row(optionLabel(option), option.help, HELP_COLUMN, columns)),
      ),
    ),
    section(
      "Exit status",
      EXIT_STATUS.map(([code, what]) => row(code.padStart(3), what, 6, columns)),
    ),
    section("Examples", examples),
  ].join("\n");
}
