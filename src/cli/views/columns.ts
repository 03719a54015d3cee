// The columns of a table, and which of them a screen has room for.

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

/** In the form that `renderTable` expects. */
export interface ChosenColumns<T> {
  readonly headings: readonly string[];
  readonly right: readonly number[];
  /** @param item  `null` for a row without values */
  readonly cellsOf: (item: T | null, now: Date) => string[];
}

/** Choose the columns that a screen has room for and that have something to show. */
export function chooseColumns<T>(
  all: readonly Column<T>[],
  items: readonly T[],
  screenWidth: number,
): ChosenColumns<T> {
  const chosen = all.filter(
    ({ minScreenWidth, isNeeded }) => screenWidth >= minScreenWidth && (isNeeded?.(items) ?? true),
  );
  return {
    headings: chosen.map(({ heading }) => heading),
    right: chosen.flatMap(({ isText }, index) => (isText ? [] : [index])),
    cellsOf: (item, now) => chosen.map(({ render }) => (item === null ? "" : render(item, now))),
  };
}
