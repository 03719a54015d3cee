// The plan of a preview, on the modelled kernel: the steps of each method, which of them are denied, and the fates of
// processes that cannot be staged for real. Nothing is written or signalled.

import { describe, expect, test } from "bun:test";

import type { PlanStep, Preview } from "../../src/inspect/preview-types.ts";
import { readPreview } from "../../src/inspect/preview.ts";
import type { KillOptions } from "../../src/kill/types.ts";
import { type Model, model, plan, type Way, WAYS } from "../support/model.ts";

async function preview(on: Model, options: Partial<KillOptions> = {}): Promise<Preview> {
  const planned = await plan(on, options);
  try {
    return await readPreview(on.kernel, planned, 2000);
  } finally {
    on.kernel.close(planned.cgroup.fd);
    expect(on.kernel.openDescriptors).toBe(0);
    expect(on.kernel.writes).toEqual([]);
  }
}

const stepsOf = ({ plan: steps }: Preview): string[] => steps.map(({ step }) => step);
const fateOf = ({ processes }: Preview, pid: number): (string | null)[] => {
  const process = processes.find((each) => each.pid === pid);
  return [process?.fate ?? null, process?.fateReason ?? null];
};
const DENIED = Number.POSITIVE_INFINITY;

const STEPS: Readonly<Record<Way, readonly string[]>> = {
  kill: ["kill", "wait"],
  "kill that misses one": ["kill", "wait"],
  "freezer on v1": ["freeze", "kill", "thaw", "wait", "remove"],
  "freezer on v2": ["freeze", "kill", "thaw", "wait"],
  sweep: ["trap", "kill", "untrap", "wait", "remove"],
  "sweep behind a fence": ["fence", "kill", "unfence", "wait", "remove"],
};

test.each([...WAYS])("%s: the steps in order, all permitted to root", async (way) => {
  const shown = await preview(model(way));
  expect(stepsOf(shown)).toEqual([...STEPS[way]]);
  expect(shown.plan.every(({ permitted }) => permitted === true)).toBe(true);
});

test("grace comes first and removal last, with --all-hierarchies in every v1 hierarchy", async () => {
  const on = model("freezer on v1");
  on.kernel.makeGroup("memory", "parent/target");
  const shown = await preview(on, { graceMs: 5000, graceSignal: "HUP", allHierarchies: true });
  expect(shown.plan[0]).toEqual({
    step: "grace",
    signal: "SIGHUP",
    waitMs: 5000,
    path: null,
    permitted: true,
    reason: null,
  });
  const removed = shown.plan.filter(({ step }) => step === "remove").map(({ path }) => path);
  expect(removed).toEqual([on.dir, `${on.kernel.hierarchy("memory").point}/parent/target`]);
});

test.each([0, 5000])("an empty cgroup with a grace period of %i ms is only removed", async (graceMs) => {
  const on = model("kill");
  for (const process of on.kernel.live(on.target, on.kernel.hierarchy("v2"))) process.isDead = true;
  expect(stepsOf(await preview(on, { graceMs, remove: true }))).toEqual(["remove"]);
});

test.each([
  [0, ["freeze", "kill", "thaw", "wait"]],
  [5000, ["grace"]],
])("a kept, empty v1 cgroup with a child and a grace period of %i ms", async (graceMs, steps) => {
  const on = model("freezer on v1");
  for (const process of on.kernel.live(on.target, on.kernel.hierarchy("freezer"))) process.isDead = true;
  expect(stepsOf(await preview(on, { graceMs, remove: false }))).toEqual(steps);
});

describe("a frozen target", () => {
  test("v2: a kept subtree is thawed at the end, a removed one is not", async () => {
    const on = model("kill");
    const below = on.target.children.get("below");
    for (const group of [on.target, below]) if (group !== undefined) group.isSwitchedOn = true;
    const kept = await preview(on);
    const thaws = kept.plan.filter(({ step }) => step === "thaw").map(({ path }) => path);
    expect(stepsOf(kept)).toEqual(["kill", "wait", "thaw", "thaw"]);
    expect(thaws).toEqual([`${on.dir}/cgroup.freeze`, `${on.dir}/below/cgroup.freeze`]);
    expect(stepsOf(await preview(on, { remove: true }))).toEqual(["kill", "wait", "remove"]);
  });

  test("v1: killed processes are moved out of a frozen ancestor", async () => {
    const on = model("freezer on v1");
    const parent = on.target.parent;
    if (parent !== undefined) parent.isSwitchedOn = true;
    const shown = await preview(on);
    expect(stepsOf(shown)).toEqual(["freeze", "kill", "thaw", "move-out", "wait", "remove"]);
    expect(shown.processes.every(({ fate }) => fate === "killed")).toBe(true);
  });

  test("v1: without a destination, --thaw-ancestors thaws the ancestor for the duration of the kill", async () => {
    const on = model("freezer on v1");
    const parent = on.target.parent;
    if (parent !== undefined) parent.isSwitchedOn = true;
    on.kernel.failNext("open", /freezer\/cgroup\.procs$/, "EACCES", DENIED);
    const shown = await preview(on, { thawAncestors: true });
    expect(stepsOf(shown)).toEqual(["thaw-ancestor", "freeze", "kill", "thaw", "wait", "freeze-ancestor", "remove"]);
    const path = `${on.kernel.hierarchy("freezer").point}/parent/freezer.state`;
    expect(shown.plan[0]).toMatchObject({ path, permitted: true });
  });
});

