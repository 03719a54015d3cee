// `cgkill freeze` and `cgkill thaw`: both wait for the state, an incomplete freeze is undone, and the guards refuse.

import { describe, expect, test } from "bun:test";

import type { FreezeOutcome } from "../../src/freeze/freeze-thaw.ts";
import { executeFreeze, executeThaw } from "../../src/freeze/freeze-thaw.ts";
import type { KillEvent } from "../../src/kill/events.ts";
import type { KillPlan } from "../../src/kill/types.ts";
import { dirAt } from "../../src/sys/dir.ts";
import type { FakeGroup } from "../support/fake-kernel/groups.ts";
import { type Model, model, plan, type Way } from "../support/model.ts";

const VERSIONS = ["freezer on v1", "kill"] as const;

interface Switched {
  readonly outcome: FreezeOutcome;
  readonly events: readonly KillEvent[];
  readonly tookMs: number;
}

const NEVER = new AbortController().signal;

async function run(
  work: typeof executeFreeze,
  { kernel }: Model,
  planned: KillPlan,
  { timeoutMs = 2000, abort = NEVER }: { timeoutMs?: number; abort?: AbortSignal } = {},
): Promise<Switched> {
  const events: KillEvent[] = [];
  const start = kernel.now();
  const ctx = { deadline: start + timeoutMs, abort, onEvent: (event: KillEvent) => void events.push(event) };
  try {
    return { outcome: await work(kernel, planned, ctx), events, tookMs: kernel.now() - start };
  } finally {
    kernel.close(planned.cgroup.fd);
  }
}

const freeze = async (on: Model, given = {}): Promise<Switched> => await run(executeFreeze, on, await plan(on), given);
const thaw = async (on: Model, given = {}): Promise<Switched> => await run(executeThaw, on, await plan(on), given);

const below = ({ kernel, which }: Model): FakeGroup => kernel.makeGroup(which, "parent/target/below");
const parent = ({ kernel, which }: Model): FakeGroup => kernel.makeGroup(which, "parent");

/** The paths of the cgroups whose own switch is on. */
const frozen = ({ kernel }: Model): string[] =>
  kernel.hierarchies.flatMap(({ root }) =>
    [...root.subtree()].filter(({ isSwitchedOn }) => isSwitchedOn).map(({ path }) => path),
  );

const fileOf = (way: Way): string => (way === "kill" ? "cgroup.freeze" : "freezer.state");
const valuesOf = (way: Way): readonly [string, string] => (way === "kill" ? ["1", "0"] : ["FROZEN", "THAWED"]);

/** The file from which the state is read. */
const stateFile = (way: Way): RegExp => (way === "kill" ? /target\/cgroup\.events$/ : /target\/freezer\.state$/);

/** Expect no signal, no write to anything but files, and no open descriptor. */
function expectHarmless({ kernel }: Model): void {
  expect(kernel.writes.filter(({ operation }) => operation !== "write")).toEqual([]);
  expect([...kernel.processes.values()].filter(({ killedAt }) => killedAt !== undefined)).toEqual([]);
  expect(kernel.openDescriptors).toBe(0);
}

