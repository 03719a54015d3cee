// The text of --help, compared with the contract as stated here rather than with the tables that it is made from.

import { describe, expect, test } from "bun:test";

import { COMMAND_NAMES, type CommandName, COMMANDS } from "../../../src/cli/args/commands.ts";
import { optionTable } from "../../../src/cli/args/options.ts";
import { parseArgs } from "../../../src/cli/args/parse.ts";
import { renderCommandHelp, renderHelp } from "../../../src/cli/commands/help.ts";
import { runCgkill } from "../../../src/cli/dispatch.ts";
import { FakeKernel } from "../../support/fake-kernel/fake-kernel.ts";
import { writtenIo } from "../support.ts";

const LINES: readonly string[] = renderHelp().split("\n");

/** The lines from a heading to the next blank line. */
function section(title: string): readonly string[] {
  const start = LINES.indexOf(`${title}:`);
  expect(start).toBeGreaterThanOrEqual(0);
  return LINES.slice(start + 1, LINES.indexOf("", start));
}

test("every line is printable ASCII of up to 80 columns without trailing blanks, and the text ends with one newline", () => {
  for (const line of LINES) {
    expect(Bun.stringWidth(line)).toBeLessThanOrEqual(80);
    expect(line).toBe(line.trimEnd());
    expect(line).toMatch(/^[ -~]*$/);
  }
  expect(renderHelp()).toMatch(/[^\n]\n$/);
});

test.each([
  "-n, --dry-run",
  "-i, --interactive",
  "-t, --timeout DURATION",
  "-g, --grace DURATION",
  "-s, --signal NAME",
  "-m, --method METHOD",
  "-r, --remove",
  "--keep",
  "--all-hierarchies",
  "--spare PID,...",
  "--spare-to CGROUP",
  "--allow-ancestors",
  "--thaw-ancestors",
  "--abort-fuse",
  "--ignore-missing",
  "--json",
  "-q, --quiet",
  "-v, --verbose",
  "--log-level LEVEL",
  "--log-format FORMAT",
  "--color WHEN",
  "--pid PID,...",
  "--name PATTERN",
  "--hierarchy NAME",
  "-0, --null",
])("the option %s of the contract starts a line", (label) => {
  expect(LINES.filter((line) => line.trimStart().split(/ {2,}/)[0] === label)).toHaveLength(1);
});

test("every option of the table is listed once, with its letter and its explanation", () => {
  for (const { long, short, help } of optionTable()) {
    const own = LINES.flatMap((line, index) => (new RegExp(`^ +(-., )?--${long}(?![\\w-])`).test(line) ? [index] : []));
    expect(own).toHaveLength(1);
    const [line = "", next = ""] = LINES.slice(own[0]);
    if (short !== undefined) expect(line).toStartWith(` -${short}, --${long}`);
    expect(line + next).toContain(help.split(" ").slice(0, 2).join(" "));
  }
});

test("all explanations start in the same column", () => {
  for (const title of ["Which cgroup", "How to kill", "What may die", "What to list", "Output"]) {
    for (const line of section(title)) {
      if (line.trimStart().startsWith("-") && line.length <= 26) continue;
      expect(line.slice(24, 27)).toMatch(/^ {2}\S$/);
    }
  }
});

test("every exit status of the contract has a line", () => {
  const lines = section("Exit status");
  expect(lines.map((line) => line.trimStart().split(" ")[0])).toEqual([
    "0",
    "1",
    "2",
    "3",
    "4",
    "5",
    "6",
    "7",
    "130",
    "70",
    "124",
    "125",
    "126",
    "127",
  ]);
  const text = lines.join("\n");
  for (const signal of ["SIGINT, or cancelled", "128 + N for signal N"]) expect(text).toContain(signal);
});

test("every command of the contract has a usage and a line", () => {
  const usage = section("Usage").join("\n");
  const commands = section("Commands").map((line) => line.trimStart().split(" ")[0]);
  expect(usage).toContain("cgkill [kill] [options] CGROUP...");
  for (const command of ["list", "show", "freeze", "thaw", "signal", "run", "completion"]) {
    expect(usage).toContain(`cgkill ${command} `);
    expect(commands).toContain(command);
  }
});

