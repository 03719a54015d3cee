// The library: the two calls of the original design, on the modelled kernel.

import { expect, test } from "bun:test";

import { createGroupKiller, groupKillerOn, type GroupKillerOptions, type Logger } from "../../src/index.ts";
import { model, WAYS } from "../support/model.ts";

type Line = readonly [string, string, Record<string, unknown>];

function recorder(levels: readonly string[]): { readonly log: Logger; readonly lines: Line[] } {
  const lines: Line[] = [];
  const write = (level: string) => (message: string, fields: object) =>
    void lines.push([level, message, fields as Record<string, unknown>]);
  const log = Object.fromEntries(levels.map((level) => [level, write(level)])) as unknown as Logger;
  return { log, lines };
}

const QUIET: GroupKillerOptions = {};

test.each([null, undefined, { path: "" }])("%j: rejects with 'missing cgroup'", async (cgroup) => {
  const { kernel } = model("kill");
  const { log } = recorder(["trace"]);
  const killer = groupKillerOn(kernel, log, kernel.pid, QUIET);
  await expect(killer.killGroup(cgroup)).rejects.toThrow("missing cgroup");
  expect(kernel.writes).toEqual([]);
});

test.each([null, undefined, { path: "" }])("on the real kernel, %j: rejects with 'missing cgroup'", async (cgroup) => {
  const { log, lines } = recorder(["trace"]);
  await expect(createGroupKiller(log, 1).killGroup(cgroup)).rejects.toThrow("missing cgroup");
  expect(lines).toEqual([]);
});

test("a missing cgroup: rejects with 'missing cgroup' and names it", async () => {
  const { kernel } = model("kill");
  const killer = groupKillerOn(kernel, recorder(["trace"]).log, kernel.pid);
  await expect(killer.killGroup({ path: "/nobody" })).rejects.toThrow("missing cgroup: /nobody: no such cgroup");
});

test.each(["kill", "freezer on v1"] as const)(
  "%s: an executor inside the target survives, the others die",
  async (way) => {
    const { kernel, which, target } = model(way);
    const executor = kernel.addProcess({ group: target, which, comm: "executor" });
    const { log, lines } = recorder(["trace"]);
    const path = way === "kill" ? "/parent/target" : `${kernel.hierarchy(which).point}/parent/target`;
    const outcome = await groupKillerOn(kernel, log, executor.pid).killGroup({ path });
    expect(outcome).toMatchObject({ outcome: "killed", killedCount: 5, removed: way !== "kill" });
    expect(outcome.spared.map(({ pid }) => pid)).toEqual([executor.pid]);
    expect(executor.isDead).toBe(false);
    // Every line has the fields of the original design and goes to the `trace` level.
    expect(new Set(lines.map(([level]) => level))).toEqual(new Set(["trace"]));
    for (const [, , fields] of lines) {
      expect(fields).toMatchObject({ cgroup: "/parent/target", executor_pid: executor.pid });
      expect(["v1", "v2"]).toContain(String(fields["version"]));
    }
    const named = (key: string): boolean => lines.some(([, , fields]) => key in fields);
    expect(["pids", "pid"].filter((key) => !named(key))).toEqual([]);
    expect(kernel.openDescriptors).toBe(0);
  },
);

test("an executor that /proc hides (hidepid=2) survives too", async () => {
  const { kernel, which, target } = model("kill");
  const executor = kernel.addProcess({ group: target, which, comm: "executor" });
  kernel.failNext("read", new RegExp(`^/proc/${executor.pid}/`), "ENOENT", Number.POSITIVE_INFINITY);
  const outcome = await groupKillerOn(kernel, recorder(["trace"]).log, executor.pid).killGroup({
    path: "/parent/target",
  });
  expect(outcome).toMatchObject({ outcome: "killed", killedCount: 5, spared: [{ pid: executor.pid }] });
  expect(executor.isDead).toBe(false);
});

