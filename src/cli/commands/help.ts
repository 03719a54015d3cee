// The text of --help, from the table of options. 80 columns, as terminals have at three in the morning.

import { COMMANDS, type CommandSpec } from "../args/commands.ts";
import { type OptionGroup, OPTIONS, type OptionSpec } from "../args/options.ts";

export const GROUPS: readonly OptionGroup[] = ["Which cgroup", "How to kill", "What may die", "What to list", "Output"];
export const HELP_COLUMN = 26;
const WIDTH = 80;

export const NAMES: ReadonlyArray<readonly [string, string]> = [
  ["/sys/fs/cgroup/a/b", "a directory of any mounted hierarchy"],
  ["/a/b, a/b", "the path as /proc/PID/cgroup prints it"],
  ["., ./b", "in the working directory, when that is a cgroup"],
  ["-", "one name a line from standard input"],
];

export const EXIT_STATUS: ReadonlyArray<readonly [string, string]> = [
  ["0", "killed, and proven empty; or shown, frozen, thawed, signalled"],
  ["1", "a kernel or I/O error; or failures of several kinds"],
  ["2", "bad usage; a name that means several cgroups"],
  ["3", "no such cgroup"],
  ["4", "refused: it would kill what must not die"],
  ["5", "the kernel denied it"],
  ["6", "processes survive at the deadline"],
  ["7", "empty, but the directory could not be removed"],
  ["130", "interrupted by SIGINT, or cancelled; 128 + N for signal N; all is thawed"],
  ["70", "a bug in cgkill"],
];

export const EXAMPLES: ReadonlyArray<readonly [string, string]> = [
  ["cgkill show batch/job7", "look first: how it would be killed, and who is in it"],
  ["cgkill batch/job7", "kill it all, and return when the kernel says it is empty"],
  ["cgkill list --sort procs", "where the processes are"],
  ["cgkill --name 'web-*' --all", "every cgroup, unit, container, pod or job of that name"],
  ["cgkill list --frozen", "what is frozen, and by whom; cgkill thaw CGROUP ends it"],
  ["cgkill --pid 4711", "the whole cgroup that process 4711 is in"],
  ["cgkill -g 10s batch/job7", "SIGTERM first, SIGKILL after ten seconds"],
  ["cgkill signal HUP batch/job7", "SIGHUP to every process in it, and nothing else"],
  ["cgkill --json a b | jq .outcome", "for scripts: a document a cgroup, and the exit status"],
];

/** Break text into lines no wider than `width`. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}

/** Two columns; a left side that is too long stands on a line of its own. */
export function row(left: string, right: string, column: number): string {
  const lines = wrap(right, WIDTH - column);
  const indent = " ".repeat(column);
  const start = ` ${left}`;
  const first = start.length + 2 > column ? `${start}\n${indent}` : start.padEnd(column);
  return lines.map((line, index) => (index === 0 ? first : indent) + line).join("\n");
}

export function optionLabel({ long, short, value, isOptional }: OptionSpec): string {
  const name = `${short === undefined ? "    " : `-${short}, `}--${long}`;
  if (isOptional) return `${name}[=${value}]`;
  return value === undefined ? name : `${name} ${value}`;
}

export function section(title: string, rows: readonly string[]): string {
  return `${title}:\n${rows.join("\n")}\n`;
}

/** The call without words, which only a terminal can have. */
export const BARE_USAGE = "cgkill                                      on a terminal: choose interactively";

/** The usage lines of a command. */
export const usagesOf = ({ name, usage }: CommandSpec): readonly string[] =>
  name === "kill" ? [BARE_USAGE, usage] : [usage];

export function renderHelp(): string {
  const examples = EXAMPLES.map(([command, what]) => row(command, what, 35));
  return [
    `Usage:\n${COMMANDS.flatMap(usagesOf)
      .map((usage) => ` ${usage}`)
      .join("\n")}\n`,
    "Kill every process in a cgroup and below it, on cgroup v1 and v2, and prove it.\n",
    section(
      "Commands",
      COMMANDS.map(({ name, help }) => row(name, help, HELP_COLUMN)),
    ),
    "Only one command, with its own options: cgkill help COMMAND, or COMMAND --help.\n",
    section(
      "Naming a CGROUP",
      NAMES.map(([name, what]) => row(name, what, HELP_COLUMN)),
    ),
    ...GROUPS.map((group) =>
      section(
        group,
        OPTIONS.filter((option) => option.group === group).map((option) =>
          row(optionLabel(option), option.help, HELP_COLUMN),
        ),
      ),
    ),
    section(
      "Exit status",
      EXIT_STATUS.map(([code, what]) => row(code.padStart(3), what, 6)),
    ),
    section("Examples", examples),
  ].join("\n");
}
