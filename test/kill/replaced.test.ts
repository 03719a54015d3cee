// Other processes change the cgroup during a kill, at each of its accesses to the kernel in turn: they replace it, thaw it,
// freeze an ancestor, move members out and in. And a signal arrives while something else fails.

import { expect, test } from "bun:test";

import type { KillOptions } from "../../src/kill/types.ts";
import type { FakeProcess } from "../support/fake-kernel/processes.ts";
import { execute, type Executed, expectPromise, type Model, model, plan, type Way, WAYS } from "../support/model.ts";

interface Staged {
  readonly way: Way;
  readonly options?: Partial<KillOptions>;
  readonly prepare?: (on: Model) => void;
  readonly act: (on: Model, abort: AbortController) => void;
  readonly check: (done: Executed, on: Model) => void;
}

/** Run one kill per access that it makes, and call `act` at that access. @returns the number of accesses */
async function atEveryAccess({ way, options = {}, prepare, act, check }: Staged): Promise<number> {
  for (let at = 1; ; at++) {
    const on = model(way);
    prepare?.(on);
    const abort = new AbortController();
    const planned = await plan(on, options);
    let accesses = 0;
    on.kernel.onAccess = () => {
      if (++accesses === at) act(on, abort);
    };
    const done = await execute(on, planned, { abort: abort.signal });
    try {
      check(done, on);
      expect(on.kernel.openDescriptors).toBe(0);
    } catch (cause) {
      throw new Error(`at access ${at}: ${done.outcome.outcome}`, { cause });
    }
    if (accesses < at) return at;
  }
}

for (const way of WAYS) {
  for (const remove of [true, false]) {
    test(`${way}, ${remove ? "removed" : "kept"}: removed and re-created at any moment: the new cgroup and its members are left alone`, async () => {
      const strangers = new WeakMap<Model, FakeProcess>();
      const accesses = await atEveryAccess({
        way,
        options: { remove },
        act: (on) => {
          const { kernel, target, which } = on;
          if (target.isRemoved) return;
          for (const process of kernel.live(target, kernel.hierarchy(which))) process.isDead = true;
          kernel.removeGroup(target);
          strangers.set(on, kernel.addProcess({ group: kernel.makeGroup(which, "parent/target"), which }));
        },
        check: ({ outcome }, on) => {
          const stranger = strangers.get(on);
          if (stranger === undefined) return;
          expect(stranger.killedAt).toBeUndefined();
          const created = on.kernel.makeGroup(on.which, "parent/target");
          expect(stranger.groups.get(on.kernel.hierarchy(on.which))).toBe(created);
          expect(created.isSwitchedOn).toBe(false);
          expect(["killed", "empty", "refused"]).toContain(outcome.outcome);
          if (outcome.outcome === "refused") expect(outcome.error?.code).toBe("changed");
        },
      });
      expect(accesses).toBeGreaterThan(15);
    });
  }

  test(`${way}: a member is moved out at any moment: no other process outside dies`, async () => {
    await atEveryAccess({
      way,
      act: ({ kernel, target, which }) => {
        const hierarchy = kernel.hierarchy(which);
        const [member] = kernel.live(target, hierarchy);
        member?.groups.set(hierarchy, hierarchy.root);
      },
      check: ({ outcome, ...rest }, on) => {
        expectPromise(on, { outcome, ...rest });
        // A process that cgroup.kill missed, and that was moved out before the kill by pidfd, is reported with its cgroup.
        if (outcome.outcome === "survivors") {
          expect([way, outcome.survivors[0]?.reason]).toEqual(["kill that misses one", "moved-away"]);
        } else expect(["killed", "empty"]).toContain(outcome.outcome);
      },
    });
  });

  test(`${way}: a member is moved out and back at any moment: all are dead`, async () => {
    await atEveryAccess({
      way,
      act: ({ kernel, target, which }) => {
        const hierarchy = kernel.hierarchy(which);
        const [member] = kernel.live(target, hierarchy);
        member?.groups.set(hierarchy, hierarchy.root);
        kernel.at(0.1, () => {
          if (!target.isRemoved && member?.isDead === false) member.groups.set(hierarchy, target);
        });
      },
      check: (done, on) => {
        expectPromise(on, done);
        expect(["killed", "empty"]).toContain(done.outcome.outcome);
      },
    });
  });

  test(`${way}: a signal at any moment while each first thaw fails: nothing stays frozen`, async () => {
    await atEveryAccess({
      way,
      prepare: ({ kernel }) => {
        const write = kernel.writeFile.bind(kernel);
        let thaws = 0;
        kernel.writeFile = (dir, name, value) => {
          const isThaw = value === "THAWED" || (name === "cgroup.freeze" && value === "0");
          if (isThaw && ++thaws % 2 === 1) kernel.failNext("write", new RegExp(`/${name}$`), "EINTR");
          write(dir, name, value);
        };
      },
      act: (_, abort) => abort.abort("SIGTERM"),
      check: (done, on) => {
        expectPromise(on, done);
        expect(["interrupted", "killed"]).toContain(done.outcome.outcome);
        expect(done.outcome.leftFrozen).toEqual([]);
      },
    });
  });

  test(`${way}: a signal at any moment of a grace period: interrupted, and no process is sent SIGKILL after it`, async () => {
    const signalled = new WeakMap<Model, number>();
    const kills = ({ kernel }: Model): number =>
      kernel.writes.filter(({ operation, value }) => operation === "signal" && value === "9").length;
    await atEveryAccess({
      way,
      options: { graceMs: 20 },
      prepare: ({ kernel }) => {
        for (const process of kernel.processes.values()) process.ignoresTerm = true;
      },
      act: (on, abort) => {
        signalled.set(on, kills(on));
        abort.abort("SIGINT");
      },
      check: (done, on) => {
        expectPromise(on, done);
        expect(["interrupted", "killed"]).toContain(done.outcome.outcome);
        // The batch that has begun is still signalled, but no further batch begins.
        if (signalled.get(on) === 0 && on.kernel.now() < 20) expect(kills(on)).toBe(0);
      },
    });
  });
}

