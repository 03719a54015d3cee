// Removing the subtree: bottom-up or not at all, as requested; tried again on EBUSY; and never another cgroup.

import { describe, expect, test } from "bun:test";

import { AS_OWNER } from "../../../src/advice.ts";
import type { KillOptions } from "../../../src/kill/types.ts";
import { execute, expectPromise, kill, type Model, model, plan, type Way, WAYS } from "../../support/model.ts";

/** The cgroups that were removed, in order, except traps. */
const removals = ({ kernel, which }: Model): string[] =>
  kernel.writes
    .filter(({ operation, path }) => operation === "rmdir" && !path.includes("cgkill-trap-"))
    .map(({ path }) => path.slice(kernel.hierarchy(which).point.length));

/** Call `act` right before each rmdir of the target itself. */
function beforeRmdir(on: Model, act: (nth: number) => void): void {
  let tries = 0;
  on.kernel.onAccess = (operation, path) => {
    if (operation === "rmdir" && path.endsWith("/parent/target")) act(++tries);
  };
}

describe("as requested", () => {
  test("by default v1 is removed and v2 is kept", async () => {
    const defaults: [string, boolean][] = [];
    for (const way of WAYS) defaults.push([way, (await plan(model(way))).remove]);
    expect(Object.fromEntries(defaults) as Record<Way, boolean>).toEqual({
      kill: false,
      "kill that misses one": false,
      "freezer on v1": true,
      "freezer on v2": false,
      sweep: true,
      "sweep behind a fence": true,
    });
  });

  for (const way of WAYS) {
    test(`${way}: removed, children before parents, and nothing else`, async () => {
      const on = model(way);
      on.kernel.makeGroup(on.which, "parent/target/below/deep");
      on.kernel.makeGroup(on.which, "parent/target/other");
      const done = await kill(on, { remove: true });
      expectPromise(on, done);
      expect(done.outcome).toMatchObject({ outcome: "killed", removed: true });
      expect(done.outcome.phases.removeMs).not.toBeNull();
      expect(removals(on)).toEqual([
        "/parent/target/below/deep",
        "/parent/target/below",
        "/parent/target/other",
        "/parent/target",
      ]);
    });

    test(`${way}: kept, with its descendants`, async () => {
      const on = model(way);
      const done = await kill(on, { remove: false });
      expectPromise(on, done);
      expect(done.outcome).toMatchObject({ outcome: "killed", removed: false });
      expect(done.outcome.phases.removeMs).toBeNull();
      expect(removals(on)).toEqual([]);
    });

    test(`${way}: an empty target is removed too`, async () => {
      const on = model(way);
      for (const process of on.kernel.live(on.target, on.kernel.hierarchy(on.which))) process.isDead = true;
      const done = await kill(on, { remove: true });
      expectPromise(on, done);
      expect(done.outcome).toMatchObject({ outcome: "empty", removed: true, killed: [] });
      expect(on.target.isRemoved).toBe(true);
    });

    test(`${way}: with a deadline of zero rmdir is tried once`, async () => {
      const on = model(way);
      for (const process of on.kernel.live(on.target, on.kernel.hierarchy(on.which))) process.isDead = true;
      on.kernel.failNext("rmdir", /parent\/target$/, "EBUSY", Number.POSITIVE_INFINITY);
      let tries = 0;
      beforeRmdir(on, (nth) => (tries = nth));
      const done = await execute(on, await plan(on, { remove: true }), { timeoutMs: 0 });
      expect([done.outcome.outcome, tries]).toEqual(["not-removed", 1]);
    });

    test(`${way}: nothing is removed while a process survives`, async () => {
      const on = model(way);
      on.kernel.addProcess({ isStuck: true, group: on.target, which: on.which });
      const done = await execute(on, await plan(on, { remove: true }), { timeoutMs: 300 });
      expectPromise(on, done);
      expect(done.outcome).toMatchObject({ outcome: "survivors", removed: false });
      expect(removals(on)).toEqual([]);
    });
  }

  test("a kept cgroup that cgroup.kill was written to: a debug event says what that means", async () => {
    const messages = async (
      remove: boolean,
      way: Way = "kill",
      options: Partial<KillOptions> = {},
    ): Promise<string[]> =>
      (await kill(model(way), { ...options, remove })).events
        .filter(({ level, message }) => level === "debug" && message.startsWith("kept:"))
        .map(({ message }) => message);
    expect(await messages(false)).toEqual([
      "kept: newer kernels kill processes that clone3 starts in it; --remove avoids that",
    ]);
    expect(await messages(true)).toEqual([]);
    // Not where nothing was written: by another method, or if the grace signal has ended all processes.
    expect(await messages(false, "freezer on v2")).toEqual([]);
    expect(await messages(false, "kill", { graceMs: 1000 })).toEqual([]);
  });
});

