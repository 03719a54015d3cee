// Stepping aside: where to, in which order, that it is looked at afterwards, and that it is undone where it fails.

import { describe, expect, test } from "bun:test";

import { findHierarchies } from "../../../src/cgroup/open/hierarchy.ts";
import { openCgroup } from "../../../src/cgroup/open/open.ts";
import type { Cgroup } from "../../../src/cgroup/types.ts";
import { findToSpare } from "../../../src/kill/moves/step-aside.ts";
import type { FakeGroup, FakeProcess } from "../../support/fake-kernel.ts";
import { execute, expectPromise, kill, type Model, model, plan, type Way } from "../../support/model.ts";

const put = ({ kernel, which }: Model, pid: number, group: FakeGroup): void =>
  void kernel.processes.get(pid)?.groups.set(kernel.hierarchy(which), group);

const placeOf = ({ kernel, which }: Model, { groups }: FakeProcess): string =>
  groups.get(kernel.hierarchy(which))?.path ?? "nowhere";

/** We are in the cgroup below the target. */
function inside(way: Way): Model {
  const on = model(way);
  put(on, on.kernel.pid, on.kernel.makeGroup(on.which, "parent/target/below"));
  return on;
}

const self = ({ kernel }: Model): FakeProcess => kernel.processes.get(kernel.pid) as FakeProcess;

const open = ({ kernel, which }: Model, path: string): Cgroup =>
  openCgroup(kernel, findHierarchies(kernel), `${kernel.hierarchy(which).point}${path}`);

/** The cgroups that are written to, as none takes anybody. */
async function placesTried(on: Model, options = {}): Promise<string[]> {
  const { kernel, which } = on;
  const { point } = kernel.hierarchy(which);
  const tried: string[] = [];
  kernel.onAccess = (operation, path) => {
    if (operation !== "write") return;
    tried.push(path.slice(point.length, -"/cgroup.procs".length) || "/");
    kernel.failNext("write", /cgroup\.procs$/, "EBUSY");
  };
  const { outcome } = await kill(on, options);
  expect(outcome.error?.code).toBe("nowhere-to-step-aside");
  expect(kernel.writes).toEqual([]);
  return tried;
}

describe("where to", () => {
  test("v2: as we are told, init.scope, where PID 1 is, the ancestors from the nearest up, the root", async () => {
    const on = inside("kill");
    on.kernel.makeGroup("v2", "init.scope");
    on.kernel.makeGroup("v2", "aside/here");
    put(on, 1, on.kernel.makeGroup("v2", "boot"));
    const spareTo = open(on, "/aside/here");
    expect(await placesTried(on, { spareTo })).toEqual(["/aside/here", "/init.scope", "/boot", "/parent", "/"]);
    // What the caller has opened is the caller's to close.
    expect(on.kernel.openDescriptors).toBe(1);
    on.kernel.close(spareTo.fd);
  });

  test("v2: each place once, and none that is not there", async () => {
    const on = inside("kill");
    put(on, 1, on.kernel.makeGroup("v2", "parent"));
    expect(await placesTried(on)).toEqual(["/parent", "/"]);
    expect(on.kernel.openDescriptors).toBe(0);
  });

  test("v1: where PID 1 is, then the root; no ancestors", async () => {
    for (const way of ["freezer on v1", "sweep"] as const) {
      const on = inside(way);
      on.kernel.makeGroup(on.which, "init.scope");
      put(on, 1, on.kernel.makeGroup(on.which, "boot"));
      expect(await placesTried(on)).toEqual(["/boot", "/"]);
    }
  });

  test.each(["kill", "freezer on v1"] as const)("%s: no frozen place, nor one below a frozen one", async (way) => {
    const on = inside(way);
    const { kernel, which } = on;
    put(on, 1, kernel.makeGroup(which, "boot/late"));
    kernel.makeGroup(which, "boot").isSwitchedOn = true;
    kernel.makeGroup(which, "init.scope").isSwitchedOn = true;
    expect(await placesTried(on)).toEqual(way === "kill" ? ["/parent", "/"] : ["/"]);
  });

  test("none inside the target, be it PID 1's", async () => {
    const on = inside("kill");
    const spareTo = open(on, "/parent/target/below");
    const { outcome } = await kill(on, { spareTo });
    on.kernel.close(spareTo.fd);
    expect(outcome).toMatchObject({ outcome: "killed", spared: [{ pid: on.kernel.pid, cgroup: "/" }] });
    expect(placeOf(on, self(on))).toBe("/");
  });

  // kill/places.ts, destinations: the place that the caller gives is not asked whether it is frozen, and whoever joins
  // a frozen cgroup freezes in the very write: cgkill itself.
  test.each(["kill", "freezer on v1"] as const)("%s: not as we are told, where that is frozen", async (way) => {
    const on = inside(way);
    on.kernel.makeGroup(on.which, "aside").isSwitchedOn = true;
    const spareTo = open(on, "/aside");
    expect(await placesTried(on, { spareTo })).not.toContain("/aside");
  });
});

// kill/places.ts, destinations: what was opened is not closed where it cannot be asked whether it is frozen.
test.each([
  ["kill", "cgroup.events"],
  ["freezer on v1", "freezer.state"],
] as const)("%s: a place whose state cannot be read is closed again", async (way, file) => {
  const on = inside(way);
  put(on, 1, on.kernel.makeGroup(on.which, "boot"));
  on.kernel.failNext("read", new RegExp(`/boot/${file}$`), "EIO");
  await kill(on);
  expect(on.kernel.openDescriptors).toBe(0);
});

