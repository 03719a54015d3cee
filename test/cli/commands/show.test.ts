// The output of `show`, line by line: the verdict first, the processes as a tree, no line wider than the terminal, and no
// control character from a command line.

import { describe, expect, test } from "bun:test";

import { runCgkill } from "../../../src/cli/dispatch.ts";
import { widthOf } from "../../../src/cli/text/table.ts";
import type { Preview, PreviewProcess } from "../../../src/inspect/preview-types.ts";
import { FakeKernel } from "../../support/fake-kernel/fake-kernel.ts";
import { linesOf, PROCESS } from "../../support/previews.ts";
import { MARKED, seeded, writtenIo } from "../support.ts";

/** The lines of the processes, without the headings. */
const treeOf = (processes: readonly PreviewProcess[]): string[] => linesOf({ processes }).slice(5);

/** The pid of each line, and the branches drawn before its command. */
const shapeOf = (processes: readonly PreviewProcess[]): string[] =>
  treeOf(processes).map((line) => line.replace(/^ +(\d+) .*?1 {2}( *(?:\\_ )?)sh -c work$/, "$1:$2"));

describe("the screen", () => {
  test("has the name, the verdict, the facts and the processes", () => {
    expect(linesOf({})).toEqual([
      "/batch/job7  /sys/fs/cgroup/batch/job7",
      "  would be killed: 1 process, by method kill",
      "  hierarchy v2",
      "",
      "  PID  USER  S    AGE  CPU   RSS  THR  COMMAND",
      "  100  ada   S  1m30s   2s  3.0M    1  sh -c work",
    ]);
  });

  test("colours only the name, the verdict and the headings", () => {
    expect(linesOf({}, { paint: MARKED })).toEqual([
      "<bold>/batch/job7</bold>  <dim>/sys/fs/cgroup/batch/job7</dim>",
      "  <bad>would be killed</bad>: 1 process, by method kill",
      "  hierarchy v2",
      "",
      "  <dim>PID  USER  S    AGE  CPU   RSS  THR  COMMAND</dim>",
      "  100  ada   S  1m30s   2s  3.0M    1  sh -c work",
    ]);
  });

  test("of an empty cgroup says that there is nothing to kill, and lists no process", () => {
    const empty = { populated: false, procs: 0, procsSubtree: 0, processes: [] };
    expect(linesOf(empty, { paint: MARKED }).slice(1)).toEqual([
      "  <good>nothing to kill</good>: it is empty",
      "  hierarchy v2",
    ]);
  });

  test("of a refused cgroup says first why and what to do, and lists its processes all the same", () => {
    const refusal = {
      code: "holds-ancestors",
      message: "it holds your shell",
      hint: "--allow-ancestors",
      commands: [],
    } as const;
    const lines = linesOf({ refusal }, { paint: MARKED });
    expect(lines.slice(1, 3)).toEqual([
      "  <bad>would be refused</bad>: it holds your shell",
      "  hint: --allow-ancestors",
    ]);
    expect(lines.join("\n")).not.toContain("would be killed");
    expect(lines.at(-1)).toEndWith("sh -c work");
    // The root of a hierarchy may be empty, and is refused all the same.
    expect(linesOf({ refusal: { ...refusal, hint: null, commands: [] }, populated: false, processes: [] })).toEqual([
      "/batch/job7  /sys/fs/cgroup/batch/job7",
      "  would be refused: it holds your shell",
      "  hierarchy v2",
    ]);
  });

  test("counts the processes of the whole subtree, and those that are not visible", () => {
    const preview = { procs: 1, procsSubtree: 12, invisible: 3, method: "freezer" } as const;
    const verdict = "  would be killed: 12 processes, and 3 that cannot be seen from this pid";
    expect(linesOf(preview, { columns: 120 })[1]).toBe(`${verdict} namespace, by method freezer`);
    expect(linesOf(preview).slice(1, 3)).toEqual([verdict, "      namespace, by method freezer"]);
  });

  test.each<[string, Partial<Preview>, string[]]>([
    ["a label", { label: "unit nginx.service" }, ["  unit nginx.service", "  hierarchy v2"]],
    ["memory", { memoryBytes: 1_610_612_736 }, ["  hierarchy v2", "  memory 1.5G"]],
    ["no memory at all", { memoryBytes: 0 }, ["  hierarchy v2", "  memory 0B"]],
    ["a type", { type: "domain threaded" }, ["  hierarchy v2, domain threaded"]],
    ["frozen by itself", { state: "frozen", frozenBy: "/batch" }, ["  hierarchy v2, frozen by /batch"]],
    ["freezing", { state: "freezing", hierarchy: "v1 freezer" }, ["  hierarchy v1 freezer, freezing"]],
    ["processes that are moved out", { moves: [7, 9] }, ["  hierarchy v2", "  moved out first: pid 7, 9"]],
    [
      "a supervisor that may restart it",
      { supervisor: "systemd", mayRestart: true, stop: ["systemctl", "stop", "x.service"] },
      ["  hierarchy v2", "  systemd may start it again; to stop it:", "    systemctl stop x.service"],
    ],
    [
      "a supervisor that does not restart it",
      { supervisor: "lxc", mayRestart: false, stop: ["lxc-stop", "-n", "x"] },
      ["  hierarchy v2", "  managed by lxc; to stop it:", "    lxc-stop -n x"],
    ],
  ])("%s", (_, fields, facts) => {
    const lines = linesOf(fields);
    expect(lines.slice(2, lines.indexOf(""))).toEqual(facts);
  });
});