describe("EBUSY", () => {
  for (const way of WAYS) {
    test(`${way}: for a while: tried again until it succeeds`, async () => {
      const on = model(way);
      on.kernel.failNext("rmdir", /parent\/target$/, "EBUSY", 5);
      let tries = 0;
      beforeRmdir(on, (nth) => (tries = nth));
      const done = await kill(on, { remove: true });
      expectPromise(on, done);
      expect(done.outcome).toMatchObject({ outcome: "killed", removed: true, error: null });
      expect(tries).toBe(6);
    });

    test(`${way}: a process is moved in before each of three tries: killed each time`, async () => {
      const on = model(way);
      const late: number[] = [];
      beforeRmdir(on, (nth) => {
        if (nth <= 3) late.push(on.kernel.addProcess({ group: on.target, which: on.which, comm: "late" }).pid);
      });
      const done = await kill(on, { remove: true });
      expectPromise(on, done);
      expect(done.outcome).toMatchObject({ outcome: "killed", removed: true, killedCount: 8 });
      expect(late.map((pid) => on.kernel.processes.get(pid)?.isDead)).toEqual([true, true, true]);
    });

    // Regression: it was reported as a survivor at once, although there was time to kill it.
    test(`${way}: covered, so that it is tried three times only, and a process is moved in before the last: killed`, async () => {
      const on = model(way);
      const planned = await plan(on, { remove: true });
      on.kernel.failNext("rmdir", /parent\/target$/, "EBUSY", Number.POSITIVE_INFINITY);
      let late = 0;
      beforeRmdir(on, (nth) => {
        if (nth === 3) late = on.kernel.addProcess({ group: on.target, which: on.which, comm: "late" }).pid;
      });
      const done = await execute(on, { ...planned, cgroup: { ...planned.cgroup, isCovered: true } });
      expect(done.outcome).toMatchObject({ outcome: "not-removed", survivors: [] });
      expect(on.kernel.processes.get(late)?.isDead).toBe(true);
    });

    test(`${way}: a child is created before each of three tries: removed too`, async () => {
      const on = model(way);
      beforeRmdir(on, (nth) => {
        if (nth <= 3) on.kernel.makeGroup(on.which, `parent/target/late-${nth}`);
      });
      const done = await kill(on, { remove: true });
      expectPromise(on, done);
      expect(done.outcome).toMatchObject({ outcome: "killed", removed: true });
      expect(removals(on).slice(-4)).toEqual([
        "/parent/target/late-1",
        "/parent/target/late-2",
        "/parent/target/late-3",
        "/parent/target",
      ]);
    });

    // Regression: a process that was moved in before rmdir and did not die was not reported: the outcome was not-removed
    // (exit status 7), which means empty, instead of survivors (6).
    test(`${way}: a process is moved in before rmdir and does not die: a survivor`, async () => {
      const on = model(way);
      beforeRmdir(on, (nth) => {
        if (nth === 1) on.kernel.addProcess({ pid: 5000, isStuck: true, group: on.target, which: on.which });
      });
      const { outcome } = await execute(on, await plan(on, { remove: true }), { timeoutMs: 500 });
      expect(outcome).toMatchObject({ outcome: "survivors", killedCount: 5, survivors: [{ pid: 5000 }] });
    });

    // Regression: rmdir was tried again after the second kill even if a process had survived it. On kernels where rmdir waits
    // for the last process, it would have blocked forever.
    test(`${way}: while that process lives rmdir is not tried again`, async () => {
      const on = model(way);
      let tries = 0;
      beforeRmdir(on, (nth) => {
        if (nth === 1) on.kernel.addProcess({ isStuck: true, group: on.target, which: on.which });
        tries = nth;
      });
      await execute(on, await plan(on, { remove: true }), { timeoutMs: 500 });
      expect(tries).toBe(1);
    });

    test(`${way}: removed by another process before rmdir: removed`, async () => {
      const on = model(way);
      beforeRmdir(on, () => on.kernel.removeGroup(on.target));
      const done = await kill(on, { remove: true });
      expectPromise(on, done);
      expect(done.outcome).toMatchObject({ outcome: "killed", removed: true, error: null });
    });
  }

  test("until the deadline: reported then, with the last error", async () => {
    const on = model("kill");
    on.kernel.failNext("rmdir", /below$/, "EBUSY", Number.POSITIVE_INFINITY);
    const done = await execute(on, await plan(on, { remove: true }), { timeoutMs: 300 });
    expectPromise(on, done);
    expect(done.outcome).toMatchObject({
      outcome: "not-removed",
      removed: false,
      killedCount: 5,
      survivors: [],
      error: {
        operation: "rmdir",
        path: "/sys/fs/cgroup/unified/parent/target/below",
        errno: "EBUSY",
        message: "rmdir /sys/fs/cgroup/unified/parent/target/below: device or resource busy (EBUSY)",
      },
    });
    expect(done.tookMs).toBeGreaterThanOrEqual(300);
    expect(done.tookMs).toBeLessThan(310);
    expect(removals(on)).toEqual([]);
  });

  test("the pauses grow: one second of EBUSY takes about thirty tries, not a thousand", async () => {
    const on = model("kill");
    on.kernel.failNext("rmdir", /target$/, "EBUSY", Number.POSITIVE_INFINITY);
    let tries = 0;
    beforeRmdir(on, (nth) => (tries = nth));
    await execute(on, await plan(on, { remove: true }), { timeoutMs: 1000 });
    expect(tries).toBeGreaterThan(15);
    expect(tries).toBeLessThan(40);
  });

  test("a signal during a pause: interrupted, and all are dead", async () => {
    const on = model("freezer on v1");
    on.kernel.failNext("rmdir", /target$/, "EBUSY", Number.POSITIVE_INFINITY);
    const abort = new AbortController();
    beforeRmdir(on, (nth) => {
      if (nth === 3) abort.abort("SIGINT");
    });
    const done = await execute(on, await plan(on), { abort: abort.signal });
    expectPromise(on, done);
    expect(done.outcome).toMatchObject({ outcome: "interrupted", killedCount: 5, removed: false });
    expect(on.kernel.live(on.target, on.kernel.hierarchy("freezer"))).toEqual([]);
  });
});

