// Globs for names: every form in a table, bytes that are not UTF-8 as distinct characters, and the same results as
// Bun.Glob for plain patterns.

import { describe, expect, test } from "bun:test";

import { compileGlob } from "../../src/inspect/glob.ts";
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
    // Unclosed brackets and braces are literal.
    ["[a", ["[a"], ["a"]],
    ["[]", ["[]"], [""]],
    ["{a,b", ["{a,b"], ["a", "b"]],
    ["{a,{b,c}", ["{a,b", "{a,c"], ["a", "b"]],
    ["a}", ["a}"], ["a"]],
    ["a\\", ["a\\"], ["a"]],
    ["\\*\\?\\[\\{\\\\", ["*?[{\\"], ["a?[{\\"]],
    // Regression: a unit `a\\x2db` was not found by its name, and `ax2db` was.
    ["a\\x2db", ["a\\x2db"], ["ax2db", "a-b"]],
    ["a\\\\x2db", ["a\\x2db"], ["ax2db"]],
    // Not a negation.
    ["!x", ["!x"], ["x", "a", ""]],
    ["!!x", ["!!x"], ["x", "!x"]],
    ["!*", ["!", "!x"], ["x"]],
    ["__proto__", ["__proto__"], ["constructor"]],
  ])("%j", (pattern, matching, others) => {
    const matches = compileGlob(pattern);
    expect(matching.filter((name) => !matches(name))).toEqual([]);
    expect(others.filter(matches)).toEqual([]);
  });
});

describe("bytes that are not UTF-8", () => {
  const BYTES = Array.from({ length: 0x80 }, (_, at) => String.fromCharCode(0xdc80 + at));

  test("each byte matches only itself", () => {
    for (const byte of BYTES) {
      const matches = compileGlob(`a-${byte}-*`);
      expect(BYTES.filter((other) => matches(`a-${other}-x`))).toEqual([byte]);
    }
  });

  test("a byte is one character, outside every range of characters and inside ranges of bytes", () => {
    for (const byte of BYTES) {
      expect(compileGlob("a?b")(`a${byte}b`)).toBe(true);
      expect(compileGlob("a??b")(`a${byte}b`)).toBe(false);
      expect(compileGlob("[a-🔥]")(byte)).toBe(false);
      expect(compileGlob("[!a]")(byte)).toBe(true);
    }
    expect(BYTES.filter(compileGlob("[\udc81-\udc83]"))).toEqual(["\udc81", "\udc82", "\udc83"]);
  });

  test("no byte matches the replacement character of a decoder", () => {
    expect(compileGlob("\ufffd")("\udc80")).toBe(false);
    expect(compileGlob("\udc80")("\ufffd")).toBe(false);
    expect(compileGlob("🔥")("🔥")).toBe(true);
  });
});

test("plain patterns match as in Bun.Glob", async () => {
  let matched = 0;
  await fuzz(4000, ({ pick, list }) => {
    const piece = (): string => pick(["a", "b", ".", "-", "*", "?", "[ab]", "[!a]", "[a-c]", "{a,b}", "{a*,}", "\\*"]);
    const pattern = list(6, piece).join("");
    const bun = new Bun.Glob(pattern);
    const matches = compileGlob(pattern);
    for (let i = 0; i < 8; i++) {
      const name = list(5, () => pick(["a", "b", "c", ".", "-", "*", "x"])).join("");
      // Some wildcards of Bun.Glob skip names with a leading dot.
      if (name.startsWith(".") || name === "") continue;
      matched += matches(name) ? 1 : 0;
      expect([pattern, name, matches(name)]).toEqual([pattern, name, bun.match(name)]);
    }
  });
  expect(matched).toBeGreaterThan(500);
});

test("the cost of a pattern is at most its length times the length of the name", () => {
  // With backtracking the first pattern would not finish; the test time limit is the bound.
  const name = "a".repeat(255);
  expect(compileGlob(`${"*a".repeat(100)}*b`)(name)).toBe(false);
  expect(compileGlob(`${"{a,a}".repeat(200)}b`)(name)).toBe(false);
  expect(compileGlob(`${"{".repeat(20_000)}a${"}".repeat(20_000)}`)("a")).toBe(true);
  expect(compileGlob("[".repeat(20_000))(name)).toBe(false);
  // Regression: 37 s for the first of these.
  expect(compileGlob(`${"[".repeat(64_000)}\\]`)(name)).toBe(false);
  expect(compileGlob(`${"[".repeat(64_000)}[]`)(name)).toBe(false);
  expect(compileGlob(`${"{*,".repeat(300)}b${"}".repeat(300)}`)(name)).toBe(true);
});
