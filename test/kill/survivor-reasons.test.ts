// Every reason why a process survives: the facts that are reported with it, and the way out.

import { describe, expect, test } from "bun:test";

import type { Survivor, SurvivorReason } from "../../src/kill/types.ts";
import type { FakeProcess } from "../support/fake-kernel/processes.ts";
import { execute, expectPromise, kill, type Model, model, plan, type Way, WAYS } from "../support/model.ts";

const ODD = 3000;

interface Case {
  readonly properties: Partial<FakeProcess>;
  readonly prepare?: (on: Model, odd: FakeProcess) => void;
  readonly expected: Partial<Survivor>;
  readonly outcome?: string;
}

const CASES: Readonly<Record<SurvivorReason, Case>> = {
  uninterruptible: {
    properties: { isStuck: true, uid: 33 },
    expected: {
      pid: ODD,
      state: "D",
      uid: 33,
      wchan: "request_wait_answer",
      sigkillPending: true,
      // The model has no FUSE mounts.
      blockedOn: {
        ...{ kind: "fuse", mount: null, source: null, connection: null },
        ...{ waiting: null, device: null, server: null },
      },
      hint: "waits for an unknown FUSE server: check the FUSE mounts that it uses",
    },
  },
  "frozen-elsewhere": {
    properties: {},
    prepare: ({ kernel }, odd) => {
      const group = kernel.makeGroup("freezer", "foreign/deep");
      kernel.makeGroup("freezer", "foreign").isSwitchedOn = true;
      odd.groups.set(kernel.hierarchy("freezer"), group);
      kernel.failNext("write", /freezer\/cgroup\.procs$/, "EACCES", Number.POSITIVE_INFINITY);
    },
    expected: {
      pid: ODD,
      state: "D",
      sigkillPending: true,
      frozenBy: "/sys/fs/cgroup/freezer/foreign",
      hint: "thaw the cgroup that freezes it, and it dies",
      commands: [["cgkill", "thaw", "/sys/fs/cgroup/freezer/foreign"]],
    },
  },
  traced: {
    properties: { tracerPid: 555 },
    expected: {
      pid: ODD,
      state: "t",
      tracerPid: 555,
      hint: "held by its tracer, pid 555: kill or detach it",
      commands: [],
    },
  },
  "not-permitted": {
    properties: { isDenied: true, uid: 12, missesKill: Number.POSITIVE_INFINITY },
    expected: {
      pid: ODD,
      uid: 12,
      sigkillPending: false,
      hint:
        "it belongs to another user: run cgkill as root or as its owner; a container or sandbox may restrict root too " +
        "(in a systemd unit, see User=, DynamicUser=, PrivateUsers=, CapabilityBoundingSet=)",
      commands: [],
    },
    outcome: "denied",
  },
  "not-visible": {
    properties: { isInvisible: true, isStuck: true },
    expected: {
      pid: 0,
      ppid: null,
      comm: null,
      state: null,
      uid: null,
      cgroup: "/parent/target",
      hint: "they belong to another pid namespace: run cgkill on the host",
      commands: [],
    },
  },
  "kernel-thread": {
    properties: { isKernelThread: true },
    expected: {
      pid: ODD,
      hint: "a kernel thread cannot be killed: move it to the root of the hierarchy",
      commands: [],
    },
  },
  "dumping-core": {
    properties: { isDumpingCore: true },
    expected: {
      pid: ODD,
      sigkillPending: true,
      hint: "it dies when its core dump is written: give it more time, --timeout 1m",
      commands: [],
    },
  },
  // Another process moves it out of the target after it was signalled.
  "moved-away": {
    properties: { exitMs: 60_000 },
    prepare: ({ kernel }, odd) => {
      const elsewhere = kernel.makeGroup("v2", "elsewhere");
      kernel.onAccess = () => {
        if (odd.killedAt !== undefined) odd.groups.set(kernel.hierarchy("v2"), elsewhere);
      };
    },
    expected: {
      pid: ODD,
      cgroup: "/elsewhere",
      sigkillPending: true,
      hint: "it was moved to /elsewhere while dying: SIGKILL is under way",
      commands: [],
    },
  },
  "still-exiting": {
    properties: { exitMs: 60_000 },
    expected: {
      pid: ODD,
      sigkillPending: true,
      hint: "SIGKILL is under way: give it more time, --timeout 1m",
      commands: [],
    },
  },
};

function staged({ properties, prepare }: Case, way: Way = "kill"): Model {
  const on = model(way);
  const odd = on.kernel.addProcess({
    pid: ODD,
    ppid: 7,
    comm: "odd",
    ...properties,
    group: on.target,
    which: on.which,
  });
  prepare?.(on, odd);
  return on;
}

