// Members that we may not signal: the kill ends as soon as a round shows that every remaining member was denied, and does
// not repeat its rounds until the deadline.

import { describe, expect, test } from "bun:test";

import { executeTwins } from "../../src/kill/twins/execute-twins.ts";
import { DEFAULT_OPTIONS } from "../../src/kill/types.ts";
import type { FakeProcess } from "../support/fake-kernel/processes.ts";
import { execute, expectPromise, type Model, model, plan, WAYS } from "../support/model.ts";

const members = ({ kernel, target, which }: Model): FakeProcess[] => kernel.live(target, kernel.hierarchy(which));

describe.each(WAYS)("%s", (way) => {
  test("all remaining members are denied: answered within two rounds", async () => {
    const on = model(way);
    for (const process of members(on)) Object.assign(process, { isDenied: true, missesKill: Number.POSITIVE_INFINITY });
    const done = await execute(on, await plan(on), { timeoutMs: 2000 });
    expectPromise(on, done);
    expect(done.outcome).toMatchObject({ outcome: "denied", killedCount: 0, leftFrozen: [] });
    expect(done.tookMs).toBeLessThan(300);
  });

  test("one is denied and dies late of a SIGKILL from elsewhere: waited for", async () => {
    const on = model(way);
    const late = on.kernel.addProcess({ group: on.target, which: on.which, isDenied: true, exitMs: 1000 });
    on.kernel.sigkill(late);
    const done = await execute(on, await plan(on), { timeoutMs: 2000 });
    expectPromise(on, done);
    expect(done.outcome.outcome).toBe("killed");
  });

  test("denied the grace signal for every member: does not wait", async () => {
    const on = model(way);
    for (const process of members(on)) process.isDenied = true;
    const done = await execute(on, await plan(on, { graceMs: 60_000 }), { timeoutMs: 500 });
    expectPromise(on, done);
    expect(done.events.filter(({ kind }) => kind === "grace-denied")).toHaveLength(1);
    expect(done.outcome.outcome).toBe(way === "kill" ? "killed" : "denied");
  });

  test("denied the grace signal for all members but one: waits for it", async () => {
    const on = model(way);
    for (const process of members(on)) process.isDenied = true;
    on.kernel.addProcess({ group: on.target, which: on.which, ignoresTerm: true });
    const done = await execute(on, await plan(on, { graceMs: 400 }), { timeoutMs: 500 });
    expect(done.events.map(({ kind }) => kind)).not.toContain("grace-denied");
    expect(done.tookMs).toBeGreaterThanOrEqual(400);
  });
});

test("killed by cgroup.kill, and stuck: not reported as denied", async () => {
  const on = model("kill");
  on.kernel.addProcess({ group: on.target, isDenied: true, isStuck: true });
  const done = await execute(on, await plan(on), { timeoutMs: 300 });
  expectPromise(on, done);
  expect(done.outcome).toMatchObject({ outcome: "survivors", survivors: [{ reason: "uninterruptible" }] });
});

test("twins: a grace period that was not waited for does not move the deadline", async () => {
  const on = model("kill");
  const { kernel } = on;
  const freezer = kernel.makeGroup("freezer", "parent/target");
  const odd = kernel.addProcess({ group: on.target, isStuck: true });
  for (const process of members(on)) process.isDenied = true;
  odd.groups.set(kernel.hierarchy("freezer"), freezer);
  const options = { ...DEFAULT_OPTIONS, graceMs: 5000 };
  const first = await plan(on, options);
  const second = await plan({ kernel, dir: `${kernel.hierarchy("freezer").point}/parent/target` }, options);
  const start = kernel.now();
  const outcome = await executeTwins(kernel, first, second, {
    deadline: start + 400,
    abort: new AbortController().signal,
    onEvent: () => {},
  });
  expect(outcome.outcome).toBe("survivors");
  expect(kernel.now() - start).toBeLessThan(500);
});
