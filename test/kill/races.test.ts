// Races: other processes act during a kill, at each of its accesses to the kernel in turn.

import { expect, test } from "bun:test";

import { newContext } from "../../src/kill/context.ts";
import { isEmpty } from "../../src/kill/steps/wait.ts";
import { execute, expectPromise, kill, model, plan, WAYS } from "../support/model.ts";

/** Run one kill per access that it makes, and call `act` at that access. */
async function atEveryAccess(
  way: (typeof WAYS)[number],
  act: (on: ReturnType<typeof model>, abort: AbortController) => void,
  check: (done: Awaited<ReturnType<typeof execute>>, on: ReturnType<typeof model>) => void = () => {},
): Promise<number> {
  for (let at = 1; ; at++) {
    const on = model(way);
    const abort = new AbortController();
    const planned = await plan(on, { remove: true });
    let accesses = 0;
    on.kernel.onAccess = () => {
      if (++accesses === at) act(on, abort);
    };
    const done = await execute(on, planned, { abort: abort.signal });
    try {
      expectPromise(on, done);
      check(done, on);
    } catch (cause) {
      throw new Error(`at access ${at}: ${done.outcome.outcome}`, { cause });
    }
    if (accesses < at) return at;
  }
}

for (const way of WAYS) {
  test(`${way}: a signal at any moment: interrupted or complete, thawed, no descriptor leaked`, async () => {
    const accesses = await atEveryAccess(
      way,
      (_, abort) => abort.abort("SIGINT"),
      ({ outcome }) => expect(["interrupted", "killed"]).toContain(outcome.outcome),
    );
    expect(accesses).toBeGreaterThan(20);
  });

  test(`${way}: a member forks at any moment: all are dead`, async () => {
    await atEveryAccess(
      way,
      ({ kernel, target, which }) => {
        const [parent] = kernel.live(target, kernel.hierarchy(which)).filter(({ killedAt }) => killedAt === undefined);
        const isFrozen = parent !== undefined && [...parent.groups.values()].some(({ isFreezing }) => isFreezing);
        if (parent !== undefined && !isFrozen) kernel.addProcess({ ppid: parent.pid, groups: parent.groups });
      },
      ({ outcome }) => expect(["killed", "empty"]).toContain(outcome.outcome),
    );
  });

  test(`${way}: a process is moved in at any moment: it dies too`, async () => {
    await atEveryAccess(
      way,
      ({ kernel, target, which }) => {
        if (!target.isRemoved) kernel.addProcess({ group: target, which });
      },
      ({ outcome }) => expect(["killed", "empty"]).toContain(outcome.outcome),
    );
  });

  test(`${way}: the target is emptied and removed at any moment: no error`, async () => {
    await atEveryAccess(
      way,
      ({ kernel, target, which }) => {
        for (const process of kernel.live(target, kernel.hierarchy(which))) process.isDead = true;
        if (!target.isRemoved) kernel.removeGroup(target);
      },
      ({ outcome }) => {
        expect(outcome.error).toBeNull();
        expect(["killed", "empty"]).toContain(outcome.outcome);
      },
    );
  });

  test(`${way}: a populated cgroup is created below the target at any moment: killed and removed`, async () => {
    await atEveryAccess(
      way,
      ({ kernel, target, which }) => {
        if (target.isRemoved) return;
        kernel.addProcess({ group: kernel.makeGroup(which, "parent/target/late"), which });
      },
      ({ outcome }) => expect(["killed", "empty"]).toContain(outcome.outcome),
    );
  });

  test(`${way}: a pid is recycled between the list and the signal: the new process lives`, async () => {
    const on = model(way);
    const { kernel, target, which } = on;
    const planned = await plan(on);
    const [victim] = kernel.live(target, kernel.hierarchy(which));
    const pid = victim?.pid ?? 0;
    let stranger: number | undefined;
    kernel.onAccess = (operation, path) => {
      // The member dies right after the first list was read, and a process outside gets its pid.
      if (stranger !== undefined || (operation !== "pidfd_open" && !path.endsWith("cgroup.kill"))) return;
      stranger = pid;
      kernel.processes.delete(pid);
      kernel.addProcess({ pid, comm: "stranger" });
    };
    const done = await execute(on, planned);
    kernel.onAccess = () => {};
    expectPromise(on, done);
    expect(stranger).toBe(pid);
    expect(kernel.processes.get(pid)?.comm).toBe("stranger");
    expect(kernel.processes.get(pid)?.killedAt).toBeUndefined();
  });

  test(`${way}: a member that keeps moving between cgroups of the target dies`, async () => {
    const on = model(way);
    const { kernel, target, which } = on;
    const below = target.children.get("below");
    const [hopper] = kernel.live(target, kernel.hierarchy(which));
    kernel.onAccess = () => {
      if (hopper === undefined || below === undefined || hopper.killedAt !== undefined) return;
      if ([...hopper.groups.values()].some(({ isFreezing }) => isFreezing)) return;
      const hierarchy = kernel.hierarchy(which);
      hopper.groups.set(hierarchy, hopper.groups.get(hierarchy) === below ? target : below);
    };
    const done = await kill(on);
    expectPromise(on, done);
    expect(done.outcome.outcome).toBe("killed");
  });
}

