// A stop request (Ctrl-Z) during a kill: nothing is frozen meanwhile nor afterwards, and what happens meanwhile is seen.

import { expect, test } from "bun:test";

import type { KillControl } from "../../src/kill/types.ts";
import { execute, expectPromise, type Model, model, plan } from "../support/model.ts";

/** A stop that lasts 50 ms, requested once when `isDue` says so. @param meanwhile  acts as other processes */
function stopOnce(
  { kernel }: Model,
  isDue: () => boolean,
  meanwhile = (): void => {},
): NonNullable<KillControl["pause"]> {
  let isOver = false;
  return {
    get isRequested() {
      return !isOver && isDue();
    },
    async stop() {
      isOver = true;
      kernel.advance(50);
      meanwhile();
      return 50;
    },
  };
}

// Regression: the freeze was made again after the stop, and stayed.
test("while the cgroups below a v1 target are thawed: the target is not frozen again", async () => {
  const on = model("freezer on v1");
  for (let nth = 0; nth < 300; nth++) on.kernel.makeGroup("freezer", `parent/target/sub${nth}`);
  const planned = await plan(on, { remove: false });
  const isThawed = (): boolean =>
    on.kernel.writes.some(({ path, value }) => path === `${on.dir}/freezer.state` && value === "THAWED");
  const done = await execute(on, planned, { pause: stopOnce(on, isThawed) });
  expect(done.events.map(({ kind }) => kind)).toContain("continued");
  expect(done.outcome).toMatchObject({ outcome: "killed", killedCount: 5, leftFrozen: [] });
  expectPromise(on, done);
});

// Regression: the scan of /proc went on as if the target had been frozen all the time, and was taken for proof.
test("in the scan of a kept v1 target: a member that no list shows forks and exits, and its child dies", async () => {
  const on = model("freezer on v1");
  const { kernel, target, which } = on;
  const [hierarchy, below] = [kernel.hierarchy(which), target.children.get("below")];
  const outside = kernel.makeGroup(which, "outside");
  for (let nth = 0; nth < 300; nth++) kernel.addProcess({ group: outside, which });
  const hidden = [kernel.addProcess({ group: target, which })];
  let read = 0;
  kernel.onAccess = (_, path) => {
    if (/^\/proc\/\d+\/cgroup$/.test(path)) read++;
    if (below === undefined || !/\/(cgroup\.procs|tasks)$/.test(path)) return;
    for (const each of hidden) each.groups.set(hierarchy, /\/below\/[^/]*$/.test(path) ? target : below);
  };
  const planned = await plan(on, { remove: false });
  read = 0;
  const fork = (): void => {
    const parent = hidden[0];
    if (parent !== undefined) parent.isDead = true;
    hidden.push(kernel.addProcess({ group: target, which }));
  };
  const { outcome, events } = await execute(on, planned, { pause: stopOnce(on, () => read > 100, fork) });
  expect(events.map(({ kind }) => kind)).toContain("continued");
  expect(kernel.live(target, hierarchy)).toEqual([]);
  expect(outcome).toMatchObject({ outcome: "killed", proven: true });
});

/** Replace a process that dies by another, in a freezer cgroup of its own, that gets its pid. */
function recycle({ kernel }: Model, pid: number): void {
  const dead = kernel.processes.get(pid);
  if (dead === undefined) throw new Error(`no process ${pid}`);
  dead.isDead = true;
  kernel.processes.delete(pid);
  const home = kernel.makeGroup("freezer", "home");
  const shell = kernel.addProcess({ comm: "shell", group: home, which: "freezer" });
  kernel.addProcess({ pid, ppid: shell.pid, comm: "stranger", group: home, which: "freezer" });
}

// Regression: processes were moved by their pids, without a look whether those were still theirs.
test.each(["in a stop before", "during"])(
  "a member that a v1 freezer holds dies %s its move out, and its pid is recycled: the new process stays where it is",
  async (when) => {
    const on = model("freezer on v1");
    const { kernel } = on;
    const above = kernel.makeGroup("freezer", "parent");
    above.isSwitchedOn = true;
    const pid = kernel.live(on.target, kernel.hierarchy("freezer"))[1]?.pid ?? 0;
    const planned = await plan(on);
    let isDue = false;
    // When it has SIGKILL, and a destination is looked for.
    kernel.onAccess = (_, path) => {
      isDue ||= path === "/proc/1/cgroup" && kernel.processes.get(pid)?.killedAt !== undefined;
    };
    const write = kernel.writeFile.bind(kernel);
    kernel.writeFile = (dir, name, value) => {
      if (when === "during" && name === "cgroup.procs" && value === String(pid)) recycle(on, pid);
      write(dir, name, value);
    };
    const pause = stopOnce(
      on,
      () => when !== "during" && isDue,
      () => recycle(on, pid),
    );
    const { outcome } = await execute(on, planned, { pause });
    expect(outcome).toMatchObject({ outcome: "killed", killedCount: 5 });
    const { comm, groups, killedAt } = kernel.processes.get(pid) ?? {};
    expect([comm, groups?.get(kernel.hierarchy("freezer"))?.path, killedAt]).toEqual(["stranger", "/home", undefined]);
    if (when !== "during")
      expect(kernel.writes.filter(({ path, value }) => path.endsWith("procs") && value === String(pid))).toEqual([]);
  },
);
