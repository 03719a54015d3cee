// More v1 members than share one read of the lists, and others that move them during the kill, on the model.

import { describe, expect, test } from "bun:test";

import { findHierarchies } from "../../../src/cgroup/open/hierarchy.ts";
import { openCgroup } from "../../../src/cgroup/open/open.ts";
import { MoveWatch } from "../../../src/kill/steps/move-watch.ts";
import { FakeKernel } from "../../support/fake-kernel/fake-kernel.ts";
import type { FakeOptions } from "../../support/fake-kernel/options.ts";
import type { FakeProcess } from "../../support/fake-kernel/processes.ts";
import { execute, expectPromise, type Model, model, plan } from "../../support/model.ts";

const MEMBERS = 150;

interface Crowd extends Model {
  readonly members: readonly FakeProcess[];
  /** Move a process out of the target, as another process does. */
  readonly moveOut: (process: FakeProcess) => void;
}

function crowd(given: FakeOptions = {}, count: number = MEMBERS): Crowd {
  const on = model("freezer on v1", given);
  const { kernel, target, which } = on;
  const members = Array.from({ length: count }, () => kernel.addProcess({ group: target, which }));
  const home = kernel.makeGroup("freezer", "home");
  return { ...on, members, moveOut: ({ groups }) => void groups.set(kernel.hierarchy("freezer"), home) };
}

/** Count the accesses that match, and act right before one of them. */
function before(on: Crowd, operation: string, path: RegExp, nth: number, action: () => void): () => number {
  let count = 0;
  on.kernel.onAccess = (op, at) => {
    if (op === operation && path.test(at) && ++count === nth) action();
  };
  return () => count;
}

/** Signals are noticed between two batches. */
const MORE_THAN_A_BATCH = 1100;

const LOOKS = [1, 2, 3, 20, 77, 130, MEMBERS + 5];

describe.each([
  ["by its writes", {}, "read", /^fanotify$/],
  ["by /proc, where they cannot be watched", { isPrivileged: false }, "read", /^\/proc\/\d+\/cgroup$/],
] as const)("moves are seen %s", (_, given, operation, path) => {
  test.each(LOOKS)("members that are moved out before look %i live, and nothing else does", async (nth) => {
    const on = crowd(given);
    const left: FakeProcess[] = [];
    const count = before(on, operation, path, nth, () => {
      for (const process of on.members) {
        if (process.killedAt !== undefined) continue;
        on.moveOut(process);
        left.push(process);
      }
    });
    const done = await execute(on, await plan(on, { remove: false }));
    expect(count()).toBeGreaterThanOrEqual(nth);
    expect(done.outcome.outcome).toBe("killed");
    expect(left.filter(({ killedAt }) => killedAt !== undefined)).toEqual([]);
    expect(done.outcome.killedCount).toBe(MEMBERS + 5 - left.length);
    expectPromise(on, done);
  });
});

test("a member that is moved out and back before its turn dies", async () => {
  const on = crowd();
  const freezer = on.kernel.hierarchy("freezer");
  const hopper = on.members[100] as FakeProcess;
  let looks = 0;
  on.kernel.onAccess = (_, path) => {
    if (path === "fanotify" && ++looks === 5) on.moveOut(hopper);
    else if (path.endsWith("/cgroup") && looks === 5) hopper.groups.set(freezer, on.target);
  };
  const done = await execute(on, await plan(on, { remove: false }));
  expect(looks).toBeGreaterThanOrEqual(5);
  expect(done.outcome.killedCount).toBe(MEMBERS + 5);
  expectPromise(on, done);
});

test("a pid that is recycled after it was listed stands for another process, which lives", async () => {
  const on = crowd();
  const { kernel } = on;
  const gone = on.members[120] as FakeProcess;
  before(on, "pidfd_open", new RegExp(`^pid ${gone.pid}$`), 1, () => {
    gone.isDead = true;
    kernel.processes.delete(gone.pid);
    kernel.addProcess({ pid: gone.pid, comm: "stranger" });
  });
  const done = await execute(on, await plan(on));
  expect(done.outcome.outcome).toBe("killed");
  expect(kernel.processes.get(gone.pid)).toMatchObject({ comm: "stranger", killedAt: undefined });
});

