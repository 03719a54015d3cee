// File names and process names are bytes. They are carried as strings in which a byte that is not UTF-8 stands
// as the lone low surrogate \udc80 … \udcff (what other languages call surrogateescape), so that every name
// comes back out as the bytes it was.

/** The length of the UTF-8 sequence that a byte opens; 1 for a byte that opens none. */
function sequenceLength(lead: number): number {
  if (lead >= 0xc2 && lead < 0xe0) return 2;
  if (lead >= 0xe0 && lead < 0xf0) return 3;
  return lead >= 0xf0 && lead < 0xf5 ? 4 : 1;
}

// Without `Buffer`: to run a function that as much as names it costs what twenty reads of kernel files do.
const ENCODER = new TextEncoder();
const DECODER = new TextDecoder("utf-8", { ignoreBOM: true });

/** Bytes → text; the inverse of `encodeText` for any bytes whatever. */
export function decodeBytes(bytes: Uint8Array, length: number = bytes.length): string {
  const text = DECODER.decode(bytes.subarray(0, length));
  // U+FFFD is what the decoder writes for a bad byte, and now and then a real character: only then look closer.
  if (!text.includes("\ufffd")) return text;
  let exact = "";
  for (let at = 0; at < length;) {
    const lead = bytes[at] as number;
    const sequence = bytes.subarray(at, Math.min(at + sequenceLength(lead), length));
    const character = DECODER.decode(sequence);
    const isValid = ENCODER.encode(character).join() === sequence.join();
    exact += isValid ? character : String.fromCharCode(0xdc00 + lead);
    at += isValid ? sequence.length : 1;
  }
  return exact;
}

/** One behind the other. */
export function joined(pieces: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const piece of pieces) length += piece.length;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** Text → bytes, the escaped ones as they were. */
export function encodeText(text: string): Uint8Array {
  if (text.isWellFormed()) return ENCODER.encode(text);
  const pieces = Array.from(text, (character) => {
    const code = character.charCodeAt(0);
    const isByte = character.length === 1 && code >= 0xdc80 && code <= 0xdcff;
    return isByte ? Uint8Array.of(code - 0xdc00) : ENCODER.encode(character);
  });
  return joined(pieces);
}

/** The same at the start of other bytes, as much as there is room for; @returns how many */
export function encodeInto(text: string, into: Uint8Array): number {
  if (text.isWellFormed()) return ENCODER.encodeInto(text, into).written;
  const fitting = encodeText(text).subarray(0, into.length);
  into.set(fitting);
  return fitting.length;
}
