// The plan that a preview tells, on the modelled kernel: the steps of each way to kill, what is denied, and the fates that
// cannot be staged for real. Nothing is written or signalled for it.

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

test.each([...WAYS])("%s: its steps, in their order, all permitted to root", async (way) => {
  const told = await preview(model(way));
  expect(stepsOf(told)).toEqual([...STEPS[way]]);
  expect(told.plan.every(({ permitted }) => permitted === true)).toBe(true);
});

test("grace comes first, and removal last, in every v1 hierarchy if that is asked for", async () => {
  const on = model("freezer on v1");
  on.kernel.makeGroup("memory", "parent/target");
  const told = await preview(on, { graceMs: 5000, graceSignal: "HUP", allHierarchies: true });
  expect(told.plan[0]).toEqual({ step: "grace", signal: "SIGHUP", waitMs: 5000, path: null, permitted: true });
  const removed = told.plan.filter(({ step }) => step === "remove").map(({ path }) => path);
  expect(removed).toEqual([on.dir, `${on.kernel.hierarchy("memory").point}/parent/target`]);
});

test.each([0, 5000])("an empty cgroup, with a grace period of %i ms: nothing but its removal", async (graceMs) => {
  const on = model("kill");
  for (const process of on.kernel.live(on.target, on.kernel.hierarchy("v2"))) process.isDead = true;
  expect(stepsOf(await preview(on, { graceMs, remove: true }))).toEqual(["remove"]);
});

test.each([
  [0, ["freeze", "kill", "thaw", "wait"]],
  [5000, ["grace"]],
])("v1, kept, empty and with a cgroup below it, a grace period of %i ms", async (graceMs, steps) => {
  const on = model("freezer on v1");
  for (const process of on.kernel.live(on.target, on.kernel.hierarchy("freezer"))) process.isDead = true;
  expect(stepsOf(await preview(on, { graceMs, remove: false }))).toEqual(steps);
});

describe("what was found frozen", () => {
  test("v2, kept: thawed at the end, what is below it too; removed: not at all", async () => {
    const on = model("kill");
    const below = on.target.children.get("below");
    for (const group of [on.target, below]) if (group !== undefined) group.isSwitchedOn = true;
    const kept = await preview(on);
    const thaws = kept.plan.filter(({ step }) => step === "thaw").map(({ path }) => path);
    expect(stepsOf(kept)).toEqual(["kill", "wait", "thaw", "thaw"]);
    expect(thaws).toEqual([`${on.dir}/cgroup.freeze`, `${on.dir}/below/cgroup.freeze`]);
    expect(stepsOf(await preview(on, { remove: true }))).toEqual(["kill", "wait", "remove"]);
  });

  test("v1, below a frozen ancestor: the killed are moved out to die", async () => {
    const on = model("freezer on v1");
    const parent = on.target.parent;
    if (parent !== undefined) parent.isSwitchedOn = true;
    const told = await preview(on);
    expect(stepsOf(told)).toEqual(["freeze", "kill", "thaw", "move-out", "wait", "remove"]);
    expect(told.processes.every(({ fate }) => fate === "killed")).toBe(true);
  });

  test("v1, with no way out and --thaw-ancestors: the ancestor is thawed around the kill", async () => {
    const on = model("freezer on v1");
    const parent = on.target.parent;
    if (parent !== undefined) parent.isSwitchedOn = true;
    on.kernel.failNext("open", /freezer\/cgroup\.procs$/, "EACCES", DENIED);
    const told = await preview(on, { thawAncestors: true });
    expect(stepsOf(told)).toEqual(["thaw-ancestor", "freeze", "kill", "thaw", "wait", "freeze-ancestor", "remove"]);
    const path = `${on.kernel.hierarchy("freezer").point}/parent/freezer.state`;
    expect(told.plan[0]).toMatchObject({ path, permitted: true });
  });
});

test("what would be refused has no steps, and spares every process", async () => {
  const on = model("kill");
  on.kernel.processes.get(1)?.groups.set(on.kernel.hierarchy("v2"), on.target);
  const told = await preview(on);
  expect(told.refusal?.code).toBe("holds-init");
  expect(told.plan).toEqual([]);
  expect(new Set(told.processes.map(({ fate, fateReason }) => `${fate} ${fateReason}`))).toEqual(
    new Set(["spared refused"]),
  );
});

describe("stepping aside", () => {
  const inside = (way: Way): Model => {
    const on = model(way);
    on.kernel.processes.get(on.kernel.pid)?.groups.set(on.kernel.hierarchy(on.which), on.target);
    return on;
  };

  test.each(["kill", "freezer on v1"] as const)("%s: cgkill itself is moved, and no victim", async (way) => {
    const on = inside(way);
    const told = await preview(on);
    expect(told.plan[0]).toMatchObject({ step: "step-aside", permitted: true });
    expect(fateOf(told, on.kernel.pid)).toEqual(["spared", null]);
    expect(told.processes.filter(({ fate }) => fate === "killed")).toHaveLength(5);
  });

  test("with no place to go it is the refusal that the kill would end with", async () => {
    const on = inside("kill");
    on.kernel.failNext("open", /cgroup\.procs$/, "EACCES", DENIED);
    const told = await preview(on);
    expect(told.refusal?.code).toBe("nowhere-to-step-aside");
    expect(told.plan).toEqual([]);
  });
});

describe("what may survive", () => {
  const denied = (steps: readonly PlanStep[]): string[] =>
    steps.filter(({ permitted }) => permitted === false).map(({ step }) => step);

  test.each([
    ["kill", /cgroup\.kill$/, ["kill"]],
    ["freezer on v1", /freezer\.state$/, ["freeze", "thaw"]],
  ] as const)("%s, its file denied: every process", async (way, file, steps) => {
    const on = model(way);
    on.kernel.failNext("open", file, "EACCES", DENIED);
    const told = await preview(on);
    expect(denied(told.plan)).toEqual([...steps]);
    for (const { pid } of told.processes) expect(fateOf(told, pid)).toEqual(["may-survive", "not-permitted"]);
  });

  test("v2 by the freezer, the freeze denied: none, since the kill goes on without", async () => {
    const on = model("freezer on v2");
    on.kernel.failNext("open", /cgroup\.freeze$/, "EACCES", DENIED);
    const told = await preview(on);
    expect(denied(told.plan)).toEqual(["freeze", "thaw"]);
    expect(told.processes.every(({ fate }) => fate === "killed")).toBe(true);
  });

  test.each([
    ["a kernel thread", { isKernelThread: true }, "kernel-thread"],
    ["one that is stuck in the kernel", { isStuck: true }, "uninterruptible"],
    ["one that is traced from outside", { tracerPid: 1 }, "traced"],
  ])("%s", async (_, given, reason) => {
    const on = model("kill");
    const { pid } = on.kernel.addProcess({ group: on.target, which: "v2", ...given });
    expect(fateOf(await preview(on), pid)).toEqual(["may-survive", reason]);
  });

  test("one that is traced by another member is not: its tracer dies too", async () => {
    const on = model("kill");
    const tracer = on.kernel.addProcess({ group: on.target, which: "v2" });
    const { pid } = on.kernel.addProcess({ group: on.target, which: "v2", tracerPid: tracer.pid });
    expect(fateOf(await preview(on), pid)).toEqual(["killed", null]);
  });

  test("one in another frozen freezer, unless it can be moved out", async () => {
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
