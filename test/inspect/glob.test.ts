// Globs over names: every form by a table, bytes that are not UTF-8 apart from one another, and the same answers as
// Bun.Glob for plain patterns.

import { describe, expect, test } from "bun:test";

import { globOf } from "../../src/inspect/glob.ts";
import { fuzz } from "../support/fuzz.ts";

describe("what matches", () => {
  test.each<[string, readonly string[], readonly string[]]>([
    ["job7", ["job7"], ["job", "job71", "ajob7", "JOB7", ""]],
    ["", [""], ["a"]],
    ["*", ["", "a", ".hidden", "grüße-🔥"], ["a/b"]],
    ["a*c", ["ac", "abc", "abcabc"], ["ab", "acb", "xac"]],
    ["a**c", ["ac", "abc"], ["ab"]],
    ["?", ["a", "ü", "🔥", "."], ["", "ab", "/"]],
    ["*?", ["a", "ab"], [""]],
    ["[abc]", ["a", "c"], ["d", "", "ab"]],
    ["[a-c]x", ["ax", "cx"], ["dx", "-x"]],
    ["[!a-c]", ["d", "!", "🔥"], ["a", "b", ""]],
    ["[^a]", ["b", "^"], ["a"]],
    ["[a!]", ["a", "!"], ["b"]],
    ["[]a]", ["]", "a"], ["[", "b"]],
    ["[!]a]", ["b"], ["]", "a"]],
    ["[a-]", ["a", "-"], ["b"]],
    ["[a\\-c]", ["a", "-", "c"], ["b"]],
    ["[\\]]", ["]"], ["\\"]],
    ["[z-a]", [], ["z", "m", "a"]],
    ["[ü-ÿ]", ["ü", "ý"], ["u"]],
    ["{batch,step}", ["batch", "step"], ["batc", "batchstep", "{batch,step}"]],
    ["{a,{b,c}d}e", ["ae", "bde", "cde"], ["be", "ade"]],
    ["{a*,b}.x", ["a.x", "aaa.x", "b.x"], ["bb.x"]],
    ["{a,}b", ["ab", "b"], ["a"]],
    ["{}a", ["a"], ["{}a"]],
    ["{a\\,b,[,]}", ["a,b", ","], ["a", "b"]],
    ["a,b", ["a,b"], ["a", "b"]],
    // What is never closed stands for itself.
    ["[a", ["[a"], ["a"]],
    ["[]", ["[]"], [""]],
    ["{a,b", ["{a,b"], ["a", "b"]],
    ["{a,{b,c}", ["{a,b", "{a,c"], ["a", "b"]],
    ["a}", ["a}"], ["a"]],
    ["a\\", ["a\\"], ["a"]],
    ["\\*\\?\\[\\{\\\\", ["*?[{\\"], ["a?[{\\"]],
    // Not "everything but x".
    ["!x", ["!x"], ["x", "a", ""]],
    ["!!x", ["!!x"], ["x", "!x"]],
    ["!*", ["!", "!x"], ["x"]],
    ["__proto__", ["__proto__"], ["constructor"]],
  ])("%j", (pattern, matching, others) => {
    const matches = globOf(pattern);
    expect(matching.filter((name) => !matches(name))).toEqual([]);
    expect(others.filter(matches)).toEqual([]);
  });
});

describe("bytes that are not UTF-8", () => {
  const BYTES = Array.from({ length: 0x80 }, (_, at) => String.fromCharCode(0xdc80 + at));

  test("each is only itself", () => {
    for (const byte of BYTES) {
      const matches = globOf(`a-${byte}-*`);
      expect(BYTES.filter((other) => matches(`a-${other}-x`))).toEqual([byte]);
    }
  });

  test("each is one character, in no range of characters, and in a range of bytes", () => {
    for (const byte of BYTES) {
      expect(globOf("a?b")(`a${byte}b`)).toBe(true);
      expect(globOf("a??b")(`a${byte}b`)).toBe(false);
      expect(globOf("[a-🔥]")(byte)).toBe(false);
      expect(globOf("[!a]")(byte)).toBe(true);
    }
    expect(BYTES.filter(globOf("[\udc81-\udc83]"))).toEqual(["\udc81", "\udc82", "\udc83"]);
  });

  test("none is the character that a decoder writes in its place", () => {
    expect(globOf("\ufffd")("\udc80")).toBe(false);
    expect(globOf("\udc80")("\ufffd")).toBe(false);
    expect(globOf("🔥")("🔥")).toBe(true);
  });
});

test("plain patterns are answered as Bun.Glob answers them", async () => {
  let matched = 0;
  await fuzz(4000, ({ pick, list }) => {
    const piece = (): string => pick(["a", "b", ".", "-", "*", "?", "[ab]", "[!a]", "[a-c]", "{a,b}", "{a*,}", "\\*"]);
    const pattern = list(6, piece).join("");
    const bun = new Bun.Glob(pattern);
    const matches = globOf(pattern);
    for (let i = 0; i < 8; i++) {
      const name = list(5, () => pick(["a", "b", "c", ".", "-", "*", "x"])).join("");
      // Bun.Glob leaves names with a leading dot out of some of its wildcards; systemd and Docker have none.
      if (name.startsWith(".") || name === "") continue;
      matched += matches(name) ? 1 : 0;
      expect([pattern, name, matches(name)]).toEqual([pattern, name, bun.match(name)]);
    }
  });
  expect(matched).toBeGreaterThan(500);
});

test("no pattern takes longer than its length times that of the name", () => {
  // With backtracking the first alone would never end: the time limit of the test is the bound.
  const name = "a".repeat(255);
  expect(globOf(`${"*a".repeat(100)}*b`)(name)).toBe(false);
  expect(globOf(`${"{a,a}".repeat(200)}b`)(name)).toBe(false);
  expect(globOf(`${"{".repeat(20_000)}a${"}".repeat(20_000)}`)("a")).toBe(true);
  expect(globOf("[".repeat(20_000))(name)).toBe(false);
  expect(globOf(`${"{*,".repeat(300)}b${"}".repeat(300)}`)(name)).toBe(true);
});
