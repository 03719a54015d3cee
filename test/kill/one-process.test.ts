// What goes wrong with one process is an entry in the report, and stops nobody else's death; so does a /proc that hides
// processes from us (mount option hidepid), where the kernel answers EPERM or as if they were not there.

import { describe, expect, test } from "bun:test";

import { execute, expectPromise, kill, model, plan, trapsLeft, WAYS } from "../support/model.ts";

const BY_PID = WAYS.filter((way) => way !== "kill");

/** The member that the signalling comes to first: the one that the kernel's file misses, where there is one. */
const FIRST = 2000;

const pidOf = (pid: number): RegExp => new RegExp(`^pid ${pid}$`);

/** Who is alive in the target at the end. */
function left({ kernel, target, which }: ReturnType<typeof model>): number[] {
  return kernel.live(target, kernel.hierarchy(which)).map(({ pid }) => pid);
}

describe("a signal that is not sent to one process", () => {
  const ERRNOS = ["EINTR", "EAGAIN", "EBUSY", "EIO", "ENOMEM", "EPERM", "EACCES", "EINVAL"];

  for (const way of BY_PID) {
    test(`${way}: by each errno, once: sent again, and all are dead`, async () => {
      for (const errno of ERRNOS) {
        const on = model(way);
        on.kernel.failNext("pidfd_send_signal", pidOf(FIRST), errno);
        const done = await kill(on);
        expectPromise(on, done);
        expect(done.outcome).toMatchObject({ outcome: "killed", killedCount: 5, survivors: [], error: null });
      }
    });

    test(`${way}: by each errno, for ever: the others are dead, and he is named`, async () => {
      for (const errno of ERRNOS) {
        const on = model(way);
        on.kernel.failNext("pidfd_send_signal", pidOf(FIRST), errno, Number.POSITIVE_INFINITY);
        const done = await kill(on);
        expectPromise(on, done);
        const isDenied = errno === "EPERM" || errno === "EACCES";
        expect(done.outcome).toMatchObject({
          outcome: isDenied ? "denied" : "survivors",
          killedCount: 4,
          survivors: [{ pid: FIRST, reason: isDenied ? "not-permitted" : "still-exiting" }],
        });
        expect(left(on)).toEqual([FIRST]);
        const told = done.events.filter(({ kind }) => kind === "signal-failed");
        expect(told[0]?.fields).toMatchObject({ pid: FIRST, signal: 9, error: expect.stringContaining(errno) });
      }
    });
  }
});

