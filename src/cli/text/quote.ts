// Quoting for shells: pasted into sh, bash, dash, zsh, fish (3.4 or later) or busybox sh, each word becomes exactly the
// argument it stands for. The result is one line of printable ASCII.

import type { Command } from "../../advice.ts";
import { encodeText } from "../../sys/bytes.ts";

/** zsh expands a leading `=`, and every shell a leading `~`. */
const NEEDS_NO_QUOTES = /^[A-Za-z0-9_@:,./+-][A-Za-z0-9_@:,./=+-]*$/;
const CONTROL = /[\0-\x1f\x7f]/;
/** Runs of ASCII that one form of quoting can express: a backslash, a quote, a space before a space, or anything else. */
const ASCII_RUN = /[\\']|(?:[^\\' ]| (?! ))+| /g;
/** The same in a word with other characters. After `"$(…)"`, fish 3.6 expands a dollar even in single quotes. */
const RUN = /[\\'$]|(?:[^\\'$ \x80-\u{10ffff}]| (?! ))+| |[\x80-\u{10ffff}]+/gu;
const IS_ASCII = /^[\0-\x7f]*$/;

/** @returns `undefined` for a word with control characters, which some terminals and shells drop */
function quoteWord(word: string): string | undefined {
  if (NEEDS_NO_QUOTES.test(word)) return word;
  if (CONTROL.test(word)) return undefined;
  return word === "" ? "''" : word.replace(IS_ASCII.test(word) ? ASCII_RUN : RUN, quoteRun);
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
