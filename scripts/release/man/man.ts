// The man page cgkill(1): manual.md, with the synopsis, commands, options, exit statuses and examples from the tables
// of --help. For the release only; the binary does not contain it.

import { readFileSync } from "node:fs";

import { COMMAND_NAMES, COMMANDS } from "../../../src/cli/args/commands.ts";
import { optionGroups, type OptionSpec } from "../../../src/cli/args/options.ts";
import { EXAMPLES, EXIT_STATUS, NAMES } from "../../../src/cli/commands/help.ts";
import { bold, item, roff, sectionsOf } from "./markdown.ts";

const MANUAL = `${import.meta.dir}/manual.md`;

function optionName({ long, short, value, isValueOptional }: OptionSpec): string {
  const names = [...(short === undefined ? [] : [`-${short}`]), `--${long}`].map(bold).join(", ");
  if (value === undefined) return names;
  const argument = `\\fI${roff(value)}\\fR`;
  return isValueOptional ? `${names}[=${argument}]` : `${names} ${argument}`;
}

/** Two or more spaces separate a call from its explanation. */
function synopsis(usage: string): string {
  const [call = "", what] = usage.split(/ {2,}/);
  return what === undefined ? bold(call) : `${bold(call)} (${roff(what)})`;
}

/** The explanation, with the commands that have the option unless all have it. */
const explained = ({ help, commands }: OptionSpec): string =>
  commands.length >= COMMAND_NAMES.length ? help : `${help}. [${commands.join(", ")}]`;

const items = (rows: ReadonlyArray<readonly [string, string]>): string[] =>
  rows.map(([tag, text]) => item(bold(tag), roff(text)));

/** Generated text, which comes before the manual's own section of the same title. */
const GENERATED: Readonly<Record<string, () => readonly string[]>> = {
  NAME: () => ["cgkill \\- kill every process in a cgroup, and prove it"],
  SYNOPSIS: () => [
    Object.values(COMMANDS)
      .flatMap(([, ...usages]) => usages)
      .map(synopsis)
      .join("\n.br\n"),
  ],
  COMMANDS: () =>
    items(
      Object.entries(COMMANDS)
        .filter(([name]) => name !== "help")
        .map(([name, [help]]) => [name, help]),
    ),
  "NAMING A CGROUP": () => items(NAMES),
  OPTIONS: () =>
    Object.entries(optionGroups()).flatMap(([group, options]) => [
      `.SS ${group}`,
      ...options.map((option) => item(optionName(option), roff(explained(option)))),
    ]),
  "EXIT STATUS": () => items(EXIT_STATUS),
  EXAMPLES: () => items(EXAMPLES),
  "SEE ALSO": () => ["\\fBcgroups\\fR(7), \\fBkill\\fR(1), \\fBsystemctl\\fR(1)"],
};

/** The order is that of man-pages(7), where it has these sections. */
const ORDER: readonly string[] = [
  "NAME",
  "SYNOPSIS",
  "DESCRIPTION",
  "COMMANDS",
  "NAMING A CGROUP",
  "OPTIONS",
  "STANDBY",
  "INTERACTIVE MODE",
  "METHODS",
  "EXIT STATUS",
  "JSON",
  "ENVIRONMENT",
  "FILES",
  "DIAGNOSTICS",
  "SECURITY",
  "EXAMPLES",
  "SEE ALSO",
];

/**
 * Render the man page.
 *
 * @param version  as --version prints it
 * @param date  YYYY-MM-DD
 * @throws Error  the manual has a section that is not in the order
 */
export function renderMan(version: string = "", date: string = ""): string {
  const manual = sectionsOf(readFileSync(MANUAL, "utf8"));
  const misplaced = [...manual.keys()].filter((title) => !ORDER.includes(title));
  if (misplaced.length > 0) throw new Error(`manual.md: no place for the section ${misplaced.join(", ")}`);
  const sections = ORDER.flatMap((title) => [
    `.SH ${title}`,
    ...(GENERATED[title]?.() ?? []),
    ...(manual.get(title) ?? []),
  ]);
  return `${[`.TH CGKILL 1 "${date}" "cgkill ${version}" "User Commands"`, ...sections].join("\n")}\n`;
}
