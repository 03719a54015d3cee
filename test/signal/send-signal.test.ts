// A signal for every member, once: what is held and looked at again, what is skipped, and what ends it.

import { describe, expect, test } from "bun:test";

import { DEFAULT_OPTIONS, type KillOptions } from "../../src/kill/types.ts";
import { executeSignal, type SignalOutcome } from "../../src/signal/send-signal.ts";
import { type Model, model, plan } from "../support/model.ts";

const HUP = 1;
const WAYS = ["kill", "freezer on v1", "sweep"] as const;

interface Given extends Partial<KillOptions> {
  readonly timeoutMs?: number;
  readonly abort?: AbortSignal;
}

async function signal(on: Model, given: Given = {}): Promise<SignalOutcome> {
  const { timeoutMs = 2000, abort = new AbortController().signal, ...options } = given;
  const planned = await plan(on, { ...DEFAULT_OPTIONS, ...options });
  const { kernel } = on;
  const outcome = await executeSignal(kernel, planned, HUP, {
    deadline: kernel.now() + timeoutMs,
    abort,
    onEvent: () => {},
  });
  kernel.close(planned.cgroup.fd);
  expect(kernel.openDescriptors).toBe(0);
  return outcome;
}

/** The members live on, as a daemon does that reads its configuration again. */
function living(way: (typeof WAYS)[number]): Model {
  const on = model(way);
  for (const process of on.kernel.processes.values()) process.ignoresTerm = true;
  return on;
}

/** Who was signalled, each as often as it was; nothing else was written. */
function expectSent({ kernel }: Model, pids: readonly number[]): void {
  expect(kernel.writes).toEqual(pids.map((pid) => ({ operation: "signal", path: `pid ${pid}`, value: String(HUP) })));
}

const members = ({ kernel, which, target }: Model): number[] =>
  kernel.live(target, kernel.hierarchy(which)).map(({ pid }) => pid);

/** For each that is held another one comes. */
function forkWithoutEnd({ kernel, which, target }: Model): void {
  kernel.onAccess = (operation) => {
    if (operation === "pidfd_open") kernel.addProcess({ group: target, which, ignoresTerm: true });
  };
}

