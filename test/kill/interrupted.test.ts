// The report after Ctrl-C: how many processes are dead, how many still run, what is frozen, and what the grace period did.

import { describe, expect, test } from "bun:test";

import { execute, type Model, model, plan, WAYS } from "../support/model.ts";

/** Deliver SIGINT at the first access that `isMoment` accepts. */
function abortAt({ kernel }: Model, isMoment: (operation: string, path: string) => boolean): AbortSignal {
  const abort = new AbortController();
  kernel.onAccess = (operation, path) => {
    if (isMoment(operation, path)) abort.abort("SIGINT");
  };
  return abort.signal;
}

describe.each(WAYS)("%s", (way) => {
  test("interrupted in the grace period: reports how many were signalled and still run, and that nothing was frozen", async () => {
    const on = model(way);
    on.kernel.addProcess({ ignoresTerm: true, group: on.target, which: on.which });
    on.kernel.addProcess({ ignoresTerm: true, group: on.target, which: on.which });
    const abort = new AbortController();
    on.kernel.at(50, () => abort.abort("SIGINT"));
    const { outcome } = await execute(on, await plan(on, { graceMs: 1000 }), { abort: abort.signal });
    expect(outcome).toMatchObject({ outcome: "interrupted", killedCount: 5, endedByGrace: 5 });
    expect(outcome.error?.message).toBe(
      "interrupted in the grace period: 7 sent SIGTERM, 2 still running; nothing was frozen",
    );
  });

  test("interrupted while waiting for deaths: reports how many are dead and how many still run", async () => {
    const on = model(way);
    const stuck = on.kernel.addProcess({ isStuck: true, group: on.target, which: on.which });
    const abort = new AbortController();
    on.kernel.at(100, () => abort.abort("SIGINT"));
    const { outcome } = await execute(on, await plan(on), { abort: abort.signal });
    expect(outcome.outcome).toBe("interrupted");
    expect(outcome.killed.map(({ pid }) => pid)).not.toContain(stuck.pid);
    expect(outcome.error?.message).toBe(
      `interrupted: ${outcome.killedCount} killed, ${6 - outcome.killedCount} still running; nothing left frozen`,
    );
    expect(outcome.killedCount).toBe(5);
  });

  test("interrupted before the first signal: none killed, all still running", async () => {
    const on = model(way);
    const abort = new AbortController();
    const planned = await plan(on);
    abort.abort("SIGINT");
    const { outcome } = await execute(on, planned, { abort: abort.signal });
    expect(outcome.error?.message).toBe("interrupted: 0 killed, 5 still running; nothing left frozen");
  });

  test("a grace period: reports how many ended without SIGKILL", async () => {
    const on = model(way);
    on.kernel.addProcess({ ignoresTerm: true, group: on.target, which: on.which });
    const { outcome } = await execute(on, await plan(on, { graceMs: 100 }));
    expect(outcome).toMatchObject({ outcome: "killed", killedCount: 6, endedByGrace: 5 });
  });

  test("without a grace period endedByGrace is null", async () => {
    const on = model(way);
    expect((await execute(on, await plan(on))).outcome.endedByGrace).toBeNull();
  });

  test("the deadline begins after the grace period: with both equally long, a member that ignores TERM is killed", async () => {
    const on = model(way);
    on.kernel.addProcess({ ignoresTerm: true, group: on.target, which: on.which });
    const { outcome, tookMs } = await execute(on, await plan(on, { graceMs: 500 }), { timeoutMs: 500 });
    expect(outcome).toMatchObject({ outcome: "killed", killedCount: 6, endedByGrace: 5 });
    expect(tookMs).toBeGreaterThanOrEqual(500);
  });
});

test("a kept v2 cgroup that was frozen before is thawed once it is empty, and the outcome says so", async () => {
  const on = model("kill");
  on.target.isSwitchedOn = true;
  const { outcome } = await execute(on, await plan(on));
  expect(outcome).toMatchObject({ outcome: "killed", thawedEmpty: true, removed: false });
  expect(on.target.isSwitchedOn).toBe(false);
});

test("interrupted in a v2 target that was frozen before: not reported as thawed", async () => {
  const on = model("kill");
  on.target.isSwitchedOn = true;
  const planned = await plan(on);
  const { outcome } = await execute(on, planned, {
    abort: abortAt(on, (operation, path) => operation === "read" && path.endsWith("cgroup.procs")),
  });
  expect(outcome.error?.message).toEndWith("; frozen by /parent/target, as it was found");
});

// Regression: the search for what the init of a pid namespace waits for used to go on through all of /proc.
test("interrupted while a survivor is explained by the processes of its pid namespace: the search ends", async () => {
  const on = model("kill");
  const { kernel } = on;
  const stuck = kernel.addProcess({ isStuck: true, group: on.target, which: on.which });
  const abort = new AbortController();
  const readRecord = kernel.readRecord.bind(kernel);
  kernel.readRecord = (dir, name) => (name === `${stuck.pid}/wchan` ? "zap_pid_ns_processes" : readRecord(dir, name));
  kernel.readLink = (_, name) => {
    if (name === `${stuck.pid}/ns/pid`) abort.abort("SIGINT");
    return "pid:[1]";
  };
  const { outcome } = await execute(on, await plan(on), { abort: abort.signal, timeoutMs: 100 });
  expect(abort.signal.aborted).toBe(true);
  expect(outcome.outcome).toBe("interrupted");
});

// Regression: only the processes were counted between two looks for a signal, while the target was frozen.
test("kept on v1: a process outside with thousands of threads: a signal ends the scan of /proc at once", async () => {
  const on = model("freezer on v1");
  const { kernel, which } = on;
  const beside = kernel.makeGroup(which, "many");
  const thread = (nth: number) => ({ tid: 100_000 + nth, group: beside });
  const otherThreads = Array.from({ length: 4000 }, (_, nth) => thread(nth));
  kernel.addProcess({ group: beside, which, otherThreads });
  const abort = new AbortController();
  let sentAt = Number.NaN;
  let read = 0;
  kernel.onAccess = (_, path) => {
    if (!/^\/proc\/10\d{4}\/cgroup$/.test(path)) return;
    kernel.advance(0.05);
    if (++read !== 100) return;
    sentAt = kernel.now();
    abort.abort("SIGTERM");
  };
  const { outcome } = await execute(on, await plan(on, { remove: false }), { abort: abort.signal });
  expect(outcome.outcome).toBe("interrupted");
  expect(kernel.now() - sentAt).toBeLessThan(50);
});
