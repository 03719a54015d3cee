// What is told after Ctrl-C: how many are dead, how many still run, and what is frozen; and how a grace period went.

import { describe, expect, test } from "bun:test";

import { execute, type Model, model, plan, WAYS } from "../support/model.ts";

/** A signal that arrives when `isIt` first sees an access. */
function abortAt({ kernel }: Model, isIt: (operation: string, path: string) => boolean): AbortSignal {
  const abort = new AbortController();
  kernel.onAccess = (operation, path) => {
    if (isIt(operation, path)) abort.abort("SIGINT");
  };
  return abort.signal;
}

describe.each(WAYS)("%s", (way) => {
  test("interrupted in the grace period: how many were sent the signal, how many still run, nothing was frozen", async () => {
    const on = model(way);
    on.kernel.addProcess({ ignoresTerm: true, group: on.target, which: on.which });
    on.kernel.addProcess({ ignoresTerm: true, group: on.target, which: on.which });
    const abort = new AbortController();
    on.kernel.at(50, () => abort.abort("SIGINT"));
    const { outcome } = await execute(on, await plan(on, { graceMs: 1000 }), { abort: abort.signal });
    expect(outcome).toMatchObject({ outcome: "interrupted", killedCount: 5, endedByGrace: 5 });
    expect(outcome.error?.message).toBe(
      "interrupted in the grace period: 7 sent SIGTERM, 2 still running; nothing was frozen",
    );
  });

  test("interrupted while it waits for deaths: the dead are counted, and what still runs", async () => {
    const on = model(way);
    const stuck = on.kernel.addProcess({ isStuck: true, group: on.target, which: on.which });
    const abort = new AbortController();
    on.kernel.at(100, () => abort.abort("SIGINT"));
    const { outcome } = await execute(on, await plan(on), { abort: abort.signal });
    expect(outcome.outcome).toBe("interrupted");
    expect(outcome.killed.map(({ pid }) => pid)).not.toContain(stuck.pid);
    expect(outcome.error?.message).toBe(
      `interrupted: ${outcome.killedCount} killed, ${6 - outcome.killedCount} still running; nothing left frozen`,
    );
    expect(outcome.killedCount).toBe(5);
  });

  test("interrupted before the first signal: none killed, all still running", async () => {
    const on = model(way);
    const abort = new AbortController();
    const planned = await plan(on);
    abort.abort("SIGINT");
    const { outcome } = await execute(on, planned, { abort: abort.signal });
    expect(outcome.error?.message).toBe("interrupted: 0 killed, 5 still running; nothing left frozen");
  });

  test("a grace period: how many ended of the signal, the others needed SIGKILL", async () => {
    const on = model(way);
    on.kernel.addProcess({ ignoresTerm: true, group: on.target, which: on.which });
    const { outcome } = await execute(on, await plan(on, { graceMs: 100 }));
    expect(outcome).toMatchObject({ outcome: "killed", killedCount: 6, endedByGrace: 5 });
  });

  test("without a grace period that is null", async () => {
    const on = model(way);
    expect((await execute(on, await plan(on))).outcome.endedByGrace).toBeNull();
  });

  test("the deadline counts after the grace period: a stubborn member is killed although they are equally long", async () => {
    const on = model(way);
    on.kernel.addProcess({ ignoresTerm: true, group: on.target, which: on.which });
    const { outcome, tookMs } = await execute(on, await plan(on, { graceMs: 500 }), { timeoutMs: 500 });
    expect(outcome).toMatchObject({ outcome: "killed", killedCount: 6, endedByGrace: 5 });
    expect(tookMs).toBeGreaterThanOrEqual(500);
  });
});

test("a kept v2 cgroup that was found frozen is thawed once it is empty, which the outcome says", async () => {
  const on = model("kill");
  on.target.isSwitchedOn = true;
  const { outcome } = await execute(on, await plan(on));
  expect(outcome).toMatchObject({ outcome: "killed", thawedEmpty: true, removed: false });
  expect(on.target.isSwitchedOn).toBe(false);
});

test("interrupted in a target that was found frozen on v2: not called thawed", async () => {
  const on = model("kill");
  on.target.isSwitchedOn = true;
  const planned = await plan(on);
  const { outcome } = await execute(on, planned, {
    abort: abortAt(on, (operation, path) => operation === "read" && path.endsWith("cgroup.procs")),
  });
  expect(outcome.error?.message).toEndWith("; frozen by /parent/target, as it was found");
});
