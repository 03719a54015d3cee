// The report is true: only processes that were sent SIGKILL, and are dead, are reported as killed, whatever ended the kill.

import { describe, expect, test } from "bun:test";

import { execute, type Executed, kill, type Model, model, plan, type Way, WAYS } from "../support/model.ts";

/** Pids that are reported as killed, but were sent no signal by us or by the kernel. */
function wronglyReported({ kernel }: Model, { outcome }: Executed): number[] {
  return outcome.killed.map(({ pid }) => pid).filter((pid) => kernel.processes.get(pid)?.killedAt === undefined);
}

const HOW = ["EIO", "EPERM", "a signal"] as const;

async function endAtEveryAccess(way: Way, how: (typeof HOW)[number]): Promise<void> {
  for (let at = 1; ; at++) {
    const on = model(way);
    const planned = await plan(on, { remove: true });
    const abort = new AbortController();
    let accesses = 0;
    on.kernel.onAccess = (operation, path) => {
      if (++accesses !== at) return;
      if (how === "a signal") abort.abort("SIGINT");
      else on.kernel.failNext(operation, new RegExp(`^${path}$`), how);
    };
    const done = await execute(on, planned, { abort: abort.signal });
    const cell = `access ${at}: ${done.outcome.outcome}`;
    expect([cell, wronglyReported(on, done)]).toEqual([cell, []]);
    expect(done.outcome.killedCount).toBe(done.outcome.killed.length);
    if (accesses < at) return;
  }
}

describe("ended at any access", () => {
  for (const way of WAYS) {
    for (const how of HOW) {
      test(`${way}, by ${how}: only signalled processes are reported as killed`, () => endAtEveryAccess(way, how));
    }
  }

  test("denied by the kernel: no process is reported as killed", async () => {
    const on = model("kill");
    on.kernel.failNext("write", /cgroup\.kill$/, "EPERM");
    const { outcome } = await kill(on);
    expect(outcome).toMatchObject({ outcome: "denied", killed: [], killedCount: 0 });
  });
});

test("the whole outcome of a complete kill", async () => {
  for (const way of WAYS) {
    const on = model(way);
    const start = on.kernel.now();
    const planned = await plan(on, { remove: true });
    const wall = new Date(on.kernel.wallClock()).toISOString();
    const { outcome, tookMs } = await execute(on, planned);
    const { phases, durationMs, killed, ...rest } = outcome;
    // `killed` is in the order of the deaths.
    expect(killed.toSorted((a, b) => a.pid - b.pid)).toEqual(
      [2000, 2001, 2002, 2003, 2004].map((pid) => ({ pid, comm: "sleeper" })),
    );
    expect(rest).toEqual({
      cgroup: "/parent/target",
      path: on.dir,
      hierarchy: { v2: "v2", freezer: "v1" }[on.which] ?? on.which,
      method: planned.method,
      outcome: "killed",
      killedCount: 5,
      endedByGrace: null,
      survivors: [],
      spared: [],
      removed: true,
      proven: true,
      leftFrozen: [],
      thawedEmpty: false,
      abortedFuse: [],
      startedAt: wall,
      error: null,
      twin: null,
      starter: null,
      matches: null,
    });
    expect(durationMs).toBeCloseTo(tookMs, 6);
    const spent = Object.values(phases).filter((ms) => ms !== null);
    expect(spent.length).toBeGreaterThan(2);
    expect(spent.every((ms) => ms >= 0 && ms <= durationMs)).toBe(true);
    expect(start).toBeLessThan(on.kernel.now());
  }
});

test("a phase that did not happen is null", async () => {
  const { phases } = (await kill(model("kill"))).outcome;
  expect([phases.freezeMs, phases.thawMs, phases.removeMs]).toEqual([null, null, null]);
  expect((await kill(model("freezer on v1"))).outcome.phases.freezeMs).toBeGreaterThan(0);
});