describe("a process that cannot be pinned", () => {
  for (const way of BY_PID) {
    test.each(["EMFILE", "ENFILE", "ENOSYS"])(`${way}: by %s: signalled by number, and all are dead`, async (errno) => {
      const on = model(way);
      on.kernel.failNext("pidfd_open", pidOf(FIRST), errno, Number.POSITIVE_INFINITY);
      const done = await kill(on);
      expectPromise(on, done);
      expect(done.outcome).toMatchObject({ outcome: "killed", killedCount: 5 });
      expect(done.events.map(({ kind }) => kind)).toContain("no-pidfd");
    });
  }

  // kill/steps/signal.ts, pin: any other error is thrown and ends the kill with everybody alive, although "a failure on one
  // process is an event […]; it stops nobody else's death".
  for (const way of BY_PID.filter((each) => each !== "kill that misses one")) {
    test.each(["EINTR", "EAGAIN", "EIO", "ENOMEM", "EPERM", "EACCES", "EINVAL", "ENODEV"])(
      `${way}: by %s: the others are dead`,
      async (errno) => {
        const on = model(way);
        on.kernel.failNext("pidfd_open", pidOf(FIRST), errno, Number.POSITIVE_INFINITY);
        const done = await kill(on);
        expectPromise(on, done);
        expect(left(on)).not.toContain(FIRST + 1);
      },
    );
  }

  // kill/steps/signal.ts, pin: EPERM was taken for the kernel's word, and nobody was signalled.
  test.each(["EPERM", "EACCES"])("a seccomp filter without pidfds says %s: all are dead, by number", async (errno) => {
    for (const way of BY_PID) {
      const on = model(way);
      on.kernel.failNext("pidfd_open", /./, errno, Number.POSITIVE_INFINITY);
      const done = await kill(on);
      expectPromise(on, done);
      expect(done.outcome).toMatchObject({ outcome: "killed", killedCount: 5 });
      expect(done.events.map(({ kind }) => kind)).toContain("no-pidfd");
    }
  });

  // kill/steps/signal.ts, pin: whoever found no descriptor was signalled by number, and only the first of a batch with a word.
  test.each([1, 2, 3, 4])("descriptors for %d: all are dead, none by number", async (most) => {
    for (const way of BY_PID) {
      const on = model(way);
      on.kernel.mostPidfds = most;
      const byNumber: string[] = [];
      on.kernel.onAccess = (operation, path) => {
        if (operation === "kill") byNumber.push(path);
      };
      const done = await kill(on);
      expectPromise(on, done);
      expect(done.outcome).toMatchObject({ outcome: "killed", killedCount: 5 });
      expect(byNumber).toEqual([]);
    }
  });

  // kill/run.ts: each round pinned the same ones again, and only their death closed a pin.
  test("those who do not die are pinned once, however many rounds there are", async () => {
    for (const way of BY_PID) {
      const on = model(way);
      for (let i = 0; i < 20; i++) on.kernel.addProcess({ isStuck: true, group: on.target, which: on.which });
      let most = 0;
      on.kernel.onAccess = () => (most = Math.max(most, on.kernel.openDescriptors));
      const done = await execute(on, await plan(on), { timeoutMs: 3000 });
      expect(done.outcome).toMatchObject({ outcome: "survivors", killedCount: 5 });
      expect(done.events.filter(({ kind }) => kind === "found").length).toBeGreaterThan(3);
      expect(most).toBeLessThan(35);
      expect(on.kernel.openDescriptors).toBe(0);
    }
  });

  test("a kernel without pidfds: all are dead, by number", async () => {
    for (const way of BY_PID) {
      const on = model(way, { hasPidfd: false });
      const done = await kill(on);
      expectPromise(on, done);
      expect(done.outcome).toMatchObject({ outcome: "killed", killedCount: 5 });
    }
  });

  // kill/steps/wait.ts, waitForEmpty: on v1 only pinned processes are waited for. Without pins a round ends at once, and the
  // next one freezes those who are about to die: thousands of rounds a second, with no wait in any.
  test.each(["freezer on v1", "sweep", "sweep behind a fence"] as const)(
    "%s: without pidfds those who are long in dying are waited for, not killed again and again",
    async (way) => {
      const on = model(way, { hasPidfd: false });
      for (const process of on.kernel.processes.values()) process.exitMs = 400;
      const done = await kill(on);
      expectPromise(on, done);
      expect(done.outcome).toMatchObject({ outcome: "killed", killedCount: 5 });
      const rounds = done.events.filter(({ kind }) => kind === "found").length;
      expect(rounds).toBeLessThan(10);
    },
  );
});

describe("a trap that does not take one process", () => {
  test.each(["EINTR", "EBUSY", "EIO", "EPERM", "EACCES"])(
    "by %s: killed all the same, and that is told",
    async (errno) => {
      const on = model("sweep");
      on.kernel.failNext("write", /cgkill-trap-1000\/1\/cgroup\.procs$/, errno);
      const done = await kill(on);
      expectPromise(on, done);
      expect(done.outcome).toMatchObject({ outcome: "killed", killedCount: 5 });
      const told = done.events.find(({ kind }) => kind === "trap-trouble");
      expect(told).toMatchObject({
        level: "debug",
        fields: { what: `move pid ${FIRST} into the trap`, error: expect.stringContaining(errno) },
      });
    },
  );
});

