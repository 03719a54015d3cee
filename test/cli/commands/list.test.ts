// `cgkill list` with nothing to show, on the modelled kernel: what it says, and that --all is advised only if that helps.
// And what a signal does to it.

import { expect, test } from "bun:test";

import { runCgkill } from "../../../src/cli/dispatch.ts";
import type { Sys } from "../../../src/sys/sys.ts";
import { documents } from "../../support/documents.ts";
import { FakeKernel } from "../../support/fake-kernel/fake-kernel.ts";
import { writtenIo } from "../support.ts";

const listed = async (sys: Sys, ...argv: string[]) => await listedUntil(new AbortController(), sys, ...argv);

const listedUntil = async ({ signal: abort }: AbortController, sys: Sys, ...argv: string[]) => {
  const { io, out, err } = writtenIo();
  const code = await runCgkill(["list", ...argv], { sys, io, abort });
  return { code, out: out(), err: err() };
};

// Regression: each of them used to say "no cgroup to show: --all lists empty ones too".
test.each([
  [[], "no cgroup to show: --all lists empty ones too\n"],
  [["--frozen"], "no cgroup is frozen\n"],
  [["--frozen", "--all"], "no cgroup is frozen\n"],
  [["--stuck"], "no process is stuck\n"],
  [["--quiet", "--frozen"], ""],
  [["--json", "--frozen"], ""],
])("%j", async (argv, out) => {
  const kernel = new FakeKernel({ layout: "unified" });
  kernel.makeGroup("v2", "job");
  expect(await listed(kernel, ...argv)).toEqual({ code: 0, out, err: "" });
});

test("--all, and there is none", async () => {
  expect((await listed(new FakeKernel({ layout: "unified" }), "--all")).out).toBe("no cgroup to show\n");
});

test("no mounted hierarchy", async () => {
  const kernel = new FakeKernel({ layout: "unified" });
  const sys: Sys = Object.assign(Object.create(kernel) as FakeKernel, {
    readFile: (...args: Parameters<Sys["readFile"]>) => (args[1].endsWith("mountinfo") ? "" : kernel.readFile(...args)),
  });
  const hint = "  hint: mount one\n    mount -t cgroup2 none /sys/fs/cgroup\n";
  const err = `cgkill: no cgroup hierarchy is mounted here\n${hint}`;
  for (const argv of [[], ["--all"], ["-q"], ["/x"]]) {
    expect(await listed(sys, ...argv)).toEqual({ code: 3, out: "", err });
  }
});

// Regression: "no cgroup to show", with exit status 0, as under TemporaryFileSystem=/sys/fs/cgroup.
test("something else is mounted over every hierarchy", async () => {
  const kernel = new FakeKernel({ layout: "unified" });
  kernel.addProcess({ group: kernel.makeGroup("v2", "job"), which: "v2" });
  kernel.covers.add("/sys/fs/cgroup");
  const hint = "  hint: unmount it, or run cgkill where that hierarchy can be seen\n";
  const err = `cgkill: something else is mounted at /sys/fs/cgroup, over a whole hierarchy\n${hint}`;
  for (const argv of [[], ["--all"], ["--frozen"], ["--stuck"], ["-q"], ["/"]]) {
    expect(await listed(kernel, ...argv)).toEqual({ code: 4, out: "", err });
  }
  const { code, out } = await listed(kernel, "--json");
  expect({ code, documents: documents(out) }).toMatchObject({ code: 4, documents: [{ outcome: "refused" }] });
});

// Regression: the exit status was 0, with nothing on standard output, as if there were no cgroup.
test("a signal while it reads: interrupted; but it is the usual end of a watch", async () => {
  const kernel = new FakeKernel({ layout: "unified" });
  for (let n = 0; n < 1000; n++) kernel.makeGroup("v2", `job${n}`);
  const cut = async (...argv: string[]) => {
    const signal = new AbortController();
    kernel.onAccess = () => signal.abort("SIGTERM");
    return await listedUntil(signal, kernel, "--all", ...argv);
  };
  expect(await cut()).toEqual({ code: 143, out: "", err: "cgkill: interrupted before it was touched\n" });
  const { code, out } = await cut("--json");
  expect([code, documents(out)]).toMatchObject([143, [{ command: "list", outcome: "interrupted" }]]);
  expect(await cut("--watch")).toEqual({ code: 0, out: "", err: "" });
});

test.each([
  ["jbo", "did you mean this cgroup?", "cgkill show /job"],
  ["0::/job", "this is a line of /proc/PID/cgroup: give only the path in it", "cgkill show /job"],
  ["j*", "use --name for a glob, and quote it", "cgkill show --name 'j*'"],
])("a missing cgroup, %s: what was meant is suggested", async (name, hint, command) => {
  const kernel = new FakeKernel({ layout: "unified" });
  kernel.makeGroup("v2", "job");
  const err = `cgkill: ${name}: no such cgroup\n  hint: ${hint}\n    ${command}\n`;
  expect(await listed(kernel, name)).toEqual({ code: 3, out: "", err });
  expect((await listed(kernel, "-q", name)).err).not.toContain(hint);
});

// Regression: the size was read once the picture was drawn, so that the next one came after the whole interval.
test("--watch: a terminal that is resized while it draws gets the next picture at once", async () => {
  const kernel = new FakeKernel({ layout: "unified" });
  kernel.makeGroup("v2", "job");
  const abort = new AbortController();
  const { io } = writtenIo();
  const drawn: { columns: number; at: number }[] = [];
  let columns = 80;
  const terminal = {
    ...io,
    isTerminal: () => true,
    isRedrawable: () => true,
    size: () => ({ columns, rows: 24 }),
    writeOut: (text: string) => {
      if (!text.includes("job")) return;
      drawn.push({ columns, at: kernel.now() });
      if (drawn.length === 2) abort.abort("SIGINT");
      columns = 60;
    },
  };
  await runCgkill(["list", "--all", "--watch=1h"], { sys: kernel, io: terminal, abort: abort.signal });
  const [first, second] = drawn;
  expect([first?.columns, second?.columns]).toEqual([80, 60]);
  expect((second?.at ?? 0) - (first?.at ?? 0)).toBeLessThan(1000);
});
