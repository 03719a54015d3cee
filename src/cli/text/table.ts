// Columns of text, aligned by their width on a terminal.

export interface TableOptions {
  /** Indices of columns that are aligned to the right. */
  readonly right?: readonly number[];
  /** Cut lines to this many columns. */
  readonly width?: number;
  /** The last cell of a row for so much room, where all of it is too much; by default its end is cut off. */
  readonly shorten?: (row: number, room: number) => string;
}

/** Columns that a text takes on a terminal. */
export function widthOf(text: string): number {
  return Bun.stringWidth(text);
}

/** Cut a text to a width; what is cut off is marked. */
export function truncate(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let short = "";
  for (const character of text) {
    if (widthOf(short + character) > width - 1) break;
    short += character;
  }
  return `${short}~`;
}

/** Cut a text at its beginning: of a path the end tells most. */
export function truncateStart(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let short = "";
  for (const character of [...text].reverse()) {
    if (widthOf(character + short) > width - 1) break;
    short = character + short;
  }
  return `~${short}`;
}

function pad(text: string, width: number, isRight: boolean): string {
  const blanks = " ".repeat(Math.max(0, width - widthOf(text)));
  return isRight ? blanks + text : text + blanks;
}

/** A line for the heads and one for each row; the last column is not padded. */
export function renderTable(
  heads: readonly string[],
  rows: readonly (readonly string[])[],
  { right = [], width = Number.POSITIVE_INFINITY, shorten }: TableOptions = {},
): string[] {
  const widths = heads.map((head, column) =>
    rows.reduce((most, row) => Math.max(most, widthOf(row[column] ?? "")), widthOf(head)),
  );
  const lineOf = (row: readonly string[]): string =>
    row
      .map((cell, column) => pad(cell, widths[column] as number, right.includes(column)))
      .join("  ")
      .trimEnd();
  const room = width - widths.slice(0, -1).reduce((sum, each) => sum + each + 2, 0);
  return [heads, ...rows].map((row, index) => {
    const line = lineOf(row);
    if (index === 0 || shorten === undefined || widthOf(line) <= width) return truncate(line, width);
    return truncate(lineOf([...row.slice(0, -1), shorten(index - 1, room)]), width);
  });
}
