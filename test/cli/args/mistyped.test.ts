// A typing error never kills: calls with words of systemctl, docker, kubectl, ps, rm and git, on a modelled kernel where
// every cgroup that they name exists.

import { describe, expect, test } from "bun:test";

import type { Command } from "../../../src/advice.ts";
import type { TargetCommand } from "../../../src/cli/args/command.ts";
import { typingError } from "../../../src/cli/args/mistyped.ts";
import { parseArgs } from "../../../src/cli/args/parse.ts";
import { runCgkill } from "../../../src/cli/dispatch.ts";
import { FakeKernel } from "../../support/fake-kernel/fake-kernel.ts";
import { usageErrorOf, writtenIo } from "../support.ts";

function hostWith(names: readonly string[]): FakeKernel {
  const kernel = new FakeKernel({ layout: "unified" });
  for (const name of names) kernel.addProcess({ group: kernel.makeGroup("v2", name), which: "v2" });
  return kernel;
}

async function run(kernel: FakeKernel, line: string) {
  const { io, out, err } = writtenIo();
  const argv = line.split(" ").slice(1);
  const code = await runCgkill(argv, { sys: kernel, io, abort: new AbortController().signal });
  expect(kernel.openDescriptors).toBe(0);
  return { code, out: out(), err: err() };
}

/** Exit status 2, nothing on standard output, no write and no signal, and every process lives. @returns the message */
async function runUntouched(line: string): Promise<string> {
  const kernel = hostWith(["web", "web.service", "db", "sh"]);
  const { code, out, err } = await run(kernel, line);
  const processes = [...kernel.processes.values()];
  // The model records writes, signals, and directories made and removed.
  expect({ code, out, writes: kernel.writes, dead: processes.filter(({ isDead }) => isDead) }).toEqual({
    code: 2,
    out: "",
    writes: [],
    dead: [],
  });
  return err;
}

/** The lines that can be pasted: those that are indented as commands. */
const pasteable = (err: string): readonly string[] =>
  err.split("\n").flatMap((line) => (/^ {4}\S/.test(line) ? [line.trim()] : []));

/** The typed call, and the call that is suggested instead. */
const TYPED: ReadonlyArray<readonly [string, string]> = [
  ["cgkill ls web", "cgkill list web"],
  ["cgkill ps web", "cgkill list web"],
  ["cgkill top web", "cgkill list web"],
  ["cgkill watch web", "cgkill list --watch web"],
  ["cgkill get web", "cgkill list web"],
  ["cgkill list-units web", "cgkill list web"],
  ["cgkill stats web", "cgkill list web"],
  ["cgkill lsit web", "cgkill list web"],
  ["cgkill lst web", "cgkill list web"],
  ["cgkill LS web", "cgkill list web"],
  ["cgkill status web", "cgkill show web"],
  ["cgkill stauts web", "cgkill show web"],
  ["cgkill status web db", "cgkill show web db"],
  ["cgkill info web", "cgkill show web"],
  ["cgkill inspect web", "cgkill show web"],
  ["cgkill describe web", "cgkill show web"],
  ["cgkill descibe web", "cgkill show web"],
  ["cgkill cat web", "cgkill show web"],
  ["cgkill logs web", "cgkill show web"],
  ["cgkill diff web", "cgkill show web"],
  ["cgkill is-active web", "cgkill show web"],
  ["cgkill shwo web", "cgkill show web"],
  ["cgkill shows web", "cgkill show web"],
  ["cgkill pause web", "cgkill freeze web"],
  ["cgkill suspend web", "cgkill freeze web"],
  ["cgkill freze web", "cgkill freeze web"],
  ["cgkill unfreeze web", "cgkill thaw web"],
  ["cgkill unpause web", "cgkill thaw web"],
  ["cgkill resume web", "cgkill thaw web"],
  ["cgkill continue web", "cgkill thaw web"],
  ["cgkill thwa web", "cgkill thaw web"],
  ["cgkill stop web", "cgkill kill -g 10s web"],
  ["cgkill stop web.service", "cgkill kill -g 10s web.service"],
  ["cgkill -g 1m --signal=INT stop web", "cgkill kill -g 60s -s INT web"],
  ["cgkill rm web", "cgkill kill web"],
  ["cgkill -r rm web", "cgkill kill --remove web"],
  ["cgkill delete web db", "cgkill kill web db"],
  ["cgkill remove web", "cgkill kill web"],
  ["cgkill terminate web", "cgkill kill web"],
  ["cgkill killall web", "cgkill kill web"],
  ["cgkill pkill web", "cgkill kill web"],
  ["cgkill klil web", "cgkill kill web"],
  ["cgkill -t 5s down web", "cgkill kill -t 5s web"],
  ["cgkill --json prune web", "cgkill kill --json web"],
  ["cgkill hepl web", "cgkill help"],
  // The same by a signal.
  ["cgkill reload web", "cgkill signal HUP web"],
  ["cgkill relaod web", "cgkill signal HUP web"],
  ["cgkill hup web db", "cgkill signal HUP web db"],
  ["cgkill HUP web", "cgkill signal HUP web"],
  ["cgkill SIGTERM web", "cgkill signal TERM web"],
  ["cgkill sigint web", "cgkill signal INT web"],
  ["cgkill STOP web", "cgkill signal STOP web"],
  ["cgkill SIGKILL web", "cgkill kill web"],
  // No word is near.
  ["cgkill frobnicate web", "cgkill kill frobnicate web"],
];

