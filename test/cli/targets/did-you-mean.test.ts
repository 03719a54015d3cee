// "Did you mean" for a missing cgroup: searched for in bounded time, and only if the suggestion will be shown.

import { describe, expect, test } from "bun:test";

import { runCgkill } from "../../../src/cli/dispatch.ts";
import { distance } from "../../../src/cli/text/nearest.ts";
import { FakeKernel } from "../../support/fake-kernel/fake-kernel.ts";
import { writtenIo } from "../support.ts";

const V2 = "/sys/fs/cgroup/unified";

/** Run cgkill, count the directories that are listed, and return the output. @param listingMs  the time of one listing */
async function run(argv: readonly string[], listingMs = 0) {
  const kernel = new FakeKernel();
  for (const name of ["top/web", "top/db", `top/${"ab".repeat(32)}`]) kernel.makeGroup("v2", name);
  let listings = 0;
  const sys: FakeKernel = Object.assign(Object.create(kernel) as FakeKernel, {
    readSubdirs(...args: Parameters<FakeKernel["readSubdirs"]>) {
      listings++;
      sys.time += listingMs;
      return kernel.readSubdirs(...args);
    },
  });
  const { io, out, err } = writtenIo();
  const code = await runCgkill(argv, { sys, io, abort: new AbortController().signal });
  return { code, listings, text: out() + err() };
}

describe("a missing cgroup", () => {
  test("a near name is suggested, with the command that shows it", async () => {
    const { code, text } = await run(["kill", `${V2}/top/wbe`]);
    expect(text).toEndWith(`\n  hint: did you mean this cgroup?\n    cgkill show ${V2}/top/web\n`);
    expect(code).toBe(3);
  });

  test.each([
    ["-q", ["kill", "-q", "/top/wbe"], 3],
    ["--ignore-missing", ["kill", "--ignore-missing", "/top/wbe"], 0],
    ["a deadline of nothing", ["kill", "-t", "0", "/top/wbe"], 3],
  ] as const)("%s: nothing is searched", async (_, argv, status) => {
    const { code, listings, text } = await run(argv);
    expect([code, listings]).toEqual([status, 0]);
    expect(text).not.toContain("did you mean");
  });

  describe("a suggestion is in the same parent, or in one of nearly the same name", () => {
    const near = async (argv: readonly string[]): Promise<string | undefined> => {
      const kernel = new FakeKernel();
      for (const name of ["batch/nops/nope3", "other/nope2", "gone/x"]) kernel.makeGroup("v2", name);
      for (const name of ["third/nope2", "nope4"]) kernel.makeGroup("freezer", name);
      kernel.cwd = () => `${V2}/batch`;
      const { io, err } = writtenIo();
      expect(await runCgkill(argv, { sys: kernel, io, abort: new AbortController().signal })).toBe(3);
      expect(kernel.openDescriptors).toBe(0);
      return /\n {4}cgkill show (.*)\n$/.exec(err())?.[1];
    };

    test.each([
      ["batch/nopx", "/batch/nops"],
      ["/batch/nopx", "/batch/nops"],
      [`${V2}/batch//nopx/`, `${V2}/batch/nops`],
      ["./nopx", `${V2}/batch/nops`],
      // The only near names are in another parent, in another hierarchy, or deeper.
      ["other/nops", undefined],
      ["gone/nope2", undefined],
      ["batch/nope3", undefined],
      ["./nope2", undefined],
      ["/nope2", "/nope4"],
      [`${V2}/nope2`, undefined],
      // The parent does not exist: only what is in one of nearly the same name.
      ["bach/nope2", undefined],
      ["bach/nops", "/batch/nops"],
      ["/bach/nopx", "/batch/nops"],
      ["bacth/nopx/nope3", "/batch/nops/nope3"],
      ["bxcth/nops/nope3", undefined],
      ["nops/nope3", undefined],
      ["bacth/nops/nope4", "/batch/nops/nope3"],
      [`${V2}/othr/nope3`, `${V2}/other/nope2`],
      [`${V2}/thrd/nope2`, undefined],
      ["./nosp/nope4", `${V2}/batch/nops/nope3`],
      // No parent is given.
      ["nope33", "/batch/nops/nope3"],
    ] as const)("%s: %s", async (name, meant) => {
      expect(await near(["kill", name])).toBe(meant as string);
    });
  });

  test("fifty missing names take no longer than one: the limit is per call", async () => {
    const names = Array.from({ length: 50 }, (_, at) => `/top/wbe${at}`);
    const one = await run(["kill", ...names.slice(0, 1)], 20);
    const all = await run(["kill", ...names], 20);
    expect(one.listings).toBeGreaterThan(0);
    // A walk that has begun ends with one or two more listings.
    expect(all.listings).toBeLessThanOrEqual(6);
    expect(all.text.match(/no such cgroup/g)).toHaveLength(50);
  });

  test("a mistyped container id has no suggestion", async () => {
    const mistyped = `${"ab".repeat(31)}cd`;
    expect((await run(["kill", "--name", mistyped])).text).not.toContain("did you mean");
  });
});

