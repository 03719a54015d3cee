// Whole calls of cgkill on the modelled kernel: missing targets, invalid calls, bugs, and the order of `list`.

import { describe, expect, test } from "bun:test";

import { runCgkill } from "../../src/cli/dispatch.ts";
import type { Sys } from "../../src/sys/sys.ts";
import { documents } from "../support/documents.ts";
import { FakeKernel } from "../support/fake-kernel/fake-kernel.ts";
import { model } from "../support/model.ts";
import { writtenIo } from "./support.ts";

async function run(sys: Sys, argv: readonly string[]) {
  const { io, out, err } = writtenIo();
  const code = await runCgkill(["--json", ...argv], { sys, io, abort: new AbortController().signal });
  return { code, reports: documents(out()), err: err() };
}

describe("--ignore-missing", () => {
  test.each([[["/nope"]], [["--pid", "4000000"]], [["--name", "nope"]]])("%j is missing: success", async (argv) => {
    const { code, reports } = await run(model("kill").kernel, ["--ignore-missing", ...argv]);
    expect(reports).toMatchObject([{ outcome: "missing", error: null }]);
    expect(code).toBe(0);
  });

  test.each([
    [["--spare-to", "/nope"], "no-such-spare-to", "--spare-to /nope: no such cgroup in the target's hierarchy, v2"],
    [["--hierarchy", "freezr"], "no-such-hierarchy", "--hierarchy freezr: no cgroup hierarchy of that name is mounted"],
  ] as const)("%j is invalid for every target: a usage error, and nothing is touched", async (argv, code, message) => {
    const on = model("kill");
    for (const given of [argv, ["--ignore-missing", ...argv]]) {
      const { code: status, reports } = await run(on.kernel, [...given, on.dir]);
      expect(reports).toMatchObject([{ outcome: "usage", error: { code, message: expect.stringContaining(message) } }]);
      expect(reports[0]?.["error"]).toMatchObject({
        hint: expect.stringMatching(/leave the option out|mounted hierarchies: v2/),
      });
      expect(status).toBe(2);
    }
    expect(on.kernel.live(on.target, on.kernel.hierarchy(on.which))).toHaveLength(5);
  });

  test("--pid of a process that is in the root of every hierarchy: not found, because it lives", async () => {
    const kernel = new FakeKernel();
    const { pid } = kernel.addProcess({ group: kernel.hierarchy("v2").root, which: "v2" });
    const { code, reports } = await run(kernel, ["--ignore-missing", "--pid", String(pid)]);
    const message = `pid ${pid} is in the root of every hierarchy`;
    expect(reports).toMatchObject([{ outcome: "not-found", error: { message, hint: "it has no cgroup of its own" } }]);
    expect(code).toBe(3);
    const inOne = await run(kernel, ["--hierarchy", "freezer", "--pid", String(pid)]);
    const error = {
      message: `pid ${pid} is in the root of freezer`,
      hint: "without --hierarchy, the others are searched too",
    };
    expect(inOne.reports).toMatchObject([{ outcome: "not-found", error }]);
  });

  test("--pid of a process that is in the root of the only hierarchy to look in: the message names it", async () => {
    const kernel = new FakeKernel();
    const { pid } = kernel.addProcess({ group: kernel.hierarchy("v2").root, which: "v2" });
    const { reports } = await run(kernel, ["--hierarchy", "v2", "--pid", String(pid)]);
    expect(reports).toMatchObject([{ outcome: "not-found", error: { message: `pid ${pid} is in the root of v2` } }]);
  });

  test("no mounted hierarchy: not found, because nothing is known about the target", async () => {
    const { kernel } = model("kill");
    const sys: Sys = Object.assign(Object.create(kernel) as FakeKernel, {
      readFile: (...args: Parameters<Sys["readFile"]>) =>
        args[1].endsWith("mountinfo") ? "" : kernel.readFile(...args),
    });
    for (const argv of [["/parent/target"], ["--pid", "1"]]) {
      const { code, reports } = await run(sys, ["--ignore-missing", ...argv]);
      expect(reports).toMatchObject([
        { outcome: "not-found", error: { message: "no cgroup hierarchy is mounted here" } },
      ]);
      expect(code).toBe(3);
    }
  });
});

// Regression: it was said not to be on a cgroup file system.
test.each([
  [["--hierarchy", "v2", "/sys/fs/cgroup/freezer/x"], "v1, not in v2"],
  [["--hierarchy", "freezer", "/sys/fs/cgroup/unified/y"], "v2, not in freezer"],
  [["--hierarchy", "freezer", "/sys/fs/cgroup/unified"], "v2, not in freezer"],
  [["--spare", "2000", "--spare-to", "/sys/fs/cgroup/unified/y", "/sys/fs/cgroup/freezer/x"], "v2, not in freezer"],
])("%j: a directory of another hierarchy is refused as that", async (argv, where) => {
  const kernel = new FakeKernel();
  const { pid } = kernel.addProcess({ group: kernel.makeGroup("freezer", "x"), which: "freezer" });
  kernel.makeGroup("v2", "y");
  const { code, reports } = await run(kernel, argv);
  const error = { code: "not-a-cgroup", message: expect.stringContaining(`is in the hierarchy ${where}`) };
  expect(reports).toMatchObject([{ outcome: "refused", error }]);
  expect(reports[0]?.["error"]).toMatchObject({
    hint: expect.stringMatching(/(looked up in \w+: \/[xy]|are below \/sys\/fs\/cgroup\/freezer)$/),
  });
  expect([code, kernel.writes, kernel.openDescriptors, kernel.processes.get(pid)?.isDead]).toEqual([4, [], 0, false]);
});

