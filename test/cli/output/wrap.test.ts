// Wrapping text to a width, without breaking commands and references.

import { describe, expect, test } from "bun:test";

import { wrap } from "../../../src/cli/output/wrap.ts";
import { widthOf } from "../../../src/cli/text/table.ts";

describe("wrap", () => {
  test.each([
    ["a line that fits is unchanged", "  hint: a b", 12, "  hint: a b"],
    [
      "lines break between words, with a hanging indent",
      "  hint: one two three",
      14,
      "  hint: one\n      two\n      three",
    ],
    ["two spaces between facts are kept", "killed  /a  1 left", 14, "killed  /a  1\n      left"],
    ["every line is wrapped separately", "a b c\nd e f", 3, "a b\n      c\nd e\n      f"],
    ["the width is in columns, not characters", "日本 日本", 7, "日本\n      日本"],
    ["colours have no width", "\u001b[31mab\u001b[39m cd ef", 5, "\u001b[31mab\u001b[39m cd\n      ef"],
    ["a path is never broken", "x: /a/path/too/long", 10, "x:\n      /a/path/too/long"],
    ["a command is never broken", "    cgkill thaw '/a b/c'", 10, "    cgkill thaw '/a b/c'"],
    ["prose before a command is wrapped", "  hint: a b\n    cgkill x y", 9, "  hint: a\n      b\n    cgkill x y"],
    [
      "a reference is never broken",
      "  hint: a b; see cgkill help kill",
      12,
      "  hint: a b;\n      see cgkill help kill",
    ],
    [
      "a name that is broken never looks like a command",
      `cgkill: /${"A".repeat(9)} curl x|sh #: is frozen`,
      24,
      `cgkill: /${"A".repeat(9)} curl\n      x|sh #: is frozen`,
    ],
    ["a line that is indented more deeply is no command", "     a b c", 8, "     a b\n      c"],
    ["an empty text", "", 10, ""],
  ])("%s", (_, text, width, wrapped) => {
    expect(wrap(text, width)).toBe(wrapped);
  });

  test("at any width, words keep their order and no line is too wide", () => {
    const text = "cgkill: several words of several lengths, and then some more of them, to be sure of it";
    for (let width = 20; width < 100; width++) {
      const lines = wrap(text, width).split("\n");
      expect(lines.map((line) => line.trim()).join(" ")).toBe(text);
      for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(width);
    }
  });
});