test("a stop in the middle thaws; who is moved out meanwhile lives, and the others die", async () => {
  const on = crowd({}, MORE_THAN_A_BATCH);
  const pause = {
    isRequested: false,
    begin: () => ({ [Symbol.dispose]: () => {} }),
    stop: () => {
      pause.isRequested = false;
      expect(on.target.isFreezing).toBe(false);
      on.moveOut(on.members.at(-1) as FakeProcess);
      return Promise.resolve(50);
    },
  };
  before(on, "read", /^fanotify$/, 40, () => void (pause.isRequested = true));
  const done = await execute(on, await plan(on), { pause });
  expect(done.events.map(({ kind }) => kind)).toContain("stopped");
  expect(done.outcome).toMatchObject({ outcome: "killed", killedCount: MORE_THAN_A_BATCH + 4 });
  expect(on.members.at(-1)?.killedAt).toBeUndefined();
  expectPromise(on, done);
});

// Regression: once anything had been written, no member of such a target was found to be inside.
test("where /proc cannot show the path of the target, all die although others are moved all the time", async () => {
  const on = crowd({ namespace: "/beside" });
  const [stranger, home] = [on.kernel.addProcess(), on.kernel.makeGroup("freezer", "home")];
  const freezer = on.kernel.hierarchy("freezer");
  on.kernel.onAccess = () => {
    stranger.groups.set(freezer, stranger.groups.get(freezer) === home ? freezer.root : home);
  };
  const done = await execute(on, await plan(on, { remove: false }));
  expect(done.outcome.killedCount).toBe(MEMBERS + 5);
  expect(stranger.killedAt).toBeUndefined();
});

/** Run a kill, and count the looks by writes and by /proc. */
async function countLooks(on: Crowd): Promise<{ readonly byWrites: number; readonly byProc: number }> {
  let byWrites = 0;
  let byProc = 0;
  on.kernel.onAccess = (operation, path) => {
    if (path === "fanotify") byWrites++;
    else if (operation === "read" && /^\/proc\/\d+\/cgroup$/.test(path)) byProc++;
  };
  const done = await execute(on, await plan(on));
  expect(done.outcome).toMatchObject({ outcome: "killed", killedCount: on.members.length + 5 });
  expectPromise(on, done);
  return { byWrites, byProc };
}

/** Change what a file of the kernel says. */
function pretend({ kernel }: Crowd, file: RegExp, text: string): void {
  const read = kernel.readRecord.bind(kernel);
  kernel.readRecord = (dir, name) => (file.test(`${dir.shown}/${name}`) ? text : read(dir, name));
}

describe("writes are asked for", () => {
  test("instead of /proc", async () => {
    const { byWrites, byProc } = await countLooks(crowd());
    expect(byWrites).toBeGreaterThanOrEqual(MEMBERS);
    expect(byProc).toBeLessThan(MEMBERS);
  });

  const WITHOUT: ReadonlyArray<readonly [string, (on: Crowd) => void]> = [
    // A filter may end cgkill for a call that it does not know, while members are frozen.
    ["under a seccomp filter", (on) => pretend(on, /^\/proc\/self\/status$/, "Name:\tcgkill\nSeccomp:\t2\n")],
    ["while anything on the host uses io_submit(2), which is not reported", (on) => pretend(on, /aio-nr$/, "64\n")],
    ["if the members are not all frozen, whose threads can leave by themselves", (on) => (on.target.overlooks = 1e6)],
    ["without descriptors for more than a few at a time", (on) => (on.kernel.maxPidfds = 100)],
  ];
  test.each(WITHOUT)("not %s", async (_, prepare) => {
    const on = crowd();
    prepare(on);
    const { byWrites, byProc } = await countLooks(on);
    expect(byWrites).toBeLessThan(20);
    expect(byProc).toBeGreaterThanOrEqual(MEMBERS);
  });

  test.each([
    ["freezer", true],
    ["cpuset,freezer", false],
    ["memory", false],
  ])("in the hierarchy of %s: %p, since cpuset moves processes by itself and only a freezer holds them", (name, is) => {
    const kernel = new FakeKernel({ controllers: [name] });
    kernel.makeGroup(name, "target").isSwitchedOn = true;
    const cgroup = openCgroup(kernel, findHierarchies(kernel), `/sys/fs/cgroup/${name}/target`);
    using watch = new MoveWatch(kernel, cgroup);
    expect(watch.start()).toBe(is);
  });
});