describe("freeze", () => {
  test.each(VERSIONS)("%s: one write, and the whole outcome", async (way) => {
    const on = model(way);
    const { outcome, tookMs } = await freeze(on);
    expect(outcome).toEqual({
      cgroup: "/parent/target",
      path: on.dir,
      hierarchy: way === "kill" ? "v2" : "v1",
      outcome: "frozen",
      state: "frozen",
      frozenBy: "/parent/target",
      spared: [],
      leftFrozen: [],
      startedAt: outcome.startedAt,
      durationMs: outcome.durationMs,
      error: null,
      twin: null,
      matches: null,
    });
    expect(Date.parse(outcome.startedAt)).toBe(1_800_000_000_000);
    expect(outcome.durationMs).toBeGreaterThan(0);
    expect(outcome.durationMs).toBeLessThanOrEqual(tookMs);
    expect(on.kernel.writes).toEqual([
      { operation: "write", path: `${on.dir}/${fileOf(way)}`, value: valuesOf(way)[0] },
    ]);
    expect(frozen(on)).toEqual(["/parent/target"]);
    expectHarmless(on);
  });

  test.each(VERSIONS)("%s: waits, and reads the state every 2 ms", async (way) => {
    const on = model(way);
    on.target.readsToFreeze = 20;
    const { outcome, tookMs } = await freeze(on);
    expect(outcome).toMatchObject({ outcome: "frozen", state: "frozen", error: null });
    expect(tookMs).toBeGreaterThan(20 * 2);
    expect(tookMs).toBeLessThan(20 * 2 + 10);
    expect(frozen(on)).toEqual(["/parent/target"]);
  });

  test.each(VERSIONS)("%s: a freeze that does not complete by the deadline is undone and reported", async (way) => {
    const on = model(way);
    on.target.readsToFreeze = Number.POSITIVE_INFINITY;
    const { outcome, tookMs } = await freeze(on, { timeoutMs: 100 });
    expect(outcome).toMatchObject({ outcome: "failed", state: "thawed", frozenBy: null });
    expect(outcome.error).toEqual({
      code: "timed-out",
      message: "/parent/target: did not freeze in time, and was thawed again",
      hint: "a member is blocked in the kernel: find out which, or give it more time: --timeout 1m",
      commands: [["cgkill", "show", on.dir]],
      operation: null,
      path: on.dir,
      errno: null,
    });
    expect(tookMs).toBeGreaterThanOrEqual(100);
    expect(tookMs).toBeLessThan(101);
    const values = on.kernel.writes.map(({ value }) => value);
    // v1: the request was repeated every 10 ms.
    if (way !== "kill") expect(values.splice(1, 9)).toEqual(Array.from({ length: 9 }, () => "FROZEN"));
    expect(values).toEqual([...valuesOf(way)]);
    expect(frozen(on)).toEqual([]);
    expectHarmless(on);
  });

  // Regression: a member that v2 had just thawed slept on, and the freeze waited for it until the deadline.
  test("v1: a request that a member overlooks is repeated", async () => {
    const on = model("freezer on v1");
    on.target.overlooks = 2;
    const { outcome, tookMs } = await freeze(on, { timeoutMs: 1000 });
    expect(outcome).toMatchObject({ outcome: "frozen", state: "frozen" });
    expect(tookMs).toBeLessThan(40);
    expect(on.kernel.writes.map(({ value }) => value)).toEqual(["FROZEN", "FROZEN", "FROZEN"]);
  });

  test("v1: a freeze that another process undoes meanwhile is not repeated", async () => {
    const on = model("freezer on v1");
    on.target.readsToFreeze = Number.POSITIVE_INFINITY;
    let reads = 0;
    on.kernel.onAccess = (operation, path) => {
      if (operation === "read" && path.endsWith("freezer.state") && ++reads === 5) on.target.isSwitchedOn = false;
    };
    const { outcome } = await freeze(on, { timeoutMs: 100 });
    expect(outcome).toMatchObject({ outcome: "failed", error: { code: "timed-out" } });
    expect(on.kernel.writes.map(({ value }) => value)).toEqual(["FROZEN", "THAWED"]);
  });

  test.each(VERSIONS)("%s: with a deadline of zero the state is read once", async (way) => {
    const on = model(way);
    expect((await freeze(on, { timeoutMs: 0 })).outcome.outcome).toBe("frozen");
    const slow = model(way);
    slow.target.readsToFreeze = 1;
    expect((await freeze(slow, { timeoutMs: 0 })).outcome).toMatchObject({ outcome: "failed", state: "thawed" });
    expect(frozen(slow)).toEqual([]);
  });

  test.each(VERSIONS)("%s: frozen before: it stays frozen, even if the freeze does not complete", async (way) => {
    const on = model(way);
    on.target.isSwitchedOn = true;
    expect((await freeze(on)).outcome).toMatchObject({ outcome: "frozen", frozenBy: "/parent/target" });
    expect(frozen(on)).toEqual(["/parent/target"]);

    const slow = model(way);
    slow.target.isSwitchedOn = true;
    slow.target.readsToFreeze = Number.POSITIVE_INFINITY;
    const { outcome } = await freeze(slow, { timeoutMs: 50 });
    expect(outcome).toMatchObject({ outcome: "failed", state: "freezing", frozenBy: "/parent/target" });
    expect(frozen(slow)).toEqual(["/parent/target"]);
    expect(slow.kernel.writes.map(({ value }) => value)).not.toContain(valuesOf(way)[1]);
  });

  test.each(VERSIONS)("%s: frozen before and not complete: not reported as thawed again", async (way) => {
    const on = model(way);
    on.target.isSwitchedOn = true;
    on.target.readsToFreeze = Number.POSITIVE_INFINITY;
    expect((await freeze(on, { timeoutMs: 50 })).outcome.error?.message).not.toContain("thawed again");
  });

  test.each(VERSIONS)(
    "%s: undoing thaws only the target: a descendant that was frozen on its own stays frozen",
    async (way) => {
      const on = model(way);
      below(on).isSwitchedOn = true;
      on.target.readsToFreeze = Number.POSITIVE_INFINITY;
      await freeze(on, { timeoutMs: 50 });
      expect(frozen(on)).toEqual(["/parent/target/below"]);
    },
  );

  test.each(VERSIONS)(
    "%s: below a frozen ancestor: its own switch is turned on, so that it stays frozen when the ancestor is thawed",
    async (way) => {
      const on = model(way);
      parent(on).isSwitchedOn = true;
      expect((await freeze(on)).outcome).toMatchObject({ outcome: "frozen", frozenBy: "/parent/target", error: null });
      expect(frozen(on)).toEqual(["/parent", "/parent/target"]);
    },
  );

  test.each(VERSIONS)("%s: cgkill itself is inside: moved out first, and reported", async (way) => {
    const on = model(way);
    const { kernel, which, target } = on;
    kernel.processes.get(kernel.pid)?.groups.set(kernel.hierarchy(which), target);
    const { outcome } = await freeze(on);
    expect(outcome).toMatchObject({ outcome: "frozen", spared: [{ pid: kernel.pid, cgroup: "/" }] });
    expect(kernel.writes.map(({ path, value }) => [path, value])).toEqual([
      [`${kernel.hierarchy(which).point}/cgroup.procs`, String(kernel.pid)],
      [`${on.dir}/${fileOf(way)}`, valuesOf(way)[0]],
    ]);
  });

  test.each(VERSIONS)(
    "%s: cgkill itself is inside and cannot be moved out: refused, and nothing is frozen",
    async (way) => {
      const on = model(way);
      const { kernel, which, target } = on;
      kernel.processes.get(kernel.pid)?.groups.set(kernel.hierarchy(which), target);
      kernel.failNext("write", /cgroup\.procs$/, "EACCES", Number.POSITIVE_INFINITY);
      const { outcome } = await freeze(on);
      expect(outcome).toMatchObject({ outcome: "refused", state: "thawed", error: { code: "nowhere-to-step-aside" } });
      expect(kernel.writes).toEqual([]);
      expectHarmless(on);
    },
  );
});

