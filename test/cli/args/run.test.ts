// `cgkill run` on the command line: where its options end, and which calls are usage errors.

import { describe, expect, test } from "bun:test";

import { parseArgs } from "../../../src/cli/args/parse.ts";
import { parseLine } from "../../../src/cli/completion/unfinished-line.ts";
import { runCgkill } from "../../../src/cli/dispatch.ts";
import { FakeKernel } from "../../support/fake-kernel/fake-kernel.ts";
import { usageErrorOf, writtenIo } from "../support.ts";

function statusOf(argv: readonly string[]): Promise<number> {
  const { io } = writtenIo();
  return runCgkill(argv, { sys: new FakeKernel({ layout: "unified" }), io, abort: new AbortController().signal });
}

test.each([
  [["run", "ls"], ["ls"]],
  [
    ["run", "ls", "-t", "--json", "--", "-"],
    ["ls", "-t", "--json", "--", "-"],
  ],
  [["run", "--", "--odd"], ["--odd"]],
  [
    ["run", "--", "ls", "--"],
    ["ls", "--"],
  ],
  [
    ["run", "-v", "--limit", "5", "kill", "--limit", "6"],
    ["kill", "--limit", "6"],
  ],
  [["run", "-"], ["-"]],
  [
    ["run", "run", "run"],
    ["run", "run"],
  ],
  [
    ["run", "sh", "--help"],
    ["sh", "--help"],
  ],
])("%j runs %j", (argv, words) => {
  expect(parseArgs(argv)).toMatchObject({ kind: "run", words });
});

// Regression: they were the arguments of one call, for which the stack was too small: exit status 70.
test.each([[["run"]], [["run", "--"]]])("%j with as many words as fit into ARG_MAX", (argv) => {
  const command = ["true", ...Array<string>(700_000).fill("")];
  expect(parseArgs(argv.concat(command))).toMatchObject({ kind: "run", words: { length: command.length } });
});

test("every option has its place in the value", () => {
  const argv = "run --in /a --as b --limit 2m --report f -g 5s -s INT -t 3 --hierarchy v1 -q x".split(" ");
  expect(parseArgs(argv)).toEqual({
    kind: "run",
    words: ["x"],
    parent: "/a",
    name: "b",
    hierarchy: "v1",
    limitMs: 120_000,
    report: "f",
    graceMs: 5000,
    graceSignal: "INT",
    timeoutMs: 3000,
    output: expect.objectContaining({ quiet: true }),
  });
  expect(parseArgs(["run", "x"])).toMatchObject({ limitMs: undefined, graceMs: 0, graceSignal: "TERM" });
});

test.each([
  [["run"], "no command given"],
  [["run", "--"], "no command given"],
  [["run", ""], "the command is an empty word"],
  [["-v", "run", "x"], "run: must be the first word"],
  [["-t", "5s", "run", "x"], "run: must be the first word"],
  [["-v", "--hierarchy", "v1", "run", "sh", "-c", "exit 3"], "run: must be the first word"],
  [["run", "--as", "a/b", "x"], "--as a/b: not a cgroup name"],
  [["run", "--as", "..", "x"], "--as ..: not a cgroup name"],
  [["run", "-s", "INT", "x"], "--signal needs --grace: it is the signal of the grace period"],
  [["run", "--limit", "soon", "x"], "--limit soon: not a duration"],
  // For timeout(1) it is no limit.
  [["run", "--limit", "0", "x"], "--limit 0 leaves no time to run"],
  [["run", "--json", "x"], "cgkill run has no option --json"],
])("%j is a usage error with status 125", async (argv, message) => {
  expect(usageErrorOf(() => parseArgs(argv)).message).toBe(message);
  expect(await statusOf(argv)).toBe(125);
});

test("an empty command: the hint is that of an empty name", () => {
  expect(usageErrorOf(() => parseArgs(["run", ""])).hint).toBe("in a script, check the variable");
});

test("a word run that is the value of an option is a usage error of kill", async () => {
  expect(await statusOf(["-t", "run", "web"])).toBe(2);
});

test("--help asks for the page of run only before the command", () => {
  expect(parseArgs(["run", "--help"])).toEqual({ kind: "help", topic: "run" });
  expect(parseArgs(["help", "run"])).toEqual({ kind: "help", topic: "run" });
});

test.each([["./run"], ["/run"]])("%s is a cgroup", (name) => {
  expect(parseArgs([name])).toMatchObject({ kind: "kill", targets: [{ kind: "name", name }] });
});

describe("completion", () => {
  test("options of run are offered before its command, not after it", () => {
    expect(parseLine(["run", "--li"])).toMatchObject({ command: "run", isOperand: false, word: "--li" });
    expect(parseLine(["run", "ls", "--li"])).toMatchObject({ command: "run", isOperand: true });
  });
});
