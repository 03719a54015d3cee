// Every name is resolved before the first target is acted on: an invalid one touches nothing, and a cgroup that an earlier
// target emptied or removed is dead, not missing.

import { describe, expect, test } from "bun:test";

import { runCgkill } from "../../../src/cli/dispatch.ts";
import { SysError } from "../../../src/sys/errno.ts";
import type { Sys } from "../../../src/sys/sys.ts";
import { documents } from "../../support/documents.ts";
import { FakeKernel } from "../../support/fake-kernel/fake-kernel.ts";
import { writtenIo } from "../support.ts";

const WHICH = { v1: "freezer", v2: "v2" } as const;

function kernelWith(version: "v1" | "v2", names: readonly string[]): FakeKernel {
  const kernel = new FakeKernel();
  for (const name of names) {
    kernel.addProcess({ group: kernel.makeGroup(WHICH[version], name), which: WHICH[version] });
  }
  return kernel;
}

async function run(kernel: FakeKernel, argv: readonly string[], sys: Sys = kernel) {
  const { io, out, err } = writtenIo();
  const code = await runCgkill(["--json", ...argv], { sys, io, abort: new AbortController().signal });
  expect(kernel.openDescriptors).toBe(0);
  return { code, reports: documents(out()), err: err() };
}

const brief = ({ cgroup, outcome, removed }: Record<string, unknown>): string =>
  `${String(outcome)} ${String(cgroup)}${removed === true ? " removed" : ""}`;

const errorCode = ({ error }: Record<string, unknown>): unknown => (error as { code: string } | null)?.code;

const dies = (kernel: FakeKernel): number =>
  [...kernel.processes.values()].filter(({ killedAt }) => killedAt !== undefined).length;

describe("nested and repeated targets are dead, not missing", () => {
  test.each<["v1" | "v2", readonly string[], readonly string[]]>([
    ["v1", ["/x", "/x"], ["killed /x removed", "empty /x removed"]],
    ["v2", ["/x", "/x"], ["killed /x", "empty /x"]],
    ["v2", ["-r", "/x", "/x"], ["killed /x removed", "empty /x removed"]],
    ["v1", ["/x", "/x/sub"], ["killed /x removed", "empty /x/sub removed"]],
    ["v2", ["-r", "/x", "/x/sub"], ["killed /x removed", "empty /x/sub removed"]],
    ["v2", ["-r", "-m", "kill", "/x", "/x/sub"], ["killed /x removed", "empty /x/sub removed"]],
    ["v1", ["/x/sub", "/x"], ["killed /x/sub removed", "killed /x removed"]],
    ["v1", ["--name", "{x,sub}", "--all"], ["killed /x removed", "empty /x/sub removed"]],
    ["v2", ["-r", "/x/sub", "--name", "sub"], ["killed /x/sub removed", "empty /x/sub removed"]],
  ])("%s %j", async (version, argv, expected) => {
    const { code, reports } = await run(kernelWith(version, ["x", "x/sub"]), ["--hierarchy", version, ...argv]);
    expect(reports.map(brief)).toEqual([...expected]);
    expect(reports.every(({ proven, error }) => proven === true && error === null)).toBe(true);
    expect(code).toBe(0);
  });

  test("--pid of a process in the target and of one below it", async () => {
    const kernel = kernelWith("v1", ["x", "x/sub"]);
    const pids = [...kernel.processes.values()].filter(({ groups }) => groups.size > 0).map(({ pid }) => pid);
    const [first, second] = pids.slice(-2);
    const { code, reports } = await run(kernel, ["--hierarchy", "v1", "--pid", `${first}`, "--pid", `${second}`]);
    expect(reports.map(brief)).toEqual(["killed /x removed", "empty /x/sub removed"]);
    expect(code).toBe(0);
  });

  test("more targets than are kept open", async () => {
    const subs = Array.from({ length: 100 }, (_, at) => `x/sub${at}`);
    const kernel = kernelWith("v1", ["x", ...subs]);
    let openAtFirstWrite: number | undefined;
    kernel.onAccess = (operation) => {
      if (operation === "write") openAtFirstWrite ??= kernel.openDescriptors;
    };
    const { code, reports } = await run(kernel, ["/x", ...subs.map((name) => `/${name}`)]);
    expect(reports.map(brief)).toEqual(["killed /x removed", ...subs.map((name) => `empty /${name} removed`)]);
    expect(code).toBe(0);
    expect(openAtFirstWrite).toBeLessThan(40);
  });
});

