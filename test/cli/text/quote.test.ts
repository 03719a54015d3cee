// A quoted word of any bytes is the same argument in every shell, as tried in the shells themselves.

import { describe, expect, test } from "bun:test";

import { quote } from "../../../src/cli/text/quote.ts";
import { decodeBytes } from "../../../src/sys/bytes.ts";
import { HOSTILE, INDENTING, ORDINARY, UNPRINTABLE } from "../../support/hostile-names.ts";
import { paste, shellsHere } from "../../support/paste.ts";

describe("a word", () => {
  test.each([
    ["job7", "job7"],
    ["/a/b-c_d@e:f,g=h+i.service", "/a/b-c_d@e:f,g=h+i.service"],
    ["--cluster=x", "--cluster=x"],
    ["", "''"],
    ["=x", "'=x'"],
    ["~x", "'~x'"],
    ["a b", "'a b'"],
    ["a  b", "'a'\" \"' b'"],
    ["    a", '" "" "" "\' a\''],
    [" ", '" "'],
    ["é  a", "\"$(printf '\\303\\251')\"\" \"' a'"],
    ["it's", "'it'\\''s'"],
    ["dev-disk-by\\x2duuid.mount", "'dev-disk-by'\\\\'x2duuid.mount'"],
    ["$", "\\$"],
    ["$x", "'$x'"],
    ["é$", "\"$(printf '\\303\\251')\"\\$"],
    ["é", "\"$(printf '\\303\\251')\""],
    ["aé b\udcff", "'a'\"$(printf '\\303\\251')\"' b'\"$(printf '\\377')\""],
  ])("%j is %s", (word, quoted) => {
    expect(quote([word])).toBe(quoted);
  });

  test.each(UNPRINTABLE.map((word) => [word]))("%j cannot be quoted", (word) => {
    expect(quote(["cgkill", word])).toBeUndefined();
  });
});

test("no two spaces of a word stay side by side, so that no broken line is indented", () => {
  for (const word of INDENTING) expect(quote([word])).not.toContain("  ");
});

const ASCII = Array.from({ length: 95 }, (_, at) => String.fromCharCode(0x20 + at));
const PUNCTUATION = ASCII.filter((one) => /\W/.test(one));
const BYTES = Array.from({ length: 128 }, (_, at) => decodeBytes(Uint8Array.of(0x80 + at)));

/** Several words per command, to start fewer processes. */
const COMMANDS = Object.values(
  Object.groupBy(
    [
      ...[...ORDINARY, ...HOSTILE, ...INDENTING, ...ASCII].flatMap((word) => [word, `a${word}b`]),
      ...PUNCTUATION.flatMap((one) => [`é${one}`, `é${one}x`, `é  ${one}`, `é${one}  $x`]),
      ...ASCII.flatMap((one) => ["'", "\\", "!"].map((other) => `${other}${one}`)),
      ASCII.join(""),
      BYTES.join(""),
      "",
      "'".repeat(255),
      "\\".repeat(4000),
      "é".repeat(2000),
    ].map((word, at) => ({ word, at })),
    ({ at }) => Math.floor(at / 40),
  ),
).map((words) => ["cgkill", ...(words ?? []).map(({ word }) => word)]);

describe("every word", () => {
  for (const shell of shellsHere()) {
    test.each(["C.UTF-8", "C"])(
      `is one argument in ${shell}, locale %s`,
      (locale) => {
        const lines = COMMANDS.map((command) => quote(command) ?? "");
        expect(lines.filter((line) => !/^[ -~]+$/.test(line))).toEqual([]);
        const { ran, made } = paste(shell, lines, ["cgkill"], locale);
        expect(made).toEqual([]);
        expect(ran).toEqual(COMMANDS);
      },
      30_000,
    );
  }
});
