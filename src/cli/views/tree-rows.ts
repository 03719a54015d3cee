// The lines of `list` in their order: cgroups as a tree or flat, each followed by its processes if they are asked for.

import type { ListedCgroup } from "../../inspect/list.ts";
import type { ShownProcess } from "../../inspect/preview-types.ts";
import type { SortKey } from "../args/command.ts";
import { sanitize } from "../text/sanitize.ts";

export interface ListedTree {
  /** Of the hierarchy: "v2", "v1 freezer". */
  readonly name: string;
  readonly point: string;
  /** Where the tree begins, as /proc/PID/cgroup prints it. */
  readonly top: string;
  readonly cgroups: readonly ListedCgroup[];
  /** Those in each cgroup itself, by its directory; `undefined` if they are not asked for. */
  readonly processes?: ReadonlyMap<string, readonly ShownProcess[]> | undefined;
}

export interface RowStyle {
  readonly sort: SortKey;
  readonly isFlat: boolean;
  readonly isUtf8: boolean;
}

export interface Row {
  /** The cgroup of the line, or the one that its process is in. */
  readonly listed: ListedCgroup;
  readonly process: ShownProcess | null;
  /** Lines of the tree and the name. */
  readonly name: string;
}

/** In the order in which they are shown: the same for a program that reads them. */
export function inOrder(tree: ListedTree, style: Omit<RowStyle, "isUtf8">): ListedCgroup[] {
  if (style.sort === "name") return sortedByName(tree.cgroups, style.isFlat);
  const { processes: _, ...bare } = tree;
  return rowsOf(bare, { ...style, isUtf8: false }).map(({ listed }) => listed);
}

export function rowsOf(tree: ListedTree, style: RowStyle): Row[] {
  const sorted = sortedByName(tree.cgroups, style.isFlat);
  if (style.sort !== "name") sorted.sort(comparing(VALUES[style.sort]));
  if (!style.isFlat) return asTree(sorted, tree, style);
  return sorted.flatMap((listed) => [
    { listed, process: null, name: sanitize(listed.cgroup) },
    ...processesOf(tree, listed).map((process) => ({ listed, process, name: `  ${nameOf(process)}` })),
  ]);
}

function processesOf({ processes }: ListedTree, { path }: ListedCgroup): readonly ShownProcess[] {
  return processes?.get(path)?.toSorted((a, b) => a.pid - b.pid) ?? [];
}

function nameOf({ pid, comm, args }: ShownProcess): string {
  return `${pid} ${sanitize(args === null ? `[${comm}]` : args.join(" "))}`;
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

type Value = (listed: ListedCgroup) => number | null;

/** The largest first, unknown values last; among equals the order stays. */
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

/** The trees that are sorted by name after all, because the kernel does not keep the value there for any cgroup. */
export function findUnsorted(trees: readonly ListedTree[], sort: SortKey): readonly ListedTree[] {
  if (sort !== "memory" && sort !== "cpu") return [];
  const isUnknown = (listed: ListedCgroup): boolean => VALUES[sort](listed) === null;
  return trees.filter(({ cgroups }) => cgroups.length > 0 && cgroups.every(isUnknown));
}

const UNICODE = { last: "└─ ", other: "├─ ", open: "│  ", closed: "   " };
const ASCII = { last: "`- ", other: "|- ", open: "|  ", closed: "   " };

interface Pending {
  readonly listed: ListedCgroup;
  readonly process: ShownProcess | null;
  readonly indent: string;
  readonly own: string;
  /** The path of the cgroup above that is shown. */
  readonly above: string;
}

/** Children below their parents, in the given order. One whose parent is not shown keeps the names in between. */
function asTree(sorted: readonly ListedCgroup[], tree: ListedTree, { isUtf8 }: Pick<RowStyle, "isUtf8">): Row[] {
  const lines = isUtf8 ? UNICODE : ASCII;
  const shown = new Set(sorted.map(({ cgroup }) => cgroup));
  const parentOf = (path: string): string => {
    let up = path.slice(0, path.lastIndexOf("/"));
    while (up !== "" && !shown.has(up)) up = up.slice(0, up.lastIndexOf("/"));
    return up;
  };
  const children = Map.groupBy(sorted, ({ cgroup }) => (cgroup === tree.top ? "" : parentOf(cgroup)));
  const rows: Row[] = [];
  const top = { process: null, indent: "", own: "", above: "" };
  const pending: Pending[] = (children.get("") ?? []).map((listed) => ({ listed, ...top })).reverse();
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { listed, process, indent, own, above } = next;
    const name = listed.cgroup.slice(above === "" ? 1 : above.length + 1) || "/";
    rows.push({ listed, process, name: `${indent}${own}${process === null ? sanitize(name) : nameOf(process)}` });
    if (process !== null) continue;
    const below = [
      ...processesOf(tree, listed).map((each) => ({ listed, process: each })),
      ...(children.get(listed.cgroup) ?? []).map((child) => ({ listed: child, process: null })),
    ];
    const deeper = indent + (own === "" ? "" : own === lines.last ? lines.closed : lines.open);
    below.toReversed().forEach((child, index) => {
      pending.push({
        ...child,
        indent: deeper,
        own: index === 0 ? lines.last : lines.other,
        above: listed.cgroup,
      });
    });
  }
  return rows;
}
