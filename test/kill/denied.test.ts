// A permission error is reported as it is, and never makes a kill try another method. Also the fork fence of a sweep, which is
// the one change besides a freeze that a kill must undo.

import { describe, expect, test } from "bun:test";

import { execute, expectPromise, kill, type Model, model, plan, type Way, WAYS } from "../support/model.ts";

const DENIED = ["EPERM", "EACCES", "EROFS"] as const;

const changes = ({ kernel }: Model): string[] =>
  kernel.writes.map(({ operation, path, value }) => `${operation} ${path} ${value}`.trim());

describe("a denied write is reported, and no other method is tried", () => {
  test.each([
    ["kill", "cgroup.kill", "kill"],
    ["freezer on v1", "freezer.state", "freezer"],
  ] as ReadonlyArray<readonly [Way, string, string]>)("%s: the write to %s", async (way, file, method) => {
    for (const errno of DENIED) {
      const on = model(way);
      on.kernel.failNext("write", new RegExp(`/${file}$`), errno, Number.POSITIVE_INFINITY);
      const { outcome } = await kill(on);
      expect(outcome).toMatchObject({
        outcome: "denied",
        method,
        removed: false,
        leftFrozen: [],
        error: {
          code: "denied",
          operation: "write",
          path: `${on.dir}/${file}`,
          errno,
          hint:
            errno === "EROFS"
              ? "the hierarchy is mounted read-only here, also for root: run it on the host, or mount it read-write " +
                "(in a systemd unit, see ProtectControlGroups=, ReadOnlyPaths=)"
              : "run it as root, or as the owner of this subtree; a container or sandbox may restrict root too " +
                "(in a systemd unit, see User=, DynamicUser=, PrivateUsers=, CapabilityBoundingSet=)",
        },
      });
      expect(changes(on)).toEqual([]);
      expect(on.kernel.live(on.target, on.kernel.hierarchy(on.which))).toHaveLength(5);
      expect(on.kernel.openDescriptors).toBe(0);
    }
  });

  test("an error other than a denial is reported as an I/O error", async () => {
    const on = model("kill");
    on.kernel.failNext("write", /cgroup\.kill$/, "EIO");
    const { outcome } = await kill(on);
    expect(outcome).toMatchObject({ outcome: "failed", error: { code: "io-error", errno: "EIO", hint: null } });
    expect(changes(on)).toEqual([]);
  });

  test.each(["ENOENT", "EOPNOTSUPP", "ENOSYS"])(
    "kill: %s means no cgroup.kill, not a denial: killed by pid",
    async (errno) => {
      const on = model("kill");
      on.kernel.failNext("write", /cgroup\.kill$/, errno, Number.POSITIVE_INFINITY);
      const { outcome, events } = await kill(on);
      expect(outcome).toMatchObject({ outcome: "killed", killedCount: 5 });
      expect(events.map(({ kind }) => kind)).toContain("no-kernel-kill");
    },
  );
});

// Regression: without cgroup.freeze the thaw cannot be written, which used to be reported as left frozen.
test.each(WAYS.filter((way) => way.includes("kill") || way === "freezer on v2"))(
  "%s: v2 before Linux 5.2 has no cgroup.freeze: killed without a freeze",
  async (way) => {
    const on = model(way, { hasCgroupKill: false, hasCgroupFreeze: false });
    const done = await kill(on);
    expectPromise(on, done);
    expect(done.outcome).toMatchObject({ outcome: "killed", method: "freezer", killedCount: 5, leftFrozen: [] });
    expect(done.events.filter(({ level }) => level === "error")).toEqual([]);
  },
);

describe("the fork fence", () => {
  const fenced = (limit: string): Model => {
    const on = model("sweep behind a fence");
    on.target.pidsMax = limit;
    return on;
  };

  test.each(["max", "17", "5"])("a limit of %s is restored", async (limit) => {
    const on = fenced(limit);
    const { outcome } = await kill(on, { remove: false });
    expect(outcome).toMatchObject({ outcome: "killed", killedCount: 5 });
    expect(on.target.pidsMax).toBe(limit);
    const limits = on.kernel.writes.filter(({ path }) => path.endsWith("/pids.max")).map(({ value }) => value);
    expect(limits).toEqual(["0", limit]);
  });

  test("no member forks behind it", async () => {
    const on = fenced("max");
    for (const process of on.kernel.live(on.target, on.kernel.hierarchy("pids"))) process.forksUpTo = 50;
    const { outcome } = await kill(on, { remove: false });
    expect(outcome.outcome).toBe("killed");
    expect(on.target.pidsMax).toBe("max");
    expect(on.kernel.live(on.target, on.kernel.hierarchy("pids"))).toEqual([]);
  });

  // Regression: the limit was written first, so that a signal in between stopped or ended cgkill with the fence up.
  test("signals are handled before the limit is written", async () => {
    const on = fenced("17");
    const limits: string[] = [];
    await execute(on, await plan(on, { remove: false }), { begin: () => void limits.push(on.target.pidsMax) });
    expect(limits[0]).toBe("17");
  });

  test("a signal at any moment: the limit is restored", async () => {
    for (let at = 1; ; at++) {
      const on = fenced("17");
      const planned = await plan(on, { remove: false });
      const abort = new AbortController();
      let accesses = 0;
      on.kernel.onAccess = () => {
        if (++accesses === at) abort.abort("SIGINT");
      };
      const { outcome } = await execute(on, planned, { abort: abort.signal });
      expect([at, on.target.pidsMax]).toEqual([at, "17"]);
      expect(["killed", "interrupted"]).toContain(outcome.outcome);
      if (accesses < at) break;
    }
  });

  // Regression: a limit that was written after a cgkill was killed with its fence up was replaced by the one in its mark.
  test.each([
    ["0", "17"],
    ["50", "50"],
  ])("a fence left behind, and a limit of %s by now: %s in the end", async (now, after) => {
    const on = fenced(now);
    on.target.marks.set("trusted.cgkill.pids.max", "17");
    expect((await kill(on, { remove: false })).outcome.outcome).toBe("killed");
    expect([on.target.pidsMax, on.target.marks.size]).toEqual([after, 0]);
  });

  // Regression: the limit was written all the same, and lost if cgkill was killed before it was restored.
  test("a cgroup that cannot be marked: killed without a fence", async () => {
    const on = fenced("17");
    on.kernel.failNext("fsetxattr", /cgkill/, "EOPNOTSUPP", Number.POSITIVE_INFINITY);
    expect((await kill(on, { remove: false })).outcome).toMatchObject({ outcome: "killed", killedCount: 5 });
    expect(on.kernel.writes.filter(({ path }) => path.endsWith("/pids.max"))).toEqual([]);
  });

  test("a limit that cannot be written or read: killed without a fence", async () => {
    for (const operation of ["read", "write"]) {
      const on = fenced("17");
      on.kernel.failNext(operation, /pids\.max$/, "EACCES", Number.POSITIVE_INFINITY);
      expect((await kill(on, { remove: false })).outcome).toMatchObject({ outcome: "killed", killedCount: 5 });
      expect(on.target.pidsMax).toBe("17");
    }
  });
});
