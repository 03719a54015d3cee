// Converts between bytes and text without loss. File and process names are bytes; as text, a byte that is not UTF-8 is
// the lone low surrogate \udc80 … \udcff (other languages call this surrogateescape).

/** The length of the UTF-8 sequence that starts with a byte; 1 if none does. */
function sequenceLength(lead: number): number {
  if (lead >= 0xc2 && lead < 0xe0) return 2;
  if (lead >= 0xe0 && lead < 0xf0) return 3;
  return lead >= 0xf0 && lead < 0xf5 ? 4 : 1;
}

// Not `Buffer`: a function that merely mentions it costs as much on its first call as twenty reads of kernel files.
const ENCODER = new TextEncoder();
const DECODER = new TextDecoder("utf-8", { ignoreBOM: true });

/** Bytes to text; the inverse of `encodeText` for any bytes. */
export function decodeBytes(bytes: Uint8Array, length: number = bytes.length): string {
  // Most lists of processes are empty.
  if (length === 0) return "";
  const text = DECODER.decode(bytes.subarray(0, length));
  // The decoder writes U+FFFD for an invalid byte; it may also be a real character, so decide per sequence.
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

/** Concatenate. Not by `Bun.concatArrayBuffers`: the library also runs under Node. */
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

/** Text to bytes; escaped bytes become the bytes that they were. */
export function encodeText(text: string): Uint8Array {
  if (text.isWellFormed()) return ENCODER.encode(text);
  const pieces = Array.from(text, (character) => {
    const code = character.charCodeAt(0);
    const isByte = character.length === 1 && code >= 0xdc80 && code <= 0xdcff;
    return isByte ? Uint8Array.of(code - 0xdc00) : ENCODER.encode(character);
  });
  return joined(pieces);
}

/** Write the same into a buffer, cut off where the buffer ends. @returns the number of bytes written */
export function encodeInto(text: string, into: Uint8Array): number {
  if (text.isWellFormed()) return ENCODER.encodeInto(text, into).written;
  const fitting = encodeText(text).subarray(0, into.length);
  into.set(fitting);
  return fitting.length;
}