for (const [reason, one] of Object.entries(CASES)) {
  test(`${reason}: one of six survives, and is reported with all facts`, async () => {
    const on = staged(one);
    const done = await kill(on, { remove: true });
    // A process that another cgroup freezes is frozen before and after.
    if (reason !== "frozen-elsewhere") expectPromise(on, done);
    expect(done.outcome).toMatchObject({ outcome: one.outcome ?? "survivors", killedCount: 5, removed: false });
    expect(done.outcome.survivors).toHaveLength(1);
    const [survivor] = done.outcome.survivors;
    expect(survivor).toMatchObject({ reason, cgroup: "/parent/target", ...one.expected } as Partial<Survivor>);
    if (survivor?.pid === ODD) expect(survivor).toMatchObject({ ppid: 7, comm: "odd" });
    expect(done.outcome.error).toMatchObject({
      // Regression: "survivors" for a denied kill too.
      code: done.outcome.outcome,
      message: "/parent/target: 1 process survives",
      hint: survivor?.hint ?? "",
    });
    expect(done.outcome.killed.map(({ pid }) => pid)).toEqual([2000, 2001, 2002, 2003, 2004]);
    expect(on.target.isRemoved).toBe(false);
  });
}

for (const way of WAYS) {
  test(`${way}: all members are stuck: reported at the deadline, not later`, async () => {
    const on = model(way);
    const members = on.kernel.live(on.target, on.kernel.hierarchy(on.which));
    for (const process of members) process.isStuck = true;
    const planned = await plan(on);
    const done = await execute(on, planned, { timeoutMs: 300 });
    expectPromise(on, done);
    expect(done.tookMs).toBeGreaterThanOrEqual(300);
    expect(done.tookMs).toBeLessThan(400);
    expect(done.outcome).toMatchObject({
      outcome: "survivors",
      killed: [],
      killedCount: 0,
      error: { message: "/parent/target: 5 processes survive" },
    });
    const found = done.outcome.survivors.map(({ pid, cgroup }) => [pid, cgroup] as const);
    expect(found.toSorted(([a], [b]) => a - b)).toEqual(
      [0, 1, 2, 3, 4].map((i) => [2000 + i, i < 3 ? "/parent/target" : "/parent/target/below"] as const),
    );
  });
}

describe("denied", () => {
  test.each(["freezer on v1", "freezer on v2", "sweep", "sweep behind a fence"] as const)(
    "%s: all members are denied: outcome denied, one entry each, and thawed",
    async (way) => {
      const on = model(way);
      for (const process of on.kernel.live(on.target, on.kernel.hierarchy(on.which))) process.isDenied = true;
      const done = await execute(on, await plan(on), { timeoutMs: 300 });
      expectPromise(on, done);
      expect(done.outcome).toMatchObject({
        outcome: "denied",
        killedCount: 0,
        method: (await plan(model(way))).method,
      });
      expect(new Set(done.outcome.survivors.map(({ reason }) => reason))).toEqual(new Set(["not-permitted"]));
      expect(done.outcome.survivors).toHaveLength(5);
    },
  );

  test("one member denied and another stuck: outcome survivors, not denied", async () => {
    const on = staged(CASES.uninterruptible, "freezer on v1");
    on.kernel.addProcess({ pid: 3001, isDenied: true, group: on.target, which: "freezer" });
    const done = await execute(on, await plan(on), { timeoutMs: 300 });
    expectPromise(on, done);
    expect(done.outcome).toMatchObject({ outcome: "survivors", killedCount: 5 });
    expect(done.outcome.survivors.map(({ pid, reason }) => [pid, reason])).toEqual([
      [3000, "uninterruptible"],
      [3001, "not-permitted"],
    ]);
  });
});