test("the defaults are those of the contract", () => {
  const text = renderHelp().replace(/\n +/g, " ");
  for (const value of ["(default 10s)", "(default TERM)", "(default 0: SIGKILL at once)", "(default info)"]) {
    expect(text).toContain(value);
  }
  expect(text).toMatch(/--remove .*\(default on v1\)/);
  expect(text).toMatch(/--keep .*\(default on v2\)/);
});

test("the deadline is documented to start after the grace period", () => {
  const text = renderHelp().replace(/\n +/g, " ");
  expect(text).toContain("deadline for freeze, kill, wait and remove, counted after the grace period");
});

test("the interactive call without arguments is in the usage", () => {
  expect(section("Usage")[0]).toMatch(/^ cgkill {2,}on a terminal: choose interactively$/);
});

/** The options of each command, stated here rather than read from the table. */
const COMMON = ["json", "quiet", "color", "help", "version", "licenses"];
const OF_TARGETS = ["pid", "name", "all", "hierarchy", "null", "ignore-missing", "timeout"];
const OF_LOG = ["verbose", "log-level", "log-format"];
const TARGETED = [...OF_TARGETS, ...OF_LOG, ...COMMON];
const OF_KILL = ["grace", "signal", "method", "remove", "keep", "all-hierarchies", "thaw-ancestors", "abort-fuse"];
const OF_MOVES = ["spare", "spare-to", "allow-ancestors"];
const PAGES: Readonly<Record<CommandName, readonly string[]>> = {
  kill: [...TARGETED, ...OF_KILL, ...OF_MOVES, "dry-run", "interactive"],
  show: [...TARGETED, ...OF_KILL, ...OF_MOVES],
  freeze: [...TARGETED, ...OF_MOVES],
  thaw: TARGETED,
  signal: [...TARGETED, "allow-ancestors"],
  list: [...COMMON, "all", "hierarchy", "frozen", "stuck", "flat", "sort", "depth", "watch", "procs"],
  run: [
    ...OF_LOG,
    ...[
      "in",
      "as",
      "limit",
      "report",
      "hierarchy",
      "timeout",
      "grace",
      "signal",
      "quiet",
      "color",
      "help",
      "version",
      "licenses",
    ],
  ],
  completion: ["help", "version", "licenses"],
  help: ["help", "version", "licenses"],
};

describe.each(COMMAND_NAMES)("the page of %s", (name) => {
  const page = renderCommandHelp(name);

  test("fits 80 columns, and ends with one newline", () => {
    for (const line of page.split("\n")) {
      expect(line.length).toBeLessThanOrEqual(80);
      expect(line).toBe(line.trimEnd());
    }
    expect(page).toMatch(/[^\n]\n$/);
  });

  test("has the usage and the options of this command and no others", () => {
    for (const usage of COMMANDS[name].slice(1)) expect(page).toContain(usage);
    const shown = [...page.matchAll(/^ (?:-\w, | {4})--([a-z-]+)/gm)].map((match) => match[1] as string);
    expect(shown.toSorted()).toEqual([...PAGES[name]].toSorted());
  });

  test("explains options for this command only", () => {
    expect(page).not.toMatch(/with list:|with --name: every match; /);
    if (!["kill", "show", "run"].includes(name)) expect(page).not.toMatch(/SIGKILL at once|grace period|die too/);
  });

  test("has two examples, both valid calls of this command", () => {
    const lines = page.slice(page.indexOf("\nExamples:\n")).split("\n");
    const calls = lines.flatMap((line) => /^ (cgkill .*?) {2,}/.exec(line)?.[1] ?? []);
    expect(calls).toHaveLength(2);
    for (const call of calls) {
      const command = parseArgs(call.split(" ").slice(1));
      expect(command.kind === "help" && command.topic !== undefined ? "help" : command.kind).toBe(name);
    }
  });
});

test.each([[["--help"]], [["help", "run"]]])(
  "%j on a terminal of 60 columns: the right column is wrapped",
  async (argv) => {
    const { io, out } = writtenIo();
    const narrow = { ...io, size: () => ({ columns: 60, rows: 24 }) };
    await runCgkill(argv, { sys: new FakeKernel(), io: narrow, abort: new AbortController().signal });
    const options = out()
      .split("\n")
      .filter((line) => /^ +(-\w, )?--\w/.test(line));
    expect(options.length).toBeGreaterThan(10);
    for (const line of options) expect(line.length).toBeLessThanOrEqual(60);
  },
);