describe("a target that vanishes", () => {
  /** Run a call during which the target vanishes at the n-th access after it was opened. */
  async function vanishing(argv: readonly string[], at: number) {
    const kernel = kernelWith("v2", ["x"]);
    const group = kernel.makeGroup("v2", "x");
    let opened = false;
    let left = at;
    kernel.onAccess = (operation, path) => {
      opened ||= operation === "open" && /\/unified\/x$/.test(path);
      if (!opened || left-- !== 0) return;
      for (const process of kernel.live(group, kernel.hierarchy("v2"))) process.isDead = true;
      kernel.removeGroup(group);
    };
    const { code, reports } = await run(kernel, argv);
    return { code, reports: reports.map(({ outcome }) => outcome), isReached: left < 0 };
  }

  test.each<[readonly string[], readonly number[]]>([
    [["/x"], [0]],
    [["-r", "/x"], [0]],
    [["-m", "kill", "/x"], [0]],
    [["-m", "freezer", "/x"], [0]],
    // 0 if it vanishes after the preview was read.
    [
      ["show", "/x"],
      [3, 0],
    ],
    [["show", "--ignore-missing", "/x"], [0]],
  ])("%j, at every access: exit %j", async (argv, codes) => {
    const seen = new Set<number>();
    for (let at = 1; ; at++) {
      const { code, reports, isReached } = await vanishing(argv, at);
      if (!isReached) break;
      expect({ at, code, reports, isExpected: codes.includes(code) }).toMatchObject({ isExpected: true });
      seen.add(code);
    }
    expect(seen.has(codes[0] as number)).toBe(true);
  });
});

// Regression: method freezer, because a removed cgroup has no cgroup.kill.
test.each(["v2", "v1"] as const)("%s: a target that an earlier one has removed has no method", async (version) => {
  const kernel = kernelWith(version, ["a", "a/b"]);
  const { code, reports } = await run(kernel, ["-r", "/a", "/a/b"]);
  expect(code).toBe(0);
  expect(reports[1]).toMatchObject({ outcome: "empty", method: null, removed: true, proven: true });
});

// Regression: it counted as removed: exit status 0, with its process alive.
test.each([
  ["it is renamed", "p/q/last", "once"],
  ["its ancestor is renamed", "p", "once"],
  ["its ancestor is renamed, and another made with its name", "p", "replaced"],
  ["its ancestor is renamed without end", "p", "again"],
  ["its parent is renamed", "p/q", "once"],
  ["its parent is renamed without end", "p/q", "again"],
] as const)("a v1 cgroup that was closed again, and before its turn %s: refused", async (_, renamed, how) => {
  const names = ["p/q/last", ...Array.from({ length: 40 }, (_, at) => `x${at}`)];
  const kernel = kernelWith("v1", names);
  const last = kernel.makeGroup("freezer", "p/q/last");
  const group = kernel.makeGroup("freezer", renamed);
  let renames = 0;
  kernel.onAccess = (operation) => {
    if (renames === 0 ? operation !== "write" : how !== "again") return;
    kernel.renameGroup(group, `other${renames++}`);
    if (how === "replaced") kernel.makeGroup("freezer", renamed);
  };
  const { code, reports } = await run(
    kernel,
    [...names.slice(1), "p/q/last"].map((name) => `/${name}`),
  );
  expect(reports.at(-1)).toMatchObject({ outcome: "refused", error: { code: "changed" } });
  expect([code, kernel.live(last, kernel.hierarchy("freezer")).length]).toEqual([4, 1]);
});

describe("an invalid name or option touches no target", () => {
  const NAMES = ["a", "b", "p/job", "q/job"];

  test.each<[readonly string[], readonly (readonly [string, string])[]]>([
    [
      ["a", "--name", "job"],
      [
        ["usage a", "left-alone"],
        ["usage job", "ambiguous"],
      ],
    ],
    [
      ["--spare-to", "/nope", "a", "b"],
      [
        ["usage a", "no-such-spare-to"],
        ["usage b", "no-such-spare-to"],
      ],
    ],
    [["--hierarchy", "pids", "a"], [["usage a", "no-such-hierarchy"]]],
    // No name has a slash: this is missing for ever, and with --ignore-missing it used to be a success.
    [
      ["--ignore-missing", "a", "--name", "p/job"],
      [
        ["usage a", "left-alone"],
        ["usage p/job", "not-a-name"],
      ],
    ],
    [
      ["-m", "kill", "a", "/sys/fs/cgroup/freezer/old"],
      [
        ["usage a", "left-alone"],
        ["usage /sys/fs/cgroup/freezer/old", "no-such-method"],
      ],
    ],
    // A missing name does not change that the call must be corrected.
    [
      ["nope", "a", "--name", "job"],
      [
        ["usage nope", "left-alone"],
        ["usage a", "left-alone"],
        ["usage job", "ambiguous"],
      ],
    ],
  ])("%j", async (argv, expected) => {
    for (const word of ["kill", "freeze", "show"]) {
      if (word === "freeze" && argv.includes("-m")) continue;
      const kernel = kernelWith("v2", NAMES);
      kernel.makeGroup("freezer", "old");
      const { code, reports } = await run(kernel, [word, ...argv]);
      expect(reports.map((document) => [brief(document), errorCode(document)])).toEqual(
        expected.map((pair) => [...pair]),
      );
      expect(kernel.writes).toEqual([]);
      expect(code).toBe(2);
    }
  });

  test("a path that has different processes in two hierarchies", async () => {
    const kernel = kernelWith("v2", NAMES);
    kernel.addProcess({ group: kernel.makeGroup("freezer", "b"), which: "freezer" });
    const { code, reports } = await run(kernel, ["a", "b"]);
    expect(reports.map(errorCode)).toEqual(["left-alone", "ambiguous"]);
    expect([code, kernel.writes]).toEqual([2, []]);
  });
});

