// Values of options: each valid form, the limits of each range, and errors that name the option, the given value and the
// valid values.

import { describe, expect, test } from "bun:test";

import { parseChoice, parseCount, parseDuration, parsePid, parseSignal } from "../../../src/cli/args/values.ts";
import { SIGNALS } from "../../../src/sys/signal-names.ts";
import { usageErrorOf } from "../support.ts";

describe("a duration in milliseconds", () => {
  test.each([
    ["0", 0],
    ["0ms", 0],
    ["5", 5000],
    ["5s", 5000],
    ["500ms", 500],
    ["2m", 120_000],
    ["1h", 3_600_000],
    ["1.5", 1500],
    ["0.25s", 250],
    ["0.5m", 30_000],
    ["007", 7000],
    ["2147483647ms", 2_147_483_647],
    ["596h", 2_145_600_000],
    ["1h30m", 5_400_000],
    ["1m30s500ms", 90_500],
    ["1.5h0.5m", 5_430_000],
  ])("%s", (text, ms) => {
    expect(parseDuration("timeout", text)).toBe(ms);
  });

  test.each([
    "",
    " ",
    "-1",
    "+1",
    "-0",
    "1e3",
    "0x10",
    "5 s",
    " 5",
    "5\n",
    "5S",
    "5M",
    "5ms ",
    "1m30",
    "30 1m",
    "1h 30m",
    "1hm",
    "5d",
    "5sec",
    "1.",
    "1.2.3",
    "1,5",
    "s",
    "ms",
    ".",
    "NaN",
    "Infinity",
    "soon",
    "٣",
    "constructor",
  ])("%j is invalid", (text) => {
    expect(usageErrorOf(() => parseDuration("grace", text))).toEqual({
      message: `--grace ${text}: not a duration`,
      hint: "write a number with ms, s, m or h, such as 500ms, 5s or 1h30m; a bare number is seconds",
    });
  });

  test.each(["2147483648ms", "2147484", "597h", "596h59m59s", "9".repeat(400)])(
    "%s exceeds the longest timer",
    (text) => {
      expect(usageErrorOf(() => parseDuration("timeout", text))).toEqual({
        message: `--timeout ${text}: too long`,
        hint: "the maximum is 24 days",
      });
    },
  );
});

describe("a process id", () => {
  test.each([
    ["1", 1],
    ["4711", 4711],
    ["007", 7],
    ["4194304", 4_194_304],
  ])("%s", (text, pid) => {
    expect(parsePid("pid", text)).toBe(pid);
  });

  // If it reached kill(2) as a number, it would mean a process group, every process, or another process.
  test.each(["0", "00", "-1", "+1", "", " ", "1 ", " 1", "1.0", "1e3", "0x1", "NaN", "self", "4194305", "4294967297"])(
    "%j is invalid",
    (text) => {
      expect(usageErrorOf(() => parsePid("spare", text))).toEqual({
        message: `--spare ${text}: not a process id`,
        hint: "a process id is a number from 1 to 4194304",
      });
    },
  );

  test("a number of 400 digits is invalid", () => {
    expect(() => parsePid("pid", "9".repeat(400))).toThrow("not a process id");
  });
});

describe("a signal", () => {
  test.each([
    ["TERM", "TERM"],
    ["SIGTERM", "TERM"],
    ["term", "TERM"],
    ["SigInt", "INT"],
    ["15", "TERM"],
    ["1", "HUP"],
    ["9", "KILL"],
    ["31", "SYS"],
    ["usr1", "USR1"],
  ] as const)("%s is %s", (text, name) => {
    expect(parseSignal("signal", text)).toBe(name);
  });

  test("every signal of the table, by name with and without SIG, and by number", () => {
    for (const [name, number] of Object.entries(SIGNALS)) {
      for (const text of [name, `SIG${name}`, name.toLowerCase(), String(number)]) {
        expect(parseSignal("signal", text) as string).toBe(name);
      }
    }
  });

  test("the numbers are those of the kernel", () => {
    const numbers: number[] = Object.values(SIGNALS);
    expect(numbers.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 31 }, (_, at) => at + 1));
    expect(SIGNALS).toMatchObject({
      HUP: 1,
      INT: 2,
      QUIT: 3,
      KILL: 9,
      USR1: 10,
      USR2: 12,
      TERM: 15,
      CONT: 18,
      STOP: 19,
    });
  });

  test.each(["", "SIG", "NOPE", "0", "-9", "32", "64", "015", "9.0", "SIG9", "SIGSIGTERM", "TERM ", "toString"])(
    "%j is invalid",
    (text) => {
      expect(usageErrorOf(() => parseSignal("signal", text))).toEqual({
        message: `--signal ${text}: not a signal`,
        hint: "write TERM, INT, HUP, USR1 or a number from 1 to 31",
      });
    },
  );
});

describe("a count", () => {
  test.each([
    ["0", 0],
    ["1", 1],
    ["010", 10],
    ["999999", 999_999],
  ])("%s", (text, count) => {
    expect(parseCount("depth", text)).toBe(count);
  });

  test.each(["", "-1", "+1", "1.5", "1e3", " 1", "one", "1000000"])("%j is invalid", (text) => {
    expect(usageErrorOf(() => parseCount("depth", text))).toEqual({
      message: `--depth ${text}: not a whole number`,
      hint: "write a number from 0 to 999999",
    });
  });
});

describe("a choice", () => {
  const COLORS = ["auto", "always", "never"] as const;

  test.each(COLORS)("%s", (text) => {
    expect(parseChoice("color", text, COLORS)).toBe(text);
  });

  test.each(["", "a", "Auto", "auto ", "autoalways", "auto,always"])("%j is invalid", (text) => {
    expect(usageErrorOf(() => parseChoice("color", text, COLORS))).toEqual({
      message: `--color ${text}: invalid value`,
      hint: "valid values: auto, always, never",
    });
  });
});
