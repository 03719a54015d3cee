// Sentences on a terminal: too long for it, they are broken between words and not within. A command is never broken.

import type { Io, StreamName } from "../streams/streams.ts";
import { COMMAND_INDENT, REFERENCE } from "../text/render-advice.ts";
import { widthOf } from "../text/table.ts";

const PIECE = new RegExp(`( *)(${REFERENCE}.*|\\S+)`, "g");
const DEEPER = "    ";

/** Break lines that are wider than `width` at blanks; a piece that is wider alone stands on a line of its own. */
export function wrap(text: string, width: number): string {
  return text
    .split("\n")
    .map((line) => (line.startsWith(COMMAND_INDENT) || widthOf(line) <= width ? line : wrapLine(line, width)))
    .join("\n");
}

function wrapLine(line: string, width: number): string {
  const indent = `${/^ */.exec(line)?.[0]}${DEEPER}`;
  const lines: string[] = [];
  let last = "";
  for (const [all, , piece = ""] of line.matchAll(PIECE)) {
    if (last === "" || widthOf(last + all) <= width) {
      last += all;
    } else {
      lines.push(last);
      last = indent + piece;
    }
  }
  return [...lines, last].join("\n");
}

/** For a stream: only a terminal has a width, a program that reads it wants its lines whole. */
export function wrapped(text: string, stream: StreamName, io: Io): string {
  return io.isTerminal(stream) ? wrap(text, io.size(stream).columns) : text;
}