/** The typed call, and the words of the hint: no command does that, so that there is no call to paste. */
const NOT_OURS: ReadonlyArray<readonly [string, string, string]> = [
  ["cgkill restart web", "the program that manages it, such as systemctl", "--help"],
  ["cgkill restrat web", "the program that manages it, such as systemctl", "--help"],
  ["cgkill start web", "the program that manages it, such as systemctl", "--help"],
  ["cgkill try-restart web", "the program that manages it, such as systemctl", "--help"],
  ["cgkill enable web", "the program that manages it, such as systemctl", "--help"],
  ["cgkill disable web", "the program that manages it, such as systemctl", "--help"],
  ["cgkill exec web sh", "cgkill runs a command only in a new cgroup", "help run"],
  ["cgkill attach web", "cgkill runs a command only in a new cgroup", "help run"],
  ["cgkill reset-failed web", "no command of cgkill does that", "--help"],
  // Regression: the words were repeated as names of cgroups to kill, of which one exists.
  ["cgkill systemctl stop web", "write cgkill kill before names of cgroups, or cgkill run before a command", "--help"],
  ["cgkill docker kill web", "write cgkill kill before names of cgroups, or cgkill run before a command", "--help"],
  ["cgkill service restart web", "write cgkill kill before names of cgroups, or cgkill run", "--help"],
  ["cgkill mkdir web", "no command of cgkill does that", "--help"],
  ["cgkill -r checkout web", "no command of cgkill does that", "--help"],
];

/** Calls with options of kill, pkill, rm, kubectl and apt, and the call that is suggested instead. */
const OPTIONS: ReadonlyArray<readonly [string, string]> = [
  ["cgkill -9 web", "cgkill kill web"],
  ["cgkill kill -9 web db", "cgkill kill web db"],
  ["cgkill web -9", "cgkill kill web"],
  ["cgkill -KILL web", "cgkill kill web"],
  ["cgkill -SIGKILL web", "cgkill kill web"],
  ["cgkill -kill web", "cgkill kill web"],
  ["cgkill pkill -9 web", "cgkill kill web"],
  ["cgkill -9 --json -t 5s web", "cgkill kill --json -t 5s web"],
  ["cgkill -n -9 web", "cgkill kill --dry-run web"],
  ["cgkill -i -9 web", "cgkill kill --interactive web"],
  ["cgkill -HUP web", "cgkill signal HUP web"],
  ["cgkill -hup web", "cgkill signal HUP web"],
  ["cgkill -1 web", "cgkill signal HUP web"],
  ["cgkill -TERM web db", "cgkill signal TERM web db"],
  ["cgkill -15 web", "cgkill signal TERM web"],
  ["cgkill -stop web", "cgkill signal STOP web"],
  ["cgkill -34 web", "cgkill signal 34 web"],
  ["cgkill kill -USR1 web", "cgkill signal USR1 web"],
  ["cgkill killall -HUP web", "cgkill signal HUP web"],
  ["cgkill signal -HUP web", "cgkill signal HUP web"],
  ["cgkill -r -HUP --json web", "cgkill signal HUP --json web"],
  ["cgkill -f web", "cgkill kill web"],
  ["cgkill kill -f web", "cgkill kill web"],
  ["cgkill --force web db", "cgkill kill web db"],
  ["cgkill --yes web", "cgkill kill web"],
  ["cgkill rm -f web", "cgkill kill web"],
  ["cgkill rm -rf web", "cgkill kill --remove web"],
  ["cgkill rm -fr web", "cgkill kill --remove web"],
  ["cgkill delete --force web", "cgkill kill web"],
  ["cgkill stop -f web", "cgkill kill -g 10s web"],
  ["cgkill rm -f -n web", "cgkill kill --dry-run web"],
  ["cgkill pause -f web", "cgkill freeze web"],
  ["cgkill logs -f web", "cgkill show web"],
  ["cgkill signal -f HUP web", "cgkill signal HUP web"],
  ["cgkill reload -f web", "cgkill signal HUP web"],
];

