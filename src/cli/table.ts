// Columns of text, aligned by their width on a terminal.

export interface TableOptions {
  /** Indices of columns that are aligned to the right. */
  readonly right?: readonly number[];
  /** Cut lines to this many columns. */
  readonly width?: number;
}

/** Columns that a text takes on a terminal. */
export function widthOf(text: string): number {
  return Bun.stringWidth(text);
}

/** Cut a text to a width; what is cut off is marked. */
export function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let short = "";
  for (const character of text) {
    if (widthOf(short + character) > width - 1) break;
    short += character;
  }
  return `${short}~`;
}

/** Cut a text at its beginning: of a path the end tells most. */
export function cutFront(text: string, width: number): string {
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
  { right = [], width = Number.POSITIVE_INFINITY }: TableOptions = {},
): string[] {
  const widths = heads.map((head, column) =>
    rows.reduce((most, row) => Math.max(most, widthOf(row[column] ?? "")), widthOf(head)),
  );
  return [heads, ...rows].map((row) => {
    const line = row.map((cell, column) => pad(cell, widths[column] as number, right.includes(column))).join("  ");
    return cut(line.trimEnd(), width);
  });
}
