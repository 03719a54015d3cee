// Events on standard error: which of them are written, and how a line of each format is read back.

import { describe, expect, test } from "bun:test";

import type { LogFormat } from "../../src/cli/args.ts";
import { eventSink, type Logged } from "../../src/cli/log.ts";
import { type Fields, type Level, LEVELS } from "../../src/kill/events.ts";
import { writtenIo } from "./support.ts";

const CLOCK = (): number => Date.UTC(2026, 10, 23, 17, 0, 0, 5);

function logged(events: readonly Logged[], level: Level = "trace", format: LogFormat = "text"): string {
  const { io, out, err } = writtenIo();
  const sink = eventSink(io, level, format, CLOCK);
  for (const event of events) sink(event);
  expect(out()).toBe("");
  return err();
}

const textOf = (message: string, fields: Fields = {}): string => logged([{ level: "info", message, fields }]);

describe("the level", () => {
  for (const format of ["text", "json"] as const) {
    test.each(LEVELS)(`%s lets through what is as bad and worse (${format})`, (level) => {
      const events = LEVELS.map((each) => ({ level: each, message: `<${each}>`, fields: {} }));
      const lines = logged(events, level, format).trimEnd().split("\n");
      const expected = LEVELS.slice(0, LEVELS.indexOf(level) + 1);
      expect(lines.map((line) => /<(\w+)>/.exec(line)?.[1] as Level)).toEqual([...expected]);
    });
  }
});

describe("a line of text", () => {
  test.each<[Fields, string]>([
    [{}, ""],
    [{ pid: 12 }, " pid=12"],
    [{ a: "x", b: true, c: null }, " a=x b=true c=null"],
    [{ pids: [1, 2, 3] }, " pids=1,2,3"],
    [{ pids: [] }, ' pids=""'],
    [{ name: "" }, ' name=""'],
    [{ name: "two words" }, ' name="two words"'],
    [{ name: "a=b" }, ' name="a=b"'],
    [{ name: 'a"b' }, ' name="a\\"b"'],
    [{ name: "a\\b" }, " name=a\\\\b"],
    [{ name: "\u00a0" }, " name=\\u00a0"],
    // None of these may begin a line, a field, or a command to the terminal.
    [{ name: "x\ncgkill: error: forged" }, ' name="x\\ncgkill: error: forged"'],
    [{ name: "\u001b[2J\u202e\udcff" }, " name=\\x1b[2J\\u202e\\xff"],
    [{ names: ["a b", "c\n"] }, ' names="a b,c\\n"'],
  ])("with the fields %j ends in %s", (fields, end) => {
    expect(textOf("found pids", fields)).toBe(`cgkill: info: found pids${end}\n`);
  });

  test("names its level, and escapes its message", () => {
    for (const level of LEVELS) {
      expect(logged([{ level, message: "a\nb", fields: {} }])).toBe(`cgkill: ${level}: a\\nb\n`);
    }
  });
});

describe("a line of JSON", () => {
  const event: Logged = {
    level: "warn",
    message: "a\nb\udcff",
    fields: { pid: 12, cgroup: "x\u001b\udcfe", before: null, pids: [1, 2], is_frozen: false },
  };

  test("is one object with its time, the values exact and of their own types", () => {
    const text = logged([event], "trace", "json");
    expect(text).toMatch(/^[^\n]*\n$/);
    expect(text).toContain("\\udcff");
    expect(JSON.parse(text)).toStrictEqual({
      time: "2026-11-23T17:00:00.005Z",
      level: "warn",
      message: "a\nb\udcff",
      pid: 12,
      cgroup: "x\u001b\udcfe",
      before: null,
      pids: [1, 2],
      is_frozen: false,
    });
  });

  test("two events are two lines", () => {
    expect(logged([event, event], "trace", "json").trimEnd().split("\n")).toHaveLength(2);
  });
});
