// A line that is indented like a command is one: whatever cgroups and processes are called, no other line is, on a
// terminal of 80 columns, into a pipe, and where a pager breaks the lines that came through a pipe.

import { describe, expect, test } from "bun:test";

import type { Command } from "../../src/advice.ts";
import { runCgkill } from "../../src/cli/dispatch.ts";
import { quote } from "../../src/cli/text/quote.ts";
import { FakeKernel } from "../support/fake-kernel/fake-kernel.ts";
import { HOSTILE, INDENTING, ORDINARY, UNPRINTABLE } from "../support/hostile-names.ts";
import { commandLines } from "../support/paste.ts";
import { screenOf } from "../support/screen.ts";
import { writtenIo } from "./support.ts";

const TOP = "/sys/fs/cgroup/freezer";
const V2 = "/sys/fs/cgroup/unified";
const COLUMNS = 80;
const ROWS = 24;

/** Run cgkill. @returns its output in the order in which it was written */
async function run(kernel: FakeKernel, argv: readonly string[], isTerminal: boolean): Promise<string> {
  let text = "";
  const write = (more: string): void => void (text += more);
  const io = {
    ...writtenIo().io,
    writeOut: write,
    writeErr: write,
    isTerminal: () => isTerminal,
    size: () => ({ columns: COLUMNS, rows: ROWS }),
  };
  await runCgkill(argv, { sys: kernel, io, abort: new AbortController().signal });
  expect(kernel.openDescriptors).toBe(0);
  return text;
}

/** The rows of the screen, as a terminal or a pager breaks the lines. */
const rowsOf = (text: string): string[] => screenOf(text.replaceAll("\n", "\r\n"), COLUMNS, ROWS).lines();

interface Scene {
  readonly kernel: FakeKernel;
  readonly argv: readonly string[];
  /** The only commands that may be printed. */
  readonly commands?: readonly Command[];
}

/** A cgroup of this name with a process of this name in it, which has a parent of this name outside. */
function inhabited(name: string, which: "v2" | "freezer" = "v2", path = `top/${name}`): FakeKernel {
  const kernel = new FakeKernel();
  const comm = name.slice(0, 15);
  const parent = kernel.addProcess({ pid: 40_000, comm });
  const group = kernel.makeGroup(which, path);
  // Pids of several lengths, which a column aligned to the right would indent differently.
  for (const pid of [3_000_000, 20_000, 7777]) kernel.addProcess({ group, which, comm, pid, ppid: parent.pid });
  return kernel;
}

function withSurvivor(name: string): FakeKernel {
  const kernel = inhabited(name);
  for (const process of kernel.processes.values()) if (process.pid > 1000) process.isStuck = true;
  return kernel;
}

function belowFrozen(name: string): FakeKernel {
  const kernel = inhabited(name, "freezer", `${name}/target`);
  kernel.makeGroup("freezer", name).isSwitchedOn = true;
  return kernel;
}

function frozenElsewhere(name: string): FakeKernel {
  const kernel = inhabited(name);
  const group = kernel.makeGroup("freezer", `ice/${name}`);
  group.isSwitchedOn = true;
  const freezer = kernel.hierarchy("freezer");
  for (const process of kernel.processes.values()) if (process.ppid === 40_000) process.groups.set(freezer, group);
  kernel.failNext("write", /freezer\/cgroup\.procs$/, "EACCES", Number.POSITIVE_INFINITY);
  return kernel;
}

function twice(name: string): FakeKernel {
  const kernel = inhabited(name);
  kernel.makeGroup("v2", `other/${name}`);
  return kernel;
}

