// Cgroups below a kept target that were frozen on their own: thawed also after the deadline, for a bounded time, and what
// there is no time for is a failure.

import { describe, expect, test } from "bun:test";

import { execute, expectPromise, type Model, model, plan } from "../support/model.ts";

const WAYS = ["kill", "freezer on v2", "freezer on v1"] as const;

/** A target with many child cgroups. */
function wide(way: (typeof WAYS)[number], count: number, isFrozen: (nth: number) => boolean = () => true): Model {
  const on = model(way);
  for (let nth = 0; nth < count; nth++)
    on.kernel.makeGroup(on.which, `parent/target/sub${nth}`).isSwitchedOn = isFrozen(nth);
  return on;
}

const frozenIn = ({ target }: Model): number => [...target.subtree()].filter(({ isSwitchedOn }) => isSwitchedOn).length;

const isOurs = (operation: string, path: string): boolean => operation === "write" && path.includes("/target/sub");

describe.each(WAYS)("%s", (way) => {
  // Regression: with no time left, only the first 256 were visited, and the kill was a success.
  test("400 frozen cgroups and no time: all are thawed", async () => {
    const on = wide(way, 400);
    const done = await execute(on, await plan(on, { remove: false }), { timeoutMs: 0 });
    expect(frozenIn(on)).toBe(0);
    expect(done.outcome.leftFrozen).toEqual([]);
    expect(done.tookMs).toBeLessThan(1000);
    expectPromise(on, done);
  });

  test("the last one of 500 is frozen, and the deadline passes during the search: it is thawed", async () => {
    const on = wide(way, 500, (nth) => nth === 499);
    const done = await execute(on, await plan(on, { remove: false }), { timeoutMs: 1 });
    expect(frozenIn(on)).toBe(0);
    expectPromise(on, done);
  });

  test("more than there is time for: not a success, with the command that thaws the rest", async () => {
    const on = wide(way, 600);
    const planned = await plan(on, { remove: false });
    on.kernel.onAccess = (operation, path) => {
      if (isOurs(operation, path)) on.kernel.advance(10);
    };
    const { outcome, events, tookMs } = await execute(on, planned, { timeoutMs: 300 });
    expect(frozenIn(on)).toBeGreaterThan(0);
    expect(outcome).toMatchObject({
      outcome: "failed",
      leftFrozen: [on.dir],
      error: {
        code: "left-frozen",
        message: `${on.dir}: not all cgroups below it were thawed in time`,
        commands: [["cgkill", "thaw", on.dir]],
      },
    });
    expect(events.map(({ kind }) => kind)).toContain("thaw-cut");
    expect(tookMs).toBeLessThan(300 + 1000);
  });

  test("a stop request meanwhile: the time is counted without it, and all are thawed", async () => {
    const on = wide(way, 600);
    const planned = await plan(on, { remove: false });
    let thawed = 0;
    on.kernel.onAccess = (operation, path) => {
      if (isOurs(operation, path)) thawed++;
    };
    let isOver = false;
    const pause = {
      get isRequested() {
        return !isOver && thawed > 0;
      },
      async stop() {
        isOver = true;
        on.kernel.advance(60_000);
        return 60_000;
      },
    };
    const { outcome } = await execute(on, planned, { timeoutMs: 0, pause });
    expect(isOver).toBe(true);
    expect([frozenIn(on), outcome.leftFrozen]).toEqual([0, []]);
  });

  test("a signal after the deadline: interrupted before all are thawed", async () => {
    const on = wide(way, 1000);
    const planned = await plan(on, { remove: false });
    const abort = new AbortController();
    let thawed = 0;
    on.kernel.onAccess = (operation, path) => {
      if (!isOurs(operation, path)) return;
      on.kernel.advance(0.1);
      if (++thawed === 100) abort.abort("SIGINT");
    };
    const { outcome } = await execute(on, planned, { timeoutMs: 0, abort: abort.signal });
    expect(outcome.outcome).toBe("interrupted");
    expect(thawed).toBeLessThan(500);
  });
});

test.each(["kill", "freezer on v2"] as const)(
  "%s: none of thousands is frozen, and no time to look at all: a success, and a warning",
  async (way) => {
    const on = wide(way, 3000, () => false);
    const planned = await plan(on, { remove: false });
    on.kernel.onAccess = (operation, path) => {
      if (operation === "read" && path.endsWith("cgroup.freeze")) on.kernel.advance(0.1);
    };
    const done = await execute(on, planned, { timeoutMs: 50 });
    expect(done.outcome).toMatchObject({ outcome: "killed", killedCount: 5 });
    expect(done.events.find(({ kind }) => kind === "thaw-cut")).toMatchObject({ level: "warn" });
    expect(done.tookMs).toBeLessThan(200);
    expectPromise(on, done);
  },
);

test("all members of a v1 target end in the grace period, and no time is left: all cgroups below are thawed", async () => {
  const on = wide("freezer on v1", 400);
  const { outcome } = await execute(on, await plan(on, { remove: false, graceMs: 100 }), { timeoutMs: 0 });
  expect([outcome.endedByGrace, frozenIn(on), outcome.leftFrozen]).toEqual([5, 0, []]);
});