/** Such options without a call to suggest: it would do more than the typed one, or is no call on cgroups. */
const OPTIONS_ALONE: readonly string[] = [
  "cgkill -9",
  "cgkill -n -HUP web",
  "cgkill show -HUP web",
  "cgkill -i -HUP web",
  "cgkill pause -f -n web",
  "cgkill freeze -9 web",
  "cgkill list -9",
  "cgkill run -9 sh",
  "cgkill -f",
  "cgkill list -f web",
  "cgkill -f -x web",
  "cgkill -9 -f web",
  "cgkill restart -f web",
];

test("the table has at least forty calls", () => {
  expect(TYPED.length).toBeGreaterThanOrEqual(40);
});

test.each(TYPED)("%s: nothing is touched, and %s is suggested", async (line, right) => {
  const err = await runUntouched(line);
  const word = line.split(" ").find((each) => /^[a-z-]+$/i.test(each) && !/^(cgkill|-.*)$/.test(each));
  expect(err).toStartWith(`cgkill: there is no "${word}" command, and no cgroup of that name; nothing was touched\n`);
  expect(err).toMatch(/\n {2}hint: (?:did you mean|to kill those)/);
  expect(pasteable(err)).toEqual([right]);
});

test.each(NOT_OURS)(
  "%s: nothing is touched, and no call is suggested, but %s; see cgkill %s",
  async (line, hint, page) => {
    const err = await runUntouched(line);
    expect(err).toContain(" command, and no cgroup of that name; nothing was touched\n");
    expect(err).toContain(hint);
    expect(err).toEndWith(`; see cgkill ${page}\n`);
    expect(pasteable(err)).toEqual([]);
  },
);

test.each(OPTIONS)("%s: nothing is touched, and %s is suggested", async (line, right) => {
  const err = await runUntouched(line);
  expect(err).toMatch(/^cgkill: cgkill (\w+ )?has no option -/);
  const hints = ["cgkill kill sends SIGKILL", "to send only \\w+, use cgkill signal", "cgkill never asks"];
  // Regression: to use cgkill signal, which it did.
  const expected = line.startsWith("cgkill signal -HUP") ? ["write HUP without the hyphen\\n"] : hints;
  expect(err).toMatch(new RegExp(`\\n {2}hint: (${expected.join("|")})`));
  expect(pasteable(err)).toEqual([right]);
  expect(() => parseArgs(right.split(" ").slice(1))).not.toThrow();
});

test.each(OPTIONS_ALONE)("%s: nothing is touched, and no call is suggested", async (line) => {
  // For `cgkill run` a usage error has a status of its own.
  const isRun = line.startsWith("cgkill run");
  const err = isRun ? (await run(hostWith(["web"]), line)).err : await runUntouched(line);
  expect(err).toMatch(/^cgkill: cgkill (\w+ )?has no option -/);
  expect(err).toContain("\n  hint: ");
  expect(pasteable(err)).toEqual([]);
});

