// Parsing of typical calls, valid and invalid.

import { expect, test } from "bun:test";

import type { Command, TargetCommand } from "../../../src/cli/args/command.ts";
import { COMMAND_NAMES } from "../../../src/cli/args/commands.ts";
import { OPTIONS } from "../../../src/cli/args/options.ts";
import { parseArgs } from "../../../src/cli/args/parse.ts";
import { UsageError } from "../../../src/cli/args/usage-error.ts";
import { renderAdvice } from "../../../src/cli/text/render-advice.ts";

const parse = (line: string): Command => parseArgs(line === "" ? [] : line.split(" "));
const parseKill = (line: string): TargetCommand => parse(line) as TargetCommand;

test.each([
  ["batch/job7", { kind: "kill", targets: [{ kind: "name", name: "batch/job7" }] }],
  ["-- -rf", { kind: "kill", targets: [{ kind: "name", name: "-rf" }] }],
  ["./list", { kind: "kill", targets: [{ kind: "name", name: "./list" }] }],
  ["/show", { kind: "kill", targets: [{ kind: "name", name: "/show" }] }],
  ["kill a", { kind: "kill", targets: [{ kind: "name", name: "a" }] }],
  ["kill kill", { kind: "kill", targets: [{ kind: "name", name: "kill" }] }],
  ["-n kill a", { kind: "show", targets: [{ kind: "name", name: "a" }] }],
  ["./kill", { kind: "kill", targets: [{ kind: "name", name: "./kill" }] }],
  ["-- kill", { kind: "kill", targets: [{ kind: "name", name: "kill" }] }],
  ["kill -i", { kind: "kill", targets: [], interactive: true }],
  ["-- list", { kind: "kill", targets: [{ kind: "name", name: "list" }] }],
  ["show a", { kind: "show", targets: [{ kind: "name", name: "a" }] }],
  ["a show", { kind: "kill", targets: [{ name: "a" }, { name: "show" }] }],
  ["-n a", { kind: "show" }],
  ["freeze a", { kind: "freeze" }],
  ["thaw a b", { kind: "thaw", targets: [{ name: "a" }, { name: "b" }] }],
  [
    "--pid 12 --pid=13",
    {
      targets: [
        { kind: "pid", pid: 12 },
        { kind: "pid", pid: 13 },
      ],
    },
  ],
  ["--name web-* --all", { targets: [{ kind: "pattern", pattern: "web-*" }], all: true }],
  ["-0 -", { targets: [{ kind: "stdin" }], nullSeparated: true }],
  ["a", { timeoutMs: 10_000, graceMs: 0, graceSignal: "TERM", method: "auto", ignoreMissing: false }],
  ["-t 500ms -g2s -s int a", { timeoutMs: 500, graceMs: 2000, graceSignal: "INT" }],
  ["-t 1 -t 2 a", { timeoutMs: 2000 }],
  ["--spare 1,2 --spare 3 a", { spare: [1, 2, 3] }],
  ["-i a", { kind: "kill", interactive: true }],
  ["", { kind: "kill", targets: [], interactive: false }],
  ["list", { kind: "list", top: undefined, all: false, sort: "name", watchMs: undefined }],
  [
    "list -a --flat --sort cpu --depth 2 batch",
    { kind: "list", all: true, flat: true, sort: "cpu", depth: 2, top: "batch" },
  ],
  ["list -w", { kind: "list", watchMs: 2000 }],
  ["list --watch=500ms x", { kind: "list", watchMs: 500, top: "x" }],
  ["list --watch x", { kind: "list", watchMs: 2000, top: "x" }],
  ["completion zsh", { kind: "completion", shell: "zsh" }],
  ["help", { kind: "help" }],
  ["--nonsense-free -h", undefined],
  ["a -h", { kind: "help" }],
  ["-V", { kind: "version" }],
])("%s", (line, expected) => {
  if (expected === undefined) expect(() => parse(line)).toThrow(UsageError);
  else expect(parse(line)).toMatchObject(expected as Record<string, unknown>);
});

test.each([
  ["a", undefined],
  ["-r a", true],
  ["--keep a", false],
] as const)("%s: removal is %p", (line, remove) => {
  expect(parseKill(line).remove).toBe(remove as boolean);
});

test.each([
  ["a", "info"],
  ["-v a", "debug"],
  ["-vv a", "trace"],
  ["-q a", "error"],
  ["-q --log-level trace a", "trace"],
])("%s: events from %s on", (line, level) => {
  expect(String(parseKill(line).output.level)).toBe(level);
});

test.each([
  ["--json", "no cgroup given"],
  ["show", "no cgroup given"],
  ["kill", "no cgroup given"],
  ["-s HUP a", "--signal needs --grace: it is the signal of the grace period"],
  ["show -s HUP a", "--signal needs --grace: it is the signal of the grace period"],
  ["--spare 1 -", "--spare cannot be used with names from standard input"],
  ["--spare 1 a - b", "--spare cannot be used with names from standard input"],
  ["freeze --all", "no cgroup given"],
  ["--remove --keep a", "--remove cannot be used with --keep"],
  ["-i --json a", "--interactive cannot be used with --json"],
  ["-i -n a", "--interactive cannot be used with --dry-run"],
  ["list --remove", "cgkill list has no option --remove"],
  ["thaw --grace 1 a", "cgkill thaw has no option --grace"],
  ["--frozen a", "cgkill kill has no option --frozen"],
  ["list a b", "cgkill list takes at most one cgroup"],
  ["completion", "cgkill completion takes the name of one shell"],
  ["completion tcsh", "there is no completion script for tcsh"],
  ["--timeout", "--timeout needs a value"],
  ["-t", "-t needs a value"],
  ["-t soon a", "--timeout soon: not a duration"],
  ["--json=1 a", "--json takes no value"],
  ["--pid 0", "--pid 0: not a process id"],
  ["--pid -1", "--pid -1: not a process id"],
  ["--pid 1e3", "--pid 1e3: not a process id"],
  ["--spare 1,,2 a", "--spare : not a process id"],
  ["-s FOO a", "--signal FOO: not a signal"],
  ["-m nuke a", "--method nuke: invalid value"],
  ["list --depth x", "--depth x: not a whole number"],
  ["-z a", "cgkill has no option -z"],
])("%s: an error that names the cause and has a hint", (line, message) => {
  expect.assertions(2);
  try {
    parse(line);
  } catch (error) {
    expect((error as UsageError).message).toStartWith(message);
    expect(renderAdvice(error as UsageError)).toStartWith("  hint: ");
  }
});

test("a mistyped option: the right one is suggested", () => {
  expect(() => parse("--tiemout 1 a")).toThrow(expect.objectContaining({ hint: "did you mean --timeout?" }));
});

test("no two options share a name or a letter", () => {
  const names = OPTIONS.map(({ long }) => long);
  const letters = OPTIONS.flatMap(({ short }) => short ?? []);
  expect(new Set(names).size).toBe(names.length);
  expect(new Set(letters).size).toBe(letters.length);
});

test("the commands are those of the contract", () => {
  expect([...COMMAND_NAMES].sort()).toEqual(["completion", "freeze", "help", "kill", "list", "show", "signal", "thaw"]);
});
