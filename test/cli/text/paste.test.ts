// Every place that prints a command, with hostile names: the printed text is pasted into real shells, and runs exactly
// the intended commands.

import { describe, expect, test } from "bun:test";

import { Glob } from "bun";

import type { Command } from "../../../src/advice.ts";
import labels from "../../fixtures/labels.json";
import { BLOCKED } from "../../support/command-places/blocked.ts";
import { CALLS } from "../../support/command-places/calls.ts";
import { type Places, run, V2 } from "../../support/command-places/place.ts";
import { LABELS, PROGRAMS } from "../../support/command-places/supervisors.ts";
import { FakeKernel } from "../../support/fake-kernel/fake-kernel.ts";
import { HOSTILE, INDENTING, ORDINARY, UNPRINTABLE } from "../../support/hostile-names.ts";
import { commandLines, findStubbed, paste, shellsHere } from "../../support/paste.ts";

const ID = "ab".repeat(32);

/** Commands with no name in them that a user could choose. */
const FIXED: Places = {
  "the tools that know the names of containers": {
    from: ["cli/targets/did-you-mean.ts"],
    text: () => {
      const kernel = new FakeKernel();
      for (const path of [`machine.slice/libpod-${ID}.scope`, `docker/${ID}`]) kernel.makeGroup("v2", path);
      return run(kernel, ["kill", "--name", "no-such-container"]);
    },
    commands: () => ["docker", "podman"].map((tool) => [tool, "ps", "--no-trunc"]),
  },
  "a hierarchy that has the figures": {
    from: ["cli/commands/list.ts"],
    text: () => {
      const kernel = new FakeKernel();
      kernel.addProcess({ group: kernel.makeGroup("freezer", "x"), which: "freezer" });
      return run(kernel, ["list", "--sort", "memory"]);
    },
    commands: () => [["cgkill", "list", "--hierarchy", "memory", "--sort", "memory"]],
  },
  ...Object.fromEntries(
    labels.flatMap(({ path, supervisor }) => {
      const stop = supervisor?.stop ?? null;
      if (stop === null) return [];
      const text = (): Promise<string> => {
        const kernel = new FakeKernel();
        kernel.makeGroup("v2", path);
        return run(kernel, ["show", `${V2}${path}`]);
      };
      const from = ["label/containers.ts", "label/jobs.ts", "label/units.ts", "label/types.ts"];
      return [[`the supervisor of ${path}`, { from, text, commands: () => [stop] }]];
    }),
  ),
};

const PLACES: Places = { ...CALLS, ...BLOCKED, ...LABELS, ...PROGRAMS };
/** Files that only pass commands on, as a check of their imports finds them. */
const PASS_ON: readonly string[] = [
  ...[
    "advice.ts",
    "cgroup/errors.ts",
    "kill/errors.ts",
    "kill/events.ts",
    "run/not-started.ts",
    "cli/args/usage-error.ts",
  ],
  ...["inspect/preview-types.ts", "restart/restarter.ts", "label/label.ts"],
  ...[
    "cli/output/event-text.ts",
    "cli/output/json.ts",
    "cli/targets/report-failure.ts",
    "cli/text/quote.ts",
    "cli/text/render-advice.ts",
  ],
];