describe("a process", () => {
  test("without a command line has its name in brackets, and without a user name its uid", () => {
    expect(treeOf([{ ...PROCESS, args: null, comm: "kworker/0:1", user: null, threads: 12 }])).toEqual([
      "  100  1000  S  1m30s   2s  3.0M   12  [kworker/0:1]",
    ]);
  });

  test("with a start time in the future has age 0", () => {
    expect(treeOf([{ ...PROCESS, startedAt: "2026-11-23T18:00:00.000Z" }])).toEqual([
      "  100  ada   S   0s   2s  3.0M    1  sh -c work",
    ]);
  });
});

describe("the tree", () => {
  const child = (pid: number, ppid: number): PreviewProcess => ({ ...PROCESS, pid, ppid });

  test("has children below their parents in order of pid, even if the pid is lower than that of the parent", () => {
    expect(shapeOf([child(103, 101), child(50, 102), child(102, 100), child(101, 100), child(100, 1)])).toEqual([
      "100:",
      "101:\\_ ",
      "103:  \\_ ",
      "102:\\_ ",
      "50:  \\_ ",
    ]);
  });

  test("has a root for each process with its parent elsewhere, in numeric order", () => {
    expect(shapeOf([child(1000, 1), child(99, 1), child(200, 999), child(201, 0)])).toEqual([
      "99:",
      "200:",
      "201:",
      "1000:",
    ]);
  });

  test("has every process once, below its own parent, for any order of the input", () => {
    const next = seeded(99);
    for (let round = 0; round < 50; round++) {
      const family = Array.from({ length: 40 }, (_, index) => child(100 + index, index === 0 ? 1 : 100 + next(index)));
      const parents = new Map(family.map(({ pid, ppid }) => [pid, ppid]));
      const mixed = family.toSorted(() => next(3) - 1);
      const path: number[] = [];
      const shapes = shapeOf(mixed);
      expect(shapes).toHaveLength(family.length);
      for (const shape of shapes) {
        const [, pid = "", drawn = ""] = /^(\d+):(.*)$/.exec(shape) ?? [];
        const depth = drawn === "" ? 0 : (drawn.length - 1) / 2;
        path.splice(depth, path.length, Number(pid));
        if (depth > 0) expect(path[depth - 1]).toBe(parents.get(Number(pid)));
      }
    }
  });

  test("can have ten thousand levels", () => {
    const line = Array.from({ length: 10_000 }, (_, index) => child(index + 1, index));
    expect(treeOf(line)).toHaveLength(10_000);
  });

  test("has both of two processes that seem to be the parent of each other", () => {
    expect(shapeOf([child(100, 101), child(101, 100)])).toHaveLength(2);
  });
});