describe("documents of targets that were not touched", () => {
  test.each(["freeze", "thaw"])("%s has its own shape, with state and frozen_by and without killed", async (word) => {
    const { code, reports } = await run(model("kill").kernel, [word, "/nope"]);
    expect(reports).toMatchObject([
      { command: word, cgroup: "/nope", outcome: "not-found", state: null, frozen_by: null, spared: [] },
    ]);
    expect(reports[0]).not.toHaveProperty("killed");
    expect(code).toBe(3);
  });

  test("list has its own name as command", async () => {
    const { code, reports } = await run(model("kill").kernel, ["list", "/nope"]);
    expect(reports).toMatchObject([{ command: "list", outcome: "not-found" }]);
    expect(code).toBe(3);
  });
});

test.each(["kill", "show", "freeze"])(
  "%s: a bug while acting on one target is reported with its stack, and the next target is acted on",
  async (word) => {
    const on = model("kill");
    const { kernel } = on;
    let met = 0;
    const sys: Sys = Object.assign(Object.create(kernel) as FakeKernel, {
      statusOf: (fd: number) => {
        if (met++ === 0) throw new TypeError("undefined is not a function");
        return kernel.statusOf(fd);
      },
    });
    const { code, reports, err } = await run(sys, [...(word === "kill" ? [] : [word]), on.dir, on.dir]);
    expect(reports).toHaveLength(2);
    expect(reports[0]).toMatchObject({
      command: word,
      outcome: "internal",
      error: { code: "internal", message: "a bug in cgkill: undefined is not a function" },
    });
    expect(reports[1]).toMatchObject({ command: word, cgroup: "/parent/target" });
    expect(err).toMatch(/TypeError: undefined is not a function\n +at /);
    expect(code).toBe(70);
  },
);

// Regression: refused, because killed processes could not be moved out to die.
test("freeze below a frozen ancestor, with no cgroup to move processes to: frozen", async () => {
  const on = model("freezer on v1");
  on.kernel.makeGroup("freezer", "parent").isSwitchedOn = true;
  on.kernel.isWritable = () => false;
  const { code, reports } = await run(on.kernel, ["freeze", on.dir]);
  expect(reports).toMatchObject([{ outcome: "frozen", error: null }]);
  expect(code).toBe(0);
});

// Regression: thousands of targets that need no wait, such as empty ones, were all acted on after a signal.
test.each([[["kill"]], [["show"]], [["freeze"]], [["thaw"]], [["signal", "HUP"]]])(
  "%j: a signal between two targets that need no wait: the others are not touched",
  async (argv) => {
    const kernel = new FakeKernel();
    const names = ["a", "b", "c"];
    for (const name of names) kernel.makeGroup("v2", name);
    const { io, out } = writtenIo();
    const interruption = new AbortController();
    const writeOut = (text: string): void => {
      // Like the handler of a signal, it runs at the next turn.
      if (out() === "") setImmediate(() => interruption.abort("SIGTERM"));
      io.writeOut(text);
    };
    const edge = { sys: kernel, io: { ...io, writeOut }, abort: interruption.signal };
    const status = await runCgkill([...argv, "--json", ...names.map((name) => `/${name}`)], edge);
    const [first, ...rest] = documents(out());
    expect(first?.["error"] ?? null).toBeNull();
    expect(rest).toMatchObject([{ error: { code: "interrupted" } }, { error: { code: "interrupted" } }]);
    expect(status).toBe(143);
  },
);

describe("list has the same order as text, as JSON and as paths", () => {
  const PROCS = { a: 1, "a/x": 2, "a/y": 4, b: 9, "b/z": 3 };
  const kernel = (): FakeKernel => {
    const made = new FakeKernel();
    for (const [path, count] of Object.entries(PROCS)) {
      const group = made.makeGroup("v2", path);
      for (let left = count; left > 0; left--) made.addProcess({ group, which: "v2" });
    }
    return made;
  };

  test.each([
    [
      ["--sort", "procs"],
      ["/b", "/b/z", "/a", "/a/y", "/a/x"],
    ],
    [
      ["--sort", "procs", "--flat"],
      ["/b", "/a", "/a/y", "/b/z", "/a/x"],
    ],
    [
      ["--sort", "name"],
      ["/a", "/a/x", "/a/y", "/b", "/b/z"],
    ],
  ])("%j", async (argv, expected) => {
    const { reports } = await run(kernel(), ["list", "--hierarchy", "v2", ...argv]);
    expect(reports.map(({ cgroup }) => cgroup)).toEqual(expected);
    const { io, out } = writtenIo();
    const edge = { sys: kernel(), io, abort: new AbortController().signal };
    expect(await runCgkill(["list", "-q", "--hierarchy", "v2", ...argv], edge)).toBe(0);
    const { point } = kernel().hierarchy("v2");
    expect(out()).toBe(expected.map((path) => `${point}${path}\n`).join(""));
  });
});
