// Victims first: killed processes that find no processor get a real-time priority to die with; no other process does.

import { describe, expect, test } from "bun:test";

import { execute, expectPromise, kill, model, plan, WAYS } from "../../support/model.ts";

const REALTIME = 0x40000002;

type On = ReturnType<typeof model>;

const raisedPids = ({ kernel }: On): number[] =>
  kernel.policies.filter(({ policy }) => policy === REALTIME).map(({ pid }) => pid);

/** Let every process of the target find no processor. */
function starve(on: On): void {
  for (const process of on.kernel.live(on.target, on.kernel.hierarchy(on.which))) process.isStarved = true;
}

/** How many threads the kernel counts as runnable on the host, cgkill among them. Without it, a kill is always hurried. */
function countRunnable(on: On, runnable: number): void {
  const readRecord = on.kernel.readRecord.bind(on.kernel);
  on.kernel.readRecord = (dir, name) =>
    name === "loadavg" ? `0.00 0.00 0.00 ${runnable}/100 42\n` : readRecord(dir, name);
}

describe.each(WAYS)("%s", (way) => {
  test("processes that find a processor by themselves keep their priority", async () => {
    const on = model(way);
    const done = await kill(on);
    expectPromise(on, done);
    expect(done.outcome.outcome).toBe("killed");
    expect(on.kernel.policies).toEqual([]);
  });

  test("processes that find none are raised after they were sent SIGKILL, and die within milliseconds", async () => {
    const on = model(way);
    starve(on);
    const done = await kill(on);
    expectPromise(on, done);
    expect(done.outcome).toMatchObject({ outcome: "killed", killedCount: 5 });
    expect(new Set(raisedPids(on)).size).toBe(5);
    expect(on.kernel.policies.every(({ isKilled }) => isKilled)).toBe(true);
    // A process that cgroup.kill misses is killed in a second round.
    expect(done.tookMs).toBeLessThan(way === "kill that misses one" ? 100 : 20);
  });

  // Regression: in a cgroup that had used up its time (cpu.max), on an idle host, they died one period after the other.
  test("processes that are throttled are raised: they are runnable, and do not run", async () => {
    const on = model(way);
    starve(on);
    countRunnable(on, 2);
    const done = await kill(on);
    expectPromise(on, done);
    expect(done.outcome).toMatchObject({ outcome: "killed", killedCount: 5 });
    expect(new Set(raisedPids(on)).size).toBe(5);
    expect(done.tookMs).toBeLessThan(way === "kill that misses one" ? 100 : 20);
  });

  test("processes that are alone on the processors keep their priority, however long they take", async () => {
    const on = model(way);
    for (const process of on.kernel.live(on.target, on.kernel.hierarchy(on.which))) process.exitMs = 500;
    countRunnable(on, 5);
    const done = await kill(on);
    expectPromise(on, done);
    expect(done.outcome).toMatchObject({ outcome: "killed", killedCount: 5 });
    expect(on.kernel.policies).toEqual([]);
  });

  test("a survivor gets back the priority that it had", async () => {
    const on = model(way);
    const stuck = on.kernel.addProcess({ group: on.target, which: on.which, isStuck: true, policy: 3 });
    const done = await kill(on);
    expectPromise(on, done);
    expect(done.outcome.outcome).toBe("survivors");
    expect(raisedPids(on)).toContain(stuck.pid);
    expect(stuck.policy).toBe(3);
  });

  test("a survivor has the priority for half of the time at most, and a quarter of a second at a time", async () => {
    const on = model(way);
    const stuck = on.kernel.addProcess({ group: on.target, which: on.which, isStuck: true });
    const planned = await plan(on);
    let raisedMs = 0;
    let turnMs = 0;
    let longestMs = 0;
    let last = on.kernel.now();
    on.kernel.onAccess = () => {
      const ms = on.kernel.now() - last;
      last += ms;
      turnMs = stuck.policy === REALTIME ? turnMs + ms : 0;
      if (turnMs > 0) raisedMs += ms;
      longestMs = Math.max(longestMs, turnMs);
    };
    await execute(on, planned, { timeoutMs: 5000 });
    expect(raisedMs).toBeGreaterThan(0);
    expect(raisedMs).toBeLessThan(2900);
    // The longest time between two looks is 32 ms, or what it takes until the end of a round.
    expect(longestMs).toBeLessThan(330);
  });

  test("a signal in the middle: the raised process gets back the priority that it had", async () => {
    const on = model(way);
    const stuck = on.kernel.addProcess({ group: on.target, which: on.which, isStuck: true });
    const abort = new AbortController();
    const planned = await plan(on);
    on.kernel.onAccess = () => {
      if (stuck.policy === REALTIME) abort.abort("SIGINT");
    };
    const done = await execute(on, planned, { abort: abort.signal });
    expect(done.outcome.outcome).toBe("interrupted");
    expect(raisedPids(on)).toContain(stuck.pid);
    expect(stuck.policy).toBe(0);
  });

  test("at most 64 have the priority at a time, and all of 200 die", async () => {
    const on = model(way);
    for (let n = 0; n < 195; n++) on.kernel.addProcess({ group: on.target, which: on.which, exitMs: 5 });
    starve(on);
    let most = 0;
    on.kernel.onAccess = () => {
      const now = [...on.kernel.processes.values()].filter(({ policy, isDead }) => policy === REALTIME && !isDead);
      most = Math.max(most, now.length);
    };
    const done = await kill(on);
    expectPromise(on, done);
    expect(done.outcome).toMatchObject({ outcome: "killed", killedCount: 200 });
    expect(most).toBe(64);
  });

  test("of 600, all die although one look reaches only some of them", async () => {
    const on = model(way);
    for (let n = 0; n < 595; n++) on.kernel.addProcess({ group: on.target, which: on.which });
    starve(on);
    const done = await kill(on);
    expectPromise(on, done);
    expect(done.outcome).toMatchObject({ outcome: "killed", killedCount: 600 });
    // Regression: the dead among the first used up each look, until the end of a wait.
    expect(done.tookMs).toBeLessThan(way === "kill that misses one" ? 250 : way === "sweep" ? 105 : 65);
  });

  test("a pid that is recycled right before it is raised: the other process gets its priority back", async () => {
    const on = model(way);
    starve(on);
    let innocent: number | undefined;
    on.kernel.onAccess = (operation, path) => {
      const pid = Number(path.slice("pid ".length));
      if (operation !== "sched_setscheduler" || innocent !== undefined) return;
      const old = on.kernel.processes.get(pid);
      if (old === undefined) return;
      innocent = pid;
      Object.assign(old, { isDead: true, isReaped: true });
      on.kernel.addProcess({ pid, comm: "innocent" });
    };
    await kill(on);
    expect(innocent).toBeDefined();
    expect(on.kernel.processes.get(innocent as number)).toMatchObject({ policy: 0, isDead: false });
  });
});

