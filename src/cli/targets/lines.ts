// Splits standard input into names in bounded memory, and checks that each line can be a name. Looks up nothing.

import { isRelativeToHere } from "../../cgroup/open/path-names.ts";
import { decodeBytes, joined } from "../../sys/bytes.ts";

/** PATH_MAX without the NUL: the longest path that the kernel accepts. */
const MAX_LINE_BYTES = 4095;
const NEWLINE = 0x0a;
/** Bytes of an overlong line that are reported. */
const SHOWN_BYTES = 60;

/** A line. With a `problem`, which completes the sentence "the line is …", it must not be used as a name. */
export interface Line {
  readonly name: string;
  readonly problem?: string;
}

interface LineSplitter {
  /** Yield the lines that end in this chunk, and copy what is left: then the chunk may be overwritten. */
  split(chunk: Uint8Array): Generator<Line>;
  /** At the end of the input: the last line, if it is incomplete. */
  rest(): Line | undefined;
}

/** Split bytes at each newline, or NUL. Of an overlong line only the beginning is kept, and reported when it ends. */
export function createLineSplitter({ isNullSeparated }: { readonly isNullSeparated: boolean }): LineSplitter {
  const separator = isNullSeparated ? 0 : NEWLINE;
  let pieces: Uint8Array[] = [];
  let length = 0;
  /** Keep up to one byte more than a name may have, which marks the line as overlong. */
  const keep = (piece: Uint8Array): void => {
    const kept = piece.slice(0, Math.max(0, MAX_LINE_BYTES + 1 - length));
    if (kept.length > 0) pieces.push(kept);
    length = Math.min(length + piece.length, MAX_LINE_BYTES + 1);
  };
  const take = (isEnded: boolean): Line => {
    const line = toLine(joined(pieces), isEnded);
    pieces = [];
    length = 0;
    return line;
  };
  return {
    *split(chunk) {
      let from = 0;
      for (let at = chunk.indexOf(separator); at >= 0; at = chunk.indexOf(separator, from)) {
        const piece = chunk.subarray(from, at);
        from = at + 1;
        yield length === 0 ? toLine(piece, true) : (keep(piece), take(true));
      }
      keep(chunk.subarray(from));
    },
    rest: () => (length > 0 ? take(false) : undefined),
  };
}

function toLine(bytes: Uint8Array, isEnded: boolean): Line {
  if (bytes.length > MAX_LINE_BYTES) {
    const name = `${decodeBytes(bytes, SHOWN_BYTES)}...`;
    return { name, problem: `longer than ${MAX_LINE_BYTES} bytes` };
  }
  const name = decodeBytes(bytes);
  if (!isEnded) return { name, problem: "incomplete: the input ends within it" };
  if (name === "") return { name, problem: "empty" };
  // The program that writes the names does not share our working directory.
  if (isRelativeToHere(name)) return { name, problem: "relative to the working directory" };
  return { name };
}
