// In a cgroup namespace of its own, through the mounts of the host: what a container with the host's /sys/fs/cgroup has.
// Paths begin with `/..` then, and the same cgroup has several: who is inside is told by the lists of members alone.

import { describe, expect, test } from "bun:test";

import { expectPromise, kill, type Model, model, plan, type Way, WAYS } from "../support/model.ts";

/** Ourselves and our parent are in a container, given by its path; our namespace begins there. */
function container(way: Way, path: string): Model {
  const on = model(way, { namespace: path });
  const { kernel, which } = on;
  const group = kernel.makeGroup(which, path);
  kernel.addProcess({ pid: 900, comm: "sh", group, which });
  const self = kernel.processes.get(kernel.pid);
  if (self === undefined) throw new Error("we are not there");
  self.ppid = 900;
  self.groups.set(kernel.hierarchy(which), group);
  return on;
}

describe.each(WAYS)("%s", (way) => {
  test("one beside our container is killed, by its directory", async () => {
    const on = container(way, "/machines/ours");
    const executed = await kill(on);
    expect(executed.outcome).toMatchObject({ outcome: "killed", cgroup: "/../../parent/target", spared: [] });
    expectPromise(on, executed);
  });

  test.each(["/parent/target", "/parent/target/below"])("around our container %s: refused", async (path) => {
    const on = container(way, path);
    expect((await plan(on)).refusal).toMatchObject({
      code: "holds-ancestors",
      message: expect.stringContaining("900 (sh)"),
    });
    const { outcome } = await kill(on);
    expect(outcome).toMatchObject({ outcome: "refused", error: { code: "holds-ancestors" } });
    expect(on.kernel.writes).toEqual([]);
  });

  test("around our container, and our ancestors may die: we have nowhere to go, and nothing is written", async () => {
    const on = container(way, "/parent/target/below");
    const { outcome } = await kill(on, { allowAncestors: true });
    expect(outcome).toMatchObject({ outcome: "refused", error: { code: "nowhere-to-step-aside" } });
    expect(on.kernel.writes).toEqual([]);
  });

  test("one that holds PID 1: refused", async () => {
    const on = container(way, "/parent/target");
    on.kernel.processes.get(1)?.groups.set(on.kernel.hierarchy(on.which), on.target);
    expect((await plan(on)).refusal?.code).toBe("holds-init");
  });
});