describe("survivors without a pid", () => {
  test("three members of another pid namespace: one entry with their number", async () => {
    const on = model("kill");
    for (let i = 0; i < 3; i++) on.kernel.addProcess({ isInvisible: true, isStuck: true, group: on.target });
    const done = await kill(on);
    expectPromise(on, done);
    expect(done.outcome.survivors).toHaveLength(1);
    expect(done.outcome.survivors[0]).toMatchObject({ pid: 0, comm: "(3 processes)", reason: "not-visible" });
    expect(done.outcome.killedCount).toBe(5);
  });

  // Regression: the message used to count entries instead of processes.
  test("the message counts each of them", async () => {
    const on = model("kill");
    for (let i = 0; i < 3; i++) on.kernel.addProcess({ isInvisible: true, isStuck: true, group: on.target });
    const { outcome } = await kill(on);
    expect(outcome.error?.message).toBe("/parent/target: 3 processes survive");
  });

  test("pid 0 in a list is never signalled, in any way of killing", async () => {
    for (const way of WAYS) {
      const on = model(way);
      on.kernel.addProcess({ isInvisible: true, isStuck: true, group: on.target, which: on.which });
      const done = await execute(on, await plan(on), { timeoutMs: 200 });
      // v1 leaves them out of its lists: only the failure of rmdir shows that they exist.
      const isV2 = on.which === "v2";
      expect(done.outcome.outcome).toBe(isV2 ? "survivors" : "not-removed");
      expectPromise(on, done);
      expect(on.kernel.writes.filter(({ path }) => path === "pid 0")).toEqual([]);
    }
  });

  // Without rmdir there are only the lists, which leave out members of other pid namespaces.
  test.each(["freezer on v1", "sweep"] as const)(
    "%s, kept, in a pid namespace: reported as not proven",
    async (way) => {
      const inside = await kill(model(way, { isInPidNamespace: true }), { remove: false });
      const unproven = { level: "error", message: expect.stringContaining("not proven empty") };
      expect(inside.events).toContainEqual(expect.objectContaining(unproven));
      expect(inside.outcome).toMatchObject({ outcome: "killed", proven: false, error: null });
      const outside = await kill(model(way), { remove: false });
      expect(outside.events).not.toContainEqual(expect.objectContaining(unproven));
      expect(outside.outcome.proven).toBe(true);
      const removed = await kill(model(way, { isInPidNamespace: true }));
      expect(removed.outcome).toMatchObject({ removed: true, proven: true });
    },
  );

  test("v1, busy until the deadline, in a pid namespace: the hint mentions other pid namespaces", async () => {
    for (const isInPidNamespace of [true, false]) {
      const on = model("freezer on v1", { isInPidNamespace });
      on.kernel.addProcess({ isInvisible: true, isStuck: true, group: on.target, which: on.which });
      const { outcome } = await execute(on, await plan(on), { timeoutMs: 200 });
      expect(outcome).toMatchObject({ outcome: "not-removed", error: { errno: "EBUSY" } });
      // The lists are empty, but rmdir shows that there are further members.
      expect(outcome.proven).toBe(false);
      expect(outcome.error?.hint ?? "").toContain(isInPidNamespace ? "other pid namespaces" : "");
      expect(outcome.error?.hint === null).toBe(!isInPidNamespace);
    }
  });

  test("the kernel says populated, but no list shows a process: one entry without a pid", async () => {
    const on = model("kill");
    const reread = on.kernel.rereadRecord.bind(on.kernel);
    const read = on.kernel.readFile.bind(on.kernel);
    on.kernel.rereadRecord = (fd, shown) => reread(fd, shown).replace("populated 0", "populated 1");
    on.kernel.readFile = (dir, name) => read(dir, name).replace("populated 0", "populated 1");
    const done = await execute(on, await plan(on), { timeoutMs: 300 });
    expect(done.outcome).toMatchObject({ outcome: "survivors", killedCount: 5, proven: null });
    expect(done.outcome.survivors).toEqual([
      {
        pid: 0,
        ppid: null,
        comm: null,
        state: null,
        uid: null,
        wchan: null,
        sigkillPending: null,
        frozenBy: null,
        tracerPid: null,
        blockedOn: null,
        cgroup: "/parent/target",
        reason: "still-exiting",
        hint: "it is exiting, or was not reached in time: give it more time, --timeout 1m",
        commands: [],
      },
    ]);
  });
});

test("a traced process that is not stopped dies like the others", async () => {
  const on = staged({ properties: {}, expected: {} });
  const status = on.kernel.readFile.bind(on.kernel);
  on.kernel.readFile = (dir, name) => status(dir, name).replace("TracerPid:\t0", "TracerPid:\t555");
  expect((await kill(on)).outcome).toMatchObject({ outcome: "killed", killedCount: 6 });
});

test("a zombie that is never reaped is no survivor, and a process with an exited leader and a live thread is killed", async () => {
  for (const way of WAYS) {
    const on = model(way);
    on.kernel.addProcess({ pid: 3000, isDead: true, group: on.target, which: on.which });
    on.kernel.addProcess({
      pid: 3001,
      tid: 3002,
      missesKill: Number.POSITIVE_INFINITY,
      group: on.target,
      which: on.which,
    });
    const done = await kill(on, { remove: true });
    expectPromise(on, done);
    expect(done.outcome).toMatchObject({ outcome: "killed", killedCount: 6, survivors: [], removed: true });
  }
});