test("a logger with more levels gets each line at its own level, with `this` set", async () => {
  const { kernel } = model("freezer on v1");
  // The freeze succeeds; the thaw and the freeze of the next round are denied.
  kernel.onAccess = (operation, path) => {
    if (operation !== "write" || !path.endsWith("freezer.state")) return;
    kernel.onAccess = () => {};
    kernel.at(0.001, () => kernel.failNext("write", /freezer\.state$/, "EIO", 5));
  };
  const { log, lines } = recorder(["trace", "debug", "info", "warn", "error"]);
  const outcome = await groupKillerOn(kernel, log, kernel.pid).killGroup({
    path: "/sys/fs/cgroup/freezer/parent/target",
  });
  expect(outcome).toMatchObject({ outcome: "killed", killedCount: 5, leftFrozen: [] });
  const levelOf = (message: string): string[] => lines.filter(([, text]) => text === message).map(([level]) => level);
  expect(new Set(levelOf("freezing"))).toEqual(new Set(["trace"]));
  expect(levelOf("could not thaw")).toEqual(["error"]);
  expect(levelOf("could not freeze: continuing without a freeze")).toEqual(["debug"]);
  const failure = lines.find(([, text]) => text === "could not thaw");
  expect(failure?.[2]).toMatchObject({
    path: "/sys/fs/cgroup/freezer/parent/target",
    error: expect.stringContaining("EIO"),
    version: "v1",
  });
});

// Regression: an error of the logger ended the kill, and left the fork fence up.
test.each(WAYS)("%s: a logger that throws at each line: killed", async (way) => {
  const { kernel, dir, target } = model(way);
  const trace = () => {
    throw new Error("disk full");
  };
  const outcome = await groupKillerOn(kernel, { trace }, kernel.pid, { remove: false }).killGroup({ path: dir });
  expect(outcome).toMatchObject({ outcome: "killed", killedCount: 5, leftFrozen: [] });
  expect([target.isSwitchedOn, target.pidsMax]).toEqual([false, "max"]);
  expect(kernel.openDescriptors).toBe(0);
});

test("options that are undefined have their default", async () => {
  const { kernel, dir } = model("kill");
  const options = { method: undefined, spare: undefined, timeoutMs: undefined, abort: undefined };
  const killer = groupKillerOn(kernel, recorder(["trace"]).log, kernel.pid, options as unknown as GroupKillerOptions);
  expect(await killer.killGroup({ path: dir })).toMatchObject({ outcome: "killed", killedCount: 5, method: "kill" });
});

// Regression: with survivors, the kill never ended.
test.each([
  ["timeoutMs", Number.NaN],
  ["timeoutMs", "10s"],
  ["timeoutMs", -1],
  ["graceMs", "5s"],
])("%s: %p is rejected when the killer is made", (name, value) => {
  const { kernel } = model("kill");
  const make = () => groupKillerOn(kernel, recorder(["trace"]).log, kernel.pid, { [name]: value });
  expect(make).toThrow(`${name}: `);
});

test("a logger's levels are called as its methods", async () => {
  const { kernel } = model("kill");
  const seen: unknown[] = [];
  const log = {
    trace(this: unknown) {
      seen.push(this);
    },
  };
  await groupKillerOn(kernel, log, kernel.pid).killGroup({ path: "/parent/target" });
  expect(seen.length).toBeGreaterThan(0);
  expect(new Set(seen)).toEqual(new Set<unknown>([log]));
});

test("the fields of the original design: the freezer state at each step, the pids found, each pid signalled", async () => {
  const { kernel, which, target } = model("freezer on v1");
  const members = kernel.live(target, kernel.hierarchy(which)).map(({ pid }) => pid);
  const { log, lines } = recorder(["trace"]);
  await groupKillerOn(kernel, log, kernel.pid).killGroup({ path: "/sys/fs/cgroup/freezer/parent/target" });
  const told = (message: string) => lines.filter(([, text]) => text === message).map(([, , fields]) => fields);
  expect(told("found pids").map(({ pids }) => pids)).toEqual([members]);
  expect(told("signalled").map(({ pid, signal }) => [pid, signal])).toEqual(members.map((pid) => [pid, 9]));
  expect(told("frozen").map(({ state }) => state)).toEqual(["frozen"]);
  expect(told("thawed").map(({ state, path }) => [state, path])).toEqual([
    ["thawed", "/sys/fs/cgroup/freezer/parent/target"],
  ]);
});

