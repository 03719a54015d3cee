// A command for a shell: pasted into sh, bash, dash, zsh, fish (3.4 or later) or busybox sh, each word is exactly the
// argument that it stands for. Always one line of printable ASCII.

import type { Command } from "../../advice.ts";
import { encodeText } from "../../sys/bytes.ts";

/** In front, `=` is the path of a command to zsh, and `~` a home directory. */
const NEEDS_NO_QUOTES = /^[A-Za-z0-9_@:,./+-][A-Za-z0-9_@:,./=+-]*$/;
const CONTROL = /[\0-\x1f\x7f]/;
/** What one form of quotes can hold: a backslash or a quote, and other ASCII. */
const ASCII_RUN = /[\\']|[^\\']+/g;
/** The same in a word that goes beyond ASCII. Behind `"$(…)"` fish 3.6 takes a dollar in single quotes for a variable. */
const RUN = /[\\'$]|[^\\'$\x80-\u{10ffff}]+|[\x80-\u{10ffff}]+/gu;
const IS_ASCII = /^[\0-\x7f]*$/;

/** @returns `undefined` for a word with control characters: not every terminal and shell lets them through */
function quoteWord(word: string): string | undefined {
  if (NEEDS_NO_QUOTES.test(word)) return word;
  if (CONTROL.test(word)) return undefined;
  return word === "" ? "''" : word.replace(IS_ASCII.test(word) ? ASCII_RUN : RUN, quoteRun);
}

/**
 * Within single quotes fish takes `\'` and `\\` for escapes and the others do not: both stand outside of them. No form
 * with a dollar (`$'…'`) is known to all, but every printf knows octal. No byte from 0x80 on is a newline, so that the
 * substitution cuts nothing off.
 */
function quoteRun(run: string): string {
  if (run === "\\" || run === "'" || run === "$") return `\\${run}`;
  if (run.charCodeAt(0) < 0x80) return `'${run}'`;
  const octal = Array.from(encodeText(run), (byte) => `\\${byte.toString(8)}`).join("");
  return `"$(printf '${octal}')"`;
}

/** @returns `undefined` where no form means the same to every shell: a control character in an argument */
export function quote(command: Command): string | undefined {
  const words = command.map(quoteWord);
  return words.every((word) => word !== undefined) ? words.join(" ") : undefined;
}
