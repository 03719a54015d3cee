// Thousands of survivors: reading what the report says of them takes longer than the answer may take. It is in time all the
// same, and a signal ends it.

import { describe, expect, test } from "bun:test";

import { execute, expectPromise, type Model, model, plan, type Way, WAYS } from "../support/model.ts";

const COUNT = 1000;
const TIMEOUT_MS = 500;
/** Accesses to /proc per millisecond, a fifth of those of a busy machine. */
const READS = 4;

function crowded(way: Way): Model {
  const on = model(way);
  const { kernel, target, which } = on;
  for (let i = 0; i < COUNT; i++) kernel.addProcess({ group: target, which, isStuck: true });
  // The model uses no number of a descriptor twice.
  kernel.raiseFileLimit = () => 1 << 20;
  let read = 0;
  kernel.onAccess = (_, path) => {
    if (path.startsWith("/proc/") && ++read % READS === 0) kernel.advance(1);
  };
  return on;
}

describe.each(WAYS)("%s", (way) => {
  test("they are reported within a second of the deadline", async () => {
    const on = crowded(way);
    const done = await execute(on, await plan(on), { timeoutMs: TIMEOUT_MS });
    expectPromise(on, done);
    expect(done.outcome.survivors).toHaveLength(COUNT);
    // The rest is for printing them.
    expect(done.tookMs).toBeLessThan(TIMEOUT_MS + 850);
  });

  // Of 50 ms, until it is noticed, and twice 15 ms for the last look.
  test.each([300, 550, 700, 900])("a signal after %i ms ends it at once", async (atMs) => {
    const on = crowded(way);
    const { kernel } = on;
    const planned = await plan(on);
    const abort = new AbortController();
    let [sentAt, end] = [Number.NaN, kernel.now() + atMs];
    kernel.at(end, () => {
      sentAt = kernel.now();
      abort.abort("SIGINT");
    });
    const done = await execute(on, planned, { timeoutMs: TIMEOUT_MS, abort: abort.signal });
    end = kernel.now();
    expectPromise(on, done);
    expect(done.outcome.outcome).toBe("interrupted");
    expect(end - sentAt).toBeLessThan(80);
  });
});

// Regression: "SIGKILL is under way".
test.each(["freezer on v1", "freezer on v2", "sweep"] as const)(
  "%s: members of cgroups that were not reached in time are not said to have had SIGKILL",
  async (way) => {
    const on = model(way);
    const { kernel, which } = on;
    for (let n = 0; n < 300; n++) kernel.addProcess({ group: kernel.makeGroup(which, `parent/target/g${n}`), which });
    kernel.onAccess = (_, path) => {
      if (path.includes("/target/g")) kernel.advance(1);
    };
    const { outcome } = await execute(on, await plan(on), { timeoutMs: 50 });
    expect(outcome.survivors).toMatchObject([
      { reason: "still-exiting", hint: "it is exiting, or was not reached in time: give it more time, --timeout 1m" },
    ]);
  },
);
