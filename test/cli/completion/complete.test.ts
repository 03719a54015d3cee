// The candidates of `cgkill __complete` for an unfinished line, on the modelled kernel.

import { describe, expect, test } from "bun:test";

import { COMMAND_NAMES } from "../../../src/cli/args/commands.ts";
import { helpOf, optionTable } from "../../../src/cli/args/options.ts";
import { runCgkill } from "../../../src/cli/dispatch.ts";
import { FakeKernel } from "../../support/fake-kernel/fake-kernel.ts";
import type { FakeOptions } from "../../support/fake-kernel/options.ts";
import { writtenIo } from "../support.ts";

const ID = "3f2a9c41d0be3f2a9c41d0be3f2a9c41d0be3f2a9c41d0be3f2a9c41d0be0123";

/** @param groups  each as "HIERARCHY:/path" */
function kernelWith(groups: readonly string[], options: FakeOptions = {}): FakeKernel {
  const kernel = new FakeKernel({ layout: "hybrid", ...options });
  for (const group of groups) {
    const at = group.indexOf(":");
    kernel.makeGroup(group.slice(0, at), group.slice(at + 1));
  }
  return kernel;
}

const HOST = [
  "v2:/batch/job1",
  "v2:/batch/job2/step",
  "v2:/batch/a b",
  "v2:/single",
  `v2:/system.slice/docker-${ID}.scope`,
  "v2:/system.slice/nginx.service",
  "freezer:/batch/job2",
  "freezer:/frozen/x[1]",
  "memory:/memory-only",
];

async function lines(kernel: FakeKernel, ...words: string[]): Promise<string[]> {
  const { io, out, err } = writtenIo();
  const edge = { sys: kernel, io, abort: new AbortController().signal };
  expect(await runCgkill(["__complete", "--", ...words], edge)).toBe(0);
  expect(err()).toBe("");
  expect(kernel.openDescriptors).toBe(0);
  expect(kernel.writes).toEqual([]);
  return out().split("\n").slice(0, -1);
}

const textOf = (line: string): string => line.replace(/\t.*/, "");
const offered = async (...words: string[]): Promise<string[]> =>
  (await lines(kernelWith(HOST), ...words)).map(textOf).sort();

describe("commands and options", () => {
  test("the first word may be a command or a cgroup, the next only a cgroup", async () => {
    const first = await offered("");
    for (const text of [...COMMAND_NAMES, "/batch/", "/single"]) expect(first).toContain(text);
    const second = await offered("kill", "");
    for (const text of COMMAND_NAMES) expect(second).not.toContain(text);
    expect(second).toContain("/batch/");
    expect(await offered("--", "")).toEqual(second);
    expect(await offered("single", "")).toEqual(second);
    expect(await offered("lis")).toEqual(["list"]);
  });

  test.each(COMMAND_NAMES)("%s: its own options and no others", async (command) => {
    const long = optionTable()
      .filter(({ commands }) => commands.includes(command))
      .map((option) => `--${option.long}`);
    expect(await offered(command, "--")).toEqual(long.sort());
  });

  test("before a command: the options of kill, with their explanations", async () => {
    const all = await lines(kernelWith(HOST), "-");
    for (const option of optionTable().filter((each) => each.commands.includes("kill"))) {
      const { long, short, commands } = option;
      const help = helpOf(option, "kill");
      expect({ long, commands, all }).toEqual({ long, commands, all: expect.arrayContaining([`--${long}\t${help}`]) });
      if (short !== undefined) expect(all).toContain(`-${short}\t${help}`);
    }
  });

  test("after a command: the explanations of its page", async () => {
    expect(await lines(kernelWith(HOST), "run", "--time")).toEqual([
      "--timeout\tdeadline for the kill at the end, counted after the grace period (default 10s)",
    ]);
  });

  test.each([
    [
      ["--method", ""],
      ["auto", "freezer", "kill", "sweep"],
    ],
    [["--method=s"], ["--method=sweep"]],
    [["-m", "s"], ["sweep"]],
    [["-ms"], ["-msweep"]],
    [["-qm", "s"], ["sweep"]],
    [["-qms"], ["-qmsweep"]],
    [["list", "--sort", "c"], ["cpu"]],
    [
      ["--signal", "US"],
      ["USR1", "USR2"],
    ],
    [
      ["--hierarchy", "v"],
      ["v1", "v2"],
    ],
    [["--hierarchy=fr"], ["--hierarchy=freezer"]],
    [["--timeout", ""], []],
    [["list", "--watch="], []],
    [
      ["--pid", "1,1"],
      ["1,1", "1,1000"],
    ],
    [["--spare=1,1"], ["--spare=1,1", "--spare=1,1000"]],
    [["--spare-to", "/sin"], ["/single"]],
    [["--spare-to=/sin"], ["--spare-to=/single"]],
    [["--name", "x y", "--pid", "1", "lis"], ["list"]],
    [
      ["completion", ""],
      ["bash", "fish", "zsh"],
    ],
    // Regression: cgroups were offered in the place of the signal.
    [
      ["signal", "US"],
      ["USR1", "USR2"],
    ],
    [["signal", "-v", "--timeout", "5s", "HU"], ["HUP"]],
    [["signal", "--", "HU"], ["HUP"]],
    [["signal", "KIL"], []],
    [["signal", "HUP", "sin"], ["single"]],
    [["signal", "HUP", "-v", "sin"], ["single"]],
    [["--", "--"], []],
    [["--nothing", "--meth"], ["--method"]],
  ])("%j: %j", async (words, wanted) => {
    expect(await offered(...words)).toEqual(wanted);
  });
});

