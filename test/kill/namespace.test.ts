// cgkill in a cgroup namespace of its own, with the mounts of the host: a container with the host's /sys/fs/cgroup. Paths in
// /proc/PID/cgroup then begin with `/..`, and one cgroup has several paths: only the lists show which processes are inside.

import { describe, expect, test } from "bun:test";

import { expectPromise, kill, type Model, model, plan, type Way, WAYS } from "../support/model.ts";

/** Put cgkill and its parent into a container, given by its path, which is the root of its cgroup namespace. */
function container(way: Way, path: string): Model {
  const on = model(way, { namespace: path });
  const { kernel, which } = on;
  const group = kernel.makeGroup(which, path);
  kernel.addProcess({ pid: 900, comm: "sh", group, which });
  const self = kernel.processes.get(kernel.pid);
  if (self === undefined) throw new Error("the model has no process for cgkill");
  self.ppid = 900;
  self.groups.set(kernel.hierarchy(which), group);
  return on;
}

describe.each(WAYS)("%s", (way) => {
  test("a cgroup beside our container, named by its directory, is killed", async () => {
    const on = container(way, "/machines/ours");
    const executed = await kill(on);
    expect(executed.outcome).toMatchObject({ outcome: "killed", cgroup: "/../../parent/target", spared: [] });
    expectPromise(on, executed);
  });

  // Regression: up to 128 members died, of more than that none, and no process whose leader has exited.
  test("a cgroup below our own, which /proc shows by another path, of many members: killed", async () => {
    const on = container(way, "/parent");
    for (let i = 0; i < 130; i++) on.kernel.addProcess({ group: on.target, which: on.which });
    const executed = await kill(on);
    expect(executed.outcome).toMatchObject({ outcome: "killed", cgroup: "/../parent/target", killedCount: 135 });
    expectPromise(on, executed);
  });

  // Regression: a scan of /proc for members found none, by a path that /proc does not show.
  test("the same, kept: proven only on v2", async () => {
    const on = container(way, "/parent");
    const { outcome } = await kill(on, { remove: false });
    expect(outcome).toMatchObject({ outcome: "killed", killedCount: 5, proven: on.which === "v2" });
  });

  test.each(["/parent/target", "/parent/target/below"])(
    "a cgroup that contains our container, %s: refused",
    async (path) => {
      const on = container(way, path);
      expect((await plan(on)).refusal).toMatchObject({
        code: "holds-ancestors",
        message: expect.stringContaining("900 (sh)"),
      });
      const { outcome } = await kill(on);
      expect(outcome).toMatchObject({ outcome: "refused", error: { code: "holds-ancestors" } });
      expect(on.kernel.writes).toEqual([]);
    },
  );

  test("a cgroup that contains our container, with --allow-ancestors: nowhere to step aside to, and nothing is written", async () => {
    const on = container(way, "/parent/target/below");
    const { outcome } = await kill(on, { allowAncestors: true });
    expect(outcome).toMatchObject({ outcome: "refused", error: { code: "nowhere-to-step-aside" } });
    expect(on.kernel.writes).toEqual([]);
  });

  test("a cgroup that contains PID 1: refused", async () => {
    const on = container(way, "/parent/target");
    on.kernel.processes.get(1)?.groups.set(on.kernel.hierarchy(on.which), on.target);
    expect((await plan(on)).refusal?.code).toBe("holds-init");
  });
});
