// Words for a shell: quoted so that a command can be pasted, whatever a name holds. Always printable ASCII.

import { encodeText } from "../sys/bytes.ts";

const NEEDS_NO_QUOTES = /^[A-Za-z0-9_@:,./-][A-Za-z0-9_@:,./=-]*$/;
const PRINTABLE = /^[ -~]*$/;

/** What is not printable ASCII goes as bytes, in a form that bash, zsh and POSIX 2024 read. */
export function quoteWord(word: string): string {
  if (NEEDS_NO_QUOTES.test(word)) return word;
  if (PRINTABLE.test(word)) return `'${word.replaceAll("'", "'\\''")}'`;
  return `$'${[...word].map(inDollarQuotes).join("")}'`;
}

function inDollarQuotes(character: string): string {
  if (PRINTABLE.test(character)) return character === "'" || character === "\\" ? `\\${character}` : character;
  return Array.from(encodeText(character), (byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("");
}