// Regression: web died.
test.each(["cgkill \u2013n web", "cgkill web \u2014dry-run", "cgkill kill \u2013\u2013dry-run web db"])(
  "%s: nothing is touched, and the dry run is suggested",
  async (line) => {
    const err = await runUntouched(line);
    expect(err).toMatch(/^cgkill: cgkill (kill )?has no option [\u2013\u2014]/);
    expect(err).toContain("\n  hint: did you mean --dry-run? an option begins with a plain hyphen");
    expect(pasteable(err)).toEqual([]);
  },
);

// Regression: only that web is not a duration.
test.each([
  ["cgkill -it web", "to preview each cgroup and be asked, write -i alone; see cgkill --help"],
  ["cgkill -ti web sh", "to preview each cgroup and be asked, write -i alone; see cgkill --help"],
  ["cgkill kill -it", "to preview each cgroup and be asked, write -i alone; see cgkill --help"],
])("%s: -it is explained, and nothing is touched", async (line, hint) => {
  const err = await runUntouched(line);
  expect(err).toMatch(/^cgkill: -(it|ti): -t is --timeout here, and needs a duration\n/);
  expect(err).toEndWith(`\n  hint: ${hint}\n`);
});

// Regression: the answer was about --timeout, or about an option --interactive.
test.each([
  ["run -it web sh", "cgkill run has no option -it", "the command has this terminal without it; see cgkill help run"],
  ["run -ti web sh", "cgkill run has no option -ti", "the command has this terminal without it; see cgkill help run"],
  ["exec -it web sh", 'there is no "exec" command', "cgkill runs a command only in a new cgroup; see cgkill help run"],
  ["start -it web", 'there is no "start" command', expect.stringMatching(/^cgkill cannot start.*; see cgkill --help$/)],
])("%s, as docker has it: the answer is about %s", (line, message, hint) => {
  expect(usageErrorOf(() => parseArgs(line.split(" ")))).toEqual({ message, hint });
});

test("-it with a duration is -i and -t", () => {
  expect(parseArgs(["-it", "5s", "web"])).toMatchObject({ interactive: true, timeoutMs: 5000 });
});

// Regression: a word that may be a cgroup in another hierarchy was refused, and the others were killed.
test.each([
  ["is not mounted here", (kernel: FakeKernel) => void (kernel.hierarchy("v2").isMounted = false)],
  ["is hidden by another mount", (kernel: FakeKernel) => void kernel.covers.add(kernel.hierarchy("v2").point)],
])("v2 %s: nothing is touched", async (_, hide) => {
  const kernel = new FakeKernel();
  hide(kernel);
  kernel.addProcess({ group: kernel.makeGroup("freezer", "web"), which: "freezer" });
  const { code, err } = await run(kernel, "cgkill ls web");
  expect([code, kernel.writes]).toEqual([2, []]);
  expect(pasteable(err)).toEqual(["cgkill list web"]);
});

describe("not a typing error", () => {
  test.each([
    // A cgroup has that name.
    ["cgkill stop web", ["stop", "web"], 0],
    ["cgkill stop", ["web"], 3],
    ["cgkill kill stop web", ["web"], 3],
    ["cgkill -- stop web", ["web"], 3],
    ["cgkill --ignore-missing stop web", ["web"], 0],
    ["cgkill /stop web", ["web"], 3],
    ["cgkill stop/it web", ["web"], 3],
    ["cgkill stop.slice web", ["web"], 3],
    ["cgkill stop2 web", ["web"], 3],
    ["cgkill stop --name web", ["web"], 3],
    ["cgkill web stop", ["web"], 3],
  ] as const)("%s", async (line, there, status) => {
    const kernel = hostWith(there);
    const { code, err } = await run(kernel, line);
    expect(err).not.toContain("command, and no cgroup");
    const isWebNamed = line.includes("web");
    const alive = kernel.live(kernel.makeGroup("v2", "web"), kernel.hierarchy("v2"));
    expect([code, alive.length === 0]).toEqual([status, isWebNamed]);
  });

  test("a single operand cannot kill another cgroup by mistake: it is just missing", async () => {
    const { code, err } = await run(hostWith([]), "cgkill ls");
    expect(code).toBe(3);
    expect(err).toContain("did you mean the command list?");
  });
});

