// The screen of `list`: a tree, or full paths; the figures first, because names are long.

import type { ListedCgroup } from "../kill/listing.ts";
import type { SortKey } from "./args.ts";
import type { Paint } from "./io.ts";
import { sanitize } from "./sanitize.ts";
import { cut, cutFront, renderTable, widthOf } from "./table.ts";
import { renderAge, renderAgeOf, renderBytes } from "./units.ts";

export interface ListedTree {
  /** Of the hierarchy: "v2", "v1 freezer". */
  readonly name: string;
  readonly point: string;
  /** Where the tree begins, as /proc/PID/cgroup prints it. */
  readonly top: string;
  readonly cgroups: readonly ListedCgroup[];
}

export interface TreeStyle {
  readonly paint: Paint;
  readonly columns: number;
  readonly isUtf8: boolean;
  readonly isFlat: boolean;
  readonly sort: SortKey;
  readonly now: Date;
}

interface Row {
  readonly listed: ListedCgroup;
  /** Lines of the tree and the name. */
  readonly name: string;
}

export function renderForest(trees: readonly ListedTree[], style: TreeStyle): string {
  if (trees.every(({ cgroups }) => cgroups.length === 0)) return "no cgroup to show: --all lists empty ones too\n";
  return trees.map((tree) => renderTree(tree, style)).join("\n");
}

/** In the order in which they are shown: the same for whoever reads it by a program. */
export function inOrder(tree: ListedTree, style: Pick<TreeStyle, "sort" | "isFlat">): ListedCgroup[] {
  if (style.sort === "name") return sortedByName(tree.cgroups, style.isFlat);
  return rowsOf(tree, { ...style, isUtf8: false }).map(({ listed }) => listed);
}

function rowsOf({ top, cgroups }: ListedTree, style: Pick<TreeStyle, "sort" | "isFlat" | "isUtf8">): Row[] {
  const sorted = sortedByName(cgroups, style.isFlat);
  if (style.sort !== "name") sorted.sort(comparing(VALUES[style.sort]));
  if (!style.isFlat) return asTree(sorted, top, style);
  return sorted.map((listed) => ({ listed, name: sanitize(listed.cgroup) }));
}

function renderTree(tree: ListedTree, style: TreeStyle): string {
  const { name, point, cgroups } = tree;
  const { paint, columns, isFlat, now } = style;
  const rows = rowsOf(tree, style);
  const wanted = COLUMNS.filter(({ from, isNeeded }) => columns >= from && (isNeeded?.(cgroups) ?? true));
  const cells = rows.map((row) => [...wanted.map(({ text }) => text(row.listed, now)), `${row.name}${labelOf(row)}`]);
  const heads = [...wanted.map(({ head }) => head), "CGROUP"];
  const right = wanted.flatMap(({ isText }, index) => (isText ? [] : [index]));
  const shorten = (index: number, room: number): string => shortened(rows[index] as Row, room, isFlat);
  const [head = "", ...lines] = renderTable(heads, cells, { right, width: columns, shorten });
  const where = cutFront(sanitize(point), Math.max(NAME_AT_LEAST, columns - widthOf(name) - " at ".length));
  const title = `${paint.bold(name)} ${paint.dim(`at ${where}`)}`;
  const body = lines.map((line, index) => mark(line, (rows[index] as Row).listed, paint));
  return `${[title, paint.dim(head), ...body].join("\n")}\n`;
}

interface Column {
  readonly head: string;
  /** The narrowest screen that has it. */
  readonly from: number;
  readonly text: (listed: ListedCgroup, now: Date) => string;
  readonly isText?: boolean;
  readonly isNeeded?: (cgroups: readonly ListedCgroup[]) => boolean;
}

const COLUMNS: readonly Column[] = [
  { head: "HERE", from: 0, text: ({ procs, invisible }) => `${procs}${invisible > 0 ? `+${invisible}` : ""}` },
  { head: "ALL", from: 0, text: ({ procsSubtree }) => String(procsSubtree) },
  {
    head: "MEM",
    from: 60,
    text: ({ memoryBytes }) => (memoryBytes === null ? "-" : renderBytes(memoryBytes)),
    isNeeded: (cgroups) => cgroups.some(({ memoryBytes }) => memoryBytes !== null),
  },
  {
    head: "CPU",
    from: 70,
    text: ({ cpuMs }) => (cpuMs === null ? "-" : renderAge(cpuMs / 1000)),
    isNeeded: (cgroups) => cgroups.some(({ cpuMs }) => cpuMs !== null),
  },
  {
    head: "AGE",
    from: 60,
    text: ({ startedAt }, now) => renderAgeOf(startedAt, now),
  },
  {
    head: "STATE",
    from: 0,
    isText: true,
    text: ({ state, frozenBy, cgroup }) =>
      state === "thawed" ? "" : `${state}${frozenBy === null || frozenBy === cgroup ? "" : " from above"}`,
    isNeeded: (cgroups) => cgroups.some(({ state }) => state !== "thawed"),
  },
];