// Regression: it was killed if it left during the last read of its check, which was another one than that of its cgroup.
test("freezer on v2, without pidfds: a member that leaves during its check, before its cgroup is read, lives", async () => {
  const on = model("freezer on v2", { hasPidfd: false });
  const { kernel, target, which } = on;
  const home = kernel.makeGroup(which, "home");
  const [, leaver] = kernel.live(target, kernel.hierarchy(which));
  // The first time it is read for the name of what started the target.
  let reads = 0;
  kernel.onAccess = (_, path) => {
    if (path === `/proc/${leaver?.pid}/status` && ++reads === 2) leaver?.groups.set(kernel.hierarchy(which), home);
  };
  const done = await kill(on);
  expect(done.outcome.outcome).toBe("killed");
  expect(leaver?.groups.get(kernel.hierarchy(which))).toBe(home);
  expect(leaver?.killedAt).toBeUndefined();
});

// Regression: both reads of `isEmpty` used the cgroups of one walk.
test("freezer on v1: a member moves into a cgroup created after the walk: not empty", async () => {
  const on = model("freezer on v1");
  const { kernel, target } = on;
  const hierarchy = kernel.hierarchy("freezer");
  const [hopper, ...others] = kernel.live(target, hierarchy);
  for (const process of others) process.isDead = true;
  const planned = await plan(on);
  kernel.onAccess = (operation, path) => {
    if (operation !== "read" || !path.endsWith("/target/tasks")) return;
    hopper?.groups.set(hierarchy, kernel.makeGroup("freezer", "parent/target/late"));
  };
  const control = { deadline: 1000, abort: new AbortController().signal, onEvent: () => {} };
  expect(await isEmpty(newContext(kernel, planned, control))).toBe(false);
});

// Regression: a process was moved into the trap by its pid, long after its pidfd was opened. If the pid was recycled, the
// wrong process was frozen.
test.each(["before", "during"])(
  "sweep: a pid is recycled %s the move into the trap: the new process does not stay in the trap",
  async (when) => {
    const on = model("sweep");
    const { kernel, target } = on;
    const freezer = kernel.hierarchy("freezer");
    const home = kernel.makeGroup("freezer", "home");
    const shell = kernel.addProcess({ comm: "shell", group: home, which: "freezer" });
    const [first, second] = kernel.live(target, kernel.hierarchy("memory"));
    const pid = second?.pid ?? 0;
    const moves: string[] = [];
    const isMoved = (operation: string, path: string): boolean =>
      operation === "write" && /trap.*cgroup\.procs$/.test(path);
    const write = kernel.writeFile.bind(kernel);
    kernel.writeFile = (dir, name, value) => {
      if (isMoved("write", `${dir.shown}/${name}`)) moves.push(value);
      const isDue = moves.at(-1) === String(when === "before" ? first?.pid : pid);
      if (isDue && second !== undefined && !second.isDead) {
        second.isDead = true;
        kernel.processes.delete(pid);
        kernel.addProcess({ pid, ppid: shell.pid, comm: "stranger", group: home, which: "freezer" });
      }
      write(dir, name, value);
    };
    const done = await kill(on);
    const stranger = kernel.processes.get(pid);
    expect(done.outcome.outcome).toBe("killed");
    expect([stranger?.comm, stranger?.killedAt]).toEqual(["stranger", undefined]);
    expect(stranger?.groups.get(freezer)).toBe(home);
    expect(moves.includes(String(pid))).toBe(when !== "before");
    expect(kernel.openDescriptors).toBe(0);
  },
);

