// Every place that prints a command, with hostile names: the printed text is pasted into real shells, and runs exactly
// the intended command.

import { describe, expect, test } from "bun:test";

import type { Command } from "../../../src/advice.ts";
import { findHierarchies } from "../../../src/cgroup/open/hierarchy.ts";
import { openCgroup } from "../../../src/cgroup/open/open.ts";
import type { TargetCommand } from "../../../src/cli/args/command.ts";
import { parseArgs } from "../../../src/cli/args/parse.ts";
import { runCgkill } from "../../../src/cli/dispatch.ts";
import { equivalentOf } from "../../../src/cli/interactive/confirmed-kill.ts";
import { renderFailure } from "../../../src/cli/output/outcome-text.ts";
import { renderCommand } from "../../../src/cli/text/render-advice.ts";
import { compileGlob } from "../../../src/inspect/glob.ts";
import { newContext } from "../../../src/kill/context.ts";
import { resultOfError, resultOfKill } from "../../../src/kill/outcome.ts";
import { guardIdentity } from "../../../src/kill/plan/identity.ts";
import { planKill } from "../../../src/kill/plan/plan.ts";
import { DEFAULT_OPTIONS, type KillOutcome } from "../../../src/kill/types.ts";
import { FakeKernel } from "../../support/fake-kernel/fake-kernel.ts";
import { HOSTILE, ORDINARY, UNPRINTABLE } from "../../support/hostile-names.ts";
import { commandLines, paste, shellsHere } from "../../support/paste.ts";
import { PLAIN, writtenIo } from "../support.ts";

const TOP = "/sys/fs/cgroup/freezer";
const V2 = "/sys/fs/cgroup/unified";

async function run(kernel: FakeKernel, argv: readonly string[]): Promise<string> {
  const { io, out, err } = writtenIo();
  await runCgkill(argv, { sys: kernel, io, abort: new AbortController().signal });
  expect(kernel.openDescriptors).toBe(0);
  return out() + err();
}

/** A target below a frozen cgroup with this name. */
function belowFrozen(name: string): FakeKernel {
  const kernel = new FakeKernel();
  kernel.addProcess({ group: kernel.makeGroup("freezer", `${name}/target`), which: "freezer" });
  kernel.makeGroup("freezer", name).isSwitchedOn = true;
  return kernel;
}

const opened = (kernel: FakeKernel, path: string) => openCgroup(kernel, findHierarchies(kernel), path);
const failureText = ({ error }: Pick<KillOutcome, "error">): string => (error ? renderFailure(error, PLAIN) : "");
const endOfOptions = (name: string): readonly string[] => (name.startsWith("-") && name !== "-" ? ["--"] : []);