describe("looked at afterwards", () => {
  test("a move that the kernel accepts and that has no effect: the next place", async () => {
    const on = inside("kill");
    const { kernel } = on;
    kernel.makeGroup("v2", "init.scope");
    const write = kernel.writeFile.bind(kernel);
    let moves = 0;
    kernel.writeFile = (dir, name, value) => {
      if (name === "cgroup.procs" && ++moves === 1) return;
      write(dir, name, value);
    };
    const done = await kill(on);
    expectPromise(on, done);
    expect(done.outcome).toMatchObject({ outcome: "killed", spared: [{ pid: kernel.pid, cgroup: "/" }] });
    expect(moves).toBe(2);
  });

  test("none has an effect: refused, and it is told where we still are", async () => {
    const on = inside("freezer on v1");
    on.kernel.writeFile = () => {};
    const { outcome } = await kill(on);
    expect(outcome).toMatchObject({ outcome: "refused", spared: [], killed: [] });
    expect(outcome.error?.message).toContain("accepted, but pid 1000 is in /parent/target/below");
  });
});

describe("whom", () => {
  test("the plan names those who are inside, ourselves first, and nobody else", async () => {
    const on = inside("kill");
    const [innocent = 0] = on.innocents;
    const planned = await plan(on, { spare: [2001, innocent, 31_000] });
    expect(await findToSpare(on.kernel, planned.cgroup, planned.options)).toEqual([on.kernel.pid, 2001]);
    expect(on.kernel.writes).toEqual([]);
  });

  for (const way of ["kill", "freezer on v1", "freezer on v2", "sweep", "sweep behind a fence"] as const) {
    test(`${way}: all of them live, are reported, and the others die`, async () => {
      const on = inside(way);
      const [innocent = 0] = on.innocents;
      const done = await kill(on, { spare: [2001, innocent, 31_000] });
      expectPromise(on, done);
      expect(done.outcome).toMatchObject({
        outcome: "killed",
        killedCount: 4,
        spared: [
          { pid: on.kernel.pid, cgroup: "/" },
          { pid: 2001, cgroup: "/" },
        ],
      });
      expect(done.outcome.killed.map(({ pid }) => pid).sort()).toEqual([2000, 2002, 2003, 2004]);
      expect(on.kernel.processes.get(2001)?.killedAt).toBeUndefined();
      expect(placeOf(on, on.kernel.processes.get(innocent) as FakeProcess)).toBe("/parent");
      const told = done.events.filter(({ kind }) => kind === "moved-aside");
      expect(told.map(({ fields }) => [fields["pid"], fields["from"], fields["to"]])).toEqual([
        [on.kernel.pid, "/parent/target/below", "/"],
        [2001, "/parent/target", "/"],
      ]);
    });
  }

  test("one who has come in since the plan is moved out as well", async () => {
    const on = model("kill");
    const planned = await plan(on);
    expect(await findToSpare(on.kernel, planned.cgroup, planned.options)).toEqual([]);
    put(on, on.kernel.pid, on.target);
    const done = await execute(on, planned);
    expect(done.outcome).toMatchObject({ outcome: "killed", spared: [{ pid: on.kernel.pid, cgroup: "/" }] });
  });

  test("one who dies in that moment is no error, and not among the spared", async () => {
    const on = model("kill");
    on.kernel.failNext("write", /cgroup\.procs$/, "ESRCH");
    const { outcome } = await kill(on, { spare: [2001] });
    expect(outcome).toMatchObject({ outcome: "killed", spared: [] });
  });
});

describe("undone", () => {
  /** Each of those before the last gets out; the last does not. */
  async function failAtLast(on: Model, pids: readonly number[]): Promise<Awaited<ReturnType<typeof kill>>> {
    const { kernel } = on;
    let moved = 0;
    kernel.onAccess = (operation) => {
      if (operation !== "write" || ++moved !== pids.length + 1) return;
      kernel.failNext("write", /cgroup\.procs$/, "EPERM");
    };
    return await kill(on, { spare: pids });
  }

  test.each(["freezer on v1", "sweep"] as const)("%s: those who were moved are in the target again", async (way) => {
    const on = model(way);
    put(on, on.kernel.pid, on.target);
    const done = await failAtLast(on, [2001, 2002]);
    expect(done.outcome).toMatchObject({
      outcome: "refused",
      error: { code: "nowhere-to-step-aside", message: expect.stringContaining("pid 2002 is inside") },
      spared: [],
    });
    const places = [on.kernel.pid, 2001, 2002].map((pid) => placeOf(on, on.kernel.processes.get(pid) as FakeProcess));
    expect(places).toEqual(["/parent/target", "/parent/target", "/parent/target"]);
    expect(on.kernel.openDescriptors).toBe(0);
  });

  // kill/spare.ts, moveBack: to the target, wherever in it the process was.
  test("each where it was, also below the target", async () => {
    const on = inside("freezer on v1");
    await failAtLast(on, [2001]);
    expect(placeOf(on, self(on))).toBe("/parent/target/below");
  });

  test("one who cannot be moved back is told, and the refusal stands", async () => {
    const on = model("freezer on v1");
    put(on, on.kernel.pid, on.target);
    on.kernel.onAccess = (operation, path) => {
      const isOut = placeOf(on, self(on)) === "/";
      if (operation === "write" && isOut) on.kernel.failNext("write", new RegExp(`^${path}$`), "EPERM");
    };
    const { outcome, events } = await kill(on, { spare: [2001] });
    expect(outcome).toMatchObject({ outcome: "refused", error: { code: "nowhere-to-step-aside" } });
    const told = events.find(({ kind }) => kind === "not-moved-back");
    expect(told).toMatchObject({
      level: "warn",
      fields: { pid: on.kernel.pid, error: expect.stringContaining("EPERM") },
    });
  });
});