describe("any other error of rmdir", () => {
  // Regression: the hint said only that the target is the root of its mount, which was not why.
  test("EACCES below the root of a mount: the hint says whose right is missing", async () => {
    const on = model("kill");
    on.kernel.failNext("rmdir", /below$/, "EACCES");
    const planned = await plan(on, { remove: true });
    const { path, name } = planned.cgroup;
    const { outcome } = await execute(on, {
      ...planned,
      cgroup: { ...planned.cgroup, view: { root: path, point: name } },
    });
    expect(outcome).toMatchObject({ outcome: "not-removed", error: { errno: "EACCES", hint: AS_OWNER } });
  });

  test.each(["EPERM", "EACCES", "EROFS", "EIO", "EINVAL", "ENOMEM"])("%s: reported at once", async (errno) => {
    for (const way of WAYS) {
      const on = model(way);
      on.kernel.failNext("rmdir", /parent\/target$/, errno, Number.POSITIVE_INFINITY);
      let tries = 0;
      beforeRmdir(on, (nth) => (tries = nth));
      const done = await kill(on, { remove: true });
      expectPromise(on, done);
      expect(done.outcome).toMatchObject({ outcome: "not-removed", removed: false, killedCount: 5, error: { errno } });
      expect(tries).toBe(1);
    }
  });
});

// Regression: a renamed target used to count as removed.
describe("a v1 target that is renamed during the kill", () => {
  const renamed = (then: (on: Model) => void = () => {}): Model => {
    const on = model("freezer on v1");
    let isDone = false;
    on.kernel.onAccess = (operation, path) => {
      if (isDone || operation !== "write" || !path.endsWith("target/freezer.state")) return;
      isDone = true;
      on.kernel.renameGroup(on.target, "renamed");
      then(on);
    };
    return on;
  };

  test("removed by its present name", async () => {
    const on = renamed();
    const { outcome } = await kill(on);
    expect(outcome).toMatchObject({ outcome: "killed", removed: true, killedCount: 5 });
    expect([on.target.isRemoved, removals(on).at(-1)]).toEqual([true, "/parent/renamed"]);
    expect(on.kernel.openDescriptors).toBe(0);
  });

  test("another cgroup is created with the old name: that one stays", async () => {
    const on = renamed(({ kernel }) => void kernel.makeGroup("freezer", "parent/target"));
    const { outcome } = await kill(on);
    expect(outcome).toMatchObject({ outcome: "killed", removed: true });
    expect([on.target.isRemoved, on.kernel.makeGroup("freezer", "parent").children.has("target")]).toEqual([
      true,
      true,
    ]);
  });

  test("it cannot be removed: outcome not-removed", async () => {
    const on = renamed();
    on.kernel.failNext("rmdir", /renamed$/, "EPERM", Number.POSITIVE_INFINITY);
    const { outcome } = await kill(on);
    expect(outcome).toMatchObject({ outcome: "not-removed", removed: false, error: { errno: "EPERM" } });
  });
});

