// Trees with branches: the lines before each item, bounded depth, and cycles.

import { expect, test } from "bun:test";

import { ASCII_BRANCHES, drawTree } from "../../../src/cli/views/draw-tree.ts";

const CHILDREN: Readonly<Record<string, readonly string[]>> = { a: ["b", "e"], b: ["c", "d"], d: ["x"], f: ["f", "g"] };
const lines = (roots: readonly string[], maxDepth = 9): string[] =>
  drawTree(roots, (item) => CHILDREN[item] ?? [], { ...ASCII_BRANCHES, maxDepth }).map(
    ({ item, branch }) => `${branch}${item}`,
  );

test("children are drawn below their parents, with a line to later siblings", () => {
  expect(lines(["a", "g"])).toEqual(["a", "|- b", "|  |- c", "|  `- d", "|     `- x", "`- e", "g"]);
});

test("levels beyond the maximum depth are not indented further", () => {
  expect(lines(["a"], 2).slice(1, 5)).toEqual(["|- b", "|  |- c", "|  `- d", "|  `- x"]);
});

test("an item is drawn once, even if it is its own ancestor or a root too", () => {
  expect(lines(["f", "g", "f"])).toEqual(["f", "`- g"]);
});

test("a tree of a hundred thousand levels is drawn", () => {
  const drawn = drawTree([0], (level) => (level < 100_000 ? [level + 1] : []), { ...ASCII_BRANCHES, maxDepth: 10 });
  expect(drawn.at(-1)).toMatchObject({ item: 100_000, branch: expect.stringMatching(/`- $/) });
});
