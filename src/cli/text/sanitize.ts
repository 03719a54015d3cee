// Sanitizing for terminals. The names of cgroups and processes may be chosen by an attacker: everything that could move
// the cursor, change colours, reorder or hide text, or look like a space is written as an escape. So is a space at the
// start or after another one: no name can indent itself, also where a terminal or a pager breaks its line, or imitate
// the gap between two columns. Backslashes are escaped too, which makes escapes unambiguous. `\x85` is a byte that is
// not UTF-8, `\u0085` a character.

import { CONTINUATION_INDENT } from "./indents.ts";

const NAMED: Readonly<Record<string, string>> = { "\n": "\\n", "\t": "\\t", "\r": "\\r", "\\": "\\\\" };

function escape(character: string): string {
  const named = NAMED[character];
  if (named !== undefined) return named;
  const code = character.codePointAt(0) as number;
  const hex = (value: number, width: number): string => value.toString(16).padStart(width, "0");
  if (code >= 0xdc80 && code <= 0xdcff) return `\\x${hex(code - 0xdc00, 2)}`;
  if (code < 0x80) return `\\x${hex(code, 2)}`;
  return code > 0xffff ? `\\u{${hex(code, 5)}}` : `\\u${hex(code, 4)}`;
}

/**
 * Most names need none of the patterns below, which are slow to compile: printable ASCII without a backslash, and without a
 * space at the start or after another one.
 */
function isPlain(text: string): boolean {
  let before = SPACE;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code < SPACE || code > TILDE || code === BACKSLASH || (code === SPACE && before === SPACE)) return false;
    before = code;
  }
  return true;
}

const SPACE = 0x20;
const TILDE = 0x7e;
const BACKSLASH = 0x5c;

/** No script puts more combining marks on one letter; a pile of them would cover the lines above and below. */
const MAX_MARKS = 4;

/** Escape each character that could act or mislead. The patterns are local, to be compiled only when needed. */
function escapeUnsafe(text: string): string {
  // Control, format, surrogate, private-use and unassigned characters; separators other than the space; characters that
  // may be invisible; enclosing and overlay marks; and characters that look blank although no property says so.
  const unsafe =
    /[\p{C}\p{Default_Ignorable_Code_Point}\p{Variation_Selector}\p{Me}\\]|(?! )\p{Z}|[\u0334-\u0338\u2800\u20d2\u20d3\u20d8-\u20da\u20e5\u20e6\u20ea\u20eb\u{13441}\u{13442}\u{16fe4}\u{1d159}]/u;
  const mark = /\p{M}/u;
  const base = /[\p{L}\p{N}]/u;
  // Hangul vowels and finals have no width of their own: they join the preceding syllable.
  const joining = /[\u1160-\u11ff\ud7b0-\ud7fb]/u;
  const hangul = /[\u1100-\u11ff\ua960-\ua97c\uac00-\ud7fb]/u;
  let shown = "";
  let inSyllable = false;
  // How many more marks the last character may have. Other marks would be drawn over it, or over our own text.
  let room = 0;
  let isIndent = true;
  for (const character of text) {
    const isSpace = character === " ";
    if ((isSpace && isIndent) || unsafe.test(character) || (joining.test(character) && !inSyllable)) {
      shown += escape(character);
      room = 0;
      inSyllable = false;
    } else if (mark.test(character)) {
      shown += room > 0 ? character : escape(character);
      room = Math.max(room - 1, 0);
    } else {
      shown += character;
      room = base.test(character) ? MAX_MARKS : 0;
      inSyllable = hangul.test(character);
    }
    isIndent = isSpace;
  }
  return shown;
}

export const isAscii = (text: string): boolean => !/[^\0-\x7f]/.test(text);

/**
 * Replace characters beyond ASCII for a terminal that is not in UTF-8, which may interpret their bytes as commands. The
 * width stays the same, to keep columns aligned.
 */
export function toAscii(text: string): string {
  return text.replace(/[^\0-\x7f]+/g, (beyond) => "?".repeat(Bun.stringWidth(beyond)));
}

/** Make text safe to show: one line, in reading order, with nothing hidden. */
export function sanitize(text: string): string {
  return isPlain(text) ? text : escapeUnsafe(text);
}

/** Make several lines safe to show, below a line that says what they are. Their own indentation is lost. */
export function sanitizeLines(text: string): string {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .map((line) => `${CONTINUATION_INDENT}${sanitize(line)}\n`)
    .join("");
}
