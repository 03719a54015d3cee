// Names on standard input, one at a time: what a line may be, and how bytes become lines in bounded memory. Nothing is
// looked up here.

import { decodeBytes, joined } from "../../sys/bytes.ts";

/** PATH_MAX without its NUL: the kernel takes no longer path. */
const MAX_LINE_BYTES = 4095;
const NEWLINE = 0x0a;
/** Of a line that is too long, for the report. */
const SHOWN_BYTES = 60;

/** A line, and what is wrong with it, if anything is: it then names no cgroup. */
export interface Line {
  readonly name: string;
  readonly problem?: string;
}

/**
 * Split a stream of bytes at each newline, or NUL. Of a line that is too long only the beginning is kept, and the line is
 * reported where it ends, or at the end of the stream.
 *
 * @param chunks  each is used up before the next is asked for, so that all may share one buffer
 */
export async function* readLines(
  chunks: AsyncIterable<Uint8Array>,
  { isNullSeparated }: { readonly isNullSeparated: boolean },
): AsyncGenerator<Line> {
  const separator = isNullSeparated ? 0 : NEWLINE;
  let pieces: Uint8Array[] = [];
  let length = 0;
  /** Keep what may still be part of a name, and count all of it. */
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
  for await (const chunk of chunks) {
    let from = 0;
    for (let at = chunk.indexOf(separator); at >= 0; at = chunk.indexOf(separator, from)) {
      keep(chunk.subarray(from, at));
      from = at + 1;
      yield take(true);
    }
    keep(chunk.subarray(from));
  }
  if (length > 0) yield take(false);
}

function toLine(bytes: Uint8Array, isEnded: boolean): Line {
  if (bytes.length > MAX_LINE_BYTES) {
    const name = `${decodeBytes(bytes, SHOWN_BYTES)}...`;
    return { name, problem: `longer than ${MAX_LINE_BYTES} bytes` };
  }
  const name = decodeBytes(bytes);
  if (!isEnded) return { name, problem: "standard input ends in the middle of it" };
  if (name === "") return { name, problem: "empty" };
  // Who writes the names does not share our working directory.
  if (/^\.\.?(\/|$)/.test(name)) return { name, problem: "relative to the working directory" };
  return { name };
}