describe("thaw", () => {
  test.each(VERSIONS)("%s: thawed with its descendants, whichever process froze them", async (way) => {
    const on = model(way);
    on.target.isSwitchedOn = true;
    below(on).isSwitchedOn = true;
    const { outcome, events } = await thaw(on);
    expect(outcome).toMatchObject({ outcome: "thawed", state: "thawed", frozenBy: null, error: null });
    expect(frozen(on)).toEqual([]);
    expect(on.kernel.writes).toEqual([
      { operation: "write", path: `${on.dir}/${fileOf(way)}`, value: valuesOf(way)[1] },
      { operation: "write", path: `${on.dir}/below/${fileOf(way)}`, value: valuesOf(way)[1] },
    ]);
    const thawed = events.filter(({ kind }) => kind === "thawed").map(({ fields }) => fields["path"]);
    expect(thawed).toEqual([on.dir, `${on.dir}/below`]);
    expectHarmless(on);
  });

  // Regression: cgroups that the walk did not reach before the deadline stayed frozen, and the thaw was a success.
  test.each(VERSIONS)("%s: more cgroups below it than can be thawed in time: an error, not a success", async (way) => {
    const on = model(way);
    for (let n = 0; n < 600; n++) on.kernel.makeGroup(on.which, `parent/target/${n}`).isSwitchedOn = true;
    on.kernel.onAccess = (operation) => operation === "write" && on.kernel.advance(2);
    const { outcome, tookMs } = await thaw(on, { timeoutMs: 0 });
    expect(frozen(on).length).toBeGreaterThan(0);
    expect(outcome).toMatchObject({ outcome: "failed", error: { code: "timed-out" } });
    expect(tookMs).toBeLessThan(1000);
    on.kernel.onAccess = () => {};
    expect((await thaw(on)).outcome).toMatchObject({ outcome: "thawed", error: null });
    expect(frozen(on)).toEqual([]);
  });

  test.each(VERSIONS)("%s: only a descendant was frozen: thawed", async (way) => {
    const on = model(way);
    below(on).isSwitchedOn = true;
    expect((await thaw(on)).outcome.outcome).toBe("thawed");
    expect(frozen(on)).toEqual([]);
  });

  test.each(VERSIONS)("%s: still freezing: thawed", async (way) => {
    const on = model(way);
    on.target.isSwitchedOn = true;
    on.target.readsToFreeze = Number.POSITIVE_INFINITY;
    expect((await thaw(on)).outcome).toMatchObject({ outcome: "thawed", state: "thawed" });
    expect(frozen(on)).toEqual([]);
  });

  test.each(VERSIONS)("%s: already thawed: success, and no other cgroup is thawed", async (way) => {
    const on = model(way);
    on.kernel.makeGroup(on.which, "parent/beside").isSwitchedOn = true;
    expect((await thaw(on)).outcome).toMatchObject({ outcome: "thawed", state: "thawed", error: null });
    expect(frozen(on)).toEqual(["/parent/beside"]);
    expectHarmless(on);
  });

  test.each(VERSIONS)(
    "%s: below a frozen ancestor: its own switch is turned off, and an error names the ancestor at once",
    async (way) => {
      const on = model(way);
      parent(on).isSwitchedOn = true;
      on.target.isSwitchedOn = true;
      const { outcome, tookMs } = await thaw(on);
      expect(outcome).toMatchObject({ outcome: "failed", state: "frozen", frozenBy: "/parent" });
      expect(outcome.error).toEqual({
        code: "frozen-ancestor",
        message: "/parent/target: is thawed itself, but its ancestor /parent is frozen",
        hint: "thaw the ancestor",
        commands: [["cgkill", "thaw", `${on.kernel.hierarchy(on.which).point}/parent`]],
        operation: null,
        path: on.dir,
        errno: null,
      });
      expect(tookMs).toBeLessThan(10);
      expect(frozen(on)).toEqual(["/parent"]);
      expectHarmless(on);
    },
  );

  // Regression: on v2 this was a success, although all other members stay frozen.
  test("kill: below a frozen ancestor, with a member that no freeze reaches: the same error", async () => {
    const on = model("kill");
    parent(on).isSwitchedOn = true;
    on.target.readsToFreeze = Number.POSITIVE_INFINITY;
    const { outcome } = await thaw(on);
    expect(outcome).toMatchObject({ outcome: "failed", state: "freezing", frozenBy: "/parent" });
    expect(outcome.error?.code).toBe("frozen-ancestor");
    expectHarmless(on);
  });

  test.each(VERSIONS)("%s: below several frozen ancestors: the error names the nearest", async (way) => {
    const on = model(way);
    parent(on).isSwitchedOn = true;
    on.target.isSwitchedOn = true;
    const dir = `${on.dir}/below`;
    const { outcome } = await run(executeThaw, on, await plan({ ...on, dir }));
    expect(outcome).toMatchObject({ cgroup: "/parent/target/below", frozenBy: "/parent/target" });
    expect(outcome.error?.commands).toEqual([["cgkill", "thaw", on.dir]]);
    expect(frozen(on)).toEqual(["/parent", "/parent/target"]);
  });

  test.each(VERSIONS)("%s: another process keeps freezing it: an error at the deadline", async (way) => {
    const on = model(way);
    on.target.isSwitchedOn = true;
    on.kernel.onAccess = (operation) => {
      if (operation === "read") on.target.isSwitchedOn = true;
    };
    const { outcome, tookMs } = await thaw(on, { timeoutMs: 50 });
    expect(outcome).toMatchObject({ outcome: "failed", state: "frozen", frozenBy: "/parent/target" });
    expect(outcome.error).toMatchObject({ code: "timed-out", message: "/parent/target: is still frozen" });
    expect(outcome.error?.commands).toEqual([["cgkill", "show", on.dir]]);
    expect(tookMs).toBeLessThan(51);
    expectHarmless(on);
  });

  // Regression: it stayed frozen, as when another cgkill removed its trap during the search.
  test.each(VERSIONS)("%s: the search for traps fails: thawed, and the error is reported", async (way) => {
    const on = model(way);
    on.target.isSwitchedOn = true;
    on.kernel.failNext("readdir", /freezer$/, "EACCES");
    const { outcome } = await thaw(on);
    expect(outcome).toMatchObject({ outcome: "denied", state: "thawed", error: { operation: "readdir" } });
    expect(frozen(on)).toEqual([]);
  });

  test.each(VERSIONS)("%s: contains cgkill, its ancestors and PID 1: thawed, since a thaw is a rescue", async (way) => {
    const on = model(way);
    const { kernel, which, target } = on;
    for (const pid of [1, kernel.pid]) kernel.processes.get(pid)?.groups.set(kernel.hierarchy(which), target);
    target.isSwitchedOn = true;
    expect((await thaw(on)).outcome).toMatchObject({ outcome: "thawed", spared: [] });
    expect(frozen(on)).toEqual([]);
  });
});