describe("cgroups beside our trap", () => {
  // Regression: whatever began like a trap was thawed, emptied and removed; then its maker was told by the number in the
  // name. Now only a mark that another user cannot write counts, and a lock says that the maker lives.
  test.each([
    ["cgkill-trap-77", "no mark", "nobody", false],
    ["cgkill-trap-77", "a mark for another target", "nobody", false],
    ["cgkill-trap-77", "a mark for this target", "nobody", true],
    ["cgkill-trap-old", "a mark for this target", "nobody", true],
    ["cgkill-trap-77-2", "a mark for this target", "nobody", true],
    ["cgkill-trap-77", "a mark for this target", "a cgkill that is not in our /proc", false],
    ["cgkill-trap-900", "a mark for this target", "a cgkill", false],
    ["cgkill-trap-1000", "a mark for this target", "nobody", true],
    ["cgkill-trap-1000", "a mark for this target", "a cgkill of our number", false],
    ["cgkill-trap-1000", "no mark", "nobody", false],
    ["another", "a mark for this target", "nobody", false],
  ])("%s with %s, locked by %s: left behind: %p", async (name, mark, owner, isStale) => {
    const on = model("sweep");
    on.kernel.addProcess({ pid: 900, comm: "sh" });
    const other = on.kernel.makeGroup("freezer", name);
    const dir = `${on.kernel.hierarchy("freezer").point}/${name}`;
    if (mark !== "no mark") {
      other.marks.set("trusted.cgkill.trap", `memory ${on.target.ino + (mark === "a mark for this target" ? 0n : 1n)}`);
    }
    if (owner !== "nobody") on.kernel.tryLock({ through: dir, shown: dir });
    other.isSwitchedOn = true;
    const { pid, groups } = on.kernel.addProcess({ group: other, which: "freezer" });
    const { outcome, events } = await kill(on);
    expect(outcome).toMatchObject({ outcome: "killed", killedCount: 5 });
    const isTaken = name === "cgkill-trap-1000" && !isStale;
    const made = events.find(({ kind }) => kind === "trap-made");
    expect(made?.fields["trap"]).toBe(isTaken ? "/cgkill-trap-1000-2" : "/cgkill-trap-1000");
    expect(on.kernel.openDescriptors).toBe(owner === "nobody" ? 0 : 1);
    expect(other.isRemoved).toBe(isStale);
    expect(other.isSwitchedOn).toBe(!isStale);
    expect(groups.get(on.kernel.hierarchy("freezer")) === other).toBe(!isStale);
    expect(on.kernel.processes.get(pid)?.killedAt).toBeUndefined();
  });
});

describe("while our trap is made", () => {
  const isLock = (operation: string, path: string): boolean => operation === "flock" && path.endsWith("trap-1000");

  test.each(["locks it first", "has removed it"])(
    "another cgkill takes it for one left behind and %s",
    async (what) => {
      const on = model("sweep");
      let isDone = false;
      on.kernel.onAccess = (operation, path) => {
        if (isDone || !isLock(operation, path)) return;
        isDone = true;
        if (what === "locks it first") on.kernel.tryLock({ through: path, shown: path });
        else on.kernel.removeGroup(on.kernel.makeGroup("freezer", "cgkill-trap-1000"));
      };
      const { outcome, events } = await kill(on);
      expect(outcome).toMatchObject({ outcome: "killed", killedCount: 5 });
      const made = events.find(({ kind }) => kind === "trap-made");
      expect(made?.fields["trap"]).toBe("/cgkill-trap-1000-2");
    },
  );

  test("without locks: none is made, and no other is touched", async () => {
    const on = model("sweep");
    const other = on.kernel.makeGroup("freezer", "cgkill-trap-77");
    on.kernel.failNext("flock", /./, "ENOSYS", Number.POSITIVE_INFINITY);
    const { outcome, events } = await kill(on);
    expect(outcome).toMatchObject({ outcome: "killed", killedCount: 5 });
    expect(events.map(({ kind }) => kind)).toContain("no-trap");
    expect(trapsLeft(on)).toEqual(["/cgkill-trap-77"]);
    expect([other.isRemoved, on.kernel.openDescriptors]).toEqual([false, 0]);
  });
});

