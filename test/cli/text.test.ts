// Text for people: help, man page, completions, tables, units, and what must not reach a terminal.

import { describe, expect, test } from "bun:test";

import { HIDDEN, HIDDEN_IN_ANY_CASE } from "../../scripts/build/hidden-variables.ts";
import { renderMan } from "../../scripts/release/man/man.ts";
import { COMMANDS } from "../../src/cli/args/commands.ts";
import { OPTIONS } from "../../src/cli/args/options.ts";
import { parseDuration, parseSignal } from "../../src/cli/args/values.ts";
import { renderHelp } from "../../src/cli/commands/help.ts";
import { EXIT_CODES, exitCodeOf, type Status } from "../../src/cli/exit-codes.ts";
import { distance, nearest } from "../../src/cli/text/nearest.ts";
import { sanitize } from "../../src/cli/text/sanitize.ts";
import { cut, renderTable } from "../../src/cli/text/table.ts";
import { renderAge, renderBytes } from "../../src/cli/text/units.ts";
import { SINGLE_THREADED } from "../../src/sys/start.ts";

describe("--help", () => {
  test("fits 80 columns, without blanks at the ends", () => {
    for (const line of renderHelp().split("\n")) {
      expect(line.length).toBeLessThanOrEqual(80);
      expect(line).toBe(line.trimEnd());
    }
  });

  test("names every option and every exit status", () => {
    const help = renderHelp();
    for (const { long } of OPTIONS) expect(help).toContain(`--${long}`);
    for (const code of Object.values(EXIT_CODES)) expect(help).toMatch(new RegExp(`^ +${code} `, "m"));
  });
});

test("the man page names every option and every exit status, and no control line by accident", () => {
  const man = renderMan("1.2.3");
  for (const { long } of OPTIONS) expect(man).toContain(long.replaceAll("-", "\\-"));
  for (const line of man.split("\n").filter((candidate) => candidate.startsWith("."))) {
    expect(line).toMatch(/^\.(TH|SH|SS|TP|PP|nf|fi|br)( |$)/);
  }
});

test("the man page names every variable that is hidden from the runtime, and the settings that are not", () => {
  const man = renderMan("1.2.3").replaceAll("\\-", "-");
  for (const prefix of [...HIDDEN, ...HIDDEN_IN_ANY_CASE]) {
    expect(man).toContain(prefix.endsWith("=") ? prefix.slice(0, -1) : `${prefix}*`);
  }
  for (const setting of SINGLE_THREADED) expect(man).toContain(setting);
});

describe("sanitize", () => {
  test.each([
    ["plain/name-1.service", "plain/name-1.service"],
    ["Füße 日本 🐧", "Füße 日本 🐧"],
    ["a\u001b[31mb", "a\\x1b[31mb"],
    ["\u0007\u007f", "\\x07\\x7f"],
    ["a\nb\tc\rd", "a\\nb\\tc\\rd"],
    ["\\", "\\\\"],
    ["\u0085", "\\u0085"],
    ["\udc85", "\\x85"],
    ["\u202egpj.exe", "\\u202egpj.exe"],
    ["a\u200bb\u2066c", "a\\u200bb\\u2066c"],
    ["\u{e0041}", "\\u{e0041}"],
    ["\ud800", "\\ud800"],
  ])("%j is shown as %s", (text, shown) => {
    expect(sanitize(text)).toBe(shown);
  });

  test("two names never look the same", () => {
    const pieces = ["a", "\\", "x", "8", "5", "\u0085", "\udc85", "\u001b", "\n", "n", "u", "0", "\u202e", "{", "}"];
    let seed = 7;
    const random = (below: number): number => {
      seed = (seed * 1103515245 + 12345) & 0x7fffffff;
      return (seed >> 8) % below;
    };
    const shown = new Map<string, string>();
    for (let i = 0; i < 20_000; i++) {
      const text = Array.from({ length: 1 + random(6) }, () => pieces[random(pieces.length)]).join("");
      const before = shown.get(sanitize(text));
      expect(before === undefined || before === text).toBe(true);
      shown.set(sanitize(text), text);
    }
  });
});

