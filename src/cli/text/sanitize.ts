// Names of cgroups and processes are text that an attacker may have chosen. On a terminal everything that could move
// the cursor, change colours, reorder or hide text, or be taken for a blank, is written as an escape; the backslash too,
// so that an escape is never mistaken for text. `\x85` is a byte that is not UTF-8, `\u0085` a character.

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

/** Most names are plain ASCII: seen at once, and without the patterns below, which take long to make ready. */
const PLAIN = /^[ -[\]-~]*$/;

/** More than any script puts on one letter; a heap of them covers the lines above and below. */
const MAX_MARKS = 4;

/**
 * Each character that could act or mislead as an escape. The patterns stand in here, so that they cost nothing until
 * a text needs them.
 */
function escapeUnsafe(text: string): string {
  // Control, format, surrogate, private, unassigned; separators but the blank; whatever may be shown as nothing; marks
  // that enclose or strike through; and those that are blank without any property that says so.
  const unsafe =
    /[\p{C}\p{Default_Ignorable_Code_Point}\p{Variation_Selector}\p{Me}\\]|(?! )\p{Z}|[\u0334-\u0338\u2800\u20d2\u20d3\u20d8-\u20da\u20e5\u20e6\u20ea\u20eb\u{13441}\u{13442}\u{16fe4}\u{1d159}]/u;
  const mark = /\p{M}/u;
  const base = /[\p{L}\p{N}]/u;
  // Vowels and finals of Hangul have no width of their own: they join the syllable before them.
  const joining = /[\u1160-\u11ff\ud7b0-\ud7fb]/u;
  const hangul = /[\u1100-\u11ff\ua960-\ua97c\uac00-\ud7fb]/u;
  let shown = "";
  let inSyllable = false;
  // Marks that the last character can still take: those of any other would be drawn over it, or over a text of ours.
  let room = 0;
  for (const character of text) {
    if (unsafe.test(character) || (joining.test(character) && !inSyllable)) {
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
  }
  return shown;
}

const BEYOND_ASCII = /[^\0-\x7f]+/g;

export const isAscii = (text: string): boolean => !/[^\0-\x7f]/.test(text);

/**
 * For a terminal of another locale, which may take bytes of a character for commands: as wide as it was, so that what
 * was aligned still is.
 */
export function toAscii(text: string): string {
  return text.replace(BEYOND_ASCII, (beyond) => "?".repeat(Bun.stringWidth(beyond)));
}

/** Text fit to be shown to a person: one line, in reading order, with nothing hidden. */
export function sanitize(text: string): string {
  return PLAIN.test(text) ? text : escapeUnsafe(text);
}
