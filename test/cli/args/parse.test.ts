// Parsing of whole calls: options and commands in combination, and the hints of usage errors. Single options are in
// options.test.ts, their values in values.test.ts, the splitting into words in tokenize.test.ts.

import { expect, test } from "bun:test";

import type { Command } from "../../../src/cli/args/command.ts";
import { COMMAND_NAMES } from "../../../src/cli/args/commands.ts";
import { optionTable } from "../../../src/cli/args/options.ts";
import { parseArgs } from "../../../src/cli/args/parse.ts";
import { usageErrorOf } from "../support.ts";

const parse = (line: string): Command => parseArgs(line.split(" "));

test.each([
  ["kill a", { kind: "kill", targets: [{ kind: "name", name: "a" }] }],
  ["-n kill a", { kind: "show", targets: [{ kind: "name", name: "a" }] }],
  ["kill -i", { kind: "kill", targets: [], interactive: true }],
  ["-i a", { kind: "kill", targets: [{ name: "a" }], interactive: true }],
  ["thaw a b", { kind: "thaw", targets: [{ name: "a" }, { name: "b" }] }],
  ["--name web-* --all", { targets: [{ kind: "pattern", pattern: "web-*" }], all: true }],
  ["-0 -", { targets: [{ kind: "stdin" }], nullSeparated: true }],
  ["-t 500ms -g2s -s int a", { timeoutMs: 500, graceMs: 2000, graceSignal: "INT" }],
  [
    "list -a --flat --sort cpu --depth 2 batch",
    { kind: "list", all: true, flat: true, sort: "cpu", depth: 2, top: "batch" },
  ],
  ["list --watch=500ms x", { kind: "list", watchMs: 500, top: "x" }],
])("%s", (line, expected) => {
  expect(parse(line)).toMatchObject(expected as Record<string, unknown>);
});

test.each([
  ["kill", "no cgroup given"],
  ["freeze --all", "no cgroup given"],
  // As with kill -0, which asks whether a process exists. Regression: the cgroup was killed.
  ["-0 a", "-0 (--null) is about names on standard input, and needs the operand -"],
  ["kill -0 a", "-0 (--null) is about names on standard input, and needs the operand -"],
  ["-s HUP a", "--signal needs --grace: it is the signal of the grace period"],
  ["show -s HUP a", "--signal needs --grace: it is the signal of the grace period"],
  ["--spare 1 -", "--spare cannot be used with names from standard input"],
  ["--spare 1 a - b", "--spare cannot be used with names from standard input"],
  // Regression: that no cgroup was given.
  ["kill --spare web", "--spare web: not a process id"],
  ["kill -g web", "--grace web: not a duration"],
  ["--spare 1,,2 a", "--spare 1,,2: a process id is empty"],
  ["--nonsense -h", "cgkill has no option --nonsense"],
])("%s: an error that names the cause and has a hint", (line, expected) => {
  const { message, hint } = usageErrorOf(() => parse(line));
  expect(message).toBe(expected);
  expect(hint).toBeString();
});

test.each([
  ["-s HUP a", "to kill, add --grace 10s; to send only HUP, use cgkill signal\n    cgkill signal HUP a"],
  ["-i -s HUP a", "to kill, add --grace 10s; to send only HUP, use cgkill signal HUP CGROUP"],
  ["-s KILL a", "SIGKILL is sent without it: leave --signal out"],
])("%s: the hint repeats the call only if it would do no more than the given one", (line, expected) => {
  expect(usageErrorOf(() => parse(line)).hint).toBe(expected);
});

test("no two options share a name or a letter", () => {
  const names = optionTable().map(({ long }) => long);
  const letters = optionTable().flatMap(({ short }) => short ?? []);
  expect(new Set(names).size).toBe(names.length);
  expect(new Set(letters).size).toBe(letters.length);
});

test("the commands are those of the contract", () => {
  expect(COMMAND_NAMES.toSorted()).toEqual([
    "completion",
    "freeze",
    "help",
    "kill",
    "list",
    "run",
    "show",
    "signal",
    "thaw",
  ]);
});