const glob = (name: string): string => name.replaceAll(/[*?[{\\]/g, "\\$&");
const target = (name: string): string => `${V2}/top/${name}`;

const SCENES: Readonly<Record<string, (name: string) => Scene>> = {
  list: (name) => ({ kernel: inhabited(name), argv: ["list"] }),
  "list, of everything": (name) => ({ kernel: inhabited(name), argv: ["list", "--all", "--procs"] }),
  "list, flat": (name) => ({ kernel: inhabited(name), argv: ["list", "--flat", "--procs"] }),
  "list, of the cgroup itself": (name) => ({ kernel: inhabited(name), argv: ["list", "--procs", target(name)] }),
  "list, frozen": (name) => ({ kernel: belowFrozen(name), argv: ["list", "--frozen"] }),
  show: (name) => ({ kernel: inhabited(name), argv: ["show", target(name)] }),
  "show, from above": (name) => ({ kernel: inhabited(name), argv: ["show", `${V2}/top`] }),
  "show of a container": (name) => ({
    kernel: inhabited(name, "v2", `lxc/${name}`),
    argv: ["show", `${V2}/lxc/${name}`],
    commands: [["lxc-stop", "-n", name]],
  }),
  "show of what may survive": (name) => ({ kernel: withSurvivor(name), argv: ["show", target(name)] }),
  "dry run": (name) => ({ kernel: inhabited(name), argv: ["-n", "-g", "5s", "-r", target(name)] }),
  kill: (name) => ({ kernel: inhabited(name), argv: ["kill", target(name)] }),
  "kill, in detail": (name) => ({ kernel: inhabited(name), argv: ["kill", "-v", "--remove", target(name)] }),
  "kill, step by step": (name) => ({ kernel: inhabited(name), argv: ["kill", "-vv", "-m", "freezer", target(name)] }),
  freeze: (name) => ({ kernel: inhabited(name), argv: ["freeze", "-vv", target(name)] }),
  thaw: (name) => ({ kernel: inhabited(name), argv: ["thaw", "-vv", target(name)] }),
  signal: (name) => ({ kernel: inhabited(name), argv: ["signal", "-vv", "HUP", target(name)] }),
  "thaw below a frozen cgroup": (name) => ({
    kernel: belowFrozen(name),
    argv: ["thaw", `${TOP}/${name}/target`],
    commands: [["cgkill", "thaw", `${TOP}/${name}`]],
  }),
  survivors: (name) => ({ kernel: withSurvivor(name), argv: ["kill", "-t", "50ms", target(name)] }),
  "survivors that are frozen elsewhere": (name) => ({
    kernel: frozenElsewhere(name),
    argv: ["kill", "-t", "50ms", target(name)],
    commands: [["cgkill", "thaw", `${TOP}/ice/${name}`]],
  }),
  "several that match": (name) => ({ kernel: twice(name), argv: ["kill", "--name", glob(name)] }),
  "none that matches": (name) => ({ kernel: inhabited("x"), argv: ["kill", "--name", `zzzzzz-${name}`] }),
  "no such cgroup": (name) => ({ kernel: new FakeKernel(), argv: ["kill", `${V2}/${name}`] }),
  "no such file": (name) => ({ kernel: inhabited(name), argv: ["kill", `${target(name)}/cgroup.procs`] }),
  "refused: ancestors": (name) => {
    const kernel = inhabited(name);
    for (const process of kernel.processes.values()) if (process.pid === kernel.pid) process.ppid = 20_000;
    return { kernel, argv: ["kill", target(name)] };
  },
  "a method that is not available": (name) => ({
    kernel: inhabited(name),
    argv: ["kill", "-m", "sweep", target(name)],
  }),
  "a value that is not one": (name) => ({ kernel: inhabited("x"), argv: ["kill", "-t", name, "x"] }),
  "an option that is none": (name) => ({ kernel: inhabited("x"), argv: ["kill", `--zz${name}`, "x"] }),
  "a page that is none": (name) => ({ kernel: inhabited("x"), argv: ["help", name] }),
};

/** Commands that the test of each scene need not foresee, because a name decides whether they are printed. */
const ANY: readonly string[] = ["no such cgroup", "no such file", "several that match"];

/** The kernel allows no newline in the name of a cgroup. */
const NAMES = [...ORDINARY, ...HOSTILE, ...INDENTING, ...UNPRINTABLE].filter((name) => !name.includes("\n"));

describe.each([true, false])("on a terminal: %p", (isTerminal) => {
  test.each(Object.entries(SCENES))(
    "%s: every line that is indented like a command is the expected one",
    async (scene, of) => {
      for (const name of NAMES) {
        const { kernel, argv, commands = [] } = of(name);
        const text = await run(kernel, argv, isTerminal);
        const lines = commands.map(quote).flatMap((quoted) => (quoted === undefined ? [] : [`    ${quoted}`]));
        const expected = ANY.includes(scene)
          ? commandLines(text).filter((line) => /^ {4}cgkill (show|kill|list) /.test(line))
          : lines;
        expect({ name, lines: commandLines(text) }).toEqual({ name, lines: expected });
        const rows = expected.map((line) => line.slice(0, COLUMNS).trimEnd());
        expect({ name, rows: commandLines(rowsOf(text).join("\n")) }).toEqual({ name, rows });
      }
    },
  );
});

test("a process whose name has a newline: the same", async () => {
  for (const name of UNPRINTABLE.filter((each) => each.includes("\n"))) {
    for (const argv of [
      ["list", "--procs"],
      ["show", `${V2}/x`],
      ["kill", "-vv", `${V2}/x`],
    ]) {
      const kernel = new FakeKernel();
      const parent = kernel.addProcess({ comm: name });
      kernel.addProcess({ group: kernel.makeGroup("v2", "x"), which: "v2", comm: name, ppid: parent.pid });
      const text = await run(kernel, argv, true);
      expect({ name, argv, lines: commandLines(text) }).toEqual({ name, argv, lines: [] });
    }
  }
});
