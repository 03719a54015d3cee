// The man page cgkill(1), from the same tables as --help. For the release; the command line does not load it.

import { COMMANDS } from "../../../src/cli/args/commands.ts";
import { OPTIONS, type OptionSpec } from "../../../src/cli/args/options.ts";
import { EXAMPLES, EXIT_STATUS, GROUPS, NAMES, usagesOf } from "../../../src/cli/commands/help.ts";
import { ENVIRONMENT, SECURITY, SUDO_RULE } from "./security.ts";

/** Text of roff: backslashes, hyphens that are typed, and a control character at the start of a line. */
function roff(text: string): string {
  return text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replace(/^([.'])/, "\\&$1");
}

const bold = (text: string): string => `\\fB${roff(text)}\\fR`;
const item = (left: string, right: string): string => `.TP\n${left}\n${roff(right)}`;

function optionName({ long, short, value, isOptional }: OptionSpec): string {
  const names = [...(short === undefined ? [] : [`-${short}`]), `--${long}`].map(bold).join(", ");
  if (value === undefined) return names;
  const argument = `\\fI${roff(value)}\\fR`;
  return isOptional ? `${names}[=${argument}]` : `${names} ${argument}`;
}

/** Blanks set what a call does apart from the call. */
function synopsis(usage: string): string {
  const [call = "", what] = usage.split(/ {2,}/);
  return what === undefined ? bold(call) : `${bold(call)} (${roff(what)})`;
}

/** Which commands have it: every reader of the whole list needs to know. */
const explained = ({ help, commands }: OptionSpec): string =>
  commands.length >= EVERY_COMMAND ? help : `${help}. [${commands.join(", ")}]`;

const EVERY_COMMAND = COMMANDS.length;

function section(title: string, body: readonly string[]): string {
  return [`.SH ${title}`, ...body].join("\n");
}

/** @param version  as --version prints it */
export function renderMan(version: string = ""): string {
  const usages = COMMANDS.flatMap(usagesOf).map(synopsis).join("\n.br\n");
  return `${[
    `.TH CGKILL 1 "" "cgkill ${version}" "User Commands"`,
    section("NAME", ["cgkill \\- kill every process in a cgroup, and prove it"]),
    section("SYNOPSIS", [usages]),
    section("DESCRIPTION", [
      "Kills every process in a cgroup and in every cgroup below it, on cgroup v1 and v2, and returns 0 only when the",
      "kernel itself says that none is left. Nothing outside that subtree is ever signalled, and nothing that it froze",
      "stays frozen, however it ends. What does not die is named, with the reason and with what can be done about it.",
    ]),
    section(
      "COMMANDS",
      COMMANDS.filter(({ name }) => name !== "help").map(({ name, help }) => item(bold(name), help)),
    ),
    section(
      "NAMING A CGROUP",
      NAMES.map(([name, what]) => item(bold(name), what)),
    ),
    section(
      "OPTIONS",
      GROUPS.flatMap((group) => [
        `.SS ${group}`,
        ...OPTIONS.filter((option) => option.group === group).map((option) =>
          item(optionName(option), explained(option)),
        ),
      ]),
    ),
    section(
      "EXIT STATUS",
      EXIT_STATUS.map(([code, what]) => item(bold(code), what)),
    ),
    section(
      "EXAMPLES",
      EXAMPLES.map(([command, what]) => item(bold(command), what)),
    ),
    section(
      "ENVIRONMENT",
      ENVIRONMENT.map(([names, what]) => item(bold(names), what)),
    ),
    section("SECURITY", [
      ...SECURITY.slice(0, 1).map(roff),
      `.PP\n.nf\n${SUDO_RULE.map(roff).join("\n")}\n.fi`,
      ...SECURITY.slice(1).map((paragraph) => `.PP\n${roff(paragraph)}`),
    ]),
    section("SEE ALSO", ["\\fBcgroups\\fR(7), \\fBkill\\fR(1), \\fBsystemctl\\fR(1)"]),
  ].join("\n")}\n`;
}
