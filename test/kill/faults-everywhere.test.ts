// Each access of a kill to the kernel fails in turn: once with every errno, and permanently with one errno per category.
// The accesses are those that the kill makes, not a list that could miss some.

import { describe, expect, test } from "bun:test";

import { findHierarchies } from "../../src/cgroup/open/hierarchy.ts";
import { openCgroup } from "../../src/cgroup/open/open.ts";
import {
  execute,
  type Executed,
  expectPromise,
  type Model,
  model,
  plan,
  trapsLeft,
  type Way,
  WAYS,
} from "../support/model.ts";

const ERRNOS = [
  "EINTR",
  "EAGAIN",
  "EBUSY",
  "EIO",
  "ENOMEM",
  "EMFILE",
  "ENFILE",
  "ENODEV",
  "ENOENT",
  "ENOSPC",
  "EROFS",
  "EPERM",
  "EACCES",
  "EINVAL",
] as const;

/** For permanent failures, which take longest to test: one errno per category that the code distinguishes. */
const PERMANENT: readonly (typeof ERRNOS)[number][] = ["EBUSY", "EIO", "ENODEV", "EACCES"];

const DENIED: readonly string[] = ["EROFS", "EPERM", "EACCES"];

interface Fault {
  readonly operation: string;
  readonly path: string;
  readonly errno: string;
  readonly isPermanent: boolean;
}

/** If pids.max can never be written, the fence stays, and is reported: see "a fork fence that cannot be removed" below. */
const isUnavoidable = ({ path, isPermanent }: Fault): boolean => isPermanent && path.endsWith("/pids.max");

/** A child that is reported as gone, but exists, keeps its parent busy. */
const causesBusy = ({ operation, errno }: Fault): boolean =>
  ["rmdir", "open"].includes(operation) && ["ENODEV", "ENOENT"].includes(errno);

const exactly = (path: string): RegExp => new RegExp(`^${path.replace(/[.]/g, "\\.")}$`);

function expectExplained({ outcome, events }: Executed, fault: Fault, on: Model): void {
  const { error } = outcome;
  if (error?.errno === "EBUSY" && causesBusy(fault)) {
    expect(outcome.outcome).toBe("not-removed");
  } else if (error?.errno != null) {
    expect(error.errno).toBe(fault.errno);
    expect([fault.operation, "open"]).toContain(error.operation ?? "");
    expect(error.path ?? fault.path).toBe(fault.path);
    expect(error.message).toContain(fault.errno);
  }
  if (outcome.outcome === "failed" && error?.code !== "left-frozen") expect(DENIED).not.toContain(fault.errno);
  if (outcome.outcome === "denied") expect(DENIED).toContain(fault.errno);
  // A trap that cannot be removed stays, and is reported.
  const isReported = events.some(({ level, kind }) => level === "warn" && kind === "trap-left");
  if (trapsLeft(on).length > 0) expect(isReported).toBe(true);
}

/** @returns how many accesses there were, and how many combinations of access and errno were tried */
async function failEachAccess(way: Way, remove: boolean, isPermanent: boolean): Promise<[number, number]> {
  let cells = 0;
  for (let at = 1; ; at++) {
    let accesses = 0;
    for (const errno of isPermanent ? PERMANENT : ERRNOS) {
      const on = model(way);
      const planned = await plan(on, { remove });
      const { method } = planned;
      const faults: Fault[] = [];
      accesses = 0;
      on.kernel.onAccess = (operation, path) => {
        if (++accesses !== at) return;
        const fault = { operation, path, errno, isPermanent };
        if (isUnavoidable(fault)) return;
        faults.push(fault);
        on.kernel.failNext(operation, exactly(path), errno, isPermanent ? Number.POSITIVE_INFINITY : 1);
      };
      const done = await execute(on, planned);
      const [fault] = faults;
      if (fault === undefined) continue;
      cells++;
      try {
        expectPromise(on, done);
        expect(done.outcome.method).toBe(method);
        expectExplained(done, fault, on);
      } catch (cause) {
        throw new Error(`access ${at}, ${fault.operation} ${fault.path}, ${errno}: ${done.outcome.outcome}`, { cause });
      }
    }
    if (accesses < at) return [at, cells];
  }
}

for (const way of WAYS) {
  for (const remove of [true, false]) {
    for (const isPermanent of [false, true]) {
      const often = isPermanent ? "permanently" : "once";
      test(`${way}, ${remove ? "removed" : "kept"}: any access fails ${often}`, async () => {
        const [accesses, cells] = await failEachAccess(way, remove, isPermanent);
        expect(accesses).toBeGreaterThan(15);
        expect(cells).toBeGreaterThan(isPermanent ? 50 : 200);
      });
    }
  }
}