describe("with all hierarchies", () => {
  test("the same path in the other v1 hierarchies is removed, with its descendants", async () => {
    const on = model("freezer on v1");
    const { kernel } = on;
    const gone = [
      kernel.makeGroup("memory", "parent/target/below"),
      kernel.makeGroup("memory", "parent/target"),
      kernel.makeGroup("name=systemd", "parent/target"),
    ];
    const stay = [kernel.makeGroup("v2", "parent/target"), kernel.makeGroup("memory", "parent/target2")];
    const { outcome, events } = await kill(on, { allHierarchies: true });
    expect(outcome).toMatchObject({ outcome: "killed", removed: true });
    expect(gone.map(({ isRemoved }) => isRemoved)).toEqual([true, true, true]);
    expect(stay.map(({ isRemoved }) => isRemoved)).toEqual([false, false]);
    const removed = events.filter(({ kind }) => kind === "removed-twin");
    expect(removed.map(({ fields }) => fields["path"]).toSorted()).toEqual([
      "/sys/fs/cgroup/memory/parent/target",
      "/sys/fs/cgroup/systemd/parent/target",
    ]);
    expect(kernel.openDescriptors).toBe(0);
  });

  test("not requested: other hierarchies are left alone", async () => {
    const on = model("freezer on v1");
    const other = on.kernel.makeGroup("memory", "parent/target");
    expect((await kill(on)).outcome).toMatchObject({ outcome: "killed", removed: true });
    expect(other.isRemoved).toBe(false);
  });

  test("the same path in another hierarchy is populated: its process lives, and the outcome is not-removed", async () => {
    const on = model("freezer on v1");
    const { kernel } = on;
    const other = kernel.makeGroup("memory", "parent/target");
    const stranger = kernel.addProcess({ group: other, which: "memory" });
    const tried: string[] = [];
    kernel.onAccess = (operation, path) => {
      if (operation === "rmdir" && path.includes("/memory/")) tried.push(path);
    };
    const done = await execute(on, await plan(on, { allHierarchies: true }), { timeoutMs: 300 });
    expect(done.outcome).toMatchObject({
      outcome: "not-removed",
      killedCount: 5,
      // Of the target itself.
      removed: true,
      proven: true,
      error: { errno: "EBUSY", path: "/sys/fs/cgroup/memory/parent/target" },
    });
    expect([stranger.killedAt, other.isRemoved, on.target.isRemoved]).toEqual([undefined, false, true]);
    expect(kernel.writes.filter(({ path }) => path === `pid ${stranger.pid}`)).toEqual([]);
    expect(tried).toEqual([]);
    expect(done.tookMs).toBeLessThan(400);
    expect(kernel.openDescriptors).toBe(0);
  });
});

// Regression: it was killed. The target is empty by then, so nothing had looked at the guards since.
test.each(WAYS)(
  "%s: the shell that called it is moved in before the first rmdir: refused, and it lives",
  async (way) => {
    const on = model(way);
    const { kernel, target, which } = on;
    const shell = kernel.addProcess({ pid: 900, ppid: 1, comm: "sh" });
    const self = kernel.processes.get(kernel.pid);
    if (self === undefined) throw new Error("the model has no process for cgkill");
    self.ppid = shell.pid;
    beforeRmdir(on, (nth) => {
      if (nth === 1) shell.groups.set(kernel.hierarchy(which), target);
    });
    const { outcome } = await kill(on, { remove: true });
    expect(outcome).toMatchObject({
      outcome: "refused",
      killedCount: 5,
      removed: false,
      error: { code: "holds-ancestors" },
    });
    expect(shell.killedAt).toBeUndefined();
    expect(target.isSwitchedOn).toBe(false);
  },
);
