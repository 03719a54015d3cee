import { describe, expect, test } from "bun:test";

import { wrap } from "../../../src/cli/output/wrap.ts";
import { widthOf } from "../../../src/cli/text/table.ts";

describe("wrap", () => {
  test.each([
    ["what fits stays", "  hint: a b", 12, "  hint: a b"],
    ["between words, deeper than it began", "  hint: one two three", 14, "  hint: one\n      two\n      three"],
    ["two blanks between facts stay on their line", "killed  /a  1 left", 14, "killed  /a  1\n    left"],
    ["every line by itself", "a b c\nd e f", 3, "a b\n    c\nd e\n    f"],
    ["by columns, not characters", "日本 日本", 7, "日本\n    日本"],
    ["colours take no room", "\u001b[31mab\u001b[39m cd ef", 5, "\u001b[31mab\u001b[39m cd\n    ef"],
    ["a path is never broken", "x: /a/path/too/long", 10, "x:\n    /a/path/too/long"],
    ["a command is never broken", "    cgkill thaw '/a b/c'", 10, "    cgkill thaw '/a b/c'"],
    ["prose before one is", "  hint: a b\n    cgkill x y", 9, "  hint: a\n      b\n    cgkill x y"],
    ["nor is a reference", "  hint: a b; see cgkill help kill", 12, "  hint: a b;\n      see cgkill help kill"],
    ["an empty text", "", 10, ""],
  ])("%s", (_, text, width, wrapped) => {
    expect(wrap(text, width)).toBe(wrapped);
  });

  test("words are kept, in their order, and no line is wider that could be broken", () => {
    const text = "cgkill: several words of several lengths, and then some more of them, to be sure of it";
    for (let width = 20; width < 100; width++) {
      const lines = wrap(text, width).split("\n");
      expect(lines.map((line) => line.trim()).join(" ")).toBe(text);
      for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(width);
    }
  });
});
