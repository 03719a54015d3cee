// A v1 target below a frozen ancestor: whoever is killed there cannot die. They are moved out to die, or the ancestor is
// thawed for the time of the kill where that is allowed; and it is as it was in the end, however the kill ends.

import { describe, expect, test } from "bun:test";

import type { KillOptions } from "../../../src/kill/types.ts";
import { execute, kill, type Model, model, plan } from "../../support/model.ts";

const TOP = "/sys/fs/cgroup/freezer";

/** Frozen are these ancestors, and with them the innocents. */
function below(...frozen: readonly string[]): Model {
  const on = model("freezer on v1");
  for (const path of frozen) on.kernel.makeGroup("freezer", path).isSwitchedOn = true;
  return on;
}

/** The target stands three deep, below two that can be frozen. */
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
    ["the parent", ["parent"]],
    ["the grandparent", ["grand"]],
  ] as const)("below %s: dead, and it stays frozen throughout", async (_, [name]) => {
    const on = name === "parent" ? below("parent") : deep("parent");
    let isThawed = false;
    on.kernel.onAccess = () => (isThawed ||= !on.kernel.makeGroup("freezer", "parent").isSwitchedOn);
    const { outcome, events } = await kill(on);
    expect(outcome).toMatchObject({ outcome: "killed", killedCount: 5, removed: true, leftFrozen: [], error: null });
    expect([isThawed, frozenNow(on)]).toEqual([false, ["/parent"]]);
    expect(on.innocents.filter((pid) => on.kernel.processes.get(pid)?.killedAt !== undefined)).toEqual([]);
    const moved = events.filter(({ kind }) => kind === "moved-to-die");
    expect(moved.flatMap(({ fields }) => fields["pids"])).toEqual([2000, 2001, 2002, 2003, 2004]);
    expect(new Set(moved.map(({ fields }) => fields["to"]))).toEqual(new Set(["/"]));
    expect(on.kernel.openDescriptors).toBe(0);
  });

  test("below two frozen ones: dead, and both stay frozen", async () => {
    const on = deep("parent", "parent/middle");
    const { outcome } = await kill(on);
    expect(outcome).toMatchObject({ outcome: "killed", killedCount: 5, leftFrozen: [] });
    expect(frozenNow(on)).toEqual(["/parent", "/parent/middle"]);
  });

  test("only the killed are moved, and only after they have been killed", async () => {
    const on = below("parent");
    const { kernel, which, target } = on;
    const early: number[] = [];
    const write = kernel.writeFile.bind(kernel);
    kernel.writeFile = (dir, name, value) => {
      if (name === "cgroup.procs" && kernel.processes.get(Number(value))?.killedAt === undefined) early.push(+value);
      write(dir, name, value);
    };
    // Comes in when the lists have been read: neither signalled nor moved before the next round.
    kernel.onAccess = (operation, path) => {
      if (operation !== "write" || !path.endsWith("freezer.state") || kernel.processes.has(4000)) return;
      if (kernel.processes.get(2000)?.killedAt !== undefined) kernel.addProcess({ pid: 4000, group: target, which });
    };
    const { outcome } = await kill(on);
    expect(outcome).toMatchObject({ outcome: "killed", killedCount: 6 });
    expect(early).toEqual([]);
  });

  test("where PID 1 is first, else the root", async () => {
    const on = below("parent");
    const boot = on.kernel.makeGroup("freezer", "boot");
    on.kernel.processes.get(1)?.groups.set(on.kernel.hierarchy("freezer"), boot);
    on.kernel.failNext("write", /boot\/cgroup\.procs$/, "EBUSY");
    const { outcome, events } = await kill(on);
    expect(outcome).toMatchObject({ outcome: "killed", killedCount: 5 });
    const told = events.filter(({ kind }) => kind === "not-moved-to-die");
    expect(told.map(({ fields }) => fields["to"])).toEqual(["/boot"]);
    const moved = events.find(({ kind }) => kind === "moved-to-die");
    expect(moved?.fields).toMatchObject({ from: "/parent/target", to: "/" });
  });

  test("one who is gone at that moment keeps nobody else from it", async () => {
    const on = below("parent");
    on.kernel.failNext("write", /freezer\/cgroup\.procs$/, "ESRCH");
    expect((await kill(on)).outcome).toMatchObject({ outcome: "killed", killedCount: 5 });
  });

  // kill/corpses.ts, moveDeadOut: one that could not be read ended the kill, by that error, with everybody still there.
  test.each(["EPERM", "EIO"])("the place of one cannot be read, by %s: he and the others are dead", async (errno) => {
    for (const on of [below("parent"), model("kill that misses one")]) {
      const planned = await plan(on);
      on.kernel.failNext("read", /^\/proc\/2000\/cgroup$/, errno, Number.POSITIVE_INFINITY);
      const { outcome } = await execute(on, planned, { timeoutMs: 300 });
      expect(outcome).toMatchObject({ outcome: "killed", killedCount: 5 });
      expect(on.kernel.openDescriptors).toBe(0);
    }
  });

  test("no place takes them: survivors, each with who holds it and the way out", async () => {
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

  test("with a deadline of zero: done once all the same", async () => {
    const on = below("parent");
    const { outcome } = await execute(on, await plan(on), { timeoutMs: 0 });
    expect(["killed", "survivors", "not-removed"]).toContain(outcome.outcome);
    expect(on.kernel.processes.get(2000)?.groups.get(on.kernel.hierarchy("freezer"))?.path).toBe("/");
    expect(frozenNow(on)).toEqual(["/parent"]);
  });

  test("the target frozen too, and one below it: both thawed, the ancestor not", async () => {
    const on = below("parent", "parent/target", "parent/target/below");
    const { outcome } = await kill(on, { remove: false });
    expect(outcome).toMatchObject({ outcome: "killed", killedCount: 5, leftFrozen: [] });
    expect(frozenNow(on)).toEqual(["/parent"]);
  });
});

