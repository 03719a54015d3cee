// A grace period in which all listed members end: the emptiness of a kept v1 cgroup must be proven all the same.

import { describe, expect, test } from "bun:test";

import { execute, model, plan } from "../support/model.ts";

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

// Regression: it stayed frozen after a grace period in which all members ended, and was thawed without one.
test("freezer on v1, kept: an empty cgroup below that was found frozen is thawed", async () => {
  const on = model("freezer on v1");
  const frozen = on.kernel.addGroup(on.target, "frozen");
  frozen.isSwitchedOn = true;
  const { outcome } = await execute(on, await plan(on, { graceMs: 100, remove: false }));
  expect(outcome).toMatchObject({ outcome: "killed", endedByGrace: 5, proven: true, leftFrozen: [] });
  expect(frozen.isSwitchedOn).toBe(false);
});