test("freezer on v1: thawed by another process at any moment: all are dead", async () => {
  await atEveryAccess({
    way: "freezer on v1",
    prepare: ({ kernel }) => {
      for (const process of kernel.processes.values()) process.exitMs = 5;
    },
    act: ({ target }) => {
      target.isSwitchedOn = false;
    },
    check: (done, on) => {
      expectPromise(on, done);
      expect(done.outcome).toMatchObject({ outcome: "killed", killedCount: 5 });
    },
  });
});

test("freezer on v1: an ancestor is frozen by another process at any moment: all are dead, and it stays frozen", async () => {
  await atEveryAccess({
    way: "freezer on v1",
    act: ({ kernel }) => {
      kernel.makeGroup("freezer", "parent").isSwitchedOn = true;
    },
    check: (done, on) => {
      expect(done.outcome).toMatchObject({ outcome: "killed", killedCount: 5, leftFrozen: [] });
      const alive = on.kernel.live(on.target, on.kernel.hierarchy("freezer"));
      expect(alive).toEqual([]);
    },
  });
});

test("kill: another process freezes a member in the v1 freezer at any moment: all are dead", async () => {
  await atEveryAccess({
    way: "kill",
    prepare: ({ kernel, target }) => {
      const group = kernel.makeGroup("freezer", "foreign");
      for (const process of kernel.live(target, kernel.hierarchy("v2"))) {
        process.groups.set(kernel.hierarchy("freezer"), group);
      }
    },
    act: ({ kernel }) => {
      kernel.makeGroup("freezer", "foreign").isSwitchedOn = true;
    },
    check: ({ outcome }) => expect(outcome).toMatchObject({ outcome: "killed", killedCount: 5, leftFrozen: [] }),
  });
});

test("the target is renamed and replaced between the plan and the kill: refused, and both live", async () => {
  for (const way of WAYS) {
    const on = model(way);
    const { kernel, target, which } = on;
    const planned = await plan(on);
    // v1 allows a rename. Another cgroup takes the name.
    const parent = kernel.makeGroup(which, "parent");
    parent.children.delete("target");
    parent.children.set("elsewhere", target);
    const stranger = kernel.addProcess({ group: kernel.makeGroup(which, "parent/target"), which });
    const done = await execute(on, planned);
    expect(done.outcome).toMatchObject({ outcome: "refused", error: { code: "changed" }, killed: [] });
    expect(kernel.writes).toEqual([]);
    expect(stranger.killedAt).toBeUndefined();
    expect(kernel.live(target, kernel.hierarchy(which))).toHaveLength(5);
  }
});

// Regression: a scan of /proc took the members of the other one for hidden members of the target, and killed them.
test.each(["freezer on v1", "sweep", "sweep behind a fence"] as const)(
  "%s, kept: the target is removed at any moment, and another cgroup is called NAME (deleted): that one is left alone",
  async (way) => {
    const strangers = new WeakMap<Model, FakeProcess>();
    await atEveryAccess({
      way,
      options: { remove: false },
      prepare: (on) => {
        const group = on.kernel.makeGroup(on.which, "parent/target (deleted)");
        strangers.set(on, on.kernel.addProcess({ group, which: on.which }));
      },
      act: ({ kernel, target, which }) => {
        for (const process of kernel.live(target, kernel.hierarchy(which))) process.isDead = true;
        kernel.removeGroup(target);
      },
      check: ({ outcome }, on) => {
        expect(["killed", "empty"]).toContain(outcome.outcome);
        expect(strangers.get(on)?.killedAt).toBeUndefined();
      },
    });
  },
);
