// Hints as text: the prose is sanitised, each command quoted and on a line of its own, and nothing is both.

import type { Advice, Command } from "../../advice.ts";
import { quote } from "./quote.ts";
import { sanitize } from "./sanitize.ts";

/** What starts with it is a command, and never broken: the terminal itself breaks a line so that it is pasted whole. */
export const COMMAND_INDENT = "    ";

const UNQUOTABLE = "  (no command is shown: a name in it has control characters; --json has it)\n";

export function renderCommand(command: Command): string {
  const quoted = quote(command);
  return quoted === undefined ? UNQUOTABLE : `${COMMAND_INDENT}${quoted}\n`;
}

/** @param about  what the hint is about, before it */
export function renderAdvice({ hint, commands }: Advice, about = ""): string {
  const prose = hint === null ? "" : `  hint: ${about}${sanitize(hint)}\n`;
  return prose + commands.map(renderCommand).join("");
}
