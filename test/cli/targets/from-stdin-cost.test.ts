// The system calls that each name on standard input costs, counted on the modelled kernel. Facts about the call, such as
// the cgroups of PID 1 and of our ancestors, are not read again for each name.

import { expect, test } from "bun:test";

import { runCgkill } from "../../../src/cli/dispatch.ts";
import { encodeText } from "../../../src/sys/bytes.ts";
import { documents } from "../../support/documents.ts";
import { FakeKernel } from "../../support/fake-kernel/fake-kernel.ts";
import type { FakeProcess } from "../../support/fake-kernel/processes.ts";
import { writtenIo } from "../support.ts";

type Layout = "unified" | "legacy";

const CLOCKS = ["now", "wallClock", "turn", "isWalled"];

/** Run cgkill on `count` empty cgroups. @returns the number of calls by name, and the files read in /proc */
async function callsFor(count: number, layout: Layout, argv: readonly string[]) {
  const kernel = new FakeKernel({ layout });
  const names = Array.from({ length: count }, (_, nth) => `empty${nth}`);
  for (const name of names) kernel.makeGroup(layout === "unified" ? "v2" : "freezer", name);
  const calls = new Map<string, number>();
  const proc: string[] = [];
  kernel.onAccess = (_, path) => void (path.startsWith("/proc/") && proc.push(path));
  const sys = new Proxy(kernel, {
    get(target, name: keyof FakeKernel) {
      const value = target[name];
      if (typeof value !== "function" || CLOCKS.includes(name)) return value;
      return (...args: never[]) => {
        calls.set(name, (calls.get(name) ?? 0) + 1);
        return (value as (...given: never[]) => unknown).apply(target, args);
      };
    },
  });
  const { io, out } = writtenIo();
  async function* readIn(): AsyncGenerator<Uint8Array> {
    yield encodeText(names.map((name) => `/${name}\n`).join(""));
  }
  const edge = { sys, io: { ...io, readIn, settle: async () => {} }, abort: new AbortController().signal };
  expect(await runCgkill(["--json", ...argv, "-"], edge)).toBe(0);
  const reports = documents(out());
  expect(reports.map(({ outcome }) => outcome)).toEqual(names.map(() => "empty"));
  expect(reports.every(({ proven }) => proven === true)).toBe(true);
  return { calls, proc };
}

test.each<[string, Layout, readonly string[], number]>([
  ["v2, kept", "unified", ["--keep"], 16],
  ["v2, removed", "unified", ["--remove"], 24],
  ["v1, removed", "legacy", [], 29],
])("%s: one more empty cgroup takes few calls, no read of /proc and no write", async (...given) => {
  const [, layout, argv, max] = given;
  const few = await callsFor(20, layout, argv);
  const many = await callsFor(40, layout, argv);
  expect(many.proc).toEqual(few.proc);
  const total = ({ calls }: typeof few): number => calls.values().reduce((sum, count) => sum + count, 0);
  const perName = (total(many) - total(few)) / 20;
  expect(perName).toBeLessThanOrEqual(max);
  expect(many.calls.has("writeFile")).toBe(false);
});

test("our parent moves into a target before its name arrives: refused", async () => {
  const kernel = new FakeKernel({ layout: "unified" });
  const target = kernel.makeGroup("v2", "next");
  kernel.makeGroup("v2", "first");
  const parent = kernel.addProcess({ comm: "shell" });
  (kernel.processes.get(kernel.pid) as FakeProcess).ppid = parent.pid;
  const { io, out } = writtenIo();
  async function* readIn(): AsyncGenerator<Uint8Array> {
    yield encodeText("/first\n");
    parent.groups.set(kernel.hierarchy("v2"), target);
    yield encodeText("/next\n");
  }
  const edge = { sys: kernel, io: { ...io, readIn, settle: async () => {} }, abort: new AbortController().signal };
  expect(await runCgkill(["--json", "-"], edge)).toBe(4);
  const [first, next] = documents(out());
  expect(first).toMatchObject({ outcome: "empty" });
  expect(next).toMatchObject({ outcome: "refused", error: { code: "holds-ancestors" } });
});
