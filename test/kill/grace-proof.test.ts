// A grace period in which all listed members end: the emptiness of a kept v1 cgroup must be proven all the same.

import { describe, expect, test } from "bun:test";

import type { FakeProcess } from "../support/fake-kernel/processes.ts";
import { execute, model, plan, WAYS } from "../support/model.ts";

// Regression: the kill used to end with the grace period, without a scan of /proc.
describe.each(["freezer on v1", "sweep", "sweep behind a fence"] as const)("%s, kept", (way) => {
  test("all members end after the grace signal: proven empty", async () => {
    const on = model(way);
    const { outcome } = await execute(on, await plan(on, { graceMs: 100, remove: false }));
    expect(outcome).toMatchObject({ outcome: "killed", endedByGrace: 5, proven: true });
  });

  test("a member that is always in another list than the one being read dies too", async () => {
    const on = model(way);
    const { kernel, target, which } = on;
    const [hierarchy, below] = [kernel.hierarchy(which), target.children.get("below")];
    const hidden = kernel.addProcess({ group: target, which, ignoresTerm: true });
    kernel.onAccess = (_, path) => {
      if (below === undefined || !/\/(cgroup\.procs|tasks)$/.test(path) || path.includes("trap")) return;
      hidden.groups.set(hierarchy, /\/below\/[^/]*$/.test(path) ? target : below);
    };
    const { outcome } = await execute(on, await plan(on, { graceMs: 100, remove: false }));
    expect(outcome).toMatchObject({ outcome: "killed", proven: true });
    expect(hidden.killedAt).toBeDefined();
    expect(kernel.live(target, hierarchy)).toEqual([]);
  });
});

// Regression: killed, proven empty, exit status 0, because a scan of /proc counted every process that had been tried.
test.each(["freezer on v1", "sweep", "sweep behind a fence"] as const)(
  "%s, kept: a member that may not be signalled, and is always in another list than the one being read, is a survivor",
  async (way) => {
    const on = model(way);
    const { kernel, target, which } = on;
    const [hierarchy, below] = [kernel.hierarchy(which), target.children.get("below")];
    const denied = kernel.addProcess({ group: target, which, isDenied: true });
    kernel.onAccess = (_, path) => {
      if (below === undefined || !/\/(cgroup\.procs|tasks)$/.test(path) || path.includes("trap")) return;
      denied.groups.set(hierarchy, /\/below\/[^/]*$/.test(path) ? target : below);
    };
    const { outcome } = await execute(on, await plan(on, { remove: false }), { timeoutMs: 1000 });
    expect(outcome.outcome).toBe("survivors");
    expect(outcome.survivors).toHaveLength(1);
    expect(kernel.live(target, hierarchy)).toEqual([denied]);
  },
);

// Regression: it stayed frozen after a grace period in which all members ended, and was thawed without one.
test("freezer on v1, kept: an empty cgroup below that was found frozen is thawed", async () => {
  const on = model("freezer on v1");
  const frozen = on.kernel.addGroup(on.target, "frozen");
  frozen.isSwitchedOn = true;
  const { outcome } = await execute(on, await plan(on, { graceMs: 100, remove: false }));
  expect(outcome).toMatchObject({ outcome: "killed", endedByGrace: 5, proven: true, leftFrozen: [] });
  expect(frozen.isSwitchedOn).toBe(false);
});

// Regression: on v1 the grace period used to end when all signalled members had ended, and the others were killed.
test.each(WAYS)("%s: a member that another one starts before it ends has the rest of the grace period", async (way) => {
  const on = model(way);
  const { kernel, target, which } = on;
  const planned = await plan(on, { graceMs: 500 });
  kernel.addProcess({ group: target, which, exitMs: 30 });
  let helper: FakeProcess | undefined;
  kernel.at(20, () => (helper = kernel.addProcess({ group: target, which, ignoresTerm: true })));
  kernel.at(100, () => kernel.sigkill(helper as FakeProcess));
  const { outcome } = await execute(on, planned);
  expect(outcome).toMatchObject({ outcome: "killed", endedByGrace: 6 });
  expect(helper?.killedAt).toBeGreaterThanOrEqual(100);
  expect(kernel.writes.filter(({ value }) => value === "9")).toEqual([]);
});
