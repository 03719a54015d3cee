// Names of cgroups and processes are text that an attacker may have chosen. On a terminal everything that could move
// the cursor, change colours, reorder or hide text is written as an escape; the backslash too, so that it can be told.
// `\x85` is a byte that is not UTF-8, `\u0085` a character.

/** C0, DEL and C1; soft hyphen; zero-width, direction and line separators; tags; escaped bytes; the backslash. */
const UNSAFE =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\\]|[\u{e0000}-\u{e007f}\u{e0100}-\u{e01ef}]|\p{Surrogate}/gu;

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

/** Most names are plain ASCII; that is seen at once, and without making the long pattern ready. */
const PLAIN = /^[ -[\]-~]*$/;

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
  return PLAIN.test(text) ? text : text.replace(UNSAFE, escape);
}
