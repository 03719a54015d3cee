// Hints as text. Prose is sanitized and commands are quoted, never both. Each command is on its own line, except a
// reference such as `see cgkill --help`, which ends the line of the hint.

import { type Advice, type Command, isReference } from "../../advice.ts";
import { COMMAND_INDENT } from "./indents.ts";
import { quote } from "./quote.ts";
import { sanitize } from "./sanitize.ts";

/** Starts a reference, which is not wrapped. */
export const REFERENCE = "see cgkill ";

const UNQUOTABLE = "  (no command is shown: a name in it has control characters; --json has it)\n";

/** One line with a quoted command, or a line that says why there is none. */
export function renderCommand(command: Command): string {
  const quoted = quote(command);
  return quoted === undefined ? UNQUOTABLE : `${COMMAND_INDENT}${quoted}\n`;
}

/** @param about  put before the hint, to say what it refers to */
export function renderAdvice({ hint, commands }: Advice, about = ""): string {
  const sentence = hint === null ? [] : [sanitize(hint)];
  const references = commands.filter(isReference).map((command) => `see ${quote(command)}`);
  const prose = [...sentence, ...references].join(hint?.endsWith("?") === true ? " " : "; ");
  const others = commands.filter((command) => !isReference(command));
  return (prose === "" ? "" : `  hint: ${about}${prose}\n`) + others.map(renderCommand).join("");
}