describe("a process whose /proc files are hidden from us", () => {
  // kill/methods/kernel.ts, readVictimNames: after the kernel has killed everybody the kill is told as failed, since a name, wanted
  // only for the report, could not be read (EPERM under hidepid=1 for every process of another user).
  test.each(["EPERM", "EIO"])("its name cannot be read, by %s: killed, without the name", async (errno) => {
    const on = model("kill");
    const planned = await plan(on);
    on.kernel.failNext("read", /^\/proc\/\d+\/comm$/, errno, Number.POSITIVE_INFINITY);
    const done = await execute(on, planned);
    expectPromise(on, done);
    expect(done.outcome).toMatchObject({ outcome: "killed", killedCount: 5, error: null });
    expect(done.outcome.killed.map(({ comm }) => comm)).toEqual([null, null, null, null, null]);
  });

  // kill/plan/guard.ts, ancestorsOf: an ancestor whose /proc is hidden ends the plan with "denied"; the lists of members show
  // whether it is inside, as they do for PID 1.
  test("our ancestors are hidden: planned and killed", async () => {
    const on = model("kill");
    on.kernel.failNext("read", /^\/proc\/1\//, "EPERM", Number.POSITIVE_INFINITY);
    const done = await kill(on);
    expectPromise(on, done);
    expect(done.outcome).toMatchObject({ outcome: "killed", killedCount: 5 });
  });

  test("PID 1 is hidden, but listed inside: refused", async () => {
    const on = model("kill");
    const { kernel, target } = on;
    kernel.addProcess({ pid: 900, ppid: 0, comm: "shell" });
    (kernel.processes.get(kernel.pid) as { ppid: number }).ppid = 900;
    kernel.processes.get(1)?.groups.set(kernel.hierarchy("v2"), target);
    kernel.failNext("read", /^\/proc\/1\//, "EPERM", Number.POSITIVE_INFINITY);
    const { outcome } = await kill(on);
    expect(outcome).toMatchObject({ outcome: "refused", error: { code: "holds-init" } });
    expect(kernel.writes).toEqual([]);
  });

  // kill/plan/guard.ts, ancestorsOf: under hidepid=2 the kernel says "no such file", and an ancestor inside was not found.
  test.each(["EPERM", "ENOENT"])("our parent is, by %s, but listed inside: refused", async (errno) => {
    for (const way of WAYS) {
      const on = model(way);
      const { kernel, target, which } = on;
      kernel.addProcess({ pid: 900, ppid: 1, comm: "shell", group: target, which });
      (kernel.processes.get(kernel.pid) as { ppid: number }).ppid = 900;
      kernel.failNext("read", /^\/proc\/900\//, errno, Number.POSITIVE_INFINITY);
      const { outcome } = await kill(on);
      expect(outcome).toMatchObject({ outcome: "refused", error: { code: "holds-ancestors" } });
      expect(kernel.writes).toEqual([]);
    }
  });

  // kill/survivors.ts, describe: the report of who is left ends in an error of its own, with nobody in it; and under
  // hidepid=2 one who is there is taken for one who is gone.
  test.each(["EPERM", "ENOENT"])("a survivor's is, by %s: named by its number all the same", async (errno) => {
    const on = model("freezer on v1");
    on.kernel.addProcess({ pid: 3000, isStuck: true, group: on.target, which: "freezer" });
    const planned = await plan(on);
    on.kernel.failNext("read", /^\/proc\/3000\//, errno, Number.POSITIVE_INFINITY);
    const done = await execute(on, planned);
    expectPromise(on, done);
    expect(done.outcome).toMatchObject({
      outcome: "survivors",
      killedCount: 5,
      survivors: [{ pid: 3000, comm: null }],
    });
  });
});

describe("lists that are only for the report", () => {
  // kill/methods/kernel.ts, scan: whom the write will kill is listed first, for people; where that fails nothing is killed,
  // although the one write to cgroup.kill would do.
  test.each(["EIO", "ENOMEM", "EMFILE"])("method kill: the list of one cgroup fails by %s: killed", async (errno) => {
    const on = model("kill");
    const planned = await plan(on);
    on.kernel.failNext("read", /target\/below\/cgroup\.procs$/, errno);
    const done = await execute(on, planned);
    expectPromise(on, done);
    expect(done.outcome.outcome).toBe("killed");
  });
});
