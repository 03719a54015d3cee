// What ends the wait for a command, which signals are forwarded to it, and the exit status.

import { describe, expect, test } from "bun:test";

import { type RunEnd, statusOf } from "../../src/run/run-in-cgroup.ts";
import { type End, supervise, type Supervised } from "../../src/run/supervise.ts";
import { SysError } from "../../src/sys/errno.ts";
import { SIGNALS } from "../../src/sys/signal-names.ts";
import { type Arrived, type Change, type Spawner } from "../../src/sys/spawn/spawner.ts";
import type { Sys } from "../../src/sys/sys.ts";

const PID = 4711;

interface Step {
  readonly signals?: readonly Arrived[];
  readonly change?: Change;
}

interface Supervision {
  readonly end: End;
  /** Signals sent to the command, and the stops of cgkill itself, in order. */
  readonly sent: readonly (number | "stop")[];
}

/** Each wake-up is one step; after the last one an hour has passed. */
function run(
  steps: readonly Step[],
  {
    isForeground = true,
    isInOurGroup = true,
    isForwarded = true,
    isContinued = false,
    until = 1000,
  }: Partial<Record<"isForeground" | "isInOurGroup" | "isForwarded" | "isContinued", boolean>> & {
    readonly until?: number;
  } = {},
): Supervision {
  const sent: (number | "stop")[] = [];
  let at = -1;
  const queue: Arrived[] = [];
  const sys = {
    now: () => (at >= steps.length ? 3_600_000 : 0),
    poll: () => {
      queue.push(...(steps[++at]?.signals ?? []));
      return [];
    },
    kill: (pid: number, signal: number) => {
      expect(pid).toBe(PID);
      sent.push(signal);
    },
    // stat: pid (comm) state ppid pgrp session tty tpgid
    readRecord: (_: unknown, name: string) =>
      name === `${PID}/status`
        ? `Name:\ta\nState:\t${isContinued ? "S (sleeping)" : "T (stopped)"}\n`
        : `1 (a) b) S 1 77 77 34816 ${isForeground ? 77 : 78} 0 0`,
  } as unknown as Sys;
  const spawner = {
    takeSignal: () => queue.shift(),
    changeOf: () => steps[at]?.change,
    isInOurGroup: () => isInOurGroup,
  } as unknown as Spawner;
  const end = supervise(sys, spawner, {
    pid: PID,
    signals: 5,
    until,
    isForwarded: () => isForwarded,
    stopOurselves: () => void sent.push("stop"),
  });
  return { end, sent };
}

const sentBy = (signal: number, isFromTerminal = false): Step => ({ signals: [{ signal, isFromTerminal }] });
const EXIT: Step = { change: { is: "exited", code: 3 } };
const STOPPED: Step = { change: { is: "stopped" } };
const ITSELF = { by: "itself", exit: { is: "exited", code: 3 } } as const;

describe("supervise", () => {
  test.each([SIGNALS.INT, SIGNALS.QUIT, 10, 12, 14, 34, 64])("signal %d is forwarded and ends nothing", (signal) => {
    expect(run([sentBy(signal), EXIT])).toEqual({ end: ITSELF, sent: [signal] });
  });

  test.each([SIGNALS.HUP, SIGNALS.TERM])("signal %d is forwarded and ends the run", (signal) => {
    expect(run([sentBy(signal)])).toEqual({ end: { by: "signal", signal }, sent: [signal] });
  });

  test("a signal that the grace period sends to every member is not forwarded", () => {
    expect(run([sentBy(SIGNALS.TERM)], { isForwarded: false }).sent).toEqual([]);
  });

  test("Ctrl-C is left to the terminal if the command shares it, and forwarded otherwise", () => {
    expect(run([sentBy(SIGNALS.INT, true), EXIT]).sent).toEqual([]);
    expect(run([sentBy(SIGNALS.INT, true), EXIT], { isInOurGroup: false }).sent).toEqual([SIGNALS.INT]);
  });

  test("the end of the command counts before a signal that arrived with it", () => {
    expect(run([{ ...sentBy(SIGNALS.TERM), ...EXIT }]).end).toEqual(ITSELF);
  });

  test("the limit ends it", () => {
    expect(run([])).toEqual({ end: { by: "limit" }, sent: [] });
    expect(run([EXIT], { until: 0 })).toEqual({ end: { by: "limit" }, sent: [] });
  });

  test("in the foreground cgkill stops when its command stops; it forwards the SIGCONT of the shell", () => {
    const steps = [STOPPED, sentBy(SIGNALS.CONT), EXIT];
    expect(run(steps)).toEqual({ end: ITSELF, sent: ["stop", SIGNALS.CONT] });
    expect(run([STOPPED, EXIT], { isForeground: false })).toEqual({ end: ITSELF, sent: [] });
    // Regression: stopped by Ctrl-Z in between, it stopped the job again when the shell had continued it.
    expect(run([STOPPED, EXIT], { isContinued: true })).toEqual({ end: ITSELF, sent: [] });
  });
});

test("an error ends the wait, because the command runs already", () => {
  const error = new SysError("poll", "descriptors", "ENOMEM");
  const sys = {
    now: () => 0,
    poll: () => {
      throw error;
    },
  } as unknown as Sys;
  const [spawner, supervised] = [{} as Spawner, { pid: PID, until: 1000 } as Supervised];
  expect(supervise(sys, spawner, supervised)).toEqual({ by: "failure", error });
});

describe("the exit status", () => {
  const ok = { error: null } as RunEnd["outcome"];
  const survivors = { error: { code: "survivors" } } as RunEnd["outcome"];
  test.each<[RunEnd, number]>([
    [{ end: ITSELF, exit: { is: "exited", code: 0 }, outcome: ok }, 0],
    [{ end: ITSELF, exit: { is: "exited", code: 255 }, outcome: ok }, 255],
    [{ end: ITSELF, exit: { is: "killed", signal: 11 }, outcome: ok }, 139],
    [{ end: { by: "signal", signal: 15 }, exit: { is: "exited", code: 9 }, outcome: ok }, 9],
    [{ end: { by: "limit" }, exit: { is: "killed", signal: 9 }, outcome: ok }, 124],
    [{ end: { by: "limit" }, exit: { is: "killed", signal: 9 }, outcome: survivors }, 125],
    [{ end: ITSELF, exit: { is: "exited", code: 0 }, outcome: survivors }, 125],
    [{ end: { by: "limit" }, exit: undefined, outcome: ok }, 125],
    [{ end: { by: "failure", error: null }, exit: { is: "exited", code: 0 }, outcome: ok }, 125],
  ])("of %j is %d", (done, status) => {
    expect(statusOf(done)).toBe(status);
  });
});
