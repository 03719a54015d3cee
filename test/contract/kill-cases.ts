// The cases that every kill must pass, the same on the model and on a real kernel. The first three are the kernel's own
// (tools/testing/selftests/cgroup/test_kill.c).

import { expect, test } from "bun:test";

import { findHierarchies } from "../../src/cgroup/open/hierarchy.ts";
import { openCgroup } from "../../src/cgroup/open/open.ts";
import type { KillEvent } from "../../src/kill/events.ts";
import { executeKill } from "../../src/kill/execute.ts";
import { planKill } from "../../src/kill/plan/plan.ts";
import { DEFAULT_OPTIONS, type KillOptions, type KillOutcome, type KillPlan } from "../../src/kill/types.ts";
import type { World } from "./world.ts";

const TIMEOUT_MS = 15_000;

/** The outcome of a kill, and its events. */
interface Result {
  readonly outcome: KillOutcome;
  readonly events: readonly KillEvent[];
}

async function plan(world: World, dir: string, options: Partial<KillOptions> = {}): Promise<KillPlan> {
  const cgroup = openCgroup(world.sys, findHierarchies(world.sys), dir);
  return await planKill(world.sys, cgroup, { ...DEFAULT_OPTIONS, ...options });
}

async function execute(world: World, planned: KillPlan, timeoutMs = TIMEOUT_MS): Promise<Result> {
  const events: KillEvent[] = [];
  const deadline = world.sys.now() + timeoutMs;
  const abort = new AbortController().signal;
  const outcome = await executeKill(world.sys, planned, { deadline, abort, onEvent: (event) => events.push(event) });
  world.sys.close(planned.cgroup.fd);
  return { outcome, events };
}

const kill = async (world: World, dir: string, options: Partial<KillOptions> = {}): Promise<Result> =>
  await execute(world, await plan(world, dir, options));

/** Expect no members by an independent check, the directory as the version's default is, and nothing frozen. */
function expectDead(world: World, dir: string): void {
  expect(world.members(dir)).toEqual([]);
  expect(world.isFrozen(world.base)).toBe(false);
  expect(world.exists(dir)).toBe(world.version === "v2");
}

/** The ten cgroups of the kernel's test: A{B{C,D},E{F{G{H}}},I,K}. */
const TREE = ["A/B/C", "A/B/D", "A/E/F/G/H", "A/I", "A/K"];

