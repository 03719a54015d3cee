// Wrapping text to the width of a terminal, between words only. Commands are never wrapped.

import type { Io, StreamName } from "../streams/streams.ts";
import { CONTINUATION_INDENT, isCommandLine } from "../text/indents.ts";
import { REFERENCE } from "../text/render-advice.ts";
import { widthOf } from "../text/table.ts";

/** Wrap lines that are wider than `width`. */
export function wrap(text: string, width: number): string {
  const lines = text.split("\n");
  return lines.flatMap((line) => (isCommandLine(line) ? [line] : wrapLine(line, width))).join("\n");
}

/** Break one line between words; a word that is wider than `width` gets a line of its own. */
function wrapLine(line: string, width: number): string[] {
  if (widthOf(line) <= width) return [line];
  // A word, or a reference, with the spaces before it.
  const pieces = new RegExp(`( *)(${REFERENCE}.*|\\S+)`, "g");
  const lines: string[] = [];
  let last = "";
  for (const [all, , piece = ""] of line.matchAll(pieces)) {
    if (last === "" || widthOf(last + all) <= width) {
      last += all;
    } else {
      lines.push(last);
      // A name may have been broken at one of its spaces.
      last = CONTINUATION_INDENT + piece;
    }
  }
  return [...lines, last];
}

/** Write text, wrapped if the stream is a terminal. */
export function writeWrapped(text: string, stream: "out" | "err", io: Io): void {
  const shown = wrapped(text, stream, io);
  if (stream === "out") io.writeOut(shown);
  else io.writeErr(shown);
}

/** Wrap text for a stream if it is a terminal: a program that reads it expects whole lines. */
export function wrapped(text: string, stream: StreamName, io: Io): string {
  return io.isTerminal(stream) ? wrap(text, io.size(stream).columns) : text;
}
