// `--log-format json`: every line on standard error is a JSON document, errors about the call included.

import { expect, test } from "bun:test";

import { runCgkill } from "../../../src/cli/dispatch.ts";
import type { Sys } from "../../../src/sys/sys.ts";
import { documents } from "../../support/documents.ts";
import { FakeKernel } from "../../support/fake-kernel/fake-kernel.ts";
import { writtenIo } from "../support.ts";

/** @param faults  what replaces a part of the kernel */
async function run(argv: readonly string[], faults: Partial<Sys> = {}) {
  const kernel = new FakeKernel({ layout: "unified" });
  for (const name of ["g/a", "h/a"]) kernel.addProcess({ group: kernel.makeGroup("v2", name) });
  const { io, err } = writtenIo();
  const sys: Sys = Object.create(kernel, Object.getOwnPropertyDescriptors(faults)) as FakeKernel;
  const code = await runCgkill(argv, { sys, io, abort: new AbortController().signal });
  const time = new Date(kernel.wallClock()).toISOString();
  return { code, lines: documents(err()), time };
}

const JSON_LOG = ["--log-format", "json"];

test.each<[argv: string[], code: number, event: object]>([
  [["/nope"], 3, { cgroup: "/nope", code: "not-found", survivors: [], left_frozen: [], matches: null }],
  [["freeze", "/nope"], 3, { cgroup: "/nope", code: "not-found" }],
  [["signal", "HUP", "/nope"], 3, { cgroup: "/nope", code: "not-found" }],
  [["/"], 4, { cgroup: "/", code: "hierarchy-root" }],
  [["--name", "a"], 2, { code: "ambiguous", matches: [{ path: "/sys/fs/cgroup/g/a", label: null }, {}] }],
  [["list", "g"], 2, { cgroup: null, code: "usage", message: "cgkill list has no option --log-format" }],
  [["--bogus", "g"], 2, { cgroup: null, code: "usage", hint: null, commands: [["cgkill", "--help"]] }],
  [["ls", "g"], 2, { code: "usage", commands: [["cgkill", "list", "g"]] }],
])("%j: the error is an event", async (argv, code, event) => {
  const { code: status, lines, time } = await run([...JSON_LOG, ...argv]);
  expect(lines).toMatchObject([{ level: "error", time, message: expect.any(String), ...event }]);
  expect(status).toBe(code);
  expect((await run(["--log-format=json", ...argv])).lines).toHaveLength(1);
});

test("skipped interface files are an event", async () => {
  const { code, lines } = await run([...JSON_LOG, "/g/a", "/g/cgroup.procs"]);
  const message = "skipped 1 cgroup interface file, such as /g/cgroup.procs";
  expect(lines).toMatchObject([{ level: "info", message }]);
  expect(code).toBe(0);
});

// Regression: the stack trace was text.
test.each<[where: string, cgroup: string | null, faults: Partial<Sys>]>([
  ["while acting on a target", "/g/a", { statusOf: failing }],
  [
    "before that",
    null,
    {
      get fallback() {
        return failing();
      },
    },
  ],
])("a bug %s is two events: its stack trace, and the error", async (_, cgroup, faults) => {
  const { code, lines } = await run([...JSON_LOG, "/g/a"], faults);
  expect(lines).toMatchObject([
    { level: "error", message: "a bug in cgkill", stack: expect.stringMatching(/^TypeError: no such thing\n +at /) },
    { level: "error", message: "a bug in cgkill: no such thing", cgroup, code: "internal" },
  ]);
  expect(code).toBe(70);
});

function failing(): never {
  throw new TypeError("no such thing");
}

test("run: an error about the call is an event", async () => {
  expect(await run(["run", ...JSON_LOG, "--as", "a/b", "true"])).toMatchObject({
    code: 125,
    lines: [{ level: "error", code: "usage" }],
  });
});