describe("cgroups", () => {
  test.each([
    // One component at a time, with a slash if there are cgroups below.
    ["/ba", ["/batch/"]],
    ["/batch/", ["/batch/a b", "/batch/job1", "/batch/job2/"]],
    ["/batch/job2/", ["/batch/job2/step"]],
    ["batch/j", ["batch/job1", "batch/job2/"]],
    ["sin", ["single"]],
    ["/mem", ["/memory-only"]],
    ["/single/", []],
    ["/nothing/", []],
    // Paths of the file system.
    ["/sy", ["/sys/", "/system.slice/"]],
    ["/sys/fs/", ["/sys/fs/cgroup/"]],
    ["/sys/fs/cgroup/un", ["/sys/fs/cgroup/unified/"]],
    ["/sys/fs/cgroup/unified/b", ["/sys/fs/cgroup/unified/batch/"]],
    ["/sys/fs/cgroup/freezer/frozen/", ["/sys/fs/cgroup/freezer/frozen/x[1]"]],
    ["/batch/../", []],
    ["/batch//", []],
    ["./", []],
    ["..", []],
  ])("%s: %j", async (word, wanted) => {
    expect(await offered("kill", word)).toEqual(wanted);
  });

  test("--hierarchy selects where paths are looked up", async () => {
    expect(await offered("--hierarchy", "v1", "kill", "/ba")).toEqual(["/batch/"]);
    expect(await offered("--hierarchy=freezer", "kill", "/batch/")).toEqual(["/batch/job2"]);
    expect(await offered("--hierarchy", "v2", "kill", "/fro")).toEqual([]);
    expect(await offered("--hierarchy", "nothing", "kill", "/")).toEqual([]);
  });

  test.each([
    ["a tab", "a\tb"],
    ["a newline", "a\nb"],
    ["an escape", "a\u001b[31m"],
    ["a byte that is not UTF-8", "a\udcff"],
    ["a character that reorders text", "a\u202eb"],
    ["a character that is invisible", "a\u200bb"],
  ])("a name with %s is not a candidate, as a path or for --name", async (_, name) => {
    const kernel = kernelWith([`v2:/x/${name}`, "v2:/x/a-plain", `v2:/x/${name}/below`]);
    expect(await lines(kernel, "kill", "/x/")).toEqual(["/x/a-plain"]);
    expect(await lines(kernel, "--name", "a")).toEqual(["a-plain"]);
  });
});

