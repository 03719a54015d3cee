// Every single access that a kill makes to the kernel fails, one after another, with every errno once, and from then
// on for ever with one of each kind. No access is left out by a list of ours: what the kill does is what fails.

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

/** For ever, one of each kind that is told apart: it is the longer of the two, by far. */
const FOR_EVER: readonly (typeof ERRNOS)[number][] = ["EBUSY", "EIO", "ENODEV", "EACCES"];

const DENIED: readonly string[] = ["EROFS", "EPERM", "EACCES"];

interface Fault {
  readonly operation: string;
  readonly path: string;
  readonly errno: string;
  readonly isForEver: boolean;
}

/** A kernel that never lets the fence be taken down leaves it standing: that is told, in a test of its own below. */
const isBeyondUs = ({ path, isForEver }: Fault): boolean => isForEver && path.endsWith("/pids.max");

/** One that is said to be gone and is not keeps its parent busy. */
const saysBusy = ({ operation, errno }: Fault): boolean =>
  ["rmdir", "open"].includes(operation) && ["ENODEV", "ENOENT"].includes(errno);

const exactly = (path: string): RegExp => new RegExp(`^${path.replace(/[.]/g, "\\.")}$`);

function expectExplained({ outcome, events }: Executed, fault: Fault, on: Model): void {
  const { error } = outcome;
  if (error?.errno === "EBUSY" && saysBusy(fault)) {
    expect(outcome.outcome).toBe("not-removed");
  } else if (error?.errno != null) {
    expect(error.errno).toBe(fault.errno);
    expect([fault.operation, "open"]).toContain(error.operation ?? "");
    expect(error.path ?? fault.path).toBe(fault.path);
    expect(error.message).toContain(fault.errno);
  }
  if (outcome.outcome === "failed" && error?.code !== "left-frozen") expect(DENIED).not.toContain(fault.errno);
  if (outcome.outcome === "denied") expect(DENIED).toContain(fault.errno);
  // A trap that the kernel does not let us remove stays, and that is told.
  const isTold = events.some(({ level, kind }) => level === "warn" && kind === "trap-left");
  if (trapsLeft(on).length > 0) expect(isTold).toBe(true);
}

