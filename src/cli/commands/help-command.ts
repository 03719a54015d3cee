// The help page of one command: usage, summary, its own options, two examples.

import { type CommandName, type CommandSpec, commandTable } from "../args/commands.ts";
import { helpOf } from "../args/option-spec.ts";
import { optionGroups, optionTable } from "../args/options.ts";
import { HELP_COLUMN, HELP_WIDTH, optionLabel, row, section, usageSection } from "./help.ts";

type Example = readonly [call: string, what: string];

const EXAMPLES: Readonly<Record<CommandName, readonly Example[]>> = {
  kill: [
    ["cgkill kill batch/job7", "kill it, and prove it empty"],
    ["cgkill kill -g 10s -t 5s batch/job7", "10s for SIGTERM, then 5s for SIGKILL"],
  ],
  list: [
    ["cgkill list --sort procs", "those with the most processes first"],
    ["cgkill list --stuck", "what does not die, and what it waits for"],
  ],
  show: [
    ["cgkill show batch/job7", "how it would be killed, and what is in it"],
    ["cgkill show --json --pid 4711", "as JSON, for the cgroup of a process"],
  ],
  freeze: [
    ["cgkill freeze batch/job7", "stop it while you inspect it"],
    ["cgkill freeze -t 1m batch/job7", "wait up to a minute"],
  ],
  thaw: [
    ["cgkill thaw batch/job7", "thaw it and everything below it"],
    ["cgkill thaw --pid 4711", "thaw the cgroup of process 4711"],
  ],
  signal: [
    ["cgkill signal HUP batch/job7", "let daemons reload their configuration"],
    ["cgkill signal --json USR1 --pid 4711", "report as JSON which processes got it"],
  ],
  run: [
    ["cgkill run --limit 1h make test", "at most an hour; leave nothing behind"],
    ["cgkill run -g 5s --report end.json job", "SIGTERM first; report the result as JSON"],
  ],
  completion: [
    ["cgkill completion bash", "print the script for bash"],
    ["cgkill completion fish", "print the script for fish"],
  ],
  help: [
    ["cgkill help thaw", "show the page of cgkill thaw"],
    ["cgkill list --help", "show the page of cgkill list"],
  ],
};

/** Commands with enough options to need headings for them. */
const GROUPED: readonly CommandName[] = ["kill", "show"];

const EXAMPLE_COLUMN = 41;

export function renderCommandHelp(name: CommandName, columns: number = HELP_WIDTH): string {
  const spec = commandTable().find((command) => command.name === name) as CommandSpec;
  const { help } = spec;
  return [
    usageSection([spec]),
    `${help.charAt(0).toUpperCase()}${help.slice(1)}.\n`,
    ...optionSections(name, columns),
    section(
      "Examples",
      EXAMPLES[name].map(([call, what]) => row(call, what, EXAMPLE_COLUMN, columns)),
    ),
    "Run cgkill --help for all commands, exit statuses and ways to name a CGROUP.\n",
  ].join("\n");
}

function optionSections(name: CommandName, columns: number): string[] {
  const groups = GROUPED.includes(name) ? Object.entries(optionGroups()) : [["Options", optionTable()] as const];
  return groups.flatMap(([title, options]) => {
    const own = options.filter(({ commands }) => commands.includes(name));
    const rows = own.map((option) => row(optionLabel(option), helpOf(option, name), HELP_COLUMN, columns));
    return rows.length === 0 ? [] : [section(title, rows)];
  });
}
