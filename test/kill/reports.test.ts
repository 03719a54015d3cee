// The report says what is so: nobody is told as killed whom no signal has reached, whatever ended the kill.

import { describe, expect, test } from "bun:test";

import { execute, type Executed, kill, type Model, model, plan, type Way, WAYS } from "../support/model.ts";

/** Told as killed, and no signal was sent to them, by us or by the kernel. */
function toldWrongly({ kernel }: Model, { outcome }: Executed): number[] {
  return outcome.killed.map(({ pid }) => pid).filter((pid) => kernel.processes.get(pid)?.killedAt === undefined);
}

const HOW = ["EIO", "EPERM", "a signal"] as const;

async function endAtEveryAccess(way: Way, how: (typeof HOW)[number]): Promise<void> {
  for (let at = 1; ; at++) {
    const on = model(way);
    const planned = await plan(on, { remove: true });
    const abort = new AbortController();
    let accesses = 0;
    on.kernel.onAccess = (operation, path) => {
      if (++accesses !== at) return;
      if (how === "a signal") abort.abort("SIGINT");
      else on.kernel.failNext(operation, new RegExp(`^${path}$`), how);
    };
    const done = await execute(on, planned, { abort: abort.signal });
    const cell = `access ${at}: ${done.outcome.outcome}`;
    expect([cell, toldWrongly(on, done)]).toEqual([cell, []]);
    expect(done.outcome.killedCount).toBe(done.outcome.killed.length);
    if (accesses < at) return;
  }
}

describe("ended at any access", () => {
  for (const way of WAYS) {
    for (const how of HOW) {
      test(`${way}, by ${how}: killed are those who were signalled`, () => endAtEveryAccess(way, how));
    }
  }

  test("denied by the kernel, and nobody is dead: nobody is told as killed", async () => {
    const on = model("kill");
    on.kernel.failNext("write", /cgroup\.kill$/, "EPERM");
    const { outcome } = await kill(on);
    expect(outcome).toMatchObject({ outcome: "denied", killed: [], killedCount: 0 });
  });
});

test("all that is told of a complete kill", async () => {
  for (const way of WAYS) {
    const on = model(way);
    const start = on.kernel.now();
    const planned = await plan(on, { remove: true });
    const wall = new Date(on.kernel.wallClock()).toISOString();
    const { outcome, tookMs } = await execute(on, planned);
    const { phases, durationMs, killed, ...rest } = outcome;
    // In the order of their deaths.
    expect(killed.toSorted((a, b) => a.pid - b.pid)).toEqual(
      [2000, 2001, 2002, 2003, 2004].map((pid) => ({ pid, comm: "sleeper" })),
    );
    expect(rest).toEqual({
      cgroup: "/parent/target",
      path: on.dir,
      hierarchy: { v2: "v2", freezer: "v1" }[on.which] ?? on.which,
      method: planned.method,
      outcome: "killed",
      killedCount: 5,
      endedByGrace: null,
      survivors: [],
      spared: [],
      removed: true,
      proven: true,
      leftFrozen: [],
      thawedEmpty: false,
      startedAt: wall,
      error: null,
      twin: null,
      matches: null,
    });
    expect(durationMs).toBeCloseTo(tookMs, 6);
    const spent = Object.values(phases).filter((ms) => ms !== null);
    expect(spent.length).toBeGreaterThan(2);
    expect(spent.every((ms) => ms >= 0 && ms <= durationMs)).toBe(true);
    expect(start).toBeLessThan(on.kernel.now());
  }
});

test("a phase that there was not is null", async () => {
  const { phases } = (await kill(model("kill"))).outcome;
  expect([phases.freezeMs, phases.thawMs, phases.removeMs]).toEqual([null, null, null]);
  expect((await kill(model("freezer on v1"))).outcome.phases.freezeMs).toBeGreaterThan(0);
});

// kill/execute.ts: a signal of the grace period counted as a kill, and only method "kill" took it back when cut short.
describe("who lives on after the signal of the grace period", () => {
  for (const way of WAYS) {
    test(`${way}: cut short in it: not told as killed; who died of it is`, async () => {
      const on = model(way);
      const { pid } = on.kernel.addProcess({ ignoresTerm: true, group: on.target, which: on.which });
      const abort = new AbortController();
      on.kernel.at(50, () => abort.abort("SIGINT"));
      const { outcome } = await execute(on, await plan(on, { graceMs: 1000 }), { abort: abort.signal });
      expect(outcome).toMatchObject({ outcome: "interrupted", killedCount: 5 });
      expect(outcome.killed.map((one) => one.pid)).not.toContain(pid);
    });

    test(`${way}: gone elsewhere in it: not told as killed`, async () => {
      const on = model(way);
      const leaver = on.kernel.addProcess({ ignoresTerm: true, group: on.target, which: on.which });
      const hierarchy = on.kernel.hierarchy(on.which);
      on.kernel.at(50, () => leaver.groups.set(hierarchy, hierarchy.root));
      const { outcome } = await execute(on, await plan(on, { graceMs: 200 }));
      expect(outcome).toMatchObject({ outcome: "killed", killedCount: 5 });
      expect([leaver.isDead, outcome.killed.map(({ pid }) => pid).includes(leaver.pid)]).toEqual([false, false]);
    });
  }
});

test.each(WAYS)("%s: who has the number of one killed earlier does not lend him a name", async (way) => {
  const on = model(way);
  on.kernel.addProcess({ ignoresTerm: true, group: on.target, which: on.which });
  on.kernel.at(50, () => on.kernel.addProcess({ pid: 2001, comm: "stranger" }));
  const { outcome } = await execute(on, await plan(on, { graceMs: 200 }));
  expect(outcome).toMatchObject({ outcome: "killed", killedCount: 6 });
  expect(outcome.killed.find(({ pid }) => pid === 2001)).toEqual({ pid: 2001, comm: null });
});

test("events below the level that is listened to are not made, and the others all", async () => {
  const all = (await kill(model("freezer on v1"))).events;
  const on = model("freezer on v1");
  const heard = (await execute(on, await plan(on), { level: "debug" })).events;
  expect(all.some(({ level }) => level === "trace")).toBe(true);
  expect(heard.length).toBeLessThan(all.length);
  expect(heard).toEqual(all.filter(({ level }) => level !== "trace"));
});
