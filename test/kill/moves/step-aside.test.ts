// Stepping aside: the destinations and their order, reading back each move, and undoing the moves if one fails.

import { describe, expect, test } from "bun:test";

import { findHierarchies } from "../../../src/cgroup/open/hierarchy.ts";
import { openCgroup } from "../../../src/cgroup/open/open.ts";
import type { Cgroup } from "../../../src/cgroup/types.ts";
import { newContext } from "../../../src/kill/context.ts";
import { findToSpare, stepAside } from "../../../src/kill/moves/step-aside.ts";
import type { FakeGroup } from "../../support/fake-kernel/groups.ts";
import type { FakeProcess } from "../../support/fake-kernel/processes.ts";
import { execute, expectPromise, kill, type Model, model, plan, type Way } from "../../support/model.ts";

const put = ({ kernel, which }: Model, pid: number, group: FakeGroup): void =>
  void kernel.processes.get(pid)?.groups.set(kernel.hierarchy(which), group);

const placeOf = ({ kernel, which }: Model, { groups }: FakeProcess): string =>
  groups.get(kernel.hierarchy(which))?.path ?? "nowhere";

/** A model in which cgkill is in a child of the target. */
function inside(way: Way): Model {
  const on = model(way);
  put(on, on.kernel.pid, on.kernel.makeGroup(on.which, "parent/target/below"));
  return on;
}

const self = ({ kernel }: Model): FakeProcess => kernel.processes.get(kernel.pid) as FakeProcess;

const open = ({ kernel, which }: Model, path: string): Cgroup =>
  openCgroup(kernel, findHierarchies(kernel), `${kernel.hierarchy(which).point}${path}`);

