// "Did you mean …?": the distance of two words, and which known word is near enough to be suggested.

import { describe, expect, test } from "bun:test";

import { distance, nearest } from "../../../src/cli/text/nearest.ts";

describe("the distance", () => {
  test.each([
    ["", "", 0],
    ["", "abc", 3],
    ["show", "show", 0],
    ["show", "shows", 1],
    ["show", "sow", 1],
    ["show", "slow", 1],
    ["show", "shwo", 1],
    ["timeout", "tiemout", 1],
    ["kitten", "sitting", 3],
    // An overlapping swap and replacement are not one step.
    ["ca", "abc", 3],
    ["abcd", "badc", 2],
    ["list", "thaw", 4],
  ])("between %j and %j is %d in both directions", (a, b, away) => {
    expect(distance(a, b)).toBe(away);
    expect(distance(b, a)).toBe(away);
  });
});

describe("the nearest", () => {
  const WORDS = ["list", "show", "freeze", "thaw"];

  test.each([
    ["lsit", "list"],
    ["freez", "freeze"],
    ["fereze", "freeze"],
    ["show", "show"],
    ["shoe", "show"],
    ["thawed", "thaw"],
    ["thawing", undefined],
    // In a short word, two letters make a different word.
    ["lost", "list"],
    ["past", undefined],
    ["snow", "show"],
    ["sown", undefined],
    ["xyz", undefined],
    ["", undefined],
  ])("to %j is %j", (word, near) => {
    expect(nearest(word, WORDS)).toBe(near);
  });

  test("of two near words is the nearer one, in any order", () => {
    expect(nearest("spare", ["spare-t", "spar", "spare"])).toBe("spare");
    expect(nearest("pits", ["pid", "pit"])).toBe("pit");
    expect(nearest("pits", ["pit", "pid"])).toBe("pit");
  });

  test("is undefined if every letter would differ", () => {
    expect(nearest("zz", ["ab", "a"])).toBeUndefined();
    expect(nearest("x", [])).toBeUndefined();
  });
});