describe("refused, and nothing is written", () => {
  const works = { freeze: executeFreeze, thaw: executeThaw };
  const cells = VERSIONS.flatMap((way) => (["freeze", "thaw"] as const).map((what) => [what, way] as const));

  test.each(cells)("%s, %s: the root of a hierarchy", async (what, way) => {
    const on = model(way);
    const dir = on.kernel.hierarchy(on.which).point;
    const { outcome } = await run(works[what], on, await plan({ ...on, dir }));
    expect(outcome).toMatchObject({ cgroup: "/", outcome: "refused", state: "thawed" });
    expect(outcome.error).toMatchObject({
      code: "hierarchy-root",
      message: `${dir} is the root of a hierarchy, which contains every process`,
      hint: "name a cgroup below it",
      commands: [],
    });
    expect(on.kernel.writes).toEqual([]);
    expectHarmless(on);
  });

  test.each(VERSIONS)("freeze, %s: contains PID 1, or the parent of cgkill", async (way) => {
    for (const code of ["holds-init", "holds-ancestors"]) {
      const on = model(way);
      const { kernel, which, target } = on;
      const shell = kernel.addProcess({ comm: "shell" });
      (kernel.processes.get(kernel.pid) as { ppid: number }).ppid = shell.pid;
      const inside = code === "holds-init" ? 1 : shell.pid;
      kernel.processes.get(inside)?.groups.set(kernel.hierarchy(which), target);
      const { outcome } = await freeze(on);
      expect(outcome).toMatchObject({ outcome: "refused", state: "thawed", error: { code } });
      // Regression: the hint of a kill, "let it die", was given.
      if (code === "holds-ancestors") expect(outcome.error?.hint).toEndWith("or freeze it too with --allow-ancestors");
      expect(kernel.writes).toEqual([]);
      expectHarmless(on);
    }
  });

  test.each(cells)("%s, %s: removed and re-created since the plan", async (what, way) => {
    const on = model(way);
    const planned = await plan(on);
    on.kernel.removeGroup(on.target);
    on.kernel.makeGroup(on.which, "parent/target").isSwitchedOn = what === "thaw";
    const { outcome } = await run(works[what], on, planned);
    expect(outcome).toMatchObject({
      outcome: "refused",
      error: { code: "changed", hint: "preview that one", commands: [["cgkill", "show", on.dir]] },
    });
    expect(outcome.error?.message).toBe(`${on.dir}: another cgroup has taken this name in the meantime`);
    expect(on.kernel.writes).toEqual([]);
    expect(frozen(on)).toEqual(what === "thaw" ? ["/parent/target"] : []);
    expectHarmless(on);
  });

  // Regression: an old plan used to be carried out without another check.
  test.each(VERSIONS)("freeze, %s: PID 1 has joined since the plan", async (way) => {
    const on = model(way);
    const planned = await plan(on);
    on.kernel.poll([], 1000);
    on.kernel.processes.get(1)?.groups.set(on.kernel.hierarchy(on.which), on.target);
    const { outcome } = await run(executeFreeze, on, planned);
    expect(outcome).toMatchObject({ outcome: "refused", state: "thawed", error: { code: "holds-init" } });
    expect(on.kernel.writes).toEqual([]);
    expectHarmless(on);
  });

  test("thaw in a hierarchy that cannot freeze: success", async () => {
    const on = model("sweep");
    const { outcome } = await thaw(on);
    expect(outcome).toMatchObject({ outcome: "thawed", hierarchy: "memory", state: "thawed", error: null });
    expect(on.kernel.writes).toEqual([]);
    expectHarmless(on);
  });

  test("freeze in a hierarchy that cannot freeze: an error that names those that can", async () => {
    const on = model("sweep");
    const { outcome } = await freeze(on);
    expect(outcome).toMatchObject({ outcome: "usage", hierarchy: "memory", state: "thawed", frozenBy: null });
    expect(outcome.error).toEqual({
      code: "no-such-method",
      message: "/parent/target: hierarchy memory cannot freeze",
      hint: "name a cgroup in v2 or in the v1 freezer",
      commands: [],
      operation: null,
      path: null,
      errno: null,
    });
    expect(on.kernel.writes).toEqual([]);
    expectHarmless(on);
  });
});

