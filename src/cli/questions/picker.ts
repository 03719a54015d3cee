// The state of the list that cgroups are picked from: search, order, focus and marks. Pure: rows and keys go in, a
// state comes out. picker-view.ts draws it.

import { editedLine, type Key, movedFocus } from "./keys.ts";
import type { Reply } from "./question.ts";

export interface Row {
  /** Its identity: the directory. */
  readonly key: string;
  /** Its path without the leading slash. */
  readonly name: string;
  /** Levels below the root, from 0. */
  readonly depth: number;
  /** `null` if it says no more than the name. */
  readonly label: string | null;
  /** Processes in the cgroup itself. */
  readonly own: number;
  /** Processes in it and in all cgroups below it. */
  readonly procs: number;
  /** Percent of one CPU; `null` before the second reading, or if the kernel does not count it. */
  readonly cpu: number | null;
  readonly isCpuCounted: boolean;
  readonly memoryBytes: number | null;
  readonly ageSeconds: number | null;
  readonly command: string;
  /** Its state if it is not thawed, its hierarchy if that is not v2; or that it is gone. */
  readonly notes: string;
  /** Why it cannot be chosen. */
  readonly refusal: string | null;
  /** At the top of its hierarchy, with others below: a kill of it is seldom intended. */
  readonly isTopLevel: boolean;
  readonly isGone: boolean;
}

const SORTS = ["procs", "cpu", "mem", "age", "name"] as const;
export type Sort = (typeof SORTS)[number];

export interface PickerState {
  readonly search: string;
  readonly sort: Sort;
  readonly isTree: boolean;
  /** Rows that match, in order. */
  readonly shown: readonly Row[];
  readonly total: number;
  /** The index of the focused row in `shown`; 0 if there is none. */
  readonly focus: number;
  readonly marked: readonly Row[];
  /** Why the last key did nothing. */
  readonly note: string;
}

export interface Picker {
  readonly state: () => PickerState;
  /** Take newer rows of the same list. Rows that are missing from them are marked as gone; no row changes its place. */
  readonly update: (rows: readonly Row[]) => void;
  /** @param pageSize  rows shown at once */
  readonly press: (key: Key, pageSize: number) => Reply<readonly string[]>;
}

const RANK: Readonly<Record<Sort, (row: Row) => number>> = {
  procs: ({ own }) => own,
  cpu: ({ cpu }) => cpu ?? -1,
  mem: ({ memoryBytes }) => memoryBytes ?? -1,
  age: ({ ageSeconds }) => ageSeconds ?? -1,
  name: () => 0,
};

const byName = (a: Row, b: Row): number => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.key < b.key ? -1 : 1);

/** Whatever the order, refused rows come last, and those at the top level before them. */
function sorted(rows: readonly Row[], sort: Sort, isTree: boolean): readonly string[] {
  const rank = RANK[sort];
  const isLast = ({ isTopLevel, refusal }: Row): number => (refusal !== null ? 2 : isTopLevel ? 1 : 0);
  if (isTree) {
    // Depth first: a parent before its children, and these before its next sibling.
    const keyed = rows.map(({ key }) => [key.replaceAll("/", "\u0000"), key] as const);
    return keyed.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, key]) => key);
  }
  const compare = (a: Row, b: Row): number =>
    isLast(a) - isLast(b) || rank(b) - rank(a) || b.own - a.own || (b.cpu ?? 0) - (a.cpu ?? 0) || byName(a, b);
  return [...rows].sort(compare).map(({ key }) => key);
}

/** @param matches  whether a row matches a search; called only for a search that is not empty */
export function createPicker(first: readonly Row[], matches: (search: string, row: Row) => boolean): Picker {
  let rows = new Map(first.map((row) => [row.key, row]));
  let search = "";
  let sort: Sort = "procs";
  let isTree = false;
  let order = sorted(first, sort, isTree);
  let shown: readonly Row[] = [];
  let focused: string | undefined;
  let note = "";
  const marks = new Set<string>();

  /** Whether rows have come or gone since the last sort. Sorting thousands takes longer than searching them. */
  let hasChanged = false;
  const reorder = (): void => {
    order = sorted([...rows.values()], sort, isTree);
    hasChanged = false;
  };
  const inOrder = (): readonly Row[] => order.map((key) => rows.get(key) as Row);
  const select = (): void => {
    shown = search.trim() === "" ? inOrder() : inOrder().filter((row) => matches(search, row));
    if (!shown.some(({ key }) => key === focused)) focused = shown[0]?.key;
  };
  const focus = (): number => {
    const at = shown.findIndex(({ key }) => key === focused);
    return Math.max(0, at);
  };
  const searchFor = (text: string): void => {
    search = text;
    // A new search drops rows that are gone, and sorts new ones into place.
    if (hasChanged) {
      rows = new Map([...rows].filter(([, { isGone }]) => !isGone));
      for (const key of marks) if (!rows.has(key)) marks.delete(key);
      reorder();
    }
    select();
    // The first match is the best one.
    focused = shown[0]?.key;
  };
  const problemOf = (row: Row): string | undefined =>
    row.isGone ? `${row.name} is gone` : row.refusal === null ? undefined : `refused: ${row.refusal}`;
  const toggle = (): void => {
    const row = shown[focus()];
    if (row === undefined || marks.delete(row.key)) return;
    const problem = problemOf(row);
    if (problem === undefined) marks.add(row.key);
    else note = problem;
  };
  const enter = (): Reply<readonly string[]> => {
    const left = [...marks].filter((key) => rows.get(key)?.isGone === false);
    if (left.length > 0) return { answer: order.filter((key) => left.includes(key)) };
    marks.clear();
    const row = shown[focus()];
    const problem = row === undefined ? "nothing matches: Esc clears the search" : problemOf(row);
    if (row !== undefined && problem === undefined) return { answer: [row.key] };
    note = problem ?? "";
    return undefined;
  };
  select();
  return {
    state: () => ({
      search,
      sort,
      isTree,
      shown,
      total: rows.size,
      focus: focus(),
      marked: inOrder().filter(({ key }) => marks.has(key)),
      note,
    }),
    update(newer) {
      const fresh = new Map(newer.map((row) => [row.key, row]));
      for (const [key, row] of rows) {
        if (!fresh.has(key)) fresh.set(key, { ...row, own: 0, procs: 0, cpu: null, isGone: true, notes: "gone" });
      }
      const added = newer.map(({ key }) => key).filter((key) => !rows.has(key));
      hasChanged ||= fresh.size !== newer.length || added.length > 0;
      rows = fresh;
      order = [...order, ...added];
      select();
    },
    press(key, pageSize) {
      note = "";
      const { name, text } = key;
      const edited = name === "paste" ? search + text : name === "escape" ? "" : editedLine(search, key);
      if (name === "enter") return enter();
      if (name === "escape" && search === "") return "leave";
      if (name === "tab") toggle();
      else if (edited !== undefined) searchFor(edited);
      else if (name === "sort" || name === "tree") {
        if (name === "tree") isTree = !isTree;
        else sort = SORTS[(SORTS.indexOf(sort) + 1) % SORTS.length] as Sort;
        reorder();
        select();
      } else focused = shown[movedFocus(focus(), key, shown.length, pageSize)]?.key;
      return undefined;
    },
  };
}
