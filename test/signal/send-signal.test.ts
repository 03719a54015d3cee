// `cgkill signal`: every member is signalled once; which processes are skipped, and what ends the call.

import { describe, expect, test } from "bun:test";

import { DEFAULT_OPTIONS, type KillOptions } from "../../src/kill/types.ts";
import { executeSignal, type SignalOutcome } from "../../src/signal/send-signal.ts";
import { SysError } from "../../src/sys/errno.ts";
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

/** A model whose members survive the signal, like daemons that reload their configuration. */
function living(way: (typeof WAYS)[number]): Model {
  const on = model(way);
  for (const process of on.kernel.processes.values()) process.ignoresTerm = true;
  return on;
}

/** Expect these signals in this order, and no other write. */
function expectSent({ kernel }: Model, pids: readonly number[]): void {
  expect(kernel.writes).toEqual(pids.map((pid) => ({ operation: "signal", path: `pid ${pid}`, value: String(HUP) })));
}

const members = ({ kernel, which, target }: Model): number[] =>
  kernel.live(target, kernel.hierarchy(which)).map(({ pid }) => pid);

/** For each pidfd that is opened, add another member. */
function forkForever({ kernel, which, target }: Model): void {
  kernel.onAccess = (operation) => {
    if (operation === "pidfd_open") kernel.addProcess({ group: target, which, ignoresTerm: true });
  };
}

describe.each(WAYS)("%s", (way) => {
  // Regression: hidepid=1 ended the call at the first member of another user, although root may signal it.
  test("a member whose name may not be read is signalled all the same", async () => {
    const on = living(way);
    const { readRecord } = on.kernel;
    on.kernel.readRecord = (dir, name) => {
      if (name.endsWith("/comm")) throw new SysError("read", `/proc/${name}`, "EPERM");
      return readRecord.call(on.kernel, dir, name);
    };
    const pids = members(on);
    const outcome = await signal(on);
    expect(outcome).toMatchObject({ outcome: "signalled", error: null });
    expect(outcome.signalled).toEqual(pids.map((pid) => ({ pid, comm: null })));
  });

  test("every member is signalled once, also in descendants, and nothing else is written", async () => {
    const on = living(way);
    const pids = members(on);
    expect(pids).toHaveLength(5);
    const outcome = await signal(on);
    expect(outcome).toMatchObject({ outcome: "signalled", signal: "HUP", frozenBy: null, error: null });
    expect(outcome.signalled.map(({ pid }) => pid)).toEqual(pids);
    expect(outcome.signalled.every(({ comm }) => typeof comm === "string")).toBe(true);
    expectSent(on, pids);
  });

  test("a process that joins meanwhile is signalled too, and no other one twice", async () => {
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

  test("processes that die of the signal are reported with their names", async () => {
    const on = model(way);
    const outcome = await signal(on);
    expect(outcome).toMatchObject({ outcome: "signalled", error: null });
    expect(outcome.signalled).toHaveLength(5);
    expect(outcome.signalled.every(({ comm }) => comm !== null)).toBe(true);
  });

  test("cgkill itself is inside: skipped, and not moved", async () => {
    const on = living(way);
    const { kernel, which, target } = on;
    const pids = members(on);
    kernel.processes.get(kernel.pid)?.groups.set(kernel.hierarchy(which), target);
    const outcome = await signal(on, { allowAncestors: true });
    expect(outcome).toMatchObject({ outcome: "signalled", error: null });
    expectSent(on, pids);
  });

  test("an ancestor of cgkill is inside: refused, with a hint for signal, unless allowed", async () => {
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

  test("one process may not be signalled: denied, and all others are signalled", async () => {
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
        hint:
          "run it as root, or as the user that owns these processes; a container or sandbox may restrict root too " +
          "(in a systemd unit, see User=, DynamicUser=, PrivateUsers=, CapabilityBoundingSet=)",
      },
    });
    expect(outcome.signalled.map(({ pid }) => pid)).toEqual(pids);
  });

  test("members keep joining: ends at the deadline with an error", async () => {
    const on = living(way);
    const { kernel } = on;
    forkForever(on);
    const start = kernel.now();
    const outcome = await signal(on, { timeoutMs: 100 });
    expect(outcome).toMatchObject({ outcome: "failed", error: { code: "timed-out" } });
    expect(outcome.signalled.length).toBeGreaterThan(5);
    expect(kernel.now() - start).toBeLessThan(1000);
  });

  test("interrupted: reports how many were signalled", async () => {
    const on = living(way);
    const abort = new AbortController();
    const { kernel } = on;
    forkForever(on);
    kernel.at(40, () => abort.abort("SIGINT"));
    const outcome = await signal(on, { abort: abort.signal });
    expect(outcome.outcome).toBe("interrupted");
    expect(outcome.error?.message).toBe(`/parent/target: interrupted: sent SIGHUP to ${outcome.signalled.length}`);
  });
});

test.each(["kill", "freezer on v1"] as const)(
  "%s: frozen: signalled, and the cgroup that freezes it is reported",
  async (way) => {
    const on = living(way);
    on.kernel.makeGroup(on.which, "parent").isSwitchedOn = true;
    expect(await signal(on, { thawAncestors: true })).toMatchObject({ outcome: "signalled", frozenBy: "/parent" });
  },
);

test("members of another pid namespace: an error, since they were not signalled", async () => {
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

test.each(WAYS)("%s: a member that leaves between the list and the signal is not signalled", async (way) => {
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
