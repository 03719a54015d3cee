// Tables of text, aligned by terminal width.

import { MAX_RIGHT_ALIGNED } from "./indents.ts";

export interface TableOptions {
  /** Indices of right-aligned columns. */
  readonly right?: readonly number[];
  /** The maximum width of a line; none by default. */
  readonly width?: number;
  /** Shortens the last cell of a row that is too wide; by default its end is truncated. */
  readonly shorten?: (row: number, maxWidth: number) => string;
}

/** The number of terminal columns of a text; colour escapes have none. */
export function widthOf(text: string): number {
  return Bun.stringWidth(text);
}

/** Shorten a text to a width, ending in `mark` if something is cut off. */
export function truncate(text: string, width: number, mark = "~"): string {
  return widthOf(text) <= width ? text : `${startOf(text, width - 1)}${mark}`;
}

/** Shorten a text at its start, for paths, whose end says the most. */
export function truncateStart(text: string, width: number, mark = "~"): string {
  return widthOf(text) <= width ? text : `${mark}${endOf(text, width - 1)}`;
}

/** As much of the beginning of a text as fits. */
export function startOf(text: string, width: number): string {
  return fitting([...text], width, (short, character) => short + character);
}

/** As much of the end of a text as fits. */
export function endOf(text: string, width: number): string {
  return fitting([...text].reverse(), width, (short, character) => character + short);
}

function fitting(characters: readonly string[], width: number, add: (short: string, character: string) => string) {
  let short = "";
  for (const character of characters) {
    const longer = add(short, character);
    if (widthOf(longer) > width) break;
    short = longer;
  }
  return short;
}

/** Fill a text up with spaces: at its end, or at its start to align it to the right. */
export function pad(text: string, width: number, isRight: boolean = false): string {
  const spaces = " ".repeat(Math.max(0, width - widthOf(text)));
  return isRight ? spaces + text : text + spaces;
}

/** Render the heading line and one line per row, without trailing spaces. */
export function renderTable(
  heads: readonly string[],
  rows: readonly (readonly string[])[],
  { right = [], width = Number.POSITIVE_INFINITY, shorten }: TableOptions = {},
): string[] {
  const widths = heads.map((head, column) =>
    rows.reduce((max, row) => Math.max(max, widthOf(row[column] ?? "")), widthOf(head)),
  );
  const isRight = (column: number): boolean =>
    right.includes(column) && (column > 0 || (widths[0] as number) <= MAX_RIGHT_ALIGNED);
  const padded = (cell: string, column: number): string => pad(cell, widths[column] as number, isRight(column));
  const lineOf = (row: readonly string[]): string => row.map(padded).join("  ").trimEnd();
  const lastWidth = width - widths.slice(0, -1).reduce((sum, each) => sum + each + 2, 0);
  return [heads, ...rows].map((row, index) => {
    const line = lineOf(row);
    if (index === 0 || shorten === undefined || widthOf(line) <= width) return truncate(line, width);
    return truncate(lineOf([...row.slice(0, -1), shorten(index - 1, lastWidth)]), width);
  });
}