// The epilog of Slurm has it: there a slash does not mean a path, and a job that left nothing is success.
test("--ignore-missing with the Slurm name of a job that has no cgroup", async () => {
  const { code, reports } = await run(kernelWith("v2", []), ["--ignore-missing", "--name", "slurm/4"]);
  expect([code, reports.map(brief)]).toEqual([0, ["missing slurm/4"]]);
});

describe("a missing or refused target does not affect the others", () => {
  test.each([
    ["/nope", "not-found", 3],
    ["/", "refused", 4],
    ["/tmp", "refused", 4],
  ] as const)("%s", async (name, outcome, status) => {
    const { code, reports } = await run(kernelWith("v2", ["a", "b"]), ["kill", "a", name, "b"]);
    expect(reports.map(brief)).toEqual(["killed /a", `${outcome} ${name}`, "killed /b"]);
    expect(code).toBe(status);
  });
});

test("an error while searching for a suggestion: the target is still reported as missing", async () => {
  const kernel = kernelWith("v2", ["web"]);
  let reads = 0;
  const sys: Sys = Object.assign(Object.create(kernel) as FakeKernel, {
    readSubdirs() {
      reads++;
      throw new SysError("getdents64", "/sys/fs/cgroup", "EIO");
    },
  });
  const { code, reports } = await run(kernel, ["kill", "/webb"], sys);
  expect(reports).toMatchObject([{ outcome: "not-found", error: { hint: expect.stringContaining("not found in") } }]);
  expect([code, reads]).toEqual([3, 1]);
});

describe("a cgroup that is re-created during the call", () => {
  test.each([1, 40])("after %i other targets: refused, and the new cgroup lives", async (others) => {
    const names = Array.from({ length: others }, (_, at) => `o${at}`);
    const kernel = kernelWith("v2", [...names, "x"]);
    const group = kernel.makeGroup("v2", "x");
    let made: number | undefined;
    kernel.onAccess = (operation, path) => {
      if (made !== undefined || operation !== "write" || !path.endsWith("/o0/cgroup.kill")) return;
      for (const process of kernel.live(group, kernel.hierarchy("v2"))) process.isDead = true;
      kernel.removeGroup(group);
      made = kernel.addProcess({ group: kernel.makeGroup("v2", "x"), which: "v2" }).pid;
    };
    const { code, reports } = await run(
      kernel,
      [...names, "x"].map((name) => `/${name}`),
    );
    expect(reports.at(-1)).toMatchObject({ outcome: "refused", error: { code: "changed" } });
    expect(kernel.processes.get(made as number)?.killedAt).toBeUndefined();
    expect(dies(kernel)).toBe(others);
    expect(code).toBe(4);
  });
});

describe("--spare", () => {
  function staged() {
    const kernel = kernelWith("v2", ["a", "a/below", "b", "beside"]);
    const pidIn = (name: string): number =>
      kernel.live(kernel.makeGroup("v2", name), kernel.hierarchy("v2"))[0]?.pid ?? 0;
    return { kernel, pidIn };
  }

  test("a process in or below any target: moved out, and it lives", async () => {
    const { kernel, pidIn } = staged();
    const spared = [pidIn("a/below"), pidIn("b")];
    const { code, reports } = await run(kernel, ["--spare", spared.join(","), "a", "b"]);
    expect(reports.map(({ outcome }) => outcome)).toEqual(["killed", "empty"]);
    expect(spared.map((pid) => kernel.processes.get(pid)?.killedAt)).toEqual([undefined, undefined]);
    expect(code).toBe(0);
  });

  test.each([
    ["3999999", "--spare 3999999: no such process; nothing was touched"],
    ["1", "--spare 1: this process is not inside any target; nothing was touched"],
  ])("pid %s, with one mistyped digit: refused, and nothing is touched", async (pid, message) => {
    for (const word of ["kill", "freeze", "show"]) {
      const { kernel, pidIn } = staged();
      const { code, reports } = await run(kernel, [word, "--spare", `${pidIn("a")},${pid}`, "a", "/nope", "b"]);
      expect(reports.map(({ outcome, error }) => [outcome, (error as { message: string }).message])).toEqual(
        Array.from({ length: 3 }, () => ["refused", message]),
      );
      expect(reports.map(errorCode)).toEqual(Array.from({ length: 3 }, () => "spare-not-inside"));
      expect(kernel.writes).toEqual([]);
      expect(code).toBe(4);
    }
  });

  test("a process outside the targets: refused", async () => {
    const { kernel, pidIn } = staged();
    const { code } = await run(kernel, ["--spare", String(pidIn("beside")), "a"]);
    expect([code, kernel.writes]).toEqual([4, []]);
  });

  test("the only target is missing: reported as missing, not as refused", async () => {
    const { kernel, pidIn } = staged();
    const { code, reports } = await run(kernel, ["--spare", String(pidIn("a")), "/nope"]);
    expect([code, reports[0]?.["outcome"]]).toEqual([3, "not-found"]);
  });
});
