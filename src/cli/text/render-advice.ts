// Hints as text: the prose is sanitised, each command quoted, and nothing is both. A command has a line of its own, but
// for a reference such as `see cgkill --help`, which ends the line of the hint.

import { type Advice, type Command, isReference } from "../../advice.ts";
import { quote } from "./quote.ts";
import { sanitize } from "./sanitize.ts";

/** What starts with it is a command, and never broken: the terminal itself breaks a line so that it is pasted whole. */
export const COMMAND_INDENT = "    ";
/** What it begins is a reference, and never broken either. */
export const REFERENCE = "see cgkill ";

const UNQUOTABLE = "  (no command is shown: a name in it has control characters; --json has it)\n";

export function renderCommand(command: Command): string {
  const quoted = quote(command);
  return quoted === undefined ? UNQUOTABLE : `${COMMAND_INDENT}${quoted}\n`;
}

/** @param about  what the hint is about, before it */
export function renderAdvice({ hint, commands }: Advice, about = ""): string {
  const said = hint === null ? [] : [sanitize(hint)];
  const see = commands.filter(isReference).map((command) => `see ${quote(command)}`);
  const prose = [...said, ...see].join(hint?.endsWith("?") === true ? " " : "; ");
  const others = commands.filter((command) => !isReference(command));
  return (prose === "" ? "" : `  hint: ${about}${prose}\n`) + others.map(renderCommand).join("");
}
