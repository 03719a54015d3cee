// What every question is drawn from: symbols, the bar on the left, and text cut to the width of the terminal.

import type { TerminalSize } from "../../sys/sys.ts";
import type { Paint } from "../streams/streams.ts";
import { endOf, startOf, widthOf } from "../text/table.ts";

/** The symbols of @clack/prompts, which has one set for UTF-8 and one for ASCII, and our own pointer and arrows. */
export type Symbols = Readonly<
  Record<"bar" | "end" | "active" | "done" | "left" | "box" | "marked" | "pointer" | "arrows", string>
>;

export interface Style {
  readonly symbols: Symbols;
  readonly paint: Paint;
}

/** Whether a kill cannot be confirmed, because too little of the question would be visible. */
export const isTooSmall = ({ columns, rows }: TerminalSize): boolean => columns < 40 || rows < 10;

/** Columns after the bar. The last one stays empty, because some terminals wrap there early. */
export const roomOf = ({ columns }: TerminalSize): number => Math.max(8, columns - 4);

/** The mark of cut text. */
export const CUT = "…";

/**
 * Cut a text in the middle, since both ends of a name matter. If it contains the search word, the result does too.
 *
 * @param wanted  the search word in lower case; "" if there is none
 */
export function cutMiddle(text: string, width: number, wanted = ""): string {
  if (widthOf(text) <= width) return text;
  const room = Math.max(1, width - 1);
  const head = startOf(text, Math.floor(room / 3));
  const tail = endOf(text, room - widthOf(head));
  const at = wanted === "" ? -1 : text.toLowerCase().indexOf(wanted);
  const isSeen = at < 0 || at + wanted.length <= head.length || at >= text.length - tail.length;
  if (isSeen || room < 8) return `${head}…${tail}`;
  // The match with some text after it, and the end of the text.
  const around = startOf(text.slice(at), Math.max(widthOf(text.slice(at, at + wanted.length)), room - 8));
  const left = startOf(around, room - 1);
  const after = room - 1 - widthOf(left);
  return `…${left}${after > 0 ? `…${endOf(text, after)}` : ""}`;
}

/**
 * Wrap a text at blanks, or within a word that is longer than a line. If it needs more than `maxLines`, the last line
 * is cut in the middle.
 */
export function wrapLines(text: string, width: number, maxLines: number): string[] {
  const lines = Bun.wrapAnsi(text, width, { hard: true }).split("\n");
  if (lines.length <= maxLines) return lines;
  return [...lines.slice(0, maxLines - 1), cutMiddle(lines.slice(maxLines - 1).join(" "), width)];
}

/** The first of these texts that fits; if none does, the beginning of the last one. */
export function firstFitting(texts: readonly string[], width: number): string {
  return texts.find((text) => widthOf(text) <= width) ?? startOf(texts.at(-1) ?? "", width);
}

/** The last two lines of a frame: what the keys do, and its end. */
export function footer(keys: readonly string[], size: TerminalSize, { symbols, paint }: Style): string[] {
  return [`${symbols.bar}  ${paint.dim(firstFitting(keys, roomOf(size)))}`, symbols.end];
}

/** The part of a list that is shown: up to `rows` of `count` rows, including the focused one. */
export function windowOf(focus: number, count: number, rows: number): { readonly from: number; readonly to: number } {
  const from = Math.max(0, Math.min(focus - Math.floor(rows / 2), count - rows));
  return { from, to: Math.min(count, from + rows) };
}
