// Tables: aligned by terminal width, and truncated to it.

import { describe, expect, test } from "bun:test";

import { renderTable, truncate, truncateStart, widthOf } from "../../../src/cli/text/table.ts";

test.each([
  ["", 0],
  ["abc", 3],
  ["é", 1],
  ["e\u0301", 1],
  ["日本", 4],
  ["한글", 4],
  ["😀", 2],
  ["ｗ", 2],
])("%j takes %d columns", (text, width) => {
  expect(widthOf(text)).toBe(width);
});

test.each([
  ["/a/b", 4, "/a/b"],
  ["/a/bc", 4, "~/bc"],
  ["/a/bc", 1, "~"],
  ["日本語", 4, "~語"],
  ["a😀", 2, "~"],
])("%j truncated at its start to %d columns is %j", (text, width, shown) => {
  expect(truncateStart(text, width)).toBe(shown);
});

describe("a truncated text", () => {
  test.each([
    ["abc", 3, "abc"],
    ["abc", 4, "abc"],
    ["abcd", 3, "ab~"],
    ["abcd", 1, "~"],
    ["", 0, ""],
    ["日本語", 6, "日本語"],
    ["日本語", 5, "日本~"],
    // A wide character is not split.
    ["日本語", 4, "日~"],
    ["a日本", 3, "a~"],
    ["😀😀", 3, "😀~"],
    ["e\u0301e\u0301e\u0301", 2, "e\u0301~"],
    ["abc", Number.POSITIVE_INFINITY, "abc"],
  ])("%j in %d columns is %j", (text, width, shown) => {
    expect(truncate(text, width)).toBe(shown);
  });

  test("is as wide as possible without exceeding the width", () => {
    const text = "a日b本c語😀d";
    for (let width = 1; width < widthOf(text); width++) {
      const short = truncate(text, width);
      expect(short).toEndWith("~");
      expect(text).toStartWith(short.slice(0, -1));
      expect([width, width - 1]).toContain(widthOf(short));
    }
  });
});

describe("a table", () => {
  test("aligns to the left except for the given columns, and does not pad the last", () => {
    const rows = [
      ["1", "a", "x"],
      ["1234", "long name", "y z"],
    ];
    expect(renderTable(["PID", "NAME", "WHAT"], rows, { right: [0] })).toEqual([
      " PID  NAME       WHAT",
      "   1  a          x",
      "1234  long name  y z",
    ]);
  });

  test("aligns a wide first column to the left, so that no number is indented like a command", () => {
    for (let width = 1; width < 12; width++) {
      const rows = Array.from({ length: width }, (_, at) => ["1".repeat(at + 1), "x"]);
      const lines = renderTable(["HERE", "X"], rows, { right: [0] });
      expect(lines.filter((line) => /^ {4}\S/.test(line))).toEqual([]);
      if (width === 4) expect(lines[1]).toBe("   1  x");
      if (width === 5) expect(lines[1]).toBe("1      x");
    }
  });

  test("makes a column at least as wide as its heading", () => {
    expect(renderTable(["NUMBER", "X"], [["1", "2"]])).toEqual(["NUMBER  X", "1       2"]);
    expect(renderTable(["X", "NUMBER"], [["1", "2"]], { right: [1] })).toEqual(["X  NUMBER", "1       2"]);
  });

  test("aligns wide characters by their width", () => {
    expect(
      renderTable(
        ["NAME", "N"],
        [
          ["日本語", "1"],
          ["abc", "2"],
          ["😀", "3"],
        ],
      ),
    ).toEqual(["NAME    N", "日本語  1", "abc     2", "😀      3"]);
  });

  test("has no trailing spaces", () => {
    expect(
      renderTable(
        ["A", "B"],
        [
          ["1", ""],
          ["", ""],
        ],
      ),
    ).toEqual(["A  B", "1", ""]);
  });

  test("truncates every line, headings included", () => {
    expect(
      renderTable(
        ["HEAD", "COMMAND"],
        [
          ["1", "日本語日本語"],
          ["2", "x"],
        ],
        { width: 10 },
      ),
    ).toEqual(["HEAD  COM~", "1     日~", "2     x"]);
  });

  test("has only headings without rows", () => {
    expect(renderTable(["A", "B"], [])).toEqual(["A  B"]);
  });
});

test("the last cell of a row that is too wide is shortened by the caller", () => {
  const rows = [
    ["1", "short"],
    ["2", "much too long (label)"],
  ];
  const shorten = (row: number, maxWidth: number): string => `row ${row}, max ${maxWidth}`;
  expect(renderTable(["A", "B"], rows, { width: 20, shorten })).toEqual(["A  B", "1  short", "2  row 1, max 17"]);
  expect(renderTable(["A", "B"], rows, { width: 24, shorten }).at(-1)).toBe("2  much too long (label)");
});