test("a denial by the kernel or a refusal by a guard is an outcome, not an exception", async () => {
  const denied = model("kill");
  denied.kernel.failNext("write", /cgroup\.kill$/, "EACCES", Number.POSITIVE_INFINITY);
  const { log, lines } = recorder(["trace"]);
  const outcome = await groupKillerOn(denied.kernel, log, denied.kernel.pid).killGroup({ path: "/parent/target" });
  expect(outcome).toMatchObject({
    outcome: "denied",
    method: "kill",
    error: { operation: "write", path: "/sys/fs/cgroup/unified/parent/target/cgroup.kill", errno: "EACCES" },
  });
  expect(lines.at(-1)?.[2]).toMatchObject({ error: expect.stringContaining("EACCES") });
  expect(denied.kernel.openDescriptors).toBe(0);

  const refused = model("kill");
  refused.kernel.processes.get(1)?.groups.set(refused.kernel.hierarchy("v2"), refused.target);
  const killer = groupKillerOn(refused.kernel, recorder(["trace"]).log, refused.kernel.pid);
  expect(await killer.killGroup({ path: "/parent/target" })).toMatchObject({ outcome: "refused" });
  expect(refused.kernel.writes).toEqual([]);
  expect(refused.kernel.openDescriptors).toBe(0);
});

test("an abort: interrupted, and nothing stays frozen", async () => {
  const { kernel, target } = model("freezer on v1");
  const abort = new AbortController();
  kernel.onAccess = () => {
    if (target.isSwitchedOn) abort.abort();
  };
  const killer = groupKillerOn(kernel, recorder(["trace"]).log, kernel.pid, { abort: abort.signal });
  const outcome = await killer.killGroup({ path: "/sys/fs/cgroup/freezer/parent/target" });
  expect(outcome).toMatchObject({ outcome: "interrupted", leftFrozen: [], error: { code: "interrupted" } });
  expect(target.isSwitchedOn).toBe(false);
});

test("the options of the command line: more pids to spare, kept instead of removed", async () => {
  const { kernel, which, target } = model("freezer on v1");
  const executor = kernel.addProcess({ group: target, which });
  const helper = kernel.addProcess({ group: target, which });
  const killer = groupKillerOn(kernel, recorder(["trace"]).log, executor.pid, { spare: [helper.pid], remove: false });
  const outcome = await killer.killGroup({ path: "/sys/fs/cgroup/freezer/parent/target" });
  expect(outcome).toMatchObject({ outcome: "killed", killedCount: 5, removed: false });
  expect(new Set(outcome.spared.map(({ pid }) => pid))).toEqual(new Set([executor.pid, helper.pid]));
  expect([executor.isDead, helper.isDead, target.isRemoved]).toEqual([false, false, false]);
});

test("several kills by one killer at the same time", async () => {
  const on = model("kill");
  const { kernel } = on;
  const other = kernel.makeGroup("v2", "parent/other");
  kernel.addProcess({ group: other });
  const killer = groupKillerOn(kernel, recorder(["trace"]).log, kernel.pid);
  const outcomes = await Promise.all(["/parent/target", "parent/other"].map((path) => killer.killGroup({ path })));
  expect(outcomes.map(({ cgroup, outcome, killedCount }) => [cgroup, outcome, killedCount])).toEqual([
    ["/parent/target", "killed", 5],
    ["/parent/other", "killed", 1],
  ]);
  expect(on.innocents.map((pid) => kernel.processes.get(pid)?.killedAt)).toEqual([undefined, undefined]);
});