// Regression: most of the time of such a kill was in no phase.
test("the scan of /proc that proves a kept v1 cgroup empty counts as listing", async () => {
  const on = model("freezer on v1");
  on.kernel.onAccess = (operation, path) => {
    if (operation === "read" && path.startsWith("/proc/")) on.kernel.advance(1);
  };
  const { phases, proven } = (await kill(on, { remove: false })).outcome;
  expect(proven).toBe(true);
  // One read for each process.
  expect(phases.scanMs).toBeGreaterThanOrEqual(on.kernel.processes.size);
});

// Regression: the grace signal used to count as a kill.
describe("a process that survives the grace signal", () => {
  for (const way of WAYS) {
    test(`${way}: interrupted in the grace period: not reported as killed, but those that died of it are`, async () => {
      const on = model(way);
      const { pid } = on.kernel.addProcess({ ignoresTerm: true, group: on.target, which: on.which });
      const abort = new AbortController();
      on.kernel.at(50, () => abort.abort("SIGINT"));
      const { outcome } = await execute(on, await plan(on, { graceMs: 1000 }), { abort: abort.signal });
      expect(outcome).toMatchObject({ outcome: "interrupted", killedCount: 5 });
      expect(outcome.killed.map((one) => one.pid)).not.toContain(pid);
    });

    test(`${way}: it leaves the target in the grace period: not reported as killed`, async () => {
      const on = model(way);
      const leaver = on.kernel.addProcess({ ignoresTerm: true, group: on.target, which: on.which });
      const hierarchy = on.kernel.hierarchy(on.which);
      on.kernel.at(50, () => leaver.groups.set(hierarchy, hierarchy.root));
      const { outcome } = await execute(on, await plan(on, { graceMs: 200 }));
      expect(outcome).toMatchObject({ outcome: "killed", killedCount: 5 });
      expect([leaver.isDead, outcome.killed.map(({ pid }) => pid).includes(leaver.pid)]).toEqual([false, false]);
    });
  }
});

test.each(WAYS)("%s: a process with the recycled pid of a killed one does not lend it its name", async (way) => {
  const on = model(way);
  on.kernel.addProcess({ ignoresTerm: true, group: on.target, which: on.which });
  on.kernel.at(50, () => on.kernel.addProcess({ pid: 2001, comm: "stranger" }));
  const { outcome } = await execute(on, await plan(on, { graceMs: 200 }));
  expect(outcome).toMatchObject({ outcome: "killed", killedCount: 6 });
  expect(outcome.killed.find(({ pid }) => pid === 2001)).toEqual({ pid: 2001, comm: null });
});

test("events less severe than the requested level are not created, and all others are", async () => {
  const all = (await kill(model("freezer on v1"))).events;
  const on = model("freezer on v1");
  const received = (await execute(on, await plan(on), { level: "debug" })).events;
  expect(all.some(({ level }) => level === "trace")).toBe(true);
  expect(received.length).toBeLessThan(all.length);
  expect(received).toEqual(all.filter(({ level }) => level !== "trace"));
});

// Regression: of the three processes of a systemd unit only the main process was reported as killed, on a slow machine
// without cgroup.kill: systemd ended the other two before cgkill had sent them SIGKILL.
test("freezer on v2: a supervisor that ends the other members when the main process is dead: all are reported", async () => {
  const on = model("freezer on v2");
  const { kernel, target, which } = on;
  const [main, ...others] = kernel.live(target, kernel.hierarchy(which));
  const send = kernel.pidfdSendSignal.bind(kernel);
  kernel.pidfdSendSignal = (fd, pid, signal) => {
    send(fd, pid, signal);
    if (pid === main?.pid) for (const other of others) other.isDead = true;
  };
  const done = await kill(on);
  expect(done.outcome).toMatchObject({ outcome: "killed", killedCount: 1 + others.length });
  expect(wronglyReported(on, done)).toEqual([]);
});