// Regression: a child that a member forked during its move was born in the trap, and moved back alive after the last look.
test("sweep of a v1 freezer cgroup: what a member forks while cgkill moves it is killed too", async () => {
  const on = model("freezer on v1");
  const { kernel, target } = on;
  const freezer = kernel.hierarchy("freezer");
  const write = kernel.writeFile.bind(kernel);
  kernel.writeFile = (dir, name, value) => {
    write(dir, name, value);
    const group = kernel.processes.get(Number(value))?.groups.get(freezer);
    if (name === "cgroup.procs" && group !== undefined) kernel.addProcess({ comm: "child", group, which: "freezer" });
  };
  const done = await kill(on, { method: "sweep", remove: false });
  expect(done.outcome).toMatchObject({ outcome: "killed", method: "sweep", proven: true });
  expect(kernel.live(target, freezer)).toEqual([]);
});

// Regression: a survivor that came from a freezer cgroup outside our cgroup namespace was left in the parent of the trap.
test("sweep: a process whose freezer cgroup is outside our cgroup namespace is not moved", async () => {
  const on = model("sweep");
  const { kernel, target } = on;
  const outside = kernel.makeGroup("freezer", "outside");
  const { groups, pid } = kernel.addProcess({ group: target, which: "memory", isStuck: true });
  groups.set(kernel.hierarchy("freezer"), outside);
  const read = kernel.readProcCgroup.bind(kernel);
  kernel.readProcCgroup = (tid) => read(tid).replace(":freezer:/outside", ":freezer:/../outside");
  const { outcome } = await execute(on, await plan(on), { timeoutMs: 200 });
  expect(outcome.survivors).toMatchObject([{ pid }]);
  expect(groups.get(kernel.hierarchy("freezer"))).toBe(outside);
});

// Regression: survivors were moved back by the pids in the list of the trap, however long a move took.
test.each(["before", "during"])(
  "sweep: a survivor dies %s its move out of the trap, and its pid is recycled: the new process stays where it is",
  async (when) => {
    const on = model("sweep");
    const { kernel, target } = on;
    const freezer = kernel.hierarchy("freezer");
    const home = kernel.makeGroup("freezer", "home");
    const shell = kernel.addProcess({ comm: "shell", group: home, which: "freezer" });
    const [first = 0, pid = 0] = [1, 2].map(
      () => kernel.addProcess({ group: target, which: "memory", isStuck: true }).pid,
    );
    const isOut = (shown: string, name: string): boolean => name === "cgroup.procs" && !shown.includes("trap");
    const moves: string[] = [];
    const write = kernel.writeFile.bind(kernel);
    kernel.writeFile = (dir, name, value) => {
      const dead = kernel.processes.get(pid);
      if (isOut(dir.shown, name)) moves.push(value);
      if (moves.at(-1) === String(when === "before" ? first : pid) && dead?.comm !== "stranger") {
        if (dead !== undefined) dead.isDead = true;
        kernel.processes.delete(pid);
        kernel.addProcess({ pid, ppid: shell.pid, comm: "stranger", group: home, which: "freezer" });
      }
      write(dir, name, value);
    };
    const { outcome } = await execute(on, await plan(on), { timeoutMs: 200 });
    expect(outcome.survivors).toMatchObject([{ pid: first }]);
    expect(kernel.processes.get(pid)).toMatchObject({ comm: "stranger", killedAt: undefined });
    expect(kernel.processes.get(pid)?.groups.get(freezer)).toBe(home);
    expect(moves.includes(String(pid))).toBe(when !== "before");
    expect(kernel.openDescriptors).toBe(0);
  },
);