// Regression: the same dead processes were taken for progress at every look, until all of the others had died by themselves.
test("too many to follow, of which the first find a processor: the others are raised", async () => {
  const on = model("kill");
  for (let n = 0; n < 195; n++) on.kernel.addProcess({ group: on.target, which: on.which, isStarved: true });
  const done = await kill(on);
  expectPromise(on, done);
  expect(done.outcome).toMatchObject({ outcome: "killed", killedCount: 200 });
  expect(new Set(raisedPids(on)).size).toBe(195);
  expect(done.tookMs).toBeLessThan(50);
});

// Regression: each look took one process that had died before for progress.
test("too many to follow, throttled after half of them have died: the others are raised", async () => {
  const on = model("kill");
  for (let n = 0; n < 150; n++) on.kernel.addProcess({ group: on.target, which: on.which });
  for (let n = 0; n < 150; n++) on.kernel.addProcess({ group: on.target, which: on.which, isStarved: true });
  // Beside some that are busy.
  countRunnable(on, 20);
  const done = await kill(on);
  expectPromise(on, done);
  expect(done.outcome).toMatchObject({ outcome: "killed", killedCount: 305 });
  expect(new Set(raisedPids(on)).size).toBe(150);
  expect(done.tookMs).toBeLessThan(60);
});

test("of processes that wait for a lock of one that was not raised, each gets its turn", async () => {
  const on = model("kill");
  for (let n = 0; n < 200; n++) on.kernel.addProcess({ group: on.target, which: on.which });
  starve(on);
  const waiting = on.kernel.live(on.target, on.kernel.hierarchy("v2"));
  const owner = waiting.pop();
  for (const process of waiting) process.isStuck = true;
  on.kernel.onAccess = () => {
    if (owner?.isDead === true) for (const process of waiting) process.isStuck = false;
  };
  const done = await kill(on);
  expectPromise(on, done);
  expect(done.outcome).toMatchObject({ outcome: "killed", killedCount: 205 });
  expect(done.tookMs).toBeLessThan(300);
});

test("where it is not permitted, a few are tried and the kill goes on", async () => {
  const on = model("freezer on v1");
  for (let n = 0; n < 500; n++) on.kernel.addProcess({ group: on.target, which: on.which, exitMs: 300 });
  let tried = 0;
  on.kernel.raisePriority = () => {
    tried++;
    return undefined;
  };
  const done = await kill(on);
  expectPromise(on, done);
  expect(done.outcome).toMatchObject({ outcome: "killed", killedCount: 505 });
  // Per wait, and there are few.
  expect(tried).toBeGreaterThan(0);
  expect(tried).toBeLessThan(100);
});

// Regression: each part of a long wait began with a look after 1 ms. Of a kill of 5,000, a fifth of the time went into that.
test("while processes keep dying, the looks at them become rare", async () => {
  const on = model("freezer on v1");
  for (let n = 1; n <= 200; n++) on.kernel.addProcess({ group: on.target, which: on.which, exitMs: 10 * n });
  countRunnable(on, 1);
  let polled = 0;
  const poll = on.kernel.poll.bind(on.kernel);
  on.kernel.poll = (fds, timeoutMs) => {
    polled += fds.length;
    return poll(fds, timeoutMs);
  };
  const done = await kill(on);
  expectPromise(on, done);
  expect(done.outcome).toMatchObject({ outcome: "killed", killedCount: 205 });
  // All that are alive about once in 50 ms, to find out whether any has died.
  expect(polled).toBeLessThan(9000);
});

test("processes that were only asked to end, in the grace period, are never raised", async () => {
  const on = model("kill");
  for (const process of on.kernel.live(on.target, on.kernel.hierarchy("v2"))) {
    Object.assign(process, { ignoresTerm: true, isStarved: true });
  }
  const done = await kill(on, { graceMs: 500 });
  expectPromise(on, done);
  expect(done.outcome.outcome).toBe("killed");
  expect(on.kernel.policies.filter(({ isKilled }) => !isKilled)).toEqual([]);
});

test("a process with a real-time priority of its own is left as it is", async () => {
  const on = model("kill");
  const own = on.kernel.addProcess({ group: on.target, which: "v2", isStuck: true, policy: REALTIME });
  await kill(on);
  expect(own.policy).toBe(REALTIME);
  expect(raisedPids(on)).not.toContain(own.pid);
});