/** A name with one of these that is not a cgroup is treated as a pattern. */
const isGlob = (name: string): boolean => /[*?[{]/.test(name);
const globOr = (typed: string, verb: string, other: Command): Command =>
  isGlob(typed) ? ["cgkill", verb, "--name", typed] : ["cgkill", ...other];

const TASK = "0123456789abcdef0123456789abcdef";

interface Place {
  readonly text: (name: string) => Promise<string>;
  readonly command: (name: string) => Command;
}

const PLACES: Readonly<Record<string, Place>> = {
  "thaw below a frozen ancestor": {
    text: (name) => run(belowFrozen(name), ["thaw", `${TOP}/${name}/target`]),
    command: (name) => ["cgkill", "thaw", `${TOP}/${name}`],
  },
  "a kill that is refused below a frozen ancestor": {
    text: (name) => {
      const kernel = belowFrozen(name);
      kernel.isWritable = () => false;
      return run(kernel, ["kill", `${TOP}/${name}/target`]);
    },
    command: (name) => ["cgkill", "thaw", `${TOP}/${name}`],
  },
  "show of what would be refused": {
    text: (name) => {
      const kernel = belowFrozen(name);
      kernel.isWritable = () => false;
      return run(kernel, ["show", `${TOP}/${name}/target`]);
    },
    command: (name) => ["cgkill", "thaw", `${TOP}/${name}`],
  },
  "a survivor that is frozen elsewhere": {
    text: (name) => {
      const kernel = new FakeKernel();
      const target = kernel.makeGroup("v2", "target");
      const group = kernel.makeGroup("freezer", name);
      group.isSwitchedOn = true;
      kernel.addProcess({ group: target, which: "v2" }).groups.set(kernel.hierarchy("freezer"), group);
      kernel.failNext("write", /freezer\/cgroup\.procs$/, "EACCES", Number.POSITIVE_INFINITY);
      return run(kernel, ["kill", "-t", "50ms", `${V2}/target`]);
    },
    command: (name) => ["cgkill", "thaw", `${TOP}/${name}`],
  },
  "a threaded cgroup": {
    text: (name) => {
      const kernel = new FakeKernel();
      const outside = kernel.makeGroup("v2", name);
      const target = kernel.makeGroup("v2", `${name}/target`);
      target.isThreaded = true;
      kernel.addProcess({ group: target, which: "v2", otherThreads: [{ tid: 9000, group: outside }] });
      return run(kernel, ["kill", `${V2}/${name}/target`]);
    },
    command: (name) => ["cgkill", "show", `${V2}/${name}`],
  },
  "a cgroup that could not be thawed": {
    text: async (name) => {
      const kernel = belowFrozen(name);
      const plan = await planKill(kernel, opened(kernel, `${TOP}/${name}/target`), DEFAULT_OPTIONS);
      const control = { deadline: kernel.now(), abort: new AbortController().signal, onEvent: () => {} };
      const ctx = newContext(kernel, plan, control);
      ctx.record.leftFrozen.add(`${TOP}/${name}`);
      return failureText(resultOfKill(ctx, []));
    },
    command: (name) => ["cgkill", "thaw", `${TOP}/${name}`],
  },
  "a cgroup that was re-created": {
    text: async (name) => {
      const kernel = new FakeKernel();
      const group = kernel.makeGroup("v2", `top/${name}`);
      const cgroup = opened(kernel, `${V2}/top/${name}`);
      kernel.removeGroup(group);
      kernel.makeGroup("v2", `top/${name}`);
      try {
        guardIdentity(kernel, cgroup);
      } catch (error) {
        return failureText(resultOfError(error));
      }
      throw new Error("not refused");
    },
    command: (name) => ["cgkill", "show", `${V2}/top/${name}`],
  },
  "did you mean, a path": {
    text: (name) => {
      const kernel = new FakeKernel();
      kernel.makeGroup("v2", `web-${name}`);
      return run(kernel, ["kill", `/web-${name}x`]);
    },
    command: (name) => globOr(`web-${name}x`, "kill", ["show", `/web-${name}`]),
  },
  "did you mean, a directory": {
    text: (name) => {
      const kernel = new FakeKernel();
      kernel.makeGroup("freezer", `web-${name}`);
      return run(kernel, ["thaw", `${TOP}/web-${name}x`]);
    },
    command: (name) => globOr(`web-${name}x`, "thaw", ["show", `${TOP}/web-${name}`]),
  },
  "did you mean, a pattern": {
    text: (name) => {
      const kernel = new FakeKernel();
      kernel.makeGroup("v2", `web-${name}`);
      return run(kernel, ["kill", "--name", `web-${name}xy`]);
    },
    command: (name) => ["cgkill", "show", `${V2}/web-${name}`],
  },
  "a name that --name finds": {
    text: (name) => {
      const kernel = new FakeKernel();
      kernel.makeGroup("v2", `top/web-${name}`);
      return run(kernel, ["freeze", "--hierarchy", "v2", `web-${name}`]);
    },
    command(name) {
      const where = ["--hierarchy", "v2"];
      const own = `web-${name}`;
      const isFound = isGlob(own) || compileGlob(own)(own);
      return isFound ? ["cgkill", "freeze", ...where, "--name", own] : ["cgkill", "show", `${V2}/top/${own}`];
    },
  },
  "a mistyped command": {
    text: (name) => run(new FakeKernel(), ["lst", "--", name]),
    command: (name) => ["cgkill", "list", ...endOfOptions(name), name],
  },
  "a kill by another word": {
    text: (name) => run(new FakeKernel(), ["rm", "-g", "5s", "--spare-to", name, "--", name]),
    command: (name) => [
      "cgkill",
      "kill",
      "-g",
      "5000ms",
      "-s",
      "TERM",
      "--spare-to",
      name,
      ...endOfOptions(name),
      name,
    ],
  },
  "SIGKILL by cgkill signal": {
    text: (name) => run(new FakeKernel(), ["signal", "KILL", "--pid", "7", "--", name]),
    command: (name) => ["cgkill", "kill", "--pid", "7", ...endOfOptions(name), name],
  },
  "a signal without a grace period": {
    text: (name) => run(new FakeKernel(), ["-s", "HUP", "--json", "--", name]),
    command: (name) => ["cgkill", "signal", "HUP", "--json", ...endOfOptions(name), name],
  },
  "only files of a cgroup": {
    text: (name) => {
      const kernel = new FakeKernel();
      kernel.makeGroup("v2", name);
      return run(kernel, [`${V2}/${name}/cgroup.procs`, `${V2}/${name}/cgroup.type`]);
    },
    command: (name) => ["cgkill", "show", `${V2}/${name}`],
  },
  "the non-interactive equivalent": {
    text: async (name) => {
      const kernel = new FakeKernel();
      kernel.makeGroup("v2", name);
      const plan = await planKill(kernel, opened(kernel, `${V2}/${name}`), DEFAULT_OPTIONS);
      return renderCommand(equivalentOf(plan, parseArgs(["-i", "--spare-to", name, "x"]) as TargetCommand));
    },
    command: (name) => ["cgkill", "kill", "--spare-to", name, `${V2}/${name}`],
  },
  "the non-interactive equivalent for twins": {
    text: async (name) => {
      const kernel = new FakeKernel();
      for (const which of ["v2", "freezer"] as const) kernel.makeGroup(which, name);
      const plan = await planKill(kernel, opened(kernel, `${V2}/${name}`), DEFAULT_OPTIONS);
      const twin = await planKill(kernel, opened(kernel, `${TOP}/${name}`), DEFAULT_OPTIONS);
      const menuResult = { ...plan, twin, options: { ...plan.options, remove: true } };
      return renderCommand(equivalentOf(menuResult, parseArgs(["-i", "x"]) as TargetCommand));
    },
    command: (name) => ["cgkill", "kill", "--remove", `/${name}`],
  },
  "two targets with one path": {
    text: async (name) => {
      const kernel = new FakeKernel();
      for (const which of ["v2", "freezer"] as const) {
        kernel.addProcess({ group: kernel.makeGroup(which, `top/${name}`), which });
      }
      const text = await run(kernel, ["kill", `/top/${name}`]);
      return text.replace(/\n {4}cgkill show .*(freezer).*(?=\n)/, "");
    },
    command: (name) => ["cgkill", "show", `${V2}/top/${name}`],
  },
  "the supervisor, in show": {
    text: (name) => {
      const kernel = new FakeKernel();
      kernel.makeGroup("v2", `lxc/${name}`);
      return run(kernel, ["show", `${V2}/lxc/${name}`]);
    },
    command: (name) => ["lxc-stop", "-n", name],
  },
  "the supervisor, after a kill": {
    text: (name) => {
      const kernel = new FakeKernel();
      kernel.addProcess({ group: kernel.makeGroup("v2", `ecs/${name}/${TASK}`), which: "v2" });
      return run(kernel, ["kill", `${V2}/ecs/${name}/${TASK}`]);
    },
    command: (name) => ["aws", "ecs", "stop-task", `--cluster=${name}`, "--task", TASK],
  },
};

/** `-` is standard input and `--` ends the options, so that neither is an operand. */
const isOperand = (name: string): boolean => name !== "-" && name !== "--";
const NAMES = [...ORDINARY, ...HOSTILE].filter(isOperand);

test("there are at least eighty names", () => {
  expect(NAMES.length).toBeGreaterThanOrEqual(80);
});

const lines = new Map<string, Command>();

describe("one command is printed, on its own line", () => {
  test.each(Object.entries(PLACES))("%s", async (_, { text, command }) => {
    for (const name of NAMES) {
      const printed = commandLines(await text(name));
      expect({ name, printed }).toEqual({ name, printed: [expect.stringMatching(/^ {4}[!-~][ -~]*$/)] });
      lines.set(printed[0] ?? "", command(name));
    }
  });

  test.each(Object.entries(PLACES))(
    "%s: no command for a name with control characters, and a line that says so",
    async (_, at) => {
      // The kernel rejects newlines in names.
      for (const name of UNPRINTABLE.filter((each) => !each.includes("\n"))) {
        const text = await at.text(name);
        expect({ name, printed: commandLines(text), text }).toEqual({
          name,
          printed: [],
          text: expect.stringContaining("(no command is shown: a name in it has control characters; --json has it)\n"),
        });
        expect(text).toMatch(/^[\n\x20-\u{10ffff}]*$/u);
      }
    },
  );
});

/** Each line is pasted into one of the shells, to save time; quote.test.ts pastes every word into all of them. */
describe("all of them, pasted", () => {
  const shells = shellsHere();
  for (const [turn, shell] of shells.entries()) {
    test(`into ${shell}: each line runs its command and nothing else`, () => {
      const mine = [...lines].filter((_, at) => at % shells.length === turn);
      const expected = mine.map(([, command]) => command);
      expect(lines.size).toBeGreaterThan(NAMES.length * 8);
      const programs = new Set(expected.map(([program = ""]) => program));
      const { ran, made } = paste(
        shell,
        mine.map(([line]) => line),
        programs,
        "C.UTF-8",
      );
      expect(made).toEqual([]);
      expect(ran).toEqual(expected);
    }, 60_000);
  }
});