describe.each(WAYS)("%s", (way) => {
  test("every member gets it once, descendants included, and nothing else is written", async () => {
    const on = living(way);
    const pids = members(on);
    expect(pids).toHaveLength(5);
    const outcome = await signal(on);
    expect(outcome).toMatchObject({ outcome: "signalled", signal: "HUP", frozenBy: null, error: null });
    expect(outcome.signalled.map(({ pid }) => pid)).toEqual(pids);
    expect(outcome.signalled.every(({ comm }) => typeof comm === "string")).toBe(true);
    expectSent(on, pids);
  });

  test("one that comes meanwhile gets it too, the others not twice", async () => {
    const on = living(way);
    const first = members(on);
    const { kernel, which, target } = on;
    let late = 0;
    kernel.onAccess = (operation) => {
      if (operation !== "pidfd_open" || late !== 0) return;
      late = kernel.addProcess({ group: target, which, ignoresTerm: true }).pid;
    };
    const outcome = await signal(on);
    expect(late).toBeGreaterThan(0);
    expect(outcome.signalled.map(({ pid }) => pid).toSorted()).toEqual([...first, late].toSorted());
    expectSent(on, [...first, late]);
  });

  test("those that end of it are reported with their names", async () => {
    const on = model(way);
    const outcome = await signal(on);
    expect(outcome).toMatchObject({ outcome: "signalled", error: null });
    expect(outcome.signalled).toHaveLength(5);
    expect(outcome.signalled.every(({ comm }) => comm !== null)).toBe(true);
  });

  test("ourselves inside: skipped, and not moved", async () => {
    const on = living(way);
    const { kernel, which, target } = on;
    const pids = members(on);
    kernel.processes.get(kernel.pid)?.groups.set(kernel.hierarchy(which), target);
    const outcome = await signal(on, { allowAncestors: true });
    expect(outcome).toMatchObject({ outcome: "signalled", error: null });
    expectSent(on, pids);
  });

  test("our ancestors inside: refused in the words of a signal, until they may", async () => {
    const on = living(way);
    const { kernel, which, target } = on;
    const self = kernel.processes.get(kernel.pid);
    kernel.addProcess({ pid: 900, comm: "sh", group: target, which, ignoresTerm: true });
    if (self !== undefined) self.ppid = 900;
    expect(await signal(on)).toMatchObject({
      outcome: "refused",
      error: { code: "holds-ancestors", hint: "signal it too with --allow-ancestors" },
    });
    expect(kernel.writes).toEqual([]);
    const outcome = await signal(on, { allowAncestors: true });
    expect(outcome.signalled.map(({ pid }) => pid)).toContain(900);
  });

  test("one that is not ours: denied, and all others get it", async () => {
    const on = living(way);
    const { kernel, which, target } = on;
    const pids = members(on);
    const other = kernel.addProcess({ group: target, which, isDenied: true });
    const outcome = await signal(on);
    expect(outcome).toMatchObject({
      outcome: "denied",
      error: {
        code: "denied",
        message: `/parent/target: sent SIGHUP to 5; denied for 1 (pid ${other.pid})`,
        hint: "run it as root, or as the user that owns these processes",
      },
    });
    expect(outcome.signalled.map(({ pid }) => pid)).toEqual(pids);
  });

  test("members that never stop coming: ends at the deadline, and says so", async () => {
    const on = living(way);
    const { kernel } = on;
    forkWithoutEnd(on);
    const start = kernel.now();
    const outcome = await signal(on, { timeoutMs: 100 });
    expect(outcome).toMatchObject({ outcome: "failed", error: { code: "timed-out" } });
    expect(outcome.signalled.length).toBeGreaterThan(5);
    expect(kernel.now() - start).toBeLessThan(1000);
  });

  test("interrupted: says how many have got it", async () => {
    const on = living(way);
    const abort = new AbortController();
    const { kernel } = on;
    forkWithoutEnd(on);
    kernel.at(40, () => abort.abort("SIGINT"));
    const outcome = await signal(on, { abort: abort.signal });
    expect(outcome.outcome).toBe("interrupted");
    expect(outcome.error?.message).toBe(`/parent/target: interrupted: sent SIGHUP to ${outcome.signalled.length}`);
  });
});

test.each(["kill", "freezer on v1"] as const)(
  "%s: frozen: it is sent, and by which cgroup it is frozen is said",
  async (way) => {
    const on = living(way);
    on.kernel.makeGroup(on.which, "parent").isSwitchedOn = true;
    expect(await signal(on, { thawAncestors: true })).toMatchObject({ outcome: "signalled", frozenBy: "/parent" });
  },
);

test("members of another pid namespace: said, and not taken for done", async () => {
  const on = living("kill");
  on.kernel.addProcess({ group: on.target, which: on.which, isInvisible: true });
  expect(await signal(on)).toMatchObject({
    outcome: "failed",
    error: {
      code: "not-visible",
      message: "/parent/target: sent SIGHUP to 5; 1 cannot be seen from this pid namespace",
    },
  });
});

test.each(WAYS)("%s: a member that left between the list and the signal does not get it", async (way) => {
  const on = living(way);
  const { kernel, which } = on;
  const [leaver = 0, ...others] = members(on);
  const hierarchy = kernel.hierarchy(which);
  kernel.onAccess = (operation) => {
    if (operation === "pidfd_open") kernel.processes.get(leaver)?.groups.set(hierarchy, hierarchy.root);
  };
  const outcome = await signal(on);
  expect(outcome).toMatchObject({ outcome: "signalled", error: null });
  expect(outcome.signalled.map(({ pid }) => pid)).toEqual(others);
  expectSent(on, others);
});
