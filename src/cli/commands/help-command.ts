// The page of one command: its usage, what it does, its own options and no other, and two examples.

import { type CommandName, COMMANDS } from "../args/commands.ts";
import { helpOf, OPTIONS, type OptionSpec } from "../args/options.ts";
import { GROUPS, HELP_COLUMN, optionLabel, row, section, usagesOf } from "./help.ts";

type Example = readonly [call: string, what: string];

const EXAMPLES: Readonly<Record<CommandName, readonly Example[]>> = {
  kill: [
    ["cgkill kill batch/job7", "kill it all, and return when it is proven empty"],
    ["cgkill kill -g 10s -t 5s batch/job7", "SIGTERM, ten seconds, SIGKILL, at most five more"],
  ],
  list: [
    ["cgkill list --sort procs", "where the processes are"],
    ["cgkill list --frozen", "what is frozen, and by which cgroup"],
  ],
  show: [
    ["cgkill show batch/job7", "how it would be killed, and what is in it"],
    ["cgkill show --json --pid 4711", "the same as JSON, found by a process"],
  ],
  freeze: [
    ["cgkill freeze batch/job7", "hold it still while you look"],
    ["cgkill freeze -t 1m batch/job7", "give it a minute to get there"],
  ],
  thaw: [
    ["cgkill thaw batch/job7", "with everything below it"],
    ["cgkill thaw --pid 4711", "the cgroup that process 4711 is in"],
  ],
  signal: [
    ["cgkill signal HUP batch/job7", "let its daemons read their configuration again"],
    ["cgkill signal --json USR1 --pid 4711", "JSON says which processes got it"],
  ],
  completion: [
    ["cgkill completion bash", "print the script for bash"],
    ["cgkill completion fish", "print the script for fish"],
  ],
  help: [
    ["cgkill help thaw", "the page of one command"],
    ["cgkill list --help", "the same for list"],
  ],
};

/** Commands whose options are few need no headings for them. */
const GROUPED: readonly CommandName[] = ["kill", "show"];

const EXAMPLE_COLUMN = 41;

export function renderCommandHelp(name: CommandName): string {
  const spec = COMMANDS.find((command) => command.name === name);
  if (spec === undefined) throw new Error(`no command ${name}`);
  const { help } = spec;
  return [
    section(
      "Usage",
      usagesOf(spec).map((usage) => ` ${usage}`),
    ),
    `${help.charAt(0).toUpperCase()}${help.slice(1)}.\n`,
    ...optionSections(name),
    section(
      "Examples",
      EXAMPLES[name].map(([call, what]) => row(call, what, EXAMPLE_COLUMN)),
    ),
    "Ways to name a CGROUP, exit statuses, all commands: cgkill --help.\n",
  ].join("\n");
}

function optionSections(name: CommandName): string[] {
  const own = OPTIONS.filter(({ commands }) => commands.includes(name));
  const rows = (options: readonly OptionSpec[]): string[] =>
    options.map((option) => row(optionLabel(option), helpOf(option, name), HELP_COLUMN));
  if (!GROUPED.includes(name)) return [section("Options", rows(own))];
  return GROUPS.flatMap((group) => {
    const options = own.filter((option) => option.group === group);
    return options.length === 0 ? [] : [section(group, rows(options))];
  });
}
