// The rows of `list`: their order, the processes of each cgroup, and the notes beside a name.

import { describe, expect, test } from "bun:test";

import type { SortKey } from "../../../src/cli/args/command.ts";
import { labelBeside } from "../../../src/cli/text/label-text.ts";
import { widthOf } from "../../../src/cli/text/table.ts";
import { renderForest, type TreeStyle } from "../../../src/cli/views/cgroup-tree.ts";
import { findUnsorted, inOrder, type ListedTree } from "../../../src/cli/views/tree-rows.ts";
import type { ListedCgroup } from "../../../src/inspect/list.ts";
import type { ShownProcess } from "../../../src/inspect/preview-types.ts";
import { PROCESS } from "../../support/previews.ts";
import { PLAIN } from "../support.ts";

const LISTED: ListedCgroup = {
  cgroup: "/a",
  path: "/sys/a",
  hierarchy: "v2",
  label: null,
  procs: 1,
  procsSubtree: 1,
  invisible: 0,
  state: "thawed",
  frozenBy: null,
  populated: true,
  type: "domain",
  memoryBytes: null,
  method: "kill",
  refusal: null,
  startedAt: null,
  pids: [],
  comms: [],
  cpuMs: null,
  processes: null,
};

const listed = (cgroup: string, fields: Partial<ListedCgroup> = {}): ListedCgroup => ({
  ...LISTED,
  cgroup,
  path: `/sys${cgroup}`,
  ...fields,
});

const treeOf = (cgroups: readonly ListedCgroup[], processes?: Record<string, ShownProcess[]>): ListedTree => ({
  name: "v2",
  point: "/sys",
  top: "/",
  cgroups: cgroups.map((each) => ({ ...each, processes: processes?.[each.path] ?? null })),
});

const STYLE: TreeStyle = {
  paint: PLAIN,
  columns: 200,
  isUtf8: true,
  isFlat: false,
  sort: "name",
  now: new Date("2026-11-23T17:00:00.000Z"),
};

const linesOf = (tree: ListedTree, style: Partial<TreeStyle> = {}): string[] =>
  renderForest([tree], { ...STYLE, ...style })
    .trimEnd()
    .split("\n")
    .slice(1);

describe("unknown values are sorted last", () => {
  const unknown = listed("/a");
  const [small, large] = [
    listed("/b", { memoryBytes: 0, cpuMs: 0, startedAt: "2026-11-23T16:59:00.000Z" }),
    listed("/c", { memoryBytes: 9, cpuMs: 9, startedAt: "2026-11-23T16:00:00.000Z" }),
  ];

  test.each<[SortKey]>([["memory"], ["cpu"], ["age"]])("--sort %s", (sort) => {
    for (const isFlat of [true, false]) {
      const order = inOrder(treeOf([unknown, small, large, listed("/d")]), { sort, isFlat });
      expect(order.map(({ cgroup }) => cgroup)).toEqual(["/c", "/b", "/a", "/d"]);
    }
  });

  test("only a tree without any value counts as unsorted", () => {
    const [without, some, empty] = [treeOf([unknown]), treeOf([unknown, small]), treeOf([])];
    for (const sort of ["memory", "cpu"] as const)
      expect(findUnsorted([without, some, empty], sort)).toEqual([without]);
    for (const sort of ["name", "procs", "age"] as const) expect(findUnsorted([without], sort)).toEqual([]);
  });
});

describe("processes", () => {
  const sh = (pid: number, ...args: string[]): ShownProcess => ({ ...PROCESS, pid, args });
  const tree = treeOf([listed("/a"), listed("/a/b"), listed("/a/c")], {
    "/sys/a": [sh(20, "b", "1"), sh(3, "a\n")],
    "/sys/a/b": [{ ...PROCESS, pid: 7, args: null, comm: "kworker" }],
  });

  test("come below their cgroup, by pid, before its child cgroups", () => {
    expect(linesOf(tree)).toEqual([
      "HERE  ALL  AGE  CGROUP",
      "   1    1    -  a",
      "                ├─ 3 a\\n",
      "                ├─ 20 b 1",
      "   1    1    -  ├─ b",
      "                │  └─ 7 [kworker]",
      "   1    1    -  └─ c",
    ]);
  });

  test("--flat: come below the full path", () => {
    expect(linesOf(tree, { isFlat: true }).slice(1, 5)).toEqual([
      "   1    1    -  /a",
      "                  3 a\\n",
      "                  20 b 1",
      "   1    1    -  /a/b",
    ]);
  });

  test("a long command is truncated at the edge of the terminal", () => {
    const long = treeOf([listed("/a")], { "/sys/a": [sh(3, "x".repeat(300))] });
    for (const isFlat of [true, false]) {
      const line = linesOf(long, { columns: 60, isFlat })[2] as string;
      expect(widthOf(line)).toBe(60);
      expect(line).toContain("3 xxx");
    }
  });

  test("are not listed as cgroups in JSON", () => {
    expect(inOrder(tree, { sort: "procs", isFlat: false }).map(({ cgroup }) => cgroup)).toEqual(["/a", "/a/b", "/a/c"]);
  });
});

describe("notes beside a name", () => {
  test("the frozen state is a note, not a column, and takes no width from other names", () => {
    const long = "x".repeat(70);
    const frozen = listed("/b", { state: "frozen", frozenBy: "/b" });
    const below = listed("/b/c", { state: "frozen", frozenBy: "/b", label: "docker 1234" });
    const lines = linesOf(treeOf([listed(`/${long}`), frozen, below]), { columns: 90 });
    expect(lines[0]).not.toContain("STATE");
    expect(lines.map((line) => line.slice(16))).toEqual([
      "CGROUP",
      "b  [frozen]",
      "└─ c  [frozen from above]  (docker 1234)",
      long,
    ]);
  });

  test.each([
    ["/system.slice/nginx.service", "unit nginx.service", null],
    ["/nginx.service", "nginx.service", null],
    ["/docker/3f2a9c41d0be", "docker 3f2a9c41d0be", null],
    ["/docker/3f2a9c41d0beffff", "docker 3f2a9c41d0be", "docker 3f2a9c41d0be"],
    ["/user.slice/session-3.scope", "session 3", "session 3"],
    ["/a", null, null],
  ])("%s with the label %j has the note %j", (path, label, shown) => {
    expect(labelBeside(path, label)).toBe(shown);
    const line = linesOf(treeOf([listed(path, { label })]), { isFlat: true })[1];
    expect(line).toBe(`   1    1    -  ${path}${shown === null ? "" : `  (${shown})`}`);
  });

  test("the root of a hierarchy has the name /", () => {
    expect(linesOf(treeOf([listed("/")]))[1]).toBe("   1    1    -  /");
  });
});
