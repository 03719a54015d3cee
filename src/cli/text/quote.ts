// Quoting for shells: pasted into sh, bash, dash, zsh, fish (3.4 or later) or busybox sh, each word becomes exactly the
// argument it stands for. The result is one line of printable ASCII.

import type { Command } from "../../advice.ts";
import { encodeText } from "../../sys/bytes.ts";
import { isAscii } from "./sanitize.ts";

/** @returns `undefined` for a word with control characters, which some terminals and shells drop */
function quoteWord(word: string): string | undefined {
  // zsh expands a leading `=`, and every shell a leading `~`.
  if (/^[A-Za-z0-9_@:,./+-][A-Za-z0-9_@:,./=+-]*$/.test(word)) return word;
  if (/[\0-\x1f\x7f]/.test(word)) return undefined;
  if (word === "") return "''";
  // Runs that one form of quoting can express: a backslash, a quote, a space before a space, or anything else.
  if (isAscii(word)) return word.replace(/[\\']|(?:[^\\' ]| (?! ))+| /g, quoteRun);
  // In a word with other characters a dollar too: after `"$(…)"`, fish 3.6 expands it even in single quotes.
  return word.replace(/[\\'$]|(?:[^\\'$ \x80-\u{10ffff}]| (?! ))+| |[\x80-\u{10ffff}]+/gu, quoteRun);
}

/**
 * Backslashes and quotes stay outside single quotes, because only fish treats `\'` and `\\` inside them as escapes.
 * Between two spaces there are quotes, so that a terminal that breaks the line inside a name never indents the rest.
 * They are double ones: with RC_QUOTES, zsh reads `''` inside single quotes as a quote.
 * Other characters are octal escapes for printf, which every shell has; `$'…'` is not portable. The substitution strips
 * nothing, because no byte from 0x80 on is a newline.
 */
function quoteRun(run: string): string {
  if (run === "\\" || run === "'" || run === "$") return `\\${run}`;
  if (run === " ") return '" "';
  if (run.charCodeAt(0) < 0x80) return `'${run}'`;
  const octal = Array.from(encodeText(run), (byte) => `\\${byte.toString(8)}`).join("");
  return `"$(printf '${octal}')"`;
}

/** @returns `undefined` if an argument has control characters, for which no quoting works in every shell */
export function quote(command: Command): string | undefined {
  const words = command.map(quoteWord);
  return words.every((word) => word !== undefined) ? words.join(" ") : undefined;
}
