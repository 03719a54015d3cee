// The screen of `list`: a tree, or full paths; the figures first, because names are long.

import type { ListedCgroup } from "../../inspect/list.ts";
import type { Paint } from "../streams/streams.ts";
import { labelBeside } from "../text/label-text.ts";
import { sanitize } from "../text/sanitize.ts";
import { renderTable, truncate, truncateStart, widthOf } from "../text/table.ts";
import { renderAge, renderAgeOf, renderBytes } from "../text/units.ts";
import { type ListedTree, type Row, rowsOf, type RowStyle } from "./tree-rows.ts";

export interface TreeStyle extends RowStyle {
  readonly paint: Paint;
  readonly columns: number;
  readonly now: Date;
}

export function renderForest(trees: readonly ListedTree[], style: TreeStyle): string {
  if (trees.every(({ cgroups }) => cgroups.length === 0)) return "no cgroup to show: --all lists empty ones too\n";
  return trees.map((tree) => renderTree(tree, style)).join("\n");
}

function renderTree(tree: ListedTree, style: TreeStyle): string {
  const { name, point, cgroups } = tree;
  const { paint, columns, isFlat, now } = style;
  const rows = rowsOf(tree, style);
  const wanted = COLUMNS.filter(({ from, isNeeded }) => columns >= from && (isNeeded?.(cgroups) ?? true));
  const cells = rows.map((row) => [
    ...wanted.map(({ text }) => (row.process === null ? text(row.listed, now) : "")),
    `${row.name}${noteOf(row)}`,
  ]);
  const heads = [...wanted.map(({ head }) => head), "CGROUP"];
  const right = wanted.flatMap(({ isText }, index) => (isText ? [] : [index]));
  const shorten = (index: number, room: number): string => shortened(rows[index] as Row, room, isFlat);
  const [head = "", ...lines] = renderTable(heads, cells, { right, width: columns, shorten });
  const where = truncateStart(sanitize(point), Math.max(MIN_NAME_WIDTH, columns - widthOf(name) - " at ".length));
  const title = `${paint.bold(name)} ${paint.dim(`at ${where}`)}`;
  const body = lines.map((line, index) => mark(line, rows[index] as Row, paint));
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
];

/** How much of a name is left, whatever else there is to say. */
const MIN_NAME_WIDTH = 12;

/** What it is tells more than the end of a name of hexadecimal digits, and of a path the end tells most. */
function shortened(row: Row, room: number, isFlat: boolean): string {
  const note = noteOf(row);
  const left = Math.max(MIN_NAME_WIDTH, room - widthOf(note));
  const shorten = isFlat && row.process === null ? truncateStart : truncate;
  return truncate(`${shorten(row.name, left)}${note}`, room);
}

/** What is said of a cgroup beside its name: a column would take its width from the name on every line. */
function noteOf({ listed, process }: Row): string {
  if (process !== null) return "";
  const { state, frozenBy, cgroup } = listed;
  const isFromAbove = frozenBy !== null && frozenBy !== cgroup;
  const label = labelBeside(cgroup, listed.label);
  return [
    state === "thawed" ? "" : `  [${state}${isFromAbove ? " from above" : ""}]`,
    label === null ? "" : `  (${sanitize(label)})`,
  ].join("");
}

function mark(line: string, { listed, process }: Row, paint: Paint): string {
  if (process !== null) return line;
  if (listed.state !== "thawed") return paint.bad(line);
  return listed.refusal === null ? line : paint.dim(line);
}
