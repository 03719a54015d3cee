// The library edge: the two calls of the original design, on the modelled kernel.

import { expect, test } from "bun:test";

import { groupKillerOn, type GroupKillerOptions, type Logger } from "../../src/index.ts";
import { model } from "../support/model.ts";

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

test("a cgroup that is not there rejects, and names it", async () => {
  const { kernel } = model("kill");
  const killer = groupKillerOn(kernel, recorder(["trace"]).log, kernel.pid);
  await expect(killer.killGroup({ path: "/nobody" })).rejects.toThrow("/nobody: no such cgroup");
});

test.each(["kill", "freezer on v1"] as const)("%s: the executor inside survives, the others die", async (way) => {
  const { kernel, which, target } = model(way);
  const executor = kernel.addProcess({ group: target, which, comm: "executor" });
  const { log, lines } = recorder(["trace"]);
  const path = way === "kill" ? "/parent/target" : `${kernel.hierarchy(which).point}/parent/target`;
  const outcome = await groupKillerOn(kernel, log, executor.pid).killGroup({ path });
  expect(outcome).toMatchObject({ outcome: "killed", killedCount: 5, removed: way !== "kill" });
  expect(outcome.spared.map(({ pid }) => pid)).toEqual([executor.pid]);
  expect(executor.isDead).toBe(false);
  // Every line has what the original design logs, and goes to the level that the logger has.
  expect(new Set(lines.map(([level]) => level))).toEqual(new Set(["trace"]));
  for (const [, , fields] of lines) {
    expect(fields).toMatchObject({ cgroup: "/parent/target", executor_pid: executor.pid });
    expect(["v1", "v2"]).toContain(String(fields["version"]));
  }
  const named = (key: string): boolean => lines.some(([, , fields]) => key in fields);
  expect(["pids", "pid"].filter((key) => !named(key))).toEqual([]);
  expect(kernel.openDescriptors).toBe(0);
});

test("a logger with more levels is given each line at its own", async () => {
  const { kernel } = model("freezer on v1");
  kernel.failNext("write", /freezer\.state$/, "EIO", 20);
  const { log, lines } = recorder(["trace", "debug", "info", "warn", "error"]);
  await groupKillerOn(kernel, log, kernel.pid, { timeoutMs: 100 }).killGroup({
    path: "/sys/fs/cgroup/freezer/parent/target",
  });
  const levels = new Set(lines.map(([level]) => level));
  expect(levels.has("trace")).toBe(true);
  expect(levels.has("error")).toBe(true);
});