/** Another cgkill holds the lock of the target, and has frozen it, for the first 300 ms, or until `isDone`. */
function otherKill({ kernel, dir, target }: Model, isDone: (operation: string) => boolean): void {
  const lock = kernel.tryLock(dirAt(dir));
  if (lock === undefined) throw new Error("it is locked");
  target.isSwitchedOn = true;
  let isOver = false;
  const end = (): void => {
    if (isOver) return;
    isOver = true;
    target.isSwitchedOn = false;
    kernel.close(lock);
  };
  kernel.at(300, end);
  kernel.onAccess = (operation) => {
    if (isDone(operation)) end();
  };
}

describe("beside a kill by another cgkill, which freezes it for a moment", () => {
  // Regression: it was taken for frozen before, and stayed frozen after a freeze that had failed.
  test.each(VERSIONS)("%s: a freeze that does not complete is undone", async (way) => {
    const on = model(way);
    const planned = await plan(on);
    // At the latest right before our write.
    otherKill(on, (operation) => operation === "write");
    on.target.readsToFreeze = Number.POSITIVE_INFINITY;
    const { outcome } = await run(executeFreeze, on, planned, { timeoutMs: 800 });
    expect(outcome.outcome).toBe("failed");
    expect(frozen(on)).toEqual([]);
    expectHarmless(on);
  });

  test.each(VERSIONS)("%s: it is frozen afterwards, and the lock is free", async (way) => {
    const on = model(way);
    const planned = await plan(on);
    otherKill(on, () => false);
    const { outcome } = await run(executeFreeze, on, planned);
    expect([outcome.outcome, frozen(on)]).toEqual(["frozen", ["/parent/target"]]);
    expectHarmless(on);
  });
});