export function killCases(kernel: string, version: "v1" | "v2", makeWorld: () => World): void {
  const on = (name: string, body: (world: World) => Promise<void>): void => {
    test(`${kernel}, ${version}: ${name}`, async () => {
      await using world = makeWorld();
      // A cgroup beside the target, whose member must live.
      const sibling = await world.makeCgroup("bystander");
      await world.populate(sibling, "sleepers", 1);
      const innocents = world.members(sibling);
      await body(world);
      expect(world.members(sibling)).toEqual(innocents);
    });
  };

  on("a hundred processes", async (world) => {
    const dir = await world.makeCgroup("A");
    await world.populate(dir, "sleepers", 100);
    const { outcome } = await kill(world, dir);
    expectDead(world, dir);
    expect(outcome).toMatchObject({ outcome: "killed", killedCount: 100, survivors: [], leftFrozen: [], error: null });
    expect(outcome.removed).toBe(version === "v1");
    expect(outcome.method).toBe(version === "v1" ? "freezer" : "kill");
  });

  on("a tree of ten cgroups", async (world) => {
    for (const path of TREE) await world.makeCgroup(path);
    const dir = `${world.base}/A`;
    await world.populate(`${dir}/B/C`, "sleepers", 1);
    await world.populate(`${dir}/E/F/G/H`, "sleepers", 1);
    await world.populate(`${dir}/K`, "sleepers", 3);
    const { outcome } = await kill(world, dir, { remove: true });
    expect(outcome).toMatchObject({ outcome: "killed", killedCount: 5, removed: true });
    expect(world.exists(dir)).toBe(false);
  });

  on("a fork bomb", async (world) => {
    const dir = await world.makeCgroup("A");
    await world.populate(dir, "forkbomb", 100);
    const { outcome } = await kill(world, dir);
    expectDead(world, dir);
    expect(outcome.outcome).toBe("killed");
  });

  on("an empty cgroup", async (world) => {
    const dir = await world.makeCgroup("A");
    const { outcome } = await kill(world, dir);
    expectDead(world, dir);
    expect(outcome).toMatchObject({ outcome: "empty", killed: [], killedCount: 0 });
  });

  on(
    "frozen before: all are dead, and a kept v2 cgroup is thawed, so that the next process in it runs",
    async (world) => {
      const dir = await world.makeCgroup("A");
      await world.populate(dir, "sleepers", 3);
      await world.freeze(dir);
      const { outcome } = await kill(world, dir, { remove: version === "v1" });
      expect(world.members(dir)).toEqual([]);
      expect(outcome).toMatchObject({ outcome: "killed", killedCount: 3, leftFrozen: [] });
      expect(world.exists(dir)).toBe(version === "v2");
      expect(world.isFrozen(world.base)).toBe(false);
    },
  );

  on("a descendant frozen on its own", async (world) => {
    const dir = await world.makeCgroup("A");
    const below = await world.makeCgroup("A/below");
    await world.populate(below, "sleepers", 3);
    await world.freeze(below);
    const { outcome } = await kill(world, dir, { remove: true });
    expect(outcome).toMatchObject({ outcome: "killed", killedCount: 3, removed: true, leftFrozen: [] });
  });

  on("processes that ignore the grace signal", async (world) => {
    const dir = await world.makeCgroup("A");
    await world.populate(dir, "ignorant", 3);
    const { outcome } = await kill(world, dir, { graceMs: 50 });
    expectDead(world, dir);
    expect(outcome).toMatchObject({ outcome: "killed", killedCount: 3 });
  });

  on("processes that end in the grace period: nothing is frozen", async (world) => {
    const dir = await world.makeCgroup("A");
    await world.populate(dir, "sleepers", 3);
    const { outcome, events } = await kill(world, dir, { graceMs: 10_000 });
    expectDead(world, dir);
    expect(outcome.outcome).toBe("killed");
    expect(events.map(({ kind }) => kind)).not.toContain("freezing");
  });

  on("processes stopped by SIGSTOP", async (world) => {
    const dir = await world.makeCgroup("A");
    await world.populate(dir, "stopped", 3);
    expect((await kill(world, dir)).outcome).toMatchObject({ outcome: "killed", killedCount: 3 });
    expectDead(world, dir);
  });

  on("cgkill itself is inside the target: it moves out, and the others die", async (world) => {
    const dir = await world.makeCgroup("A");
    await world.populate(dir, "sleepers", 2);
    await world.enter(dir);
    const { outcome } = await kill(world, dir);
    expectDead(world, dir);
    expect(outcome).toMatchObject({ outcome: "killed", killedCount: 2 });
    expect(outcome.spared.map(({ pid }) => pid)).toEqual([world.sys.pid]);
    expect(outcome.spared[0]?.cgroup).not.toContain("/A");
  });

  on("a missing cgroup", async (world) => {
    await expect(plan(world, `${world.base}/missing`)).rejects.toThrow("no such cgroup");
  });

  on("two kills at the same time: both succeed", async (world) => {
    const dir = await world.makeCgroup("A");
    await world.populate(dir, "sleepers", 20);
    const plans = [await plan(world, dir), await plan(world, dir)];
    const results = await Promise.all(plans.map((planned) => execute(world, planned)));
    expectDead(world, dir);
    for (const { outcome } of results) {
      expect(["killed", "empty"]).toContain(outcome.outcome);
      expect(outcome.leftFrozen).toEqual([]);
    }
  });

  on("removed by another process after the plan: success", async (world) => {
    const dir = await world.makeCgroup("A");
    await world.populate(dir, "sleepers", 20);
    const planned = await plan(world, dir);
    await world.removeCgroup(dir);
    const { outcome } = await execute(world, planned);
    expect(outcome).toMatchObject({ outcome: "empty", survivors: [], error: null });
  });

  on("removed and re-created after the plan: refused, and the new cgroup's member lives", async (world) => {
    const dir = await world.makeCgroup("A");
    const planned = await plan(world, dir);
    await world.removeCgroup(dir);
    await world.makeCgroup("A");
    await world.populate(dir, "sleepers", 1);
    const { outcome } = await execute(world, planned);
    expect(outcome).toMatchObject({ outcome: "refused", killed: [] });
    expect(outcome.error?.code).toBe("changed");
    expect(world.members(dir)).toHaveLength(1);
  });

  on("an exited leader with live threads", async (world) => {
    const dir = await world.makeCgroup("A");
    await world.populate(dir, "deadleader", 3);
    expect((await kill(world, dir)).outcome.outcome).toBe("killed");
    expectDead(world, dir);
  });

  on("an exec storm", async (world) => {
    const dir = await world.makeCgroup("A");
    await world.populate(dir, "execstorm", 4);
    expect((await kill(world, dir)).outcome.outcome).toBe("killed");
    expectDead(world, dir);
  });

  on("a deadline of zero: one kill, one check, and nothing stays frozen", async (world) => {
    const dir = await world.makeCgroup("A");
    await world.populate(dir, "sleepers", 5);
    const { outcome } = await execute(world, await plan(world, dir), 0);
    expect(["killed", "survivors", "not-removed"]).toContain(outcome.outcome);
    expect(world.isFrozen(world.base)).toBe(false);
  });

  on("method sweep, without freezing the target", async (world) => {
    const dir = await world.makeCgroup("A");
    await world.populate(dir, "sleepers", 20);
    const { outcome } = await kill(world, dir, { method: "sweep" });
    expect(outcome).toMatchObject({ outcome: "killed", method: "sweep", killedCount: 20 });
    expectDead(world, dir);
  });

  on("the hierarchy's root is refused", async (world) => {
    const root = world.base.slice(0, world.base.lastIndexOf("/"));
    const { outcome } = await kill(world, root);
    expect(outcome.outcome).toBe("refused");
    // In a container the mount may show only the container's own cgroup, which is not the root, but contains PID 1.
    expect(outcome.error?.code).toBeOneOf(["hierarchy-root", "holds-init"]);
  });
}
