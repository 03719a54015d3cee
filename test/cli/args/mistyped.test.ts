// A typing error never kills: calls with words of systemctl, docker, kubectl, ps, rm and git, on a modelled kernel where
// every cgroup that they name exists.

import { describe, expect, test } from "bun:test";

import type { Command } from "../../../src/advice.ts";
import type { TargetCommand } from "../../../src/cli/args/command.ts";
import { typingError } from "../../../src/cli/args/mistyped.ts";
import { parseArgs } from "../../../src/cli/args/parse.ts";
import { callWordsIfSafe } from "../../../src/cli/args/to-words.ts";
import { runCgkill } from "../../../src/cli/dispatch.ts";
import { FakeKernel } from "../../support/fake-kernel/fake-kernel.ts";
import { writtenIo } from "../support.ts";

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
  return { code, out: out(), err: err(), writes: kernel.writes };
}

/** The typed call, and the call that is suggested instead. */
const TYPED: ReadonlyArray<readonly [string, string]> = [
  ["cgkill ls web", "cgkill list web"],
  ["cgkill ps web", "cgkill list web"],
  ["cgkill top web", "cgkill list web"],
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
  ["cgkill stop web", "cgkill kill web"],
  ["cgkill stop web.service", "cgkill kill web.service"],
  ["cgkill rm web", "cgkill kill web"],
  ["cgkill -r rm web", "cgkill kill --remove web"],
  ["cgkill delete web db", "cgkill kill web db"],
  ["cgkill remove web", "cgkill kill web"],
  ["cgkill terminate web", "cgkill kill web"],
  ["cgkill killall web", "cgkill kill web"],
  ["cgkill pkill web", "cgkill kill web"],
  ["cgkill klil web", "cgkill kill web"],
  ["cgkill -t 5s down web", "cgkill kill -t 5000ms web"],
  ["cgkill --json prune web", "cgkill kill --json web"],
  ["cgkill hepl web", "cgkill help"],
  // No command of cgkill does that, and no word is near.
  ["cgkill restart web", "cgkill kill restart web"],
  ["cgkill exec web sh", "cgkill kill exec web sh"],
  ["cgkill frobnicate web", "cgkill kill frobnicate web"],
];

test("the table has at least forty calls", () => {
  expect(TYPED.length).toBeGreaterThanOrEqual(40);
});

test.each(TYPED)("%s: nothing is touched, and %s is suggested", async (line, right) => {
  const { code, out, err, writes } = await run(hostWith(["web", "web.service", "db", "sh"]), line);
  const word = line.split(" ").find((each) => /^[a-z-]+$/i.test(each) && !/^(cgkill|-.*)$/.test(each));
  expect(err).toStartWith(`cgkill: there is no "${word}" command, and no cgroup of that name; nothing was touched\n`);
  expect(/\n {2}hint: (?:did you mean|to kill those).*\n {4}(.*)\n$/.exec(err)?.[1]).toBe(right);
  expect([code, out, writes]).toEqual([2, "", []]);
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
  const [word, ...others] = command.targets.map((target) => (target.kind === "name" ? target.name : "-"));
  expect(command.mistyped).toBe(word as string);
  return typingError(word as string, others, (name) => callWordsIfSafe(name, command)).commands;
}

describe("the suggested call", () => {
  test("is an argument vector with every operand; with too many, no call is suggested", () => {
    const none = () => [];
    expect(typingError("ls", ["a b;reboot"], none).commands).toEqual([["cgkill", "list", "a b;reboot"]]);
    expect(suggestions(["-g", "10s", "rm", "--", "-x", "b"])).toEqual([
      ["cgkill", "kill", "-g", "10000ms", "-s", "TERM", "--", "-x", "b"],
    ]);
    const many = typingError("rm", "abcdefghi".split(""), none);
    expect([many.hint, many.commands]).toEqual(["did you mean the command kill?", []]);
  });

  test("repeats every option of a kill, and parses to the same kill", () => {
    const options = [
      ["-i"],
      ["-n"],
      ["-0"],
      ["-q"],
      ["-vv"],
      ["--json"],
      ["--log-level=trace", "--log-format=json", "--color", "never"],
      ["--hierarchy", "v2"],
      ["--all"],
      ["-t500ms"],
      ["-g", "2s", "-sHUP"],
      ["--method=freezer"],
      ["-r"],
      ["--keep", "--all-hierarchies"],
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
    ["--json -t 5s --spare 7 pause web", ["freeze --json -t 5000ms --spare 7 web"]],
    ["-0 -q resume web db", ["thaw -0 -q web db"]],
    ["-n status web", ["show web"]],
    ["-g 5s --json status web", ["show --json -g 5000ms -s TERM web"]],
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