/** Imports what commands are made of, or writes one down. */
const MAKES_COMMANDS =
  /import [^;]*\b(cgkillCommand|Commands?)\b[^;]*"[./]*advice\.ts"|\b(supervisedBy|commandInside)\(|commands: \[\[/;

test("every source file that makes a command is named by a place, so that no new one is forgotten", async () => {
  const root = `${import.meta.dir}/../../../src`;
  const made: string[] = [];
  for (const file of new Glob("**/*.ts").scanSync(root)) {
    if (MAKES_COMMANDS.test(await Bun.file(`${root}/${file}`).text())) made.push(file);
  }
  const named = new Set(Object.values({ ...PLACES, ...FIXED }).flatMap(({ from }) => from));
  expect(made.filter((file) => !PASS_ON.includes(file)).sort()).toEqual([...named].sort());
});

/** `-` is standard input and `--` ends the options, so that neither is an operand. */
const isOperand = (name: string): boolean => name !== "-" && name !== "--";
const NAMES = [...ORDINARY, ...HOSTILE, ...INDENTING.filter((_, at) => at % 16 === 7)].filter(isOperand);

test("there are at least eighty names", () => {
  expect(NAMES.length).toBeGreaterThanOrEqual(80);
});

const lines = new Map<string, Command>();

const isPrintable = (command: Command): boolean => command.every((word) => !/[\0-\x1f\x7f]/.test(word));
const ONE_LINE = expect.stringMatching(/^ {4}[!-~][ -~]*$/) as string;

describe("each command is printed on its own line", () => {
  test.each(Object.entries(PLACES))("%s", async (_, { text, commands, canBeNamed = () => true }) => {
    for (const name of NAMES.filter(canBeNamed)) {
      const printed = commandLines(await text(name));
      const expected = commands(name);
      expect({ name, printed }).toEqual({ name, printed: expected.map(() => ONE_LINE) });
      for (const [at, line] of printed.entries()) lines.set(line, expected[at] as Command);
    }
  });

  test.each(Object.entries(FIXED))("%s", async (_, { text, commands }) => {
    const printed = commandLines(await text(""));
    expect(printed).toEqual(commands("").map(() => ONE_LINE));
    for (const [at, line] of printed.entries()) lines.set(line, commands("")[at] as Command);
  });

  test.each(Object.entries(PLACES))(
    "%s: no command for a name with control characters, and a line that says so",
    async (_, { text, commands, canBeNamed = () => true }) => {
      // The kernel rejects newlines in the names of cgroups.
      for (const name of UNPRINTABLE.filter((each) => !each.includes("\n")).filter(canBeNamed)) {
        const shown = await text(name);
        const expected = commands(name);
        const printed = expected.filter(isPrintable).map(() => ONE_LINE);
        expect({ name, printed: commandLines(shown) }).toEqual({ name, printed });
        const note = "  (no command is shown: a name in it has control characters; --json has it)\n";
        expect({ name, notes: shown.split(note).length - 1 }).toEqual({
          name,
          notes: expected.length - printed.length,
        });
        expect(shown).toMatch(/^[\n\x20-\u{10ffff}]*$/u);
      }
    },
  );
});

/** Each line is pasted into one of the shells, to save time; quote.test.ts pastes every word into all of them. */
describe("all of them, pasted", () => {
  const shells = shellsHere();
  const pasted = new Set<string>();
  const programOf = ([program = ""]: Command): string => program;
  for (const [turn, shell] of shells.entries()) {
    test(`into ${shell}: each line runs its command and nothing else`, () => {
      expect(lines.size).toBeGreaterThan(NAMES.length * 8);
      const stubbed = findStubbed(shell, [...lines.values()].map(programOf));
      const mine = [...lines].filter(
        ([, command], at) => at % shells.length === turn && stubbed.has(programOf(command)),
      );
      const expected = mine.map(([, command]) => command);
      const { ran, made } = paste(
        shell,
        mine.map(([line]) => line),
        expected.map(programOf),
        "C.UTF-8",
      );
      expect(made).toEqual([]);
      expect(ran).toEqual(expected);
      for (const [line] of mine) pasted.add(line);
    }, 60_000);
  }

  test.if(shells.length > 0)(
    "every program is in a line that was pasted, except the one that shells have built in",
    () => {
      const programs = new Set([...pasted].map((line) => programOf(lines.get(line) as Command)));
      const others = [...lines].filter(([, command]) => !programs.has(programOf(command)));
      expect(others.filter(([line]) => line !== "    kill -KILL 30")).toEqual([]);
    },
  );
});
