// The rows of `list` in order: cgroups as a tree or flat, each followed by its processes with --procs.

import type { ListedCgroup } from "../../inspect/list.ts";
import type { ShownProcess } from "../../inspect/preview-types.ts";
import type { SortKey } from "../args/command.ts";
import { blockedText } from "../text/blocked-text.ts";
import { sanitize } from "../text/sanitize.ts";
import { ASCII_BRANCHES, drawTree, UNICODE_BRANCHES } from "./draw-tree.ts";

export interface ListedTree {
  /** Of the hierarchy: "v2", "v1 freezer". */
  readonly name: string;
  /** The mount point. */
  readonly point: string;
  /** The top of the tree, as /proc/PID/cgroup prints it. */
  readonly top: string;
  readonly cgroups: readonly ListedCgroup[];
}

export interface RowStyle {
  readonly sort: SortKey;
  readonly isFlat: boolean;
  readonly isUtf8: boolean;
}

export interface TreeRow {
  /** The cgroup of the row, or of the process of the row. */
  readonly listed: ListedCgroup;
  readonly process: ShownProcess | null;
  /** With the branches of the tree. */
  readonly name: string;
}

/** The cgroups in the order in which they are shown, for JSON. */
export function inOrder(tree: ListedTree, style: Omit<RowStyle, "isUtf8">): ListedCgroup[] {
  if (style.sort === "name") return sortedByName(tree.cgroups, style.isFlat);
  const rows = rowsOf(tree, { ...style, isUtf8: false });
  return rows.filter(({ process }) => process === null).map(({ listed }) => listed);
}

export function rowsOf(tree: ListedTree, style: RowStyle): TreeRow[] {
  const sorted = sortedByName(tree.cgroups, style.isFlat);
  if (style.sort !== "name") sorted.sort(comparing(VALUES[style.sort]));
  if (!style.isFlat) return renderTree(sorted, tree, style);
  return sorted.flatMap((listed) => [
    { listed, process: null, name: sanitize(listed.cgroup) },
    ...processesOf(listed).map((process) => ({ listed, process, name: `  ${nameOf(process)}` })),
  ]);
}

const processesOf = ({ processes }: ListedCgroup): readonly ShownProcess[] =>
  processes?.toSorted((a, b) => a.pid - b.pid) ?? [];

function nameOf({ pid, comm, args, blockedOn }: ShownProcess): string {
  const waits = blockedOn === null ? "" : `  [${sanitize(blockedText(blockedOn))}]`;
  return `${pid} ${sanitize(args === null ? `[${comm}]` : args.join(" "))}${waits}`;
}

/**
 * Sort by name. In a tree, descendants come directly after their ancestor, as if the slash were the first character.
 * Plain strings are sorted, because that needs no comparison function and is faster.
 */
function sortedByName(cgroups: readonly ListedCgroup[], isFlat: boolean): ListedCgroup[] {
  const keyOf = ({ cgroup }: ListedCgroup): string => (isFlat ? cgroup : cgroup.replaceAll("/", "\0"));
  const byName = new Map(cgroups.map((listed) => [keyOf(listed), listed]));
  return [...byName.keys()].sort().map((name) => byName.get(name) as ListedCgroup);
}

type Value = (listed: ListedCgroup) => number | null;

/** The largest first, unknown values last. */
const comparing =
  (value: Value) =>
  (a: ListedCgroup, b: ListedCgroup): number => {
    const [one, other] = [value(a), value(b)];
    if (one === null || other === null) return Number(one === null) - Number(other === null);
    return other - one;
  };

const VALUES: Readonly<Record<Exclude<SortKey, "name">, Value>> = {
  procs: ({ procsSubtree }) => procsSubtree,
  memory: ({ memoryBytes }) => memoryBytes,
  cpu: ({ cpuMs }) => cpuMs,
  age: ({ startedAt }) => (startedAt === null ? null : -new Date(startedAt).getTime()),
};

/** Find the trees that are sorted by name instead, because the kernel has the value for none of their cgroups. */
export function findUnsorted(trees: readonly ListedTree[], sort: SortKey): readonly ListedTree[] {
  if (sort !== "memory" && sort !== "cpu") return [];
  const isUnknown = (listed: ListedCgroup): boolean => VALUES[sort](listed) === null;
  return trees.filter(({ cgroups }) => cgroups.length > 0 && cgroups.every(isUnknown));
}

type Item = Pick<TreeRow, "listed" | "process">;

/** Children below their parents, in the given order. A cgroup has its path from the nearest ancestor that is shown. */
function renderTree(sorted: readonly ListedCgroup[], tree: ListedTree, { isUtf8 }: RowStyle): TreeRow[] {
  const shown = new Set(sorted.map(({ cgroup }) => cgroup));
  const parentOf = ({ cgroup }: ListedCgroup): string => {
    let up = cgroup === tree.top ? "" : cgroup.slice(0, cgroup.lastIndexOf("/"));
    while (up !== "" && !shown.has(up)) up = up.slice(0, up.lastIndexOf("/"));
    return up;
  };
  const children = Map.groupBy(sorted, parentOf);
  const cgroupsBelow = (path: string): Item[] =>
    (children.get(path) ?? []).map((listed): Item => ({ listed, process: null }));
  const childrenOf = ({ listed, process }: Item): readonly Item[] =>
    process !== null
      ? []
      : [...processesOf(listed).map((each) => ({ listed, process: each })), ...cgroupsBelow(listed.cgroup)];
  const branches = isUtf8 ? UNICODE_BRANCHES : ASCII_BRANCHES;
  return drawTree(cgroupsBelow(""), childrenOf, branches).map(({ item, branch }) => {
    const { listed, process } = item;
    const below = listed.cgroup.slice(parentOf(listed).length + 1) || "/";
    return { listed, process, name: `${branch}${process === null ? sanitize(below) : nameOf(process)}` };
  });
}