describe("names", () => {
  test("units, containers and jobs: by their names and by the last component", async () => {
    const names = await offered("--name", "");
    for (const name of ["nginx", "nginx.service", ID, `docker-${ID}.scope`, "job1", "a b", "step"]) {
      expect(names).toContain(name);
    }
    expect(await offered("--name", "3f2a")).toEqual([ID]);
    expect(await offered("kill", "--name=ng")).toEqual(["--name=nginx", "--name=nginx.service"]);
  });

  test("special characters of patterns are escaped", async () => {
    expect(await offered("--name", "x")).toEqual(["x\\[1]"]);
  });

  test("other hierarchies are searched only if v2 and the freezer have no match, or if one is given", async () => {
    expect(await offered("--name", "memory")).toEqual(["memory-only"]);
    expect(await offered("--hierarchy", "memory", "--name", "")).toEqual(["memory-only"]);
  });
});

describe("errors", () => {
  test.each([[[]], [["--"]], [["kill"]], [["--help"]], [["--nothing", "x"]]])(
    "__complete %j prints nothing",
    async (words) => {
      const { io, out, err } = writtenIo();
      const edge = { sys: kernelWith(HOST), io, abort: new AbortController().signal };
      expect(await runCgkill(["__complete", ...words], edge)).toBe(0);
      expect({ out: out(), err: err() }).toEqual({ out: "", err: "" });
    },
  );

  test.each(["open", "read"])("if every %s fails, there are no candidates", async (operation) => {
    const kernel = kernelWith(HOST);
    kernel.failNext(operation, /./, "EIO", 1_000_000);
    expect(await lines(kernel, "kill", "/batch/")).toEqual([]);
    expect(await lines(kernel, "--name", "")).toEqual([]);
  });

  test("a walk that takes longer than 200 ms ends without candidates", async () => {
    const groups = Array.from({ length: 2000 }, (_, n) => `v2:/x/job${n}`);
    const kernel = kernelWith(groups);
    expect(await lines(kernel, "--name", "job1999")).toEqual(["job1999"]);
    const looks = countLooks(kernel, 1);
    expect(await lines(kernel, "--name", "job1999")).toEqual([]);
    expect(looks()).toBeLessThan(1000);
  });
});

describe("a directory with thousands of cgroups", () => {
  const COUNT = 20_000;
  const crowd = (): FakeKernel => kernelWith(Array.from({ length: COUNT }, (_, n) => `v2:/x/job${n}`));
  const WORDS = [
    ["kill", "/x/"],
    ["kill", "/sys/fs/cgroup/unified/x/"],
    ["--spare-to", "/x/job1"],
  ];

  test.each(WORDS)("%s %s: all of them, if there is time", async (...words) => {
    const wanted = words[1] === "/x/job1" ? /^job1/ : /^/;
    const names = Array.from({ length: COUNT }, (_, n) => `job${n}`).filter((name) => wanted.test(name));
    expect(await lines(crowd(), ...words)).toHaveLength(names.length);
  });

  test.each(WORDS)("%s %s: none, if it cannot be read in 200 ms, and the reading stops", async (...words) => {
    const kernel = crowd();
    kernel.dentsMs = 50;
    expect(await lines(kernel, ...words)).toEqual([]);
    expect(kernel.time).toBeLessThan(300);
  });

  test.each([...WORDS, ["--name", "job"]])("%s %s: none, if they cannot be filtered in that time", async (...words) => {
    const kernel = crowd();
    const { now } = kernel;
    let looks = 0;
    kernel.now = () => now.apply(kernel) + 5 * looks++;
    expect(await lines(kernel, ...words)).toEqual([]);
    expect(looks).toBeLessThan(100);
  });

  test("pids: none, if they cannot be listed in that time", async () => {
    const kernel = kernelWith([]);
    for (let n = 0; n < 5000; n++) kernel.addProcess({});
    expect((await lines(kernel, "--pid", "")).length).toBeGreaterThan(5000);
    kernel.dentsMs = 50;
    expect(await lines(kernel, "--pid", "")).toEqual([]);
  });
});

/** From now on, opening a directory or reading its status takes this long. @returns how often that was done */
function countLooks(kernel: FakeKernel, ms: number): () => number {
  const { openDir, statusIn, now } = kernel;
  let late = 0;
  kernel.openDir = (...given) => {
    late++;
    return openDir.apply(kernel, given);
  };
  kernel.statusIn = (...given) => {
    late++;
    return statusIn.apply(kernel, given);
  };
  kernel.now = () => now.apply(kernel) + late * ms;
  return () => late;
}