/** How much of a name is left, whatever else there is to say. */
const NAME_AT_LEAST = 12;

/** What it is tells more than the end of a name of hexadecimal digits, and of a path the end tells most. */
function shortened(row: Row, room: number, isFlat: boolean): string {
  const label = labelOf(row);
  const left = Math.max(NAME_AT_LEAST, room - widthOf(label));
  return cut(`${(isFlat ? cutFront : cut)(row.name, left)}${label}`, room);
}

function labelOf({ listed, name }: Row): string {
  const { label } = listed;
  // Where the name says it all, the label would say it twice.
  if (label === null || label.endsWith(` ${name.trim().split(" ").at(-1)}`)) return "";
  return `  (${sanitize(label)})`;
}

function mark(line: string, { state, refusal }: ListedCgroup, paint: Paint): string {
  if (state !== "thawed") return paint.bad(line);
  return refusal === null ? line : paint.dim(line);
}

/**
 * By name; in a tree each is followed by what is below it, as when nothing comes before a slash. Sorted are the strings
 * alone: that the engine does by itself, without asking about every two.
 */
function sortedByName(cgroups: readonly ListedCgroup[], isFlat: boolean): ListedCgroup[] {
  const byName = new Map(
    cgroups.map((listed) => [isFlat ? listed.cgroup : listed.cgroup.replaceAll("/", "\0"), listed]),
  );
  return [...byName.keys()].sort().map((name) => byName.get(name) as ListedCgroup);
}

/** The largest first; among equals the order stays. */
const comparing =
  (value: (listed: ListedCgroup) => number) =>
  (a: ListedCgroup, b: ListedCgroup): number =>
    value(b) - value(a);

const VALUES: Readonly<Record<Exclude<SortKey, "name">, (listed: ListedCgroup) => number>> = {
  procs: ({ procsSubtree }) => procsSubtree,
  memory: ({ memoryBytes }) => memoryBytes ?? 0,
  cpu: ({ cpuMs }) => cpuMs ?? 0,
  age: ({ startedAt }) => (startedAt === null ? 0 : -new Date(startedAt).getTime()),
};

const UNICODE = { last: "└─ ", other: "├─ ", open: "│  ", closed: "   " };
const ASCII = { last: "`- ", other: "|- ", open: "|  ", closed: "   " };

/** Children below their parents, in the given order. One whose parent is not shown keeps the names in between. */
function asTree(sorted: readonly ListedCgroup[], top: string, { isUtf8 }: Pick<TreeStyle, "isUtf8">): Row[] {
  const lines = isUtf8 ? UNICODE : ASCII;
  const shown = new Set(sorted.map(({ cgroup }) => cgroup));
  const parentOf = (path: string): string => {
    let up = path.slice(0, path.lastIndexOf("/"));
    while (up !== "" && !shown.has(up)) up = up.slice(0, up.lastIndexOf("/"));
    return up;
  };
  const children = Map.groupBy(sorted, ({ cgroup }) => (cgroup === top ? "" : parentOf(cgroup)));
  const rows: Row[] = [];
  const pending = (children.get("") ?? []).map((listed) => ({ listed, indent: "", own: "", above: "" })).reverse();
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { listed, indent, own, above } = next;
    const name = listed.cgroup.slice(above === "" ? 1 : above.length + 1);
    rows.push({ listed, name: `${indent}${own}${sanitize(name)}` });
    const below = children.get(listed.cgroup) ?? [];
    const deeper = indent + (own === "" ? "" : own === lines.last ? lines.closed : lines.open);
    below.toReversed().forEach((child, index) => {
      pending.push({
        listed: child,
        indent: deeper,
        own: index === 0 ? lines.last : lines.other,
        above: listed.cgroup,
      });
    });
  }
  return rows;
}
