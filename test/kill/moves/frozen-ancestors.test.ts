// A v1 target below a frozen ancestor, in which no process dies. SIGKILLed processes are moved out to die, or the ancestor is
// thawed for the duration of the kill, if allowed. However the kill ends, the ancestor is frozen afterwards.

import { describe, expect, test } from "bun:test";

import type { KillOptions } from "../../../src/kill/types.ts";
import { dirAt } from "../../../src/sys/dir.ts";
import { execute, kill, type Model, model, plan } from "../../support/model.ts";

const TOP = "/sys/fs/cgroup/freezer";

/** A model in which these ancestors are frozen, and with them processes outside the target. */
function below(...frozen: readonly string[]): Model {
  const on = model("freezer on v1");
  for (const path of frozen) on.kernel.makeGroup("freezer", path).isSwitchedOn = true;
  return on;
}

/** The target is three levels deep, below two ancestors that can be frozen. */
function deep(...frozen: readonly string[]): Model {
  const on = below(...frozen);
  const target = on.kernel.makeGroup("freezer", "parent/middle/target");
  for (const pid of [2000, 2001, 2002, 2003, 2004]) {
    on.kernel.processes.get(pid)?.groups.set(on.kernel.hierarchy("freezer"), target);
  }
  return { ...on, target, dir: `${TOP}/parent/middle/target` };
}

function frozenNow({ kernel }: Model): string[] {
  const { root } = kernel.hierarchy("freezer");
  return [...root.subtree()].filter(({ isSwitchedOn }) => isSwitchedOn).map(({ path }) => path);
}

const aliveIn = ({ kernel, target }: Model): number[] =>
  kernel.live(target, kernel.hierarchy("freezer")).map(({ pid }) => pid);

describe("moved out to die", () => {
  test.each([
    ["freezer", "the parent", below],
    ["freezer", "the grandparent", deep],
    ["sweep", "the parent", below],
  ] as const)("%s below %s: all are dead, and it is never thawed", async (method, _, make) => {
    const on = make("parent");
    let isThawed = false;
    on.kernel.onAccess = () => (isThawed ||= !on.kernel.makeGroup("freezer", "parent").isSwitchedOn);
    const { outcome, events } = await kill(on, { method });
    expect(outcome).toMatchObject({ outcome: "killed", killedCount: 5, removed: true, leftFrozen: [], error: null });
    expect([isThawed, frozenNow(on)]).toEqual([false, ["/parent"]]);
    expect(on.innocents.filter((pid) => on.kernel.processes.get(pid)?.killedAt !== undefined)).toEqual([]);
    const moved = events.filter(({ kind }) => kind === "moved-to-die");
    expect(moved.flatMap(({ fields }) => fields["pids"])).toEqual([2000, 2001, 2002, 2003, 2004]);
    expect(new Set(moved.map(({ fields }) => fields["to"]))).toEqual(new Set(["/"]));
    expect(on.kernel.openDescriptors).toBe(0);
  });

  test("below two frozen ancestors: all are dead, and both stay frozen", async () => {
    const on = deep("parent", "parent/middle");
    const { outcome } = await kill(on);
    expect(outcome).toMatchObject({ outcome: "killed", killedCount: 5, leftFrozen: [] });
    expect(frozenNow(on)).toEqual(["/parent", "/parent/middle"]);
  });

  test("only SIGKILLed processes are moved, and only after SIGKILL", async () => {
    const on = below("parent");
    const { kernel, which, target } = on;
    const early: number[] = [];
    const write = kernel.writeFile.bind(kernel);
    kernel.writeFile = (dir, name, value) => {
      if (name === "cgroup.procs" && kernel.processes.get(Number(value))?.killedAt === undefined) early.push(+value);
      write(dir, name, value);
    };
    // Pid 4000 joins after the lists were read: it is neither signalled nor moved before the next round.
    kernel.onAccess = (operation, path) => {
      if (operation !== "write" || !path.endsWith("freezer.state") || kernel.processes.has(4000)) return;
      if (kernel.processes.get(2000)?.killedAt !== undefined) kernel.addProcess({ pid: 4000, group: target, which });
    };
    const { outcome } = await kill(on);
    expect(outcome).toMatchObject({ outcome: "killed", killedCount: 6 });
    expect(early).toEqual([]);
  });

  test("moved to the cgroup of PID 1 first, else to the root", async () => {
    const on = below("parent");
    const boot = on.kernel.makeGroup("freezer", "boot");
    on.kernel.processes.get(1)?.groups.set(on.kernel.hierarchy("freezer"), boot);
    on.kernel.failNext("write", /boot\/cgroup\.procs$/, "EBUSY");
    const { outcome, events } = await kill(on);
    expect(outcome).toMatchObject({ outcome: "killed", killedCount: 5 });
    const failures = events.filter(({ kind }) => kind === "not-moved-to-die");
    expect(failures.map(({ fields }) => fields["to"])).toEqual(["/boot"]);
    const moved = events.find(({ kind }) => kind === "moved-to-die");
    expect(moved?.fields).toMatchObject({ from: "/parent/target", to: "/" });
  });

  test("a process that is gone at the move does not keep the others from being moved", async () => {
    const on = below("parent");
    on.kernel.failNext("write", /freezer\/cgroup\.procs$/, "ESRCH");
    expect((await kill(on)).outcome).toMatchObject({ outcome: "killed", killedCount: 5 });
  });

  // Regression: one /proc/PID/cgroup that could not be read used to end the kill while all members lived.
  test.each(["EPERM", "EIO"])("the cgroup of one cannot be read (%s): all are dead", async (errno) => {
    for (const on of [below("parent"), model("kill that misses one")]) {
      const planned = await plan(on);
      on.kernel.failNext("read", /^\/proc\/2000\/cgroup$/, errno, Number.POSITIVE_INFINITY);
      const { outcome } = await execute(on, planned, { timeoutMs: 300 });
      expect(outcome).toMatchObject({ outcome: "killed", killedCount: 5 });
      expect(on.kernel.openDescriptors).toBe(0);
    }
  });

  test("no cgroup accepts them: survivors, each with the cgroup that freezes it and the command that thaws it", async () => {
    const on = below("parent");
    on.kernel.failNext("write", /freezer\/cgroup\.procs$/, "EPERM", Number.POSITIVE_INFINITY);
    const { outcome } = await execute(on, await plan(on), { timeoutMs: 300 });
    expect(outcome).toMatchObject({ outcome: "survivors", killedCount: 0, leftFrozen: [] });
    for (const survivor of outcome.survivors) {
      expect(survivor).toMatchObject({
        reason: "frozen-elsewhere",
        frozenBy: `${TOP}/parent`,
        sigkillPending: true,
        commands: [["cgkill", "thaw", `${TOP}/parent`]],
      });
    }
    expect(outcome.survivors.map(({ pid }) => pid).toSorted()).toEqual([2000, 2001, 2002, 2003, 2004]);
    expect(frozenNow(on)).toEqual(["/parent"]);
  });

  test("with a deadline of zero: moved out once all the same", async () => {
    const on = below("parent");
    const { outcome } = await execute(on, await plan(on), { timeoutMs: 0 });
    expect(["killed", "survivors", "not-removed"]).toContain(outcome.outcome);
    expect(on.kernel.processes.get(2000)?.groups.get(on.kernel.hierarchy("freezer"))?.path).toBe("/");
    expect(frozenNow(on)).toEqual(["/parent"]);
  });

  test("the target and a descendant frozen too: both are thawed, and the ancestor is not", async () => {
    const on = below("parent", "parent/target", "parent/target/below");
    const { outcome } = await kill(on, { remove: false });
    expect(outcome).toMatchObject({ outcome: "killed", killedCount: 5, leftFrozen: [] });
    expect(frozenNow(on)).toEqual(["/parent"]);
  });
});

