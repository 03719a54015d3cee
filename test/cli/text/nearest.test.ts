// "Did you mean": how far two words are apart, and which of the known words is near enough to be named.

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
    // A swap and a replacement that overlap are not one step.
    ["ca", "abc", 3],
    ["abcd", "badc", 2],
    ["list", "thaw", 4],
  ])("from %j to %j is %d, and as far back", (a, b, away) => {
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
    // In a short word two letters make another word.
    ["lost", "list"],
    ["past", undefined],
    ["snow", "show"],
    ["sown", undefined],
    ["xyz", undefined],
    ["", undefined],
  ])("to %j is %j", (word, near) => {
    expect(nearest(word, WORDS)).toBe(near);
  });

  test("of two that are near is the nearer one, wherever it stands", () => {
    expect(nearest("spare", ["spare-t", "spar", "spare"])).toBe("spare");
    expect(nearest("pits", ["pid", "pit"])).toBe("pit");
    expect(nearest("pits", ["pit", "pid"])).toBe("pit");
  });

  test("is none where everything of it would be other", () => {
    expect(nearest("zz", ["ab", "a"])).toBeUndefined();
    expect(nearest("x", [])).toBeUndefined();
  });
});