describe("no line is wider than the terminal", () => {
  const crowd = (text: string): PreviewProcess[] =>
    Array.from({ length: 30 }, (_, index) => ({
      ...PROCESS,
      pid: 4_000_000 + index,
      ppid: index === 0 ? 1 : 4_000_000 + index - 1,
      user: "systemd-network",
      args: [text.repeat(300)],
    }));

  for (const columns of [60, 80, 200]) {
    test.each(["x", "日本", "😀 ", "\u001b[1m", "\udcff", "e\u0301"])(`%j at ${columns} columns`, (text) => {
      const lines = linesOf({ processes: crowd(text), procsSubtree: 30 }, { columns });
      expect(lines).toHaveLength(5 + 30);
      for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(columns);
      // Cut no more than necessary: a wide character may leave one column free.
      expect(lines[5]).toEndWith("~");
      expect(widthOf(lines[5] as string)).toBeGreaterThanOrEqual(columns - 1);
    });
  }

  test("on a narrow terminal the least useful columns are left out, to make room for the command", () => {
    const headsAt = (columns: number): string => linesOf({}, { columns }).at(-2) as string;
    expect(headsAt(70)).toContain("USER  S    AGE  CPU   RSS  THR  COMMAND");
    expect(headsAt(60)).toBe("  PID  USER  S    AGE  CPU  COMMAND");
    expect(headsAt(40)).toBe("  PID  S    AGE  COMMAND");
  });

  test("a command that just fits is not cut", () => {
    const columns = 70;
    const room = columns - "  100  ada   S  1m30s   2s  3.0M    1  ".length;
    const last = (length: number): string =>
      linesOf({ processes: [{ ...PROCESS, args: ["x".repeat(length)] }] }, { columns }).at(-1) as string;
    expect(last(room)).toEndWith("x".repeat(room));
    expect(last(room + 1)).toEndWith(`${"x".repeat(room - 1)}~`);
  });

  test("with the name and path of a container", () => {
    const cgroup = `/docker/${"3f2a9c41d0be".repeat(6).slice(0, 64)}`;
    for (const line of linesOf({ cgroup, path: `/sys/fs/cgroup${cgroup}` })) {
      expect(widthOf(line)).toBeLessThanOrEqual(80);
    }
  });
});

describe("fewer rows than lines", () => {
  const many = { processes: Array.from({ length: 20 }, (_, index) => ({ ...PROCESS, pid: 100 + index })) };

  test.each([
    [25, 25, undefined],
    [24, 24, "  and 2 more"],
    [9, 9, "  and 17 more"],
    [6, 6, "  and 19 more"],
    [2, 2, "  would be killed: 1 process, by method kill"],
  ])("%i rows: %i lines, with the number of processes left out", (rows, count, last) => {
    const lines = linesOf(many, { rows });
    expect(lines).toHaveLength(count);
    if (last === undefined) expect(lines.at(-1)).toEndWith("sh -c work");
    else expect(lines.at(-1)).toBe(last);
    expect(lines[0]).toStartWith("/batch/job7");
  });
});

test("control characters in names, paths, labels, users and command lines are escaped", () => {
  const hostile = "a\u001b[2J\r\n\u202eb\u200b\udc9b\u{e0041}\\";
  const shown = "a\\x1b[2J\\r\\n\\u202eb\\u200b\\x9b\\u{e0041}\\\\";
  const lines = linesOf(
    {
      cgroup: hostile,
      path: hostile,
      label: `${hostile} label`,
      state: "frozen",
      frozenBy: hostile,
      refusal: { code: "changed", message: hostile, hint: hostile, commands: [] },
      processes: [
        { ...PROCESS, cgroup: hostile, user: hostile, args: [hostile, "", "x\n"] },
        { ...PROCESS, cgroup: hostile, pid: 101, args: null, comm: hostile },
      ],
    },
    { columns: 500 },
  );
  expect(lines).toEqual([
    `${shown}  ${shown}`,
    `  would be refused: ${shown}`,
    `  hint: ${shown}`,
    `  ${shown} label`,
    `  hierarchy v2, frozen by ${shown}`,
    "",
    `  PID  USER${" ".repeat(shown.length - 4)}  S    AGE  CPU   RSS  THR  COMMAND`,
    `  100  ${shown}  S  1m30s   2s  3.0M    1  ${shown} \\x20x\\n`,
    `  101  ada${" ".repeat(shown.length - 3)}  S  1m30s   2s  3.0M    1  [${shown}]`,
  ]);
});

test("several cgroups are separated by a blank line, their JSON is not", async () => {
  const kernel = new FakeKernel({ layout: "unified" });
  for (const name of ["a", "b"]) kernel.makeGroup("v2", name);
  const shown = async (...options: string[]): Promise<string> => {
    const { io, out } = writtenIo();
    await runCgkill(["show", ...options, "a", "b"], { sys: kernel, io, abort: new AbortController().signal });
    return out();
  };
  const empty = "  nothing to kill: it is empty\n  hierarchy v2\n";
  expect(await shown()).toBe(`/a  /sys/fs/cgroup/a\n${empty}\n/b  /sys/fs/cgroup/b\n${empty}`);
  expect(await shown("--json")).not.toContain("\n\n");
  // Regression: -q was ignored.
  expect(await shown("-q")).toBe("");
});
