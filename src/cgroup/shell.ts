// Words for a shell: quoted so that a command can be pasted, whatever a name holds. Always printable ASCII.

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
  const code = character.codePointAt(0) ?? 0;
  // A byte that is not UTF-8 is carried as a low surrogate.
  const bytes = code >= 0xdc80 && code <= 0xdcff ? [code - 0xdc00] : [...Buffer.from(character)];
  return bytes.map((byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("");
}