/** The commands suggested instead of a call, without running it. */
function suggestions(argv: readonly string[]): readonly Command[] {
  const command = parseArgs(argv) as TargetCommand;
  const [first] = command.targets;
  expect(first).toEqual({ kind: "name", name: command.mistyped as string });
  return typingError(command.mistyped as string, command).commands;
}

describe("the suggested call", () => {
  test("is an argument vector with every operand; with too many, no call is suggested", () => {
    expect(suggestions(["ls", "a b;reboot"])).toEqual([["cgkill", "list", "a b;reboot"]]);
    expect(suggestions(["-g", "10s", "rm", "--", "-x", "b"])).toEqual([
      ["cgkill", "kill", "-g", "10s", "--", "-x", "b"],
    ]);
    const many = typingError("rm", parseArgs(["rm", ..."abcdefghi"]) as TargetCommand);
    expect([many.hint, many.commands]).toEqual(["did you mean the command kill?", []]);
  });

  test("repeats every option of a kill, and parses to the same kill", () => {
    const options = [
      ["-i"],
      ["-n"],
      ["-q"],
      ["-vv"],
      ["--json"],
      ["--log-level=trace", "--log-format=json", "--color", "never"],
      ["--hierarchy", "v2"],
      ["-t500ms"],
      ["-g", "2s", "-sHUP"],
      ["--method=freezer"],
      ["-r", "--all-hierarchies"],
      ["--keep"],
      ["--spare", "12,13", "--spare-to", "/a b"],
      ["--allow-ancestors", "--thaw-ancestors"],
      ["-qrt1", "--json"],
    ];
    for (const words of options) {
      for (const argv of [
        [...words, "rm", "web", "db"],
        ["rm", "web", ...words, "--", "-x"],
      ]) {
        const [command, ...more] = suggestions(argv);
        expect([command?.slice(0, 2), more]).toEqual([["cgkill", "kill"], []]);
        const typed = parseArgs(argv) as TargetCommand;
        expect(parseArgs(command?.slice(1) ?? [])).toEqual({
          ...typed,
          targets: typed.targets.slice(1),
          mistyped: undefined,
        });
      }
    }
  });

  test.each([
    // Only the options that the other command also has.
    ["-q --json --hierarchy v2 ls web", ["list --hierarchy v2 --json -q web"]],
    ["-t 5s ls web", ["list web"]],
    ["tree web db", ["list web", "list db"]],
    ["--json -t 5s --spare 7 pause web", ["freeze --json -t 5s --spare 7 web"]],
    ["-q resume web db", ["thaw -q web db"]],
    ["-n status web", ["show web"]],
    ["-g 5s --json status web", ["show --json -g 5s web"]],
    ["-r --json sginal HUP web", ["signal HUP --json web"]],
    // The help page instead of a call that would do more than the typed one, or would be invalid.
    ["-n pause web", ["help freeze"]],
    ["-i unfreeze web", ["help thaw"]],
    ["-i ls web", ["list web"]],
    ["sginal web", ["help signal"]],
    ["sginal web HUP", ["help signal"]],
    ["signl KILL web", ["help signal"]],
    ["completoin fish", ["completion fish"]],
    ["completoin tcsh", ["help completion"]],
    ["man freeze", ["help freeze"]],
    ["man web", ["help"]],
  ] as const)("cgkill %s: %j", (line, expected) => {
    const commands = suggestions(line.split(" "));
    expect(commands.map((command) => command.slice(1).join(" "))).toEqual([...expected]);
    for (const [, ...argv] of commands) expect(() => parseArgs(argv)).not.toThrow();
  });
});

test.each([
  ["cgkill rm --dry-run web", "cgkill kill --dry-run web"],
  ["cgkill rm --hierarchy v2 -m freezer web", "cgkill kill --hierarchy v2 -m freezer web"],
  ["cgkill status --hierarchy v2 web", "cgkill show --hierarchy v2 web"],
  ["cgkill usage --hierarchy v2 web", "cgkill help"],
])("%s: %s, which does no more and acts in no other hierarchy", async (typed, meant) => {
  const { code, err } = await run(hostWith(["web"]), typed);
  expect({ code, last: err.trimEnd().split("\n").at(-1) }).toEqual({ code: 2, last: `    ${meant}` });
});
