// The columns of a table, and which of them a screen has room for.

import type { Paint } from "../streams/streams.ts";
import { renderTable, type TableOptions } from "../text/table.ts";

export interface ScreenStyle {
  readonly paint: Paint;
  /** The width of the screen. */
  readonly columns: number;
  readonly now: Date;
}

export interface Column<T> {
  readonly heading: string;
  /** A narrower screen does not have the column. */
  readonly minScreenWidth: number;
  readonly render: (item: T, now: Date) => string;
  /** Aligned to the left; numbers are aligned to the right. */
  readonly isText?: boolean;
  /** `false` if no item has anything to show in this column. */
  readonly isNeeded?: (items: readonly T[]) => boolean;
}

export interface ColumnRow<T> {
  /** `null` for a row that has only its last column. */
  readonly item: T | null;
  /** The last column. */
  readonly text: string;
}

/** Render the heading line and one line per row, with the columns that there is room for and that have something to show. */
export function renderColumns<T>(
  all: readonly Column<T>[],
  lastHeading: string,
  rows: readonly ColumnRow<T>[],
  { columns: screenWidth, now }: ScreenStyle,
  options: Omit<TableOptions, "right">,
): string[] {
  const items = rows.flatMap(({ item }) => (item === null ? [] : [item]));
  const chosen = all.filter(
    ({ minScreenWidth, isNeeded }) => screenWidth >= minScreenWidth && (isNeeded?.(items) ?? true),
  );
  const right = chosen.flatMap(({ isText }, index) => (isText ? [] : [index]));
  const cells = rows.map(({ item, text }) => [
    ...chosen.map(({ render }) => (item === null ? "" : render(item, now))),
    text,
  ]);
  return renderTable([...chosen.map(({ heading }) => heading), lastHeading], cells, { ...options, right });
}
