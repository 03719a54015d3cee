// `cgkill /sys/fs/cgroup/g/*`, on the modelled kernel: interface files among the operands are skipped.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";

import { runCgkill } from "../../../src/cli/dispatch.ts";
import { documents } from "../../support/documents.ts";
import { FakeKernel } from "../../support/fake-kernel/fake-kernel.ts";
import { writtenIo } from "../support.ts";

const G = "/sys/fs/cgroup/g";
const FILES = ["cgroup.events", "cgroup.freeze", "cgroup.kill", "cgroup.procs", "cgroup.threads", "cgroup.type"];

async function run(argv: readonly string[], isTerminal = false) {
  const kernel = new FakeKernel({ layout: "unified" });
  for (const name of ["g/a", "g/b"]) kernel.addProcess({ group: kernel.makeGroup("v2", name) });
  const { io, out, err } = writtenIo();
  const edge = { sys: kernel, io: { ...io, isTerminal: () => isTerminal }, abort: new AbortController().signal };
  const code = await runCgkill(argv, edge);
  expect(kernel.openDescriptors).toBe(0);
  return { code, out: out(), err: err(), writes: kernel.writes.length };
}

const GLOB = [`${G}/a`, `${G}/b`, ...FILES.map((file) => `${G}/${file}`)];

describe("interface files among the operands", () => {
  test.each([[[]], [["kill"]], [["show"]], [["freeze"]], [["thaw"]]])(
    "%j: one note, and the exit status is that of the other targets",
    async (words) => {
      const { code, out, err } = await run([...words, "--json", ...GLOB]);
      expect(documents(out).map(({ cgroup }) => cgroup)).toEqual(["/g/a", "/g/b"]);
      expect(err).toBe(`cgkill: skipped 6 cgroup interface files, such as ${G}/cgroup.events\n`);
      expect(code).toBe(0);
    },
  );

  test("-q: no note", async () => {
    expect(await run(["-q", ...GLOB])).toMatchObject({ code: 0, out: "", err: "" });
  });

  test("a file named by a cgroup path is skipped too", async () => {
    const { code, err } = await run(["/g/a", "/g/cgroup.procs"]);
    expect([code, err]).toEqual([0, "cgkill: skipped 1 cgroup interface file, such as /g/cgroup.procs\n"]);
  });

  test("only files: a usage error", async () => {
    const one = await run([`${G}/cgroup.procs`]);
    expect(one).toMatchObject({ code: 2, out: "", writes: 0 });
    expect(one.err).toContain(`${G}/cgroup.procs is a cgroup interface file, not a cgroup\n  hint: name the directory`);
    expect(one.err).toEndWith(`\n    cgkill show ${G}\n`);
    expect((await run(["freeze", "-q", `${G}/cgroup.procs`])).err).toEndWith(`\n    cgkill freeze -q ${G}\n`);
    const all = await run(["kill", "--ignore-missing", ...FILES.map((file) => `${G}/${file}`)]);
    expect(all).toMatchObject({ code: 2, out: "", writes: 0 });
    expect(all.err).toContain(`${G}/cgroup.events and 5 more: cgroup interface files, not cgroups`);
  });

  test("a path below a file: missing", async () => {
    expect(await run(["kill", `${G}/a`, `${G}/cgroup.procs/x`])).toMatchObject({ code: 3 });
  });
});

describe("with --interactive", () => {
  const before = { TERM: process.env["TERM"], CI: process.env["CI"] };
  const set = (name: "TERM" | "CI", value: string | undefined): void => {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  };
  beforeEach(() => {
    set("TERM", "xterm");
    set("CI", undefined);
  });
  afterEach(() => {
    set("TERM", before.TERM);
    set("CI", before.CI);
  });

  test("one note, and no question about a missing cgroup", async () => {
    const { code, err, writes } = await run(["-i", "/g/nope", `${G}/cgroup.procs`, `${G}/cgroup.type`], true);
    expect(err.replaceAll(/\n +/g, " ")).toStartWith(
      `cgkill: skipped 2 cgroup interface files, such as ${G}/cgroup.procs\ncgkill: /g/nope: no such cgroup`,
    );
    expect([code, writes]).toEqual([3, 0]);
    expect((await run(["-i", "-q", "/g/nope", `${G}/cgroup.procs`], true)).err).not.toContain("note");
  });

  test("only files, or a mistyped command: a usage error", async () => {
    const files = await run(["-i", `${G}/cgroup.procs`, `${G}/cgroup.type`], true);
    expect(files).toMatchObject({ code: 2, writes: 0 });
    expect(files.err).toEndWith(`\n    cgkill kill --interactive ${G}\n`);
    const mistyped = await run(["-i", "rm", "/g/a"], true);
    expect(mistyped).toMatchObject({ code: 2, writes: 0 });
    expect(mistyped.err).toEndWith("\n    cgkill kill --interactive /g/a\n");
  });
});
