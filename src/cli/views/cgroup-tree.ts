// The screen of `list`: a tree or full paths. The figures come first, because names are long.

import type { ListedCgroup } from "../../inspect/list.ts";
import type { Paint } from "../streams/streams.ts";
import { labelBeside, labelSuffix } from "../text/label-text.ts";
import { sanitize } from "../text/sanitize.ts";
import { truncate, truncateStart, widthOf } from "../text/table.ts";
import { renderAge, renderAgeOf, renderBytes } from "../text/units.ts";
import { type Column, renderColumns, type ScreenStyle } from "./columns.ts";
import { type ListedTree, rowsOf, type RowStyle, type TreeRow } from "./tree-rows.ts";

export type TreeStyle = RowStyle & ScreenStyle;

/** Render the trees of several hierarchies, each with a title. */
export function renderForest(trees: readonly ListedTree[], style: TreeStyle): string {
  return trees.map((tree) => renderHierarchy(tree, style)).join("\n");
}

function renderHierarchy(tree: ListedTree, style: TreeStyle): string {
  const { name, point } = tree;
  const { paint, columns: width, isFlat } = style;
  const rows = rowsOf(tree, style);
  const cells = rows.map((row) => ({
    item: row.process === null ? row.listed : null,
    text: `${row.name}${noteOf(row)}`,
  }));
  const [heading = "", ...lines] = renderColumns(COLUMNS, "CGROUP", cells, style, {
    width,
    shorten: (index, maxWidth) => shorten(rows[index] as TreeRow, maxWidth, isFlat),
  });
  const where = truncateStart(sanitize(point), Math.max(MIN_NAME_WIDTH, width - widthOf(name) - " at ".length));
  const title = `${paint.bold(name)} ${paint.dim(`at ${where}`)}`;
  const body = lines.map((line, index) => paintLine(line, rows[index] as TreeRow, paint));
  return `${[title, paint.dim(heading), ...body].join("\n")}\n`;
}

const COLUMNS: readonly Column<ListedCgroup>[] = [
  {
    heading: "HERE",
    minScreenWidth: 0,
    render: ({ procs, invisible }) => `${procs}${invisible === null || invisible === 0 ? "" : `+${invisible}`}`,
  },
  { heading: "ALL", minScreenWidth: 0, render: ({ procsSubtree }) => String(procsSubtree) },
  {
    heading: "MEM",
    minScreenWidth: 60,
    render: ({ memoryBytes }) => (memoryBytes === null ? "-" : renderBytes(memoryBytes)),
    isNeeded: (cgroups) => cgroups.some(({ memoryBytes }) => memoryBytes !== null),
  },
  {
    heading: "CPU",
    minScreenWidth: 70,
    render: ({ cpuMs }) => (cpuMs === null ? "-" : renderAge(cpuMs / 1000)),
    isNeeded: (cgroups) => cgroups.some(({ cpuMs }) => cpuMs !== null),
  },
  { heading: "AGE", minScreenWidth: 60, render: ({ startedAt }, now) => renderAgeOf(startedAt, now) },
];

/** How much of a name is always shown. */
const MIN_NAME_WIDTH = 12;

/** Shorten the name, not the note, which says more than the end of a hexadecimal name. A full path keeps its end. */
function shorten(row: TreeRow, maxWidth: number, isFlat: boolean): string {
  const note = noteOf(row);
  const nameWidth = Math.max(MIN_NAME_WIDTH, maxWidth - widthOf(note));
  const shortenName = isFlat && row.process === null ? truncateStart : truncate;
  return truncate(`${shortenName(row.name, nameWidth)}${note}`, maxWidth);
}

/** The state and label of a cgroup, beside its name: a column would take width from every name. */
function noteOf({ listed, process }: TreeRow): string {
  if (process !== null) return "";
  const { state, frozenBy, cgroup } = listed;
  const isFromAbove = frozenBy !== null && frozenBy !== cgroup;
  const frozen = state === "thawed" ? "" : `  [${state}${isFromAbove ? " from above" : ""}]`;
  return `${frozen}${labelSuffix(labelBeside(cgroup, listed.label))}`;
}

function paintLine(line: string, { listed, process }: TreeRow, paint: Paint): string {
  if (process !== null) return line;
  if (listed.state !== "thawed") return paint.bad(line);
  return listed.refusal === null ? line : paint.dim(line);
}