/** The destinations that are tried, when all of them fail. */
async function destinationsTried(on: Model, options = {}): Promise<string[]> {
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

describe("destinations", () => {
  test("v2: --spare-to, init.scope, the cgroup of PID 1, the ancestors (nearest first), the root", async () => {
    const on = inside("kill");
    on.kernel.makeGroup("v2", "init.scope");
    on.kernel.makeGroup("v2", "aside/here");
    put(on, 1, on.kernel.makeGroup("v2", "boot"));
    const spareTo = open(on, "/aside/here");
    expect(await destinationsTried(on, { spareTo })).toEqual(["/aside/here", "/init.scope", "/boot", "/parent", "/"]);
    // The caller closes the cgroup that it opened.
    expect(on.kernel.openDescriptors).toBe(1);
    on.kernel.close(spareTo.fd);
  });

  test("v2: each once, and only those that exist", async () => {
    const on = inside("kill");
    put(on, 1, on.kernel.makeGroup("v2", "parent"));
    expect(await destinationsTried(on)).toEqual(["/parent", "/"]);
    expect(on.kernel.openDescriptors).toBe(0);
  });

  test("v1: the cgroup of PID 1, then the root; no ancestors", async () => {
    for (const way of ["freezer on v1", "sweep"] as const) {
      const on = inside(way);
      on.kernel.makeGroup(on.which, "init.scope");
      put(on, 1, on.kernel.makeGroup(on.which, "boot"));
      expect(await destinationsTried(on)).toEqual(["/boot", "/"]);
    }
  });

  test.each(["kill", "freezer on v1"] as const)("%s: none that is frozen, or below a frozen one", async (way) => {
    const on = inside(way);
    const { kernel, which } = on;
    put(on, 1, kernel.makeGroup(which, "boot/late"));
    kernel.makeGroup(which, "boot").isSwitchedOn = true;
    kernel.makeGroup(which, "init.scope").isSwitchedOn = true;
    expect(await destinationsTried(on)).toEqual(way === "kill" ? ["/parent", "/"] : ["/"]);
  });

  test("none inside the target, even as --spare-to", async () => {
    const on = inside("kill");
    const spareTo = open(on, "/parent/target/below");
    const { outcome, events } = await kill(on, { spareTo });
    on.kernel.close(spareTo.fd);
    expect(outcome).toMatchObject({ outcome: "killed", spared: [{ pid: on.kernel.pid, cgroup: "/" }] });
    expect(placeOf(on, self(on))).toBe("/");
    // Regression: it used to be moved there first, and it was not said that another was taken.
    expect(on.kernel.writes.filter(({ path }) => path === `${spareTo.name}/cgroup.procs`)).toEqual([]);
    const reason = `${spareTo.name}: it is inside the target`;
    expect(events.find(({ kind }) => kind === "not-spared-to")?.fields).toMatchObject({ pid: on.kernel.pid, reason });
  });

  // Regression: v2 does not show that as frozen, and cgkill froze as soon as it had moved itself there.
  test("kill: not --spare-to if an ancestor freezes it, but not all of its members", async () => {
    const on = inside("kill");
    on.kernel.makeGroup("v2", "aside").isSwitchedOn = true;
    on.kernel.makeGroup("v2", "aside/here").readsToFreeze = Number.POSITIVE_INFINITY;
    const spareTo = open(on, "/aside/here");
    expect(await destinationsTried(on, { spareTo })).not.toContain("/aside/here");
  });

  // Regression: --spare-to was not checked, and a process freezes as soon as it joins a frozen cgroup: cgkill itself.
  test.each(["kill", "freezer on v1"] as const)("%s: not --spare-to if that is frozen", async (way) => {
    const on = inside(way);
    on.kernel.makeGroup(on.which, "aside").isSwitchedOn = true;
    const spareTo = open(on, "/aside");
    expect(await destinationsTried(on, { spareTo })).not.toContain("/aside");
  });
});

// Regression: a destination whose state could not be read used to stay open.
test.each([
  ["kill", "cgroup.events"],
  ["freezer on v1", "freezer.state"],
] as const)("%s: a destination whose state cannot be read is closed", async (way, file) => {
  const on = inside(way);
  put(on, 1, on.kernel.makeGroup(on.which, "boot"));
  on.kernel.failNext("read", new RegExp(`/boot/${file}$`), "EIO");
  await kill(on);
  expect(on.kernel.openDescriptors).toBe(0);
});

describe("reading back", () => {
  test("a move that succeeds without effect: the next destination is tried", async () => {
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

  test("no move has an effect: refused, with the cgroup that cgkill is still in", async () => {
    const on = inside("freezer on v1");
    on.kernel.writeFile = () => {};
    const { outcome } = await kill(on);
    expect(outcome).toMatchObject({ outcome: "refused", spared: [], killed: [] });
    expect(outcome.error?.message).toContain("accepted, but pid 1000 is in /parent/target/below");
  });
});

describe("the processes", () => {
  test("only those that are inside are moved, cgkill itself first", async () => {
    const on = inside("kill");
    const [innocent = 0] = on.innocents;
    const planned = await plan(on, { spare: [2001, innocent, 31_000] });
    expect(await findToSpare(on.kernel, planned.cgroup, planned.options)).toEqual([on.kernel.pid, 2001]);
    expect(on.kernel.writes).toEqual([]);
  });

  for (const way of ["kill", "freezer on v1", "freezer on v2", "sweep", "sweep behind a fence"] as const) {
    test(`${way}: they live and are reported, and the others die`, async () => {
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
      const moves = done.events.filter(({ kind }) => kind === "moved-aside");
      expect(moves.map(({ fields }) => [fields["pid"], fields["from"], fields["to"]])).toEqual([
        [on.kernel.pid, "/parent/target/below", "/"],
        [2001, "/parent/target", "/"],
      ]);
    });
  }

  test("a process that was moved in after the plan is moved out as well", async () => {
    const on = model("kill");
    const planned = await plan(on);
    expect(await findToSpare(on.kernel, planned.cgroup, planned.options)).toEqual([]);
    put(on, on.kernel.pid, on.target);
    const done = await execute(on, planned);
    expect(done.outcome).toMatchObject({ outcome: "killed", spared: [{ pid: on.kernel.pid, cgroup: "/" }] });
  });

  test("a process that dies at the move is no error, and not reported as spared", async () => {
    const on = model("kill");
    on.kernel.failNext("write", /cgroup\.procs$/, "ESRCH");
    const { outcome } = await kill(on, { spare: [2001] });
    expect(outcome).toMatchObject({ outcome: "killed", spared: [] });
  });
});

describe("undoing the moves", () => {
  /** All moves succeed except the last. */
  async function failAtLast(on: Model, pids: readonly number[]): Promise<Awaited<ReturnType<typeof kill>>> {
    const { kernel } = on;
    let moved = 0;
    kernel.onAccess = (operation) => {
      if (operation !== "write" || ++moved !== pids.length + 1) return;
      kernel.failNext("write", /cgroup\.procs$/, "EPERM");
    };
    return await kill(on, { spare: pids });
  }

  test.each(["freezer on v1", "sweep"] as const)(
    "%s: processes that were moved out are in the target again",
    async (way) => {
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
    },
  );

  // Regression: they were moved back by their pids, however long after.
  test("one has died meanwhile, and its pid is recycled: the new process stays where it is", async () => {
    const on = model("freezer on v1");
    const { kernel } = on;
    const planned = await plan(on, { spare: [2001, 2002] });
    const control = { deadline: kernel.now() + 1000, abort: new AbortController().signal, onEvent: () => {} };
    using ctx = newContext(kernel, planned, control);
    const moveBack = await stepAside(ctx);
    kernel.advance(1000);
    kernel.processes.delete(2001);
    kernel.addProcess({ pid: 2001, comm: "stranger", startTicks: 1 });
    moveBack();
    const places = [2001, 2002].map((pid) => placeOf(on, kernel.processes.get(pid) as FakeProcess));
    expect(places).toEqual(["/", "/parent/target"]);
  });

  // Regression: processes from a descendant used to be moved back to the target itself.
  test("each is in its own cgroup again, also below the target", async () => {
    const on = inside("freezer on v1");
    await failAtLast(on, [2001]);
    expect(placeOf(on, self(on))).toBe("/parent/target/below");
  });

  test("a process that cannot be moved back is an event, and the kill is refused all the same", async () => {
    const on = model("freezer on v1");
    put(on, on.kernel.pid, on.target);
    on.kernel.onAccess = (operation, path) => {
      const isOut = placeOf(on, self(on)) === "/";
      if (operation === "write" && isOut) on.kernel.failNext("write", new RegExp(`^${path}$`), "EPERM");
    };
    const { outcome, events } = await kill(on, { spare: [2001] });
    expect(outcome).toMatchObject({ outcome: "refused", error: { code: "nowhere-to-step-aside" } });
    const failure = events.find(({ kind }) => kind === "not-moved-back");
    expect(failure).toMatchObject({
      level: "warn",
      fields: { pid: on.kernel.pid, error: expect.stringContaining("EPERM") },
    });
  });
});
