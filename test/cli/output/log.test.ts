// Events on standard error: which levels are written, and the lines of each format.

import { describe, expect, test } from "bun:test";

import type { LogFormat } from "../../../src/cli/args/command.ts";
import { eventSink, type Logged } from "../../../src/cli/output/log.ts";
import { type EventKind, EVENTS, type Fields, type Level, levelOf, LEVELS, toEvent } from "../../../src/kill/events.ts";
import { writtenIo } from "../support.ts";

const CLOCK = (): number => Date.UTC(2026, 10, 23, 17, 0, 0, 5);

function logged(events: readonly Logged[], level: Level = "trace", logFormat: LogFormat = "text"): string {
  const { io, out, err } = writtenIo();
  const sink = eventSink(io, { level, logFormat }, { wallClock: CLOCK });
  for (const event of events) sink(event);
  expect(out()).toBe("");
  return err();
}

const textOf = (message: string, fields: Fields = {}): string => logged([{ level: "info", message, fields }]);

describe("the level", () => {
  for (const format of ["text", "json"] as const) {
    test.each(LEVELS)(`%s shows events of its own level and more severe ones (${format})`, (level) => {
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
    // None of these may start a line, a field, or a terminal escape.
    [{ name: "x\ncgkill: error: forged" }, ' name="x\\ncgkill: error: forged"'],
    [{ name: "\u001b[2J\u202e\udcff" }, " name=\\x1b[2J\\u202e\\xff"],
    [{ names: ["a b", "c\n"] }, ' names="a b,c\\n"'],
  ])("with the fields %j ends in %s", (fields, end) => {
    expect(textOf("found pids", fields)).toBe(`cgkill: info: found pids${end}\n`);
  });

  test("shows its level and its message, sanitized", () => {
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

  test("is one object with the time and the exact values", () => {
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

describe("at the default level", () => {
  const BASE = { cgroup: "/x", version: "v2", executor_pid: 7 };
  const FIELDS: Fields = {
    ...BASE,
    pid: 12,
    from: "/x/y",
    to: "/",
    trap: "/cgkill-trap-1",
    path: "/sys/x",
    before: "max",
    pids: [1, 2],
    ancestor: "/a",
    below: "/x",
    reason: "why",
    error: "SysError: write /sys/x: permission denied (EACCES)",
    signal: "TERM",
  };
  const lineOf = (kind: EventKind, fields: Fields = FIELDS, level: Level = "info"): string =>
    logged([toEvent(kind, fields)], level);

  test.each([
    ["moved-aside", "cgkill: moved pid 12 out of /x/y to /\n"],
    ["no-kernel-kill", "cgkill: /x: cgroup.kill is not available: killing by pid\n"],
    ["grace-denied", "cgkill: warn: /x: may not send SIGTERM to any member: no grace period\n"],
    ["trap-left", "cgkill: warn: could not remove the trap /cgkill-trap-1: write /sys/x: permission denied (EACCES)\n"],
    ["moved-to-die", "cgkill: moved 2 killed processes out of the frozen /x/y to /, to die there\n"],
    ["fence-left", "cgkill: error: could not remove the fork fence: write max to /sys/x\n"],
    ["unproven", "cgkill: error: /x: kept, but not proven empty: why\n"],
  ] as const)("%s is a sentence", (kind, line) => {
    expect(lineOf(kind)).toBe(line);
  });

  test("a process moved from an unknown cgroup was moved out of the target", () => {
    expect(lineOf("moved-aside", { ...FIELDS, from: null })).toBe("cgkill: moved pid 12 out of /x to /\n");
  });

  const shown = (Object.keys(EVENTS) as EventKind[]).filter((kind) =>
    ["error", "warn", "info"].includes(levelOf(kind)),
  );

  test("several events are shown", () => expect(shown.length).toBeGreaterThan(8));

  test.each(shown)("%s is a sentence without fields, at info and at its own level", (kind) => {
    for (const level of ["info", levelOf(kind)] as const) {
      const line = lineOf(kind, FIELDS, level);
      expect(line).toMatch(/^cgkill: [^\n]+\n$/);
      expect(line).not.toMatch(/\w=|executor|\?|SysError/);
    }
  });

  test.each(shown)("%s has every field with -v and in JSON", (kind) => {
    expect(lineOf(kind, FIELDS, "debug")).toContain(" cgroup=/x version=v2 executor_pid=7 pid=12 ");
    expect(JSON.parse(logged([toEvent(kind, FIELDS)], "info", "json"))).toMatchObject(FIELDS);
  });

  test("a name cannot forge a line", () => {
    expect(lineOf("moved-aside", { ...FIELDS, from: "/x\ncgkill: error: forged" })).toBe(
      "cgkill: moved pid 12 out of /x\\ncgkill: error: forged to /\n",
    );
  });

  test("a message that is not an event is shown with its reason", () => {
    expect(logged([{ level: "warn", message: "slow", fields: { reason: "no JIT" } }], "info")).toBe(
      "cgkill: warn: slow: no JIT\n",
    );
  });
});
