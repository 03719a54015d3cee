// The processes that are left at the deadline, and the removal of the directory.

import { describe, expect, test } from "bun:test";

import type { FakeProcess } from "../support/fake-kernel/processes.ts";
import { execute, expectPromise, kill, model, plan, WAYS } from "../support/model.ts";

describe("survivors", () => {
  test.each([
    ["stuck in the kernel", { isStuck: true }, { reason: "uninterruptible", state: "D", sigkillPending: true }],
    ["stuck in an exec", { isStuck: true, isInExec: true }, { reason: "uninterruptible", state: "D", wchan: null }],
    ["a kernel thread", { isKernelThread: true }, { reason: "kernel-thread" }],
    ["a member of another pid namespace", { isInvisible: true, isStuck: true }, { reason: "not-visible", pid: 0 }],
  ] as ReadonlyArray<readonly [string, Partial<FakeProcess>, Record<string, unknown>]>)(
    "%s: reported, with its reason and a hint",
    async (_, properties, expected) => {
      const on = model("kill");
      on.kernel.addProcess({ ...properties, group: on.target, which: "v2", comm: "survivor" });
      const done = await kill(on);
      expectPromise(on, done);
      expect(done.outcome).toMatchObject({ outcome: "survivors", killedCount: 5 });
      expect(done.outcome.survivors).toHaveLength(1);
      expect(done.outcome.survivors[0]).toMatchObject(expected);
      expect(done.outcome.survivors[0]?.hint).not.toBe("");
    },
  );

  test("a process that we may not signal is a survivor, and the others die", async () => {
    const on = model("freezer on v1");
    on.kernel.addProcess({ isDenied: true, group: on.target, which: "freezer" });
    const done = await kill(on);
    expectPromise(on, done);
    expect(done.outcome).toMatchObject({ outcome: "denied", killedCount: 5 });
    expect(done.outcome.survivors).toHaveLength(1);
    expect(done.outcome.survivors[0]).toMatchObject({ reason: "not-permitted" });
  });

  test("frozen by another v1 freezer cgroup, and cannot be moved out: reported with that cgroup", async () => {
    const on = model("kill");
    const { kernel, target } = on;
    const freezer = kernel.hierarchy("freezer");
    const [held] = kernel.live(target, kernel.hierarchy("v2"));
    held?.groups.set(freezer, kernel.makeGroup("freezer", "foreign"));
    kernel.makeGroup("freezer", "foreign").isSwitchedOn = true;
    kernel.failNext("write", /freezer\/cgroup\.procs$/, "EPERM", Number.POSITIVE_INFINITY);
    const { outcome } = await kill(on);
    expect(outcome.survivors).toHaveLength(1);
    expect(outcome.survivors[0]).toMatchObject({
      pid: held?.pid,
      reason: "frozen-elsewhere",
      frozenBy: "/sys/fs/cgroup/freezer/foreign",
      commands: [["cgkill", "thaw", "/sys/fs/cgroup/freezer/foreign"]],
    });
  });

  test("frozen by another v1 freezer cgroup: moved out and dead, and that cgroup stays frozen", async () => {
    const on = model("kill");
    const { kernel, target } = on;
    const [held] = kernel.live(target, kernel.hierarchy("v2"));
    const foreign = kernel.makeGroup("freezer", "foreign");
    held?.groups.set(kernel.hierarchy("freezer"), foreign);
    foreign.isSwitchedOn = true;
    const { outcome } = await kill(on);
    expect(outcome).toMatchObject({ outcome: "killed", killedCount: 5 });
    expect(foreign.isSwitchedOn).toBe(true);
  });
});

describe("removal", () => {
  for (const way of WAYS) {
    test(`${way}: kept or removed as requested, with its descendants`, async () => {
      const removed = model(way);
      expect((await kill(removed, { remove: true })).outcome).toMatchObject({ outcome: "killed", removed: true });
      expect(removed.target.isRemoved).toBe(true);
      const kept = model(way);
      expect((await kill(kept, { remove: false })).outcome).toMatchObject({ outcome: "killed", removed: false });
      expect(kept.target.isRemoved).toBe(false);
      expect(
        kept.kernel.writes.filter(({ operation, path }) => operation === "rmdir" && !path.includes("trap")),
      ).toEqual([]);
    });
  }

  test("EBUSY for a while: tried again", async () => {
    const on = model("kill");
    on.kernel.failNext("rmdir", /./, "EBUSY", 5);
    expect((await kill(on, { remove: true })).outcome).toMatchObject({ outcome: "killed", removed: true });
  });

  test("EBUSY until the deadline: all are dead, and the outcome is not-removed", async () => {
    const on = model("kill");
    on.kernel.failNext("rmdir", /./, "EBUSY", Number.POSITIVE_INFINITY);
    const done = await execute(on, await plan(on, { remove: true }), { timeoutMs: 200 });
    expectPromise(on, done);
    expect(done.outcome).toMatchObject({ outcome: "not-removed", removed: false, killedCount: 5, survivors: [] });
    expect(done.outcome.error).toMatchObject({ errno: "EBUSY", operation: "rmdir" });
  });

  test("with all hierarchies: the same path in other v1 hierarchies is removed too, and no other cgroup", async () => {
    const on = model("freezer on v1");
    const twin = on.kernel.makeGroup("memory", "parent/target");
    const stranger = on.kernel.makeGroup("memory", "parent/stranger");
    expect((await kill(on, { allHierarchies: true })).outcome).toMatchObject({ outcome: "killed", removed: true });
    expect([twin.isRemoved, stranger.isRemoved]).toEqual([true, false]);
  });
});

test("cgroup.kill misses thousands, and time is short: they are killed by pidfd before the deadline", async () => {
  const on = model("kill");
  const { kernel, target, which } = on;
  const missed = { missesKill: Number.POSITIVE_INFINITY };
  for (let at = 0; at < 4000; at++) kernel.addProcess({ group: target, which, ...missed });
  const done = await execute(on, await plan(on), { timeoutMs: 550 });
  expect(done.outcome).toMatchObject({ outcome: "killed", survivors: [] });
  expect(done.outcome.killedCount).toBe(4005);
});

describe("a deadline of 0", () => {
  // Regression: they died while the survivors were described, of which none was left: a survivor without a pid.
  test.each(WAYS.flatMap((way) => [[way, true] as const, [way, false] as const]))(
    "%s, removed: %j, members that die within milliseconds are killed",
    async (way, remove) => {
      const on = model(way);
      for (const process of on.kernel.live(on.target, on.kernel.hierarchy(on.which))) {
        Object.assign(process, { exitMs: 5, missesKill: 0 });
      }
      const done = await execute(on, await plan(on, { remove }), { timeoutMs: 0 });
      expectPromise(on, done);
      expect(done.outcome).toMatchObject({
        outcome: "killed",
        survivors: [],
        killedCount: 5,
        removed: remove,
        proven: true,
      });
      expect(done.events.filter(({ level }) => level === "error")).toEqual([]);
      expect(done.tookMs).toBeLessThan(100);
    },
  );

  test.each(WAYS)("%s: one that does not is a survivor", async (way) => {
    const on = model(way);
    const { pid } = on.kernel.addProcess({ group: on.target, which: on.which, exitMs: 60_000 });
    const done = await execute(on, await plan(on, { remove: true }), { timeoutMs: 0 });
    expectPromise(on, done);
    expect(done.outcome).toMatchObject({ outcome: "survivors", removed: false });
    expect(done.outcome.survivors).toContainEqual(expect.objectContaining({ pid, reason: "still-exiting" }));
  });
});