describe("regressions", () => {
  const TRAP = /cgkill-trap-\d+$/;
  /** Run a sweep whose n-th access of this kind fails once. */
  const sweepDespite = async (operation: string, path: RegExp, errno: string, nth = 1): Promise<void> => {
    const on = model("sweep");
    const planned = await plan(on, { remove: true });
    let seen = 0;
    on.kernel.onAccess = (did, where) => {
      if (did === operation && path.test(where) && ++seen === nth) on.kernel.failNext(operation, path, errno);
    };
    const done = await execute(on, planned);
    expectPromise(on, done);
    expect(done.outcome.outcome).toBe("killed");
    expect(trapsLeft(on)).toEqual([]);
    expect(seen).toBeGreaterThanOrEqual(nth);
  };

  // Regression: a directory stayed open if its mount could not be identified.
  test("a directory whose mount cannot be identified is closed", async () => {
    const on = model("sweep");
    const planned = await plan(on);
    on.kernel.failNext("read", /\/fdinfo\//, "EMFILE");
    expectPromise(on, await execute(on, planned));
  });

  // Regression: a cgroup found in one hierarchy stayed open if the next hierarchy could not be searched.
  test("a cgroup that is found and then not used is closed", () => {
    const on = model("kill");
    on.kernel.makeGroup("freezer", "parent/target");
    on.kernel.failNext("open", /freezer\/parent\/target$/, "EACCES");
    expect(() => openCgroup(on.kernel, findHierarchies(on.kernel), "/parent/target")).toThrow("EACCES");
    expect(on.kernel.openDescriptors).toBe(0);
  });

  // Regression: an error in the search for stale traps, or in opening their parent, used to end the kill.
  test("the search for stale traps fails: the kill goes on", () =>
    sweepDespite("readdir", /\/sys\/fs\/cgroup\/freezer$/, "EIO"));
  test("the parent of a new trap cannot be opened: the kill goes on", () =>
    sweepDespite("open", /cgroup\/freezer$/, "EMFILE"));

  // Regression: a new trap that could not be opened used to be left behind.
  test.each(["EMFILE", "ENOENT"])("a new trap that cannot be opened (%s) is removed", (errno) =>
    sweepDespite("open", TRAP, errno),
  );

  // Regression: any error except EBUSY used to leave the trap behind, and after a failed thaw it was not even removed.
  test.each([
    // The first two writes are FROZEN, and THAWED at the end of the round.
    ["write", /cgkill-trap-\d+\/freezer\.state$/, 3],
    ["read", /cgkill-trap-\d+\/cgroup\.procs$/, 1],
    ["rmdir", TRAP, 1],
  ] as const)("a trap is removed although %s fails once", (operation, path, nth) =>
    sweepDespite(operation, path, "EINTR", nth),
  );

  // Regression: restoring the limit was tried once, and its failure was a debug event.
  const unfence = async (times: number) => {
    const on = model("sweep behind a fence");
    const planned = await plan(on, { remove: false });
    let writes = 0;
    on.kernel.onAccess = (operation, path) => {
      const isLimit = operation === "write" && path.endsWith("/pids.max");
      if (isLimit && ++writes === 2) on.kernel.failNext("write", /pids\.max$/, "EIO", times);
    };
    return { on, done: await execute(on, planned) };
  };
  test("a fork fence is removed although the first try fails", async () => {
    const { on } = await unfence(1);
    expect(on.target.pidsMax).toBe("max");
  });
  test("a fork fence that cannot be removed is reported", async () => {
    const { on, done } = await unfence(Number.POSITIVE_INFINITY);
    expect(on.target.pidsMax).toBe("0");
    expect(done.events.filter(({ level }) => level === "error" || level === "warn")).not.toEqual([]);
  });

  // Regression: a cgroup that could not be thawed, but was removed afterwards, used to be reported as left frozen.
  test("a cgroup that could not be thawed, but was removed, is not left frozen", async () => {
    const on = model("freezer on v2");
    const planned = await plan(on, { remove: true });
    let writes = 0;
    on.kernel.onAccess = (operation, path) => {
      const isSwitch = operation === "write" && path.endsWith("/cgroup.freeze");
      if (isSwitch && ++writes === 2) on.kernel.failNext("write", /cgroup\.freeze$/, "EIO", Number.POSITIVE_INFINITY);
    };
    const { outcome } = await execute(on, planned);
    expect(on.target.isRemoved).toBe(true);
    expect(outcome).toMatchObject({ outcome: "killed", leftFrozen: [], removed: true, error: null });
  });

  // Regression: ENODEV or ENOENT for one file was taken for a removed cgroup, although the cgroup existed: the kill was
  // reported as complete while all members lived, and the thaw as done while all were frozen.
  test.each([
    ["kill that misses one", "read", /target\/cgroup\.events$/],
    ["kill that misses one", "open", /target\/cgroup\.events$/],
    ["kill that misses one", "write", /target\/cgroup\.freeze$/],
    ["freezer on v1", "stat", /target$/],
    ["freezer on v1", "write", /target\/freezer\.state$/],
  ] as const)(
    "%s: %s of %p fails with ENODEV although the cgroup exists: not taken for removed",
    async (way, operation, path) => {
      const on = model(way);
      const planned = await plan(on, { remove: false });
      let seen = 0;
      on.kernel.onAccess = (did, where) => {
        // The second access: the freeze succeeds, and the thaw fails.
        if (did !== operation || !path.test(where) || ++seen !== 2) return;
        on.kernel.failNext(operation, path, "ENODEV", Number.POSITIVE_INFINITY);
      };
      expectPromise(on, await execute(on, planned));
    },
  );
});