describe("thawed for the duration of the kill", () => {
  const ALLOWED: Partial<KillOptions> = { thawAncestors: true };

  const stuck = (on: Model): Model => {
    on.kernel.isWritable = () => false;
    on.kernel.failNext("write", /freezer\/cgroup\.procs$/, "EPERM", Number.POSITIVE_INFINITY);
    return on;
  };

  test("two ancestors are thawed, and both are frozen again", async () => {
    const on = stuck(deep("parent", "parent/middle"));
    const { outcome, events } = await kill(on, ALLOWED);
    expect(outcome).toMatchObject({ outcome: "killed", killedCount: 5, leftFrozen: [] });
    expect(frozenNow(on)).toEqual(["/parent", "/parent/middle"]);
    const thawed = events.filter(({ kind }) => kind === "ancestor-thawed");
    expect(thawed.map(({ level, fields }) => [level, fields["ancestor"]])).toEqual([
      ["warn", "/parent/middle"],
      ["warn", "/parent"],
    ]);
    expect(on.kernel.openDescriptors).toBe(0);
  });

  test("not thawed if processes can be moved out", async () => {
    const on = below("parent");
    const { outcome } = await kill(on, ALLOWED);
    expect(outcome.outcome).toBe("killed");
    expect(on.kernel.writes.filter(({ path }) => path === `${TOP}/parent/freezer.state`)).toEqual([]);
  });

  test("not thawed if it is not frozen", async () => {
    const on = stuck(below());
    expect((await kill(on, ALLOWED)).outcome.outcome).toBe("killed");
    expect(on.kernel.writes.filter(({ path }) => path === `${TOP}/parent/freezer.state`)).toEqual([]);
  });

  test("a signal at any moment: frozen again, and no descriptor leaked", async () => {
    for (let at = 1; ; at++) {
      const on = stuck(deep("parent", "parent/middle"));
      const planned = await plan(on, ALLOWED);
      const abort = new AbortController();
      let accesses = 0;
      on.kernel.onAccess = () => {
        if (++accesses === at) abort.abort("SIGTERM");
      };
      const { outcome } = await execute(on, planned, { abort: abort.signal });
      expect(["interrupted", "killed"]).toContain(outcome.outcome);
      expect([at, frozenNow(on)]).toEqual([at, ["/parent", "/parent/middle"]]);
      expect([at, on.kernel.openDescriptors]).toEqual([at, 0]);
      if (accesses < at) break;
    }
  });

  test("any access fails, by each errno: frozen again", async () => {
    for (const errno of ["EINTR", "EIO", "EMFILE", "EPERM"]) {
      for (let at = 1; ; at++) {
        const on = stuck(below("parent"));
        const planned = await plan(on, ALLOWED);
        let accesses = 0;
        let isKnown = false;
        let what = "";
        on.kernel.onAccess = (operation, path) => {
          if (++accesses !== at) return;
          what = `${operation} ${path}`;
          // These have their own tests below and in faults-everywhere.test.ts.
          isKnown = path.includes("/fdinfo/") || path.startsWith(`${TOP}/parent/freezer.self`);
          isKnown ||= operation === "write" && path === `${TOP}/parent/freezer.state`;
          if (!isKnown) on.kernel.failNext(operation, new RegExp(`^${path}$`), errno);
        };
        const { outcome } = await execute(on, planned);
        const cell = `${errno} at ${at}, ${what}: ${outcome.outcome}`;
        expect([cell, frozenNow(on)]).toEqual([cell, ["/parent"]]);
        if (["killed", "empty"].includes(outcome.outcome)) expect([cell, aliveIn(on)]).toEqual([cell, []]);
        expect([cell, on.kernel.openDescriptors]).toEqual([cell, 0]);
        if (accesses < at && !isKnown) break;
      }
    }
  });

  test("another cgkill has frozen it for the moment of its kill: left to that, and not frozen again", async () => {
    const on = stuck(below("parent"));
    const { kernel } = on;
    const planned = await plan(on, ALLOWED);
    const dir = `${TOP}/parent`;
    const lock = kernel.tryLock(dirAt(dir));
    if (lock === undefined) throw new Error("it is locked");
    kernel.at(100, () => {
      kernel.makeGroup("freezer", "parent").isSwitchedOn = false;
      kernel.close(lock);
    });
    const { outcome, events } = await execute(on, planned);
    expect(outcome).toMatchObject({ outcome: "killed", killedCount: 5 });
    expect(frozenNow(on)).toEqual([]);
    expect(events.map(({ kind }) => kind)).not.toContain("ancestor-thawed");
    expect(kernel.openDescriptors).toBe(0);
  });

  // Regression: an ancestor whose own switch could not be read used to stay open.
  test("an ancestor whose own switch cannot be read is closed", async () => {
    const on = stuck(below("parent"));
    const planned = await plan(on, ALLOWED);
    let reads = 0;
    on.kernel.onAccess = (operation, path) => {
      if (operation !== "read" || path !== `${TOP}/parent/freezer.self_freezing`) return;
      if (++reads === 2) on.kernel.failNext("read", /parent\/freezer\.self_freezing$/, "EIO");
    };
    await execute(on, planned);
    expect(on.kernel.openDescriptors).toBe(0);
  });

  const failToFreezeAgain = async (times: number): Promise<{ on: Model; done: Awaited<ReturnType<typeof kill>> }> => {
    const on = stuck(below("parent"));
    const write = on.kernel.writeFile.bind(on.kernel);
    on.kernel.writeFile = (dir, name, value) => {
      if (dir.shown === `${TOP}/parent` && value === "FROZEN" && times > 0) {
        on.kernel.failNext("write", /parent\/freezer\.state$/, "EINTR", times);
        times = 0;
      }
      write(dir, name, value);
    };
    return { on, done: await kill(on, ALLOWED) };
  };

  // Regression: freezing again was tried once, thawing three times.
  test("frozen again although the first try fails", async () => {
    const { on } = await failToFreezeAgain(1);
    expect(frozenNow(on)).toEqual(["/parent"]);
  });

  test("it cannot be frozen again: an error event with its path", async () => {
    const { on, done } = await failToFreezeAgain(Number.POSITIVE_INFINITY);
    expect(frozenNow(on)).toEqual([]);
    const failure = done.events.find(({ kind }) => kind === "ancestor-left");
    expect(failure).toMatchObject({ level: "error", fields: { path: `${TOP}/parent` } });
    expect(on.kernel.openDescriptors).toBe(0);
  });

  // Regression: ancestors used to be reported as frozen again even if that had failed.
  test("it cannot be frozen again: not reported as frozen again", async () => {
    const { done } = await failToFreezeAgain(Number.POSITIVE_INFINITY);
    expect(done.events.map(({ kind }) => kind)).not.toContain("ancestors-frozen");
  });
});