describe("exit status", () => {
  test("is that of the contract", () => {
    expect(EXIT_CODES).toEqual({
      killed: 0,
      empty: 0,
      missing: 0,
      frozen: 0,
      thawed: 0,
      signalled: 0,
      failed: 1,
      usage: 2,
      "not-found": 3,
      refused: 4,
      denied: 5,
      survivors: 6,
      "not-removed": 7,
      interrupted: 130,
      internal: 70,
    });
  });

  test.each([
    [["killed", "empty"], undefined, 0],
    [["killed", "not-found"], undefined, 3],
    [["not-found", "not-found"], undefined, 3],
    [["not-found", "refused"], undefined, 1],
    [["interrupted", "refused"], "SIGTERM", 143],
    [["interrupted"], "SIGHUP", 129],
    [["interrupted"], undefined, 130],
    [[], undefined, 0],
  ] as const)("of %j after %s is %i", (outcomes, signal, code) => {
    expect(exitCodeOf(outcomes as readonly Status[], signal)).toBe(code);
  });
});

describe("tables", () => {
  test("align by width on the terminal, and cut what is too wide with a mark", () => {
    const lines = renderTable(
      ["N", "NAME"],
      [
        ["1", "日本"],
        ["10", "a"],
      ],
      { right: [0], width: 7 },
    );
    expect(lines).toEqual([" N  NA~", " 1  日~", "10  a"]);
  });

  test.each([
    ["abc", 3, "abc"],
    ["abcd", 3, "ab~"],
    ["日本", 3, "日~"],
    ["", 0, ""],
  ])("%j cut to %i is %j", (text, width, short) => {
    expect(cut(text, width)).toBe(short);
  });
});

describe("units", () => {
  test.each([
    [0, "0B"],
    [1023, "1023B"],
    [1024, "1.0K"],
    [10 * 1024, "10K"],
    [3.25 * 1024 ** 2, "3.3M"],
    [5 * 1024 ** 4, "5.0T"],
    [5000 * 1024 ** 4, "5000T"],
  ])("%d bytes are %s", (bytes, text) => {
    expect(renderBytes(bytes)).toBe(text);
  });

  test.each([
    [-1, "0s"],
    [59.9, "59s"],
    [60, "1m00s"],
    [3599, "59m59s"],
    [3600, "1h00m"],
    [86_400 + 3 * 3600, "1d03h"],
  ])("%d seconds are %s", (seconds, text) => {
    expect(renderAge(seconds)).toBe(text);
  });
});

describe("values", () => {
  test.each([
    ["500ms", 500],
    ["5s", 5000],
    ["2m", 120_000],
    ["1h", 3_600_000],
    ["0", 0],
    ["1.5", 1500],
  ])("%s is %i ms", (text, ms) => {
    expect(parseDuration("timeout", text)).toBe(ms);
  });

  test.each(["", "-1", "1e3", "1 s", "5d", "99999999999", "ms", "."])("%j is no duration", (text) => {
    expect(() => parseDuration("timeout", text)).toThrow("--timeout");
  });

  test.each([
    ["TERM", "TERM"],
    ["sigint", "INT"],
    ["9", "KILL"],
  ])("%s is the signal %s", (text, name) => {
    expect(String(parseSignal("signal", text))).toBe(name);
  });
});

describe("did you mean", () => {
  test.each([
    ["abc", "abc", 0],
    ["abc", "acb", 1],
    ["abc", "abd", 1],
    ["", "ab", 2],
    ["kitten", "sitting", 3],
  ])("from %s to %s it is %i", (a, b, steps) => {
    expect(distance(a, b)).toBe(steps);
  });

  test("the nearest is offered, and nothing that is far", () => {
    expect(nearest("lits", ["show", "list"])).toBe("list");
    expect(nearest("elephant", ["show", "list"])).toBeUndefined();
  });
});

test("the manual says of each option which commands have it, unless all have", () => {
  const man = renderMan("1.2.3").replaceAll("\\-", "-");
  for (const { help, commands } of OPTIONS) {
    const isEverywhere = commands.length === COMMANDS.length;
    expect(man).toContain(isEverywhere ? `${help}\n` : `${help}. [${commands.join(", ")}]`);
  }
  expect(man).toContain("\\fBcgkill\\fR (on a terminal: choose interactively)");
});