describe("the bounded distance", () => {
  const WORDS = ["", "a", "ab", "ba", "abc", "acb", "show", "shwo", "sitting", "kitten", "abcdef", "badcfe", "xbcdefy"];

  test.each([0, 1, 2, 3])("is exact up to %i, and greater beyond", (max) => {
    for (const a of WORDS) {
      for (const b of WORDS) {
        const exact = distance(a, b);
        const bounded = distance(a, b, max);
        expect({ a, b, bounded: Math.min(bounded, max + 1) }).toEqual({ a, b, bounded: Math.min(exact, max + 1) });
      }
    }
  });
});

describe("the name of a container is not in its path", () => {
  const ID = "ab".repeat(32);

  test.each([
    [[`docker/${ID}`], ["docker"]],
    [
      [`machine.slice/libpod-${ID}.scope`, `docker/${ID}`],
      ["docker", "podman"],
    ],
    [[`kubepods/pod2d3da189-6407-48e3-9ab6-78188d75e609/${ID}`], ["crictl"]],
    [["docker-compose/web", "batch/job7"], []],
  ])("%j: its id is needed, which %j lists", async (paths, tools) => {
    const kernel = new FakeKernel();
    for (const path of paths) kernel.makeGroup("v2", path);
    const { io, err } = writtenIo();
    const argv = ["kill", "--name", "my-nginx"];
    expect(await runCgkill(argv, { sys: kernel, io, abort: new AbortController().signal })).toBe(3);
    const hint =
      "  hint: the name of a container is not in the path of its cgroup: give its id, which its tool lists\n";
    const commands = tools.map((tool) => `    ${tool} ps --no-trunc\n`).join("");
    expect(err()).toEndWith(tools.length === 0 ? "  hint: see cgkill list --all\n" : `${hint}${commands}`);
  });
});

test("a name of several parts of one thing means all of them", async () => {
  const kernel = new FakeKernel();
  const steps = ["job_7/step_0", "job_7/step_batch", "job_8/step_0"];
  for (const step of steps) kernel.addProcess({ group: kernel.makeGroup("v2", `slurm/uid_0/${step}`) });
  const run = async (...argv: readonly string[]) => {
    const { io, out, err } = writtenIo();
    const code = await runCgkill(argv, { sys: kernel, io, abort: new AbortController().signal });
    return { code, out: out(), err: err() };
  };
  expect(await run("kill", "--name", "job_*")).toMatchObject({
    code: 2,
    err: expect.stringContaining("3 cgroups match"),
  });
  const { code, out } = await run("kill", "--name", "7");
  expect(code).toBe(0);
  expect(out.match(/^killed +\S+/gm)).toEqual([
    "killed  /slurm/uid_0/job_7/step_0",
    "killed  /slurm/uid_0/job_7/step_batch",
  ]);
});