describe("a signal", () => {
  test.each(VERSIONS)("freeze, %s: during the wait: thawed again", async (way) => {
    const on = model(way);
    on.target.readsToFreeze = Number.POSITIVE_INFINITY;
    const abort = new AbortController();
    on.kernel.at(30, () => abort.abort("SIGINT"));
    const { outcome, tookMs } = await freeze(on, { abort: abort.signal });
    expect(outcome).toMatchObject({ outcome: "interrupted", state: "thawed", error: { code: "interrupted" } });
    expect(tookMs).toBeLessThan(30 + 5);
    expect(frozen(on)).toEqual([]);
    expectHarmless(on);
  });

  test.each(VERSIONS)("freeze, %s: at any moment: frozen and reported as such, or not frozen", async (way) => {
    const seen = new Set<string>();
    for (let at = 1; ; at++) {
      const on = model(way);
      on.target.readsToFreeze = 3;
      const planned = await plan(on);
      const abort = new AbortController();
      let accesses = 0;
      on.kernel.onAccess = () => {
        if (++accesses === at) abort.abort("SIGINT");
      };
      const { outcome } = await run(executeFreeze, on, planned, { abort: abort.signal });
      expect(frozen(on)).toEqual(outcome.outcome === "frozen" ? ["/parent/target"] : []);
      expectHarmless(on);
      seen.add(outcome.outcome);
      if (accesses < at) break;
    }
    expect([...seen].sort()).toEqual(["frozen", "interrupted"]);
  });

  test.each(VERSIONS)("freeze, %s: frozen before: it stays frozen", async (way) => {
    const on = model(way);
    on.target.isSwitchedOn = true;
    on.target.readsToFreeze = Number.POSITIVE_INFINITY;
    const abort = new AbortController();
    on.kernel.at(30, () => abort.abort("SIGINT"));
    expect((await freeze(on, { abort: abort.signal })).outcome.outcome).toBe("interrupted");
    expect(frozen(on)).toEqual(["/parent/target"]);
  });

  test.each(VERSIONS)("thaw, %s: during the wait: interrupted", async (way) => {
    const on = model(way);
    on.kernel.onAccess = (operation) => {
      if (operation === "read") on.target.isSwitchedOn = true;
    };
    const abort = new AbortController();
    on.kernel.at(30, () => abort.abort("SIGINT"));
    const { outcome, tookMs } = await thaw(on, { abort: abort.signal });
    expect(outcome).toMatchObject({ outcome: "interrupted", state: "frozen" });
    expect(tookMs).toBeLessThan(30 + 5);
    expectHarmless(on);
  });
});