test("a refused kill has no steps and spares every process", async () => {
  const on = model("kill");
  on.kernel.processes.get(1)?.groups.set(on.kernel.hierarchy("v2"), on.target);
  const shown = await preview(on);
  expect(shown.refusal?.code).toBe("holds-init");
  expect(shown.plan).toEqual([]);
  expect(new Set(shown.processes.map(({ fate, fateReason }) => `${fate} ${fateReason}`))).toEqual(
    new Set(["spared refused"]),
  );
});

describe("stepping aside", () => {
  const inside = (way: Way): Model => {
    const on = model(way);
    on.kernel.processes.get(on.kernel.pid)?.groups.set(on.kernel.hierarchy(on.which), on.target);
    return on;
  };

  test.each(["kill", "freezer on v1"] as const)("%s: cgkill moves itself out and is not killed", async (way) => {
    const on = inside(way);
    const shown = await preview(on);
    expect(shown.plan[0]).toMatchObject({ step: "step-aside", permitted: true });
    expect(fateOf(shown, on.kernel.pid)).toEqual(["spared", null]);
    expect(shown.processes.filter(({ fate }) => fate === "killed")).toHaveLength(5);
  });

  test("without a destination, the preview has the refusal that the kill would end with", async () => {
    const on = inside("kill");
    on.kernel.failNext("open", /cgroup\.procs$/, "EACCES", DENIED);
    const shown = await preview(on);
    expect(shown.refusal?.code).toBe("nowhere-to-step-aside");
    expect(shown.plan).toEqual([]);
  });
});

describe("what may survive", () => {
  const denied = (steps: readonly PlanStep[]): string[] =>
    steps.filter(({ permitted }) => permitted === false).map(({ step }) => step);

  test.each([
    ["kill", /cgroup\.kill$/, ["kill"]],
    ["freezer on v1", /freezer\.state$/, ["freeze", "thaw"]],
  ] as const)("%s: if its file is denied, every process may survive", async (way, file, steps) => {
    const on = model(way);
    on.kernel.failNext("open", file, "EACCES", DENIED);
    const shown = await preview(on);
    expect(denied(shown.plan)).toEqual([...steps]);
    for (const { pid } of shown.processes) expect(fateOf(shown, pid)).toEqual(["may-survive", "not-permitted"]);
  });

  test("freezer on v2: if the freeze is denied, every process is still killed", async () => {
    const on = model("freezer on v2");
    on.kernel.failNext("open", /cgroup\.freeze$/, "EACCES", DENIED);
    const shown = await preview(on);
    expect(denied(shown.plan)).toEqual(["freeze", "thaw"]);
    expect(shown.processes.every(({ fate }) => fate === "killed")).toBe(true);
  });

  test.each([
    ["a kernel thread", { isKernelThread: true }, "kernel-thread"],
    ["a process in state D", { isStuck: true }, "uninterruptible"],
    ["a process traced from outside", { tracerPid: 1 }, "traced"],
  ])("%s", async (_, given, reason) => {
    const on = model("kill");
    const { pid } = on.kernel.addProcess({ group: on.target, which: "v2", ...given });
    expect(fateOf(await preview(on), pid)).toEqual(["may-survive", reason]);
  });

  test("a process traced by another member is killed, as its tracer dies too", async () => {
    const on = model("kill");
    const tracer = on.kernel.addProcess({ group: on.target, which: "v2" });
    const { pid } = on.kernel.addProcess({ group: on.target, which: "v2", tracerPid: tracer.pid });
    expect(fateOf(await preview(on), pid)).toEqual(["killed", null]);
  });

  test("a process in another frozen freezer cgroup may survive unless it can be moved out", async () => {
    const on = model("kill");
    const group = on.kernel.makeGroup("freezer", "foreign");
    group.isSwitchedOn = true;
    const process = on.kernel.addProcess({ group: on.target, which: "v2" });
    process.groups.set(on.kernel.hierarchy("freezer"), group);
    expect(fateOf(await preview(on), process.pid)).toEqual(["killed", null]);
    on.kernel.failNext("open", /freezer\/cgroup\.procs$/, "EACCES", DENIED);
    expect(fateOf(await preview(on), process.pid)).toEqual(["may-survive", "frozen-elsewhere"]);
  });
});
