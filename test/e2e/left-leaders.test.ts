// v2: processes whose leader has exited, and which were moved out of the target. The kernel leaves the leader behind, in the
// list of the target, but none of their threads is inside: they must live. One that was moved in must die.

import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readlinkSync } from "node:fs";

import { childrenOf } from "../support/proc.ts";
import {
  canStage,
  isAlive,
  liveMembers,
  makeCgroup,
  startAdversary,
  startSleeper,
  until,
  write,
} from "../support/real-cgroup.ts";
import { canSlowDown, runBounded, slowedAt } from "../support/run-bounded.ts";
import { documents, runCgkill } from "../support/run-cgkill.ts";

interface Stage extends AsyncDisposable {
  readonly target: string;
  readonly beside: string;
  /** A member of the target. */
  readonly member: number;
  /** Moved from the target to the cgroup beside it; their leaders are in the target. */
  readonly moved: readonly number[];
}

const hasLiveThread = (pid: number): boolean =>
  existsSync(`/proc/${pid}`) && readdirSync(`/proc/${pid}/task`).length > 1;

/** How many pidfds a process has open. */
function countPidfds(pid: number): number {
  let count = 0;
  try {
    for (const fd of readdirSync(`/proc/${pid}/fd`))
      if (readlinkSync(`/proc/${pid}/fd/${fd}`).includes("pidfd")) count++;
  } catch {
    // It has just closed one.
  }
  return count;
}

/** @param isMoved  whether they are outside already */
async function stage(count: number, isMoved = true): Promise<Stage> {
  const stack = new AsyncDisposableStack();
  const [target, beside] = [stack.use(makeCgroup("v2")).dir, stack.use(makeCgroup("v2")).dir];
  stack.use(startAdversary("deadleader", count, target));
  await until("the exit of all leaders", () => {
    const members = liveMembers(target);
    return members.length === count && members.every((pid) => !isAlive(pid) && hasLiveThread(pid));
  });
  const moved = liveMembers(target);
  for (const pid of isMoved ? moved : []) write(`${beside}/cgroup.procs`, String(pid));
  const member = stack.use(await startSleeper(target)).pid;
  return { target, beside, member, moved, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

describe.if(canStage("v2"))("exited leaders that were left behind in the target", () => {
  // Regression: their processes, which were outside, were followed as members, and SIGKILLed in the second round.
  test.each([
    ["method kill", 3, []],
    ["method kill, more than it holds ahead of the write", 80, []],
    ["method freezer", 3, ["-m", "freezer"]],
    ["a grace period", 3, ["-g", "5s"]],
    ["removal", 3, ["--remove"]],
  ] as const)("%s: %d processes outside live", async (_, count, args) => {
    await using on = await stage(count);
    const { code, stdout } = await runCgkill(["--json", "-t", "5s", ...args, on.target]);
    expect(on.moved.filter(hasLiveThread)).toEqual([...on.moved]);
    expect(isAlive(on.member)).toBe(false);
    expect(documents(stdout)).toMatchObject([
      { outcome: "killed", killed: [{ pid: on.member }], survivors: [], proven: true },
    ]);
    expect(code).toBe(0);
  });

  // Regression: paths do not tell there which threads are outside, and their processes were killed.
  test("from a cgroup namespace with the mounts of the host: the processes outside live", async () => {
    await using on = await stage(2);
    await using container = makeCgroup("v2");
    const under = ["sh", "-c", `echo 0 > ${container.dir}/cgroup.procs && exec unshare -C "$@"`, "sh"];
    const { code, stdout } = await runBounded(["--json", "-t", "5s", on.target], { under });
    expect(on.moved.filter(hasLiveThread)).toEqual([...on.moved]);
    expect(documents(stdout)).toMatchObject([{ outcome: "killed", killed: [{ pid: on.member }] }]);
    expect(code).toBe(0);
  });

  test("cgkill signal: the processes outside get no signal", async () => {
    await using on = await stage(2);
    const { code, stdout } = await runCgkill(["signal", "TERM", "--json", on.target]);
    expect(documents(stdout)).toMatchObject([{ outcome: "signalled", signalled: [{ pid: on.member }] }]);
    expect(code).toBe(0);
    expect(on.moved.filter(hasLiveThread)).toEqual([...on.moved]);
  });

  // Regression: it was the leader that was found in the target right before the signal.
  test.if(canSlowDown())("moved out after they were listed: of five, all but one get no signal", async () => {
    await using on = await stage(5, false);
    const { stdout } = await runBounded(["signal", "USR1", "--json", on.target], {
      under: slowedAt("pidfd_send_signal", 1000),
      limitMs: 20_000,
      async meanwhile(strace) {
        // All are held before the first is signalled, which takes a second.
        await until("all members to be held", () => countPidfds(childrenOf(strace)[0] ?? strace) >= 6);
        for (const pid of on.moved) write(`${on.beside}/cgroup.procs`, String(pid));
      },
    });
    const signalled = documents(stdout)[0]?.["signalled"] as { pid: number }[];
    expect(signalled.map(({ pid }) => pid)).toContain(on.member);
    expect(on.moved.filter((pid) => !hasLiveThread(pid)).length).toBeLessThanOrEqual(1);
    expect(signalled.length).toBeLessThanOrEqual(2);
  });

  test("cgkill show lists only what would be killed", async () => {
    await using on = await stage(2);
    const { stdout } = await runCgkill(["show", "--json", on.target]);
    expect(documents(stdout)).toMatchObject([{ procs_subtree: 1, processes: [{ pid: on.member }] }]);
  });

  test("the cgroup that they were moved to: they die", async () => {
    await using on = await stage(3);
    const { code, stdout } = await runCgkill(["--json", on.beside]);
    expect(documents(stdout)).toMatchObject([{ outcome: "killed", killed_count: 3, proven: true }]);
    expect(code).toBe(0);
    expect(on.moved.filter(hasLiveThread)).toEqual([]);
    expect(isAlive(on.member)).toBe(true);
  });

  // Regression: it named the cgroup of the exited leader, and killed what else was in it.
  test("--pid names the cgroup that the threads are in", async () => {
    await using on = await stage(1);
    const { code, stdout } = await runCgkill(["--json", "--hierarchy", "v2", "--pid", String(on.moved[0])]);
    expect(documents(stdout)).toMatchObject([{ path: on.beside, outcome: "killed", killed: [{ pid: on.moved[0] }] }]);
    expect(code).toBe(0);
    expect(isAlive(on.member)).toBe(true);
  });
});