/** @returns how many accesses there were, and how many cells of them were tried */
async function failEachAccess(way: Way, remove: boolean, isForEver: boolean): Promise<[number, number]> {
  let cells = 0;
  for (let at = 1; ; at++) {
    let accesses = 0;
    for (const errno of isForEver ? FOR_EVER : ERRNOS) {
      const on = model(way);
      const planned = await plan(on, { remove });
      const { method } = planned;
      const faults: Fault[] = [];
      accesses = 0;
      on.kernel.onAccess = (operation, path) => {
        if (++accesses !== at) return;
        const fault = { operation, path, errno, isForEver };
        if (isBeyondUs(fault)) return;
        faults.push(fault);
        on.kernel.failNext(operation, exactly(path), errno, isForEver ? Number.POSITIVE_INFINITY : 1);
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
    for (const isForEver of [false, true]) {
      const often = isForEver ? "from then on for ever" : "once";
      test(`${way}, ${remove ? "removed" : "kept"}: any access fails ${often}`, async () => {
        const [accesses, cells] = await failEachAccess(way, remove, isForEver);
        expect(accesses).toBeGreaterThan(15);
        expect(cells).toBeGreaterThan(isForEver ? 50 : 200);
      });
    }
  }
}

// Bugs, each by itself: what is wrong stands above it. Whoever mends one takes it out of `isKnown`, too.
describe("known bugs", () => {
  const TRAP = /cgkill-trap-\d+$/;
  /** The n-th such access of a sweep fails, once. */
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

  // cgroup/path.ts: openInHierarchy and openByFile do not close what they opened where `locate` throws.
  test("a directory that is opened and cannot be located is closed again", async () => {
    const on = model("sweep");
    const planned = await plan(on);
    on.kernel.failNext("read", /\/fdinfo\//, "EMFILE");
    expectPromise(on, await execute(on, planned));
  });

  // cgroup/path.ts, openByPath: found in one hierarchy, and the next one does not let itself be asked.
  test("one that is found and then not used is closed again", () => {
    const on = model("kill");
    on.kernel.makeGroup("freezer", "parent/target");
    on.kernel.failNext("open", /freezer\/parent\/target$/, "EACCES");
    expect(() => openCgroup(on.kernel, findHierarchies(on.kernel), "/parent/target")).toThrow("EACCES");
    expect(on.kernel.openDescriptors).toBe(0);
  });

  // kill/methods/trap.ts: openTrap lets errors of looking for stale traps, and of opening the parent, end the kill, and leaves
  // the parent open; "a trap is a help: what goes wrong with it is told, and the kill goes on".
  test("no look for stale traps: the kill goes on", () =>
    sweepDespite("readdir", /\/sys\/fs\/cgroup\/freezer$/, "EIO"));
  test("the place for a trap cannot be opened: the kill goes on", () =>
    sweepDespite("open", /cgroup\/freezer$/, "EMFILE"));

  // kill/methods/trap.ts: makeTrap has made the directory and does not remove it where it cannot be opened.
  test.each(["EMFILE", "ENOENT"])("a trap that was made and cannot be opened is removed, by %s", (errno) =>
    sweepDespite("open", TRAP, errno),
  );

  // kill/methods/trap.ts: dismantle gives up at the first error that is not EBUSY, and where the thaw fails does not even try
  // to remove.
  test.each([
    // After FROZEN, and THAWED at the end of the round.
    ["write", /cgkill-trap-\d+\/freezer\.state$/, 3],
    ["read", /cgkill-trap-\d+\/cgroup\.procs$/, 1],
    ["rmdir", TRAP, 1],
  ] as const)("a trap is removed though %s fails once", (operation, path, nth) =>
    sweepDespite(operation, path, "EINTR", nth),
  );

  // kill/methods/fork-fence.ts: the limit is put back by one try, and its failure is an event of level debug, in no outcome.
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
  test("a fork fence is taken away though the first try fails", async () => {
    const { on } = await unfence(1);
    expect(on.target.pidsMax).toBe("max");
  });
  test("a fork fence that cannot be taken away is told to people", async () => {
    const { on, done } = await unfence(Number.POSITIVE_INFINITY);
    expect(on.target.pidsMax).toBe("0");
    expect(done.events.filter(({ level }) => level === "error" || level === "warn")).not.toEqual([]);
  });

  // kill/outcome.ts: what could not be thawed and was removed afterwards is still told as left frozen, as a failure.
  test("what was not thawed and then removed is not left frozen", async () => {
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

  // kill/steps/wait.ts, kill/freeze.ts: ENODEV and ENOENT of one file mean "gone", although the cgroup is there: the kill is
  // told as complete with everybody alive, the freezing as ended with everybody frozen.
  test.each([
    ["kill that misses one", "read", /target\/cgroup\.events$/],
    ["kill that misses one", "open", /target\/cgroup\.events$/],
    ["kill that misses one", "write", /target\/cgroup\.freeze$/],
    ["freezer on v1", "stat", /target$/],
    ["freezer on v1", "write", /target\/freezer\.state$/],
  ] as const)(
    "%s: %s of %p answers ENODEV for a cgroup that is there: never a false verdict",
    async (way, operation, path) => {
      const on = model(way);
      const planned = await plan(on, { remove: false });
      let seen = 0;
      on.kernel.onAccess = (did, where) => {
        // The freeze succeeds, the thaw does not.
        if (did !== operation || !path.test(where) || ++seen !== 2) return;
        on.kernel.failNext(operation, path, "ENODEV", Number.POSITIVE_INFINITY);
      };
      expectPromise(on, await execute(on, planned));
    },
  );
});
