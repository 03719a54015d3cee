// File names and process names are bytes. They are carried as strings in which a byte that is not UTF-8 stands
// as the lone low surrogate \udc80 … \udcff (what other languages call surrogateescape), so that every name
// comes back out as the bytes it was.

/** The length of the UTF-8 sequence that a byte opens; 1 for a byte that opens none. */
function sequenceLength(lead: number): number {
  if (lead >= 0xc2 && lead < 0xe0) return 2;
  if (lead >= 0xe0 && lead < 0xf0) return 3;
  return lead >= 0xf0 && lead < 0xf5 ? 4 : 1;
}

/** Bytes → text; the inverse of `encodeText` for any bytes whatever. */
export function decodeBytes(bytes: Buffer, length: number = bytes.length): string {
  const text = bytes.toString("utf8", 0, length);
  // U+FFFD is what the decoder writes for a bad byte, and now and then a real character: only then look closer.
  if (!text.includes("\ufffd")) return text;
  let exact = "";
  for (let at = 0; at < length;) {
    const lead = bytes[at] as number;
    const sequence = bytes.subarray(at, Math.min(at + sequenceLength(lead), length));
    const character = sequence.toString("utf8");
    const isValid = Buffer.from(character).equals(sequence);
    exact += isValid ? character : String.fromCharCode(0xdc00 + lead);
    at += isValid ? sequence.length : 1;
  }
  return exact;
}

/** Text → bytes, those that are not UTF-8 as they were. */
export const toBytes = (text: string): Buffer => Buffer.from(encodeText(text));

/** Text → what a file call takes: the text itself, or bytes where it carries escaped ones. */
export function encodeText(text: string): string | Buffer {
  if (text.isWellFormed()) return text;
  const pieces = Array.from(text, (character) => {
    const code = character.charCodeAt(0);
    const isByte = character.length === 1 && code >= 0xdc80 && code <= 0xdcff;
    return isByte ? Buffer.from([code - 0xdc00]) : Buffer.from(character);
  });
  return Buffer.concat(pieces);
}