describe("thawed for the time of the kill", () => {
  const ALLOWED: Partial<KillOptions> = { thawAncestors: true };

  const stuck = (on: Model): Model => {
    on.kernel.isWritable = () => false;
    on.kernel.failNext("write", /freezer\/cgroup\.procs$/, "EPERM", Number.POSITIVE_INFINITY);
    return on;
  };

  test("two of them, and frozen again, both", async () => {
    const on = stuck(deep("parent", "parent/middle"));
    const { outcome, events } = await kill(on, ALLOWED);
    expect(outcome).toMatchObject({ outcome: "killed", killedCount: 5, leftFrozen: [] });
    expect(frozenNow(on)).toEqual(["/parent", "/parent/middle"]);
    const told = events.filter(({ kind }) => kind === "ancestor-thawed");
    expect(told.map(({ level, fields }) => [level, fields["ancestor"]])).toEqual([
      ["warn", "/parent/middle"],
      ["warn", "/parent"],
    ]);
    expect(on.kernel.openDescriptors).toBe(0);
  });

  test("not touched where moving out is possible", async () => {
    const on = below("parent");
    const { outcome } = await kill(on, ALLOWED);
    expect(outcome.outcome).toBe("killed");
    expect(on.kernel.writes.filter(({ path }) => path === `${TOP}/parent/freezer.state`)).toEqual([]);
  });

  test("not touched where it is not frozen", async () => {
    const on = stuck(below());
    expect((await kill(on, ALLOWED)).outcome.outcome).toBe("killed");
    expect(on.kernel.writes.filter(({ path }) => path === `${TOP}/parent/freezer.state`)).toEqual([]);
  });

  test("a signal at any moment: frozen again, and nothing leaked", async () => {
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
          // A leak of path.ts (faults-everywhere.test.ts), and what has its own test below.
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

  // kill/corpses.ts, thawAncestors: what was opened is not closed where it cannot be asked.
  test("an ancestor that cannot be asked whether it was told to freeze is closed again", async () => {
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

  // kill/corpses.ts, freezeAgain: one try, where a thaw has three.
  test("frozen again though the first try fails", async () => {
    const { on } = await failToFreezeAgain(1);
    expect(frozenNow(on)).toEqual(["/parent"]);
  });

  test("not to be frozen again: told, with where", async () => {
    const { on, done } = await failToFreezeAgain(Number.POSITIVE_INFINITY);
    expect(frozenNow(on)).toEqual([]);
    const told = done.events.find(({ kind }) => kind === "ancestor-left");
    expect(told).toMatchObject({ level: "error", fields: { path: `${TOP}/parent` } });
    expect(on.kernel.openDescriptors).toBe(0);
  });

  // kill/corpses.ts, withAncestorsThawed: says that they are frozen again also where that failed.
  test("not to be frozen again: nobody says that it was", async () => {
    const { done } = await failToFreezeAgain(Number.POSITIVE_INFINITY);
    expect(done.events.map(({ kind }) => kind)).not.toContain("ancestors-frozen");
  });
});