describe("an error", () => {
  const ERRNOS = ["EINTR", "EAGAIN", "EBUSY", "EIO", "ENOMEM", "EMFILE", "EROFS", "EPERM", "EACCES", "EINVAL"] as const;
  const DENIED: readonly string[] = ["EROFS", "EPERM", "EACCES"];

  /** Run the work once per access and errno, and let that access fail once. @returns the number of runs */
  async function failEach(
    work: typeof executeFreeze,
    make: () => Model,
    check: (done: Switched, errno: string, on: Model, operation: string) => void,
  ): Promise<number> {
    let cells = 0;
    for (let at = 1; ; at++) {
      let accesses = 0;
      for (const errno of ERRNOS) {
        const on = make();
        const planned = await plan(on);
        let failed = "";
        accesses = 0;
        on.kernel.onAccess = (operation, path) => {
          if (++accesses !== at) return;
          failed = `${operation} ${path}`;
          on.kernel.failNext(operation, /./, errno);
        };
        try {
          const done = await run(work, on, planned, { timeoutMs: 100 });
          if (failed === "") continue;
          cells++;
          expectHarmless(on);
          check(done, errno, on, failed);
        } catch (cause) {
          throw new Error(`access ${at}, ${failed}, ${errno}`, { cause });
        }
      }
      if (accesses < at) return cells;
    }
  }

  const frozenBefore = (way: Way): Model => {
    const on = model(way);
    on.target.isSwitchedOn = true;
    below(on).isSwitchedOn = true;
    return on;
  };

  test.each(VERSIONS)("freeze, %s: at any access, once: frozen only if reported as frozen", async (way) => {
    const cells = await failEach(
      executeFreeze,
      () => {
        const on = model(way);
        on.target.readsToFreeze = 3;
        return on;
      },
      ({ outcome }, errno, on, what) => {
        expect(frozen(on)).toEqual(outcome.state === "frozen" ? ["/parent/target"] : []);
        if (outcome.outcome === "frozen") return;
        expect(outcome.outcome).toBe(DENIED.includes(errno) ? "denied" : "failed");
        expect(outcome.error?.errno).toBe(errno);
        expect(outcome.error?.operation).toBe(what.split(" ")[0] ?? "");
        expect(outcome.error?.message).toContain(errno);
      },
    );
    expect(cells).toBeGreaterThan(80);
  });

  test.each(VERSIONS)("thaw, %s: at any access, once: thawed, or reported as an error", async (way) => {
    const cells = await failEach(
      executeThaw,
      () => frozenBefore(way),
      ({ outcome }, errno, on) => {
        if (outcome.outcome === "thawed") {
          expect(frozen(on)).toEqual([]);
          return;
        }
        expect(outcome.outcome).toBe(DENIED.includes(errno) ? "denied" : "failed");
        expect(outcome.error?.errno).toBe(errno);
      },
    );
    expect(cells).toBeGreaterThan(80);
  });

  test.each(VERSIONS)("freeze, %s: the state can never be read: undone, and an error", async (way) => {
    for (const errno of ERRNOS) {
      const on = model(way);
      const planned = await plan(on);
      on.kernel.failNext("read", stateFile(way), errno, Number.POSITIVE_INFINITY);
      const { outcome } = await run(executeFreeze, on, planned, { timeoutMs: 100 });
      expect(outcome).toMatchObject({ outcome: DENIED.includes(errno) ? "denied" : "failed", error: { errno } });
      expect(frozen(on)).toEqual([]);
      expectHarmless(on);
    }
  });

  test.each(VERSIONS)("thaw, %s: the state can never be read: thawed, and an error", async (way) => {
    for (const errno of ERRNOS) {
      const on = frozenBefore(way);
      const planned = await plan(on);
      on.kernel.failNext("read", stateFile(way), errno, Number.POSITIVE_INFINITY);
      const { outcome } = await run(executeThaw, on, planned, { timeoutMs: 100 });
      expect(outcome).toMatchObject({ outcome: DENIED.includes(errno) ? "denied" : "failed", error: { errno } });
      expect(frozen(on)).toEqual([]);
      expectHarmless(on);
    }
  });

  test.each(VERSIONS)("freeze, %s: once the state is frozen it is not read again for the report", async (way) => {
    const on = model(way);
    const planned = await plan(on);
    let reads = 0;
    on.kernel.onAccess = (operation, path) => {
      if (operation === "read" && stateFile(way).test(path) && ++reads === 2) on.kernel.failNext("read", /./, "EIO");
    };
    const { outcome } = await run(executeFreeze, on, planned);
    expect(outcome).toMatchObject({ outcome: "frozen", state: "frozen", frozenBy: "/parent/target", error: null });
    expect(reads).toBe(1);
    expect(frozen(on)).toEqual(["/parent/target"]);
  });

  test.each(VERSIONS)("freeze, %s: undone although the first try to thaw fails", async (way) => {
    const on = model(way);
    on.target.readsToFreeze = Number.POSITIVE_INFINITY;
    let writes = 0;
    on.kernel.onAccess = (operation) => {
      if (operation === "write" && ++writes === 2) on.kernel.failNext("write", /./, "EINTR");
    };
    const { outcome } = await freeze(on, { timeoutMs: 50 });
    expect(outcome.outcome).toBe("failed");
    expect(frozen(on)).toEqual([]);
    expectHarmless(on);
  });

  test.each(VERSIONS)("freeze, %s: cannot be undone: the true state is reported", async (way) => {
    const on = model(way);
    on.target.readsToFreeze = Number.POSITIVE_INFINITY;
    let writes = 0;
    on.kernel.onAccess = (operation) => {
      if (operation === "write" && ++writes === 2) {
        on.kernel.failNext("write", /./, "EIO", Number.POSITIVE_INFINITY);
      }
    };
    const { outcome, events } = await freeze(on, { timeoutMs: 50 });
    expect(outcome).toMatchObject({ outcome: "failed", state: "freezing", frozenBy: "/parent/target" });
    expect(outcome.leftFrozen).toEqual([on.dir]);
    expect(outcome.error).toMatchObject({
      code: "timed-out",
      message: "/parent/target: did not freeze in time, and could not be thawed again",
    });
    const failure = events.find(({ kind }) => kind === "not-thawed");
    expect(failure?.fields).toMatchObject({ path: on.dir, error: expect.stringContaining("EIO") });
    expect(frozen(on)).toEqual(["/parent/target"]);
    expectHarmless(on);
  });

  const DENIED_CELLS = VERSIONS.flatMap((way) => DENIED.map((errno) => [way, errno] as const));

  async function expectDenied(work: typeof executeFreeze, way: Way, errno: string): Promise<void> {
    const on = model(way);
    on.target.isSwitchedOn = work === executeThaw;
    on.kernel.failNext("write", /./, errno, Number.POSITIVE_INFINITY);
    const { outcome, tookMs } = await run(work, on, await plan(on));
    const path = `${on.dir}/${fileOf(way)}`;
    const hint = expect.stringContaining(
      errno === "EROFS" ? "mount it read-write" : "as root, or as the owner of this subtree",
    );
    expect(outcome).toMatchObject({
      outcome: "denied",
      error: { code: "denied", operation: "write", path, errno, hint },
    });
    expect(tookMs).toBeLessThan(10);
    expectHarmless(on);
  }

  test.each(DENIED_CELLS)("freeze, %s: denied by %s: reported at once, with a hint", (way, errno) =>
    expectDenied(executeFreeze, way, errno),
  );

  test.each(DENIED)("thaw, v2: denied by %s: reported at once, with a hint", (errno) =>
    expectDenied(executeThaw, "kill", errno),
  );

  test.each(DENIED)("thaw, v1: denied by %s: reported at once, with a hint", (errno) =>
    expectDenied(executeThaw, "freezer on v1", errno),
  );

  async function thawDespite(way: Way): Promise<{ readonly on: Model; readonly done: Switched }> {
    const on = model(way);
    on.target.isSwitchedOn = true;
    below(on).isSwitchedOn = true;
    on.kernel.makeGroup(on.which, "parent/target/last").isSwitchedOn = true;
    on.kernel.failNext("write", /target\/below\//, "EIO", Number.POSITIVE_INFINITY);
    const done = await thaw(on, { timeoutMs: 100 });
    expectHarmless(on);
    return { on, done };
  }

  test("thaw, v1: one descendant cannot be thawed: the others are", async () => {
    const { on, done } = await thawDespite("freezer on v1");
    expect(frozen(on)).toEqual(["/parent/target/below"]);
    expect(done.events.filter(({ level }) => level === "error")).toMatchObject([
      { kind: "not-thawed", fields: { path: `${on.dir}/below` } },
    ]);
  });

  test("thaw, v1: one descendant cannot be thawed: outcome failed", async () => {
    const { outcome } = (await thawDespite("freezer on v1")).done;
    expect(outcome.outcome).toBe("failed");
  });

  test("thaw, v2: one descendant cannot be thawed: outcome failed", async () => {
    const { on, done } = await thawDespite("kill");
    const path = `${on.dir}/below/cgroup.freeze`;
    expect(done.outcome).toMatchObject({ outcome: "failed", error: { operation: "write", path, errno: "EIO" } });
  });

  test("thaw, v2: one descendant cannot be thawed: the others are", async () => {
    expect(frozen((await thawDespite("kill")).on)).toEqual(["/parent/target/below"]);
  });
});

describe("the cgroup is removed", () => {
  const works = { freeze: executeFreeze, thaw: executeThaw };
  const cells = VERSIONS.flatMap((way) => (["freeze", "thaw"] as const).map((what) => [what, way] as const));

  test.each(cells)("%s, %s: at any moment: the call ends, and does not report it as frozen", async (what, way) => {
    for (let at = 1; ; at++) {
      const on = model(way);
      on.target.isSwitchedOn = what === "thaw";
      on.target.readsToFreeze = 3;
      const planned = await plan(on);
      let accesses = 0;
      let hasGone = false;
      on.kernel.onAccess = () => {
        if (++accesses !== at) return;
        hasGone = true;
        for (const process of on.kernel.live(on.target, on.kernel.hierarchy(on.which))) process.isDead = true;
        on.kernel.removeGroup(on.target);
      };
      const { outcome } = await run(works[what], on, planned, { timeoutMs: 100 });
      const isReported = outcome.outcome === "failed" && outcome.error !== null;
      if (hasGone) expect(isReported || outcome.outcome === outcome.state || outcome.state === "thawed").toBe(true);
      if (what === "thaw" && hasGone) expect(outcome).toMatchObject({ outcome: "thawed", error: null });
      expectHarmless(on);
      if (accesses < at) break;
    }
  });

  test("thaw, v1: during the wait: the call ends at once", () => expectNoWait("thaw", "freezer on v1"));
  test("thaw, v2: during the wait: the call ends at once", () => expectNoWait("thaw", "kill"));

  test.each(VERSIONS)("freeze, %s: during the wait: the call ends at once", (way) => expectNoWait("freeze", way));

  async function expectNoWait(what: "freeze" | "thaw", way: Way): Promise<void> {
    const on = model(way);
    on.target.isSwitchedOn = what === "thaw";
    on.target.readsToFreeze = Number.POSITIVE_INFINITY;
    const planned = await plan(on);
    on.kernel.at(10, () => on.kernel.removeGroup(on.target));
    on.kernel.onAccess = (operation) => {
      if (what === "thaw" && operation === "read") on.target.isSwitchedOn = true;
    };
    const { tookMs } = await run(works[what], on, planned);
    expect(tookMs).toBeGreaterThanOrEqual(10);
    expect(tookMs).toBeLessThan(10 + 5);
    expectHarmless(on);
  }

  test.each(VERSIONS)("thaw, %s: before the call: thawed", async (way) => {
    const on = model(way);
    const planned = await plan(on);
    on.kernel.removeGroup(on.target);
    const { outcome } = await run(executeThaw, on, planned);
    expect(outcome).toMatchObject({ outcome: "thawed", state: "thawed", error: null });
    expect(on.kernel.writes).toEqual([]);
    expectHarmless(on);
  });

  test.each(VERSIONS)("freeze, %s: before the call: not found", async (way) => {
    const on = model(way);
    const planned = await plan(on);
    on.kernel.removeGroup(on.target);
    const { outcome } = await run(executeFreeze, on, planned);
    expect(outcome).toMatchObject({ outcome: "not-found", state: "thawed", error: { code: "not-found" } });
  });
});
