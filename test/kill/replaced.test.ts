// Others at work on the same cgroup, at every single access to the kernel: they put another in its place, thaw it, freeze
// what is above it, carry members out and in; and a signal arrives while something else goes wrong.

import { expect, test } from "bun:test";

import type { KillOptions } from "../../src/kill/types.ts";
import type { FakeProcess } from "../support/fake-kernel.ts";
import { execute, type Executed, expectPromise, type Model, model, plan, type Way, WAYS } from "../support/model.ts";

interface Staged {
  readonly way: Way;
  readonly options?: Partial<KillOptions>;
  readonly prepare?: (on: Model) => void;
  readonly act: (on: Model, abort: AbortController) => void;
  readonly check: (done: Executed, on: Model) => void;
}

/** Kills with something done at its n-th access, for every n there is; returns how many there were. */
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
    test(`${way}, ${remove ? "removed" : "kept"}: removed and made anew at any moment: the new one and who is in it live`, async () => {
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
          const anew = on.kernel.makeGroup(on.which, "parent/target");
          expect(stranger.groups.get(on.kernel.hierarchy(on.which))).toBe(anew);
          expect(anew.isSwitchedOn).toBe(false);
          expect(["killed", "empty", "refused"]).toContain(outcome.outcome);
          if (outcome.outcome === "refused") expect(outcome.error?.code).toBe("changed");
        },
      });
      expect(accesses).toBeGreaterThan(15);
    });
  }

  test(`${way}: a member is carried out at any moment: he lives or is dead, never anybody else`, async () => {
    await atEveryAccess({
      way,
      act: ({ kernel, target, which }) => {
        const hierarchy = kernel.hierarchy(which);
        const [member] = kernel.live(target, hierarchy);
        member?.groups.set(hierarchy, hierarchy.root);
      },
      check: ({ outcome, ...rest }, on) => {
        expectPromise(on, { outcome, ...rest });
        // One that the write missed, and that was carried out before it was killed by pidfd, is told where it is.
        if (outcome.outcome === "survivors") {
          expect([way, outcome.survivors[0]?.reason]).toEqual(["kill that misses one", "moved-away"]);
        } else expect(["killed", "empty"]).toContain(outcome.outcome);
      },
    });
  });

  test(`${way}: a member is carried out and comes back at any moment: all are dead`, async () => {
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

  test(`${way}: a signal at any moment while the thaw fails at its first try: nothing stays frozen`, async () => {
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

  test(`${way}: a signal at any moment of a grace period: interrupted, and nobody gets SIGKILL after it`, async () => {
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
        // Who was to be signalled in the batch at hand still is, and no other batch begins.
        if (signalled.get(on) === 0 && on.kernel.now() < 20) expect(kills(on)).toBe(0);
      },
    });
  });
}

test("freezer on v1: thawed by somebody else at any moment: all are dead", async () => {
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

test("freezer on v1: an ancestor is frozen by somebody else at any moment: all are dead, and it stays frozen", async () => {
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

test("kill: a member is frozen by somebody else in the v1 freezer, at any moment: all are dead", async () => {
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

test("the target put in the place of another between the plan and its execution: refused, and both live", async () => {
  for (const way of WAYS) {
    const on = model(way);
    const { kernel, target, which } = on;
    const planned = await plan(on);
    // Renamed away, as v1 allows; another takes its name.
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
