// Twins, with the compiled binary on real cgroups of a hybrid host: which count as one target, and which are ambiguous.

import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { basename } from "node:path";

import {
  canStage,
  destroy,
  isAlive,
  liveMembers,
  makeCgroup,
  mountPoint,
  startAdversary,
  startSleeper,
  until,
  write,
} from "../support/real-cgroup.ts";
import { documents, runCgkill } from "../support/run-cgkill.ts";

const isHybrid = canStage("v2") && canStage("v1");

interface Twins extends AsyncDisposable {
  readonly name: string;
  readonly v2: string;
  readonly v1: string;
  /** Start a process in these cgroups. */
  readonly start: (...dirs: readonly string[]) => Promise<number>;
}

function makeTwins(): Twins {
  const stack = new AsyncDisposableStack();
  const first = stack.use(makeCgroup("v2"));
  const name = basename(first.dir);
  const v1 = `${mountPoint("v1")}/${name}`;
  mkdirSync(v1);
  stack.defer(() => destroy(v1));
  return {
    name,
    v2: first.dir,
    v1,
    async start(dir = "", ...others) {
      const { pid } = stack.use(await startSleeper(dir));
      for (const other of others) write(`${other}/cgroup.procs`, String(pid));
      return pid;
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

describe.if(isHybrid)("the same processes in v2 and in the v1 freezer", () => {
  test("a path: all are dead in both, v1 is removed and v2 is kept", async () => {
    await using twins = makeTwins();
    const { v2, v1, name } = twins;
    for (const dir of [v2, v1]) mkdirSync(`${dir}/sub`);
    const pids = [await twins.start(v2, v1), await twins.start(v2, v1), await twins.start(`${v2}/sub`, `${v1}/sub`)];
    const { stdout, stderr, code } = await runCgkill(["--json", `/${name}`]);
    const twin = { path: v1, method: "freezer", removed: true };
    expect(documents(stdout)).toMatchObject([
      { outcome: "killed", path: v2, hierarchy: "v2", killed_count: 3, removed: false, proven: true, twin },
    ]);
    expect(pids.some(isAlive)).toBe(false);
    expect([existsSync(v2), existsSync(v1), code, stderr]).toEqual([true, false, 0, ""]);
  });

  test("--remove removes both, --keep neither", async () => {
    for (const [option, isLeft] of [
      ["--remove", false],
      ["--keep", true],
    ] as const) {
      await using twins = makeTwins();
      const pid = await twins.start(twins.v2, twins.v1);
      const { stdout, code } = await runCgkill([option, twins.name]);
      expect(stdout).toMatch(isLeft ? /1 process, methods/ : /1 process, removed, methods/);
      expect([existsSync(twins.v2), existsSync(twins.v1), isAlive(pid), code]).toEqual([isLeft, isLeft, false, 0]);
    }
  });

  // Regression: it was a usage error that v1 has no method kill.
  test("--method kill, and an earlier target has removed the one in v2: the other is removed too", async () => {
    await using twins = makeTwins();
    const [v2, v1] = [`${twins.v2}/sub`, `${twins.v1}/sub`];
    for (const dir of [v2, v1]) mkdirSync(dir);
    await twins.start(v2, v1);
    const { stdout, code } = await runCgkill(["--json", "-r", "-m", "kill", twins.v2, `${twins.name}/sub`]);
    expect(documents(stdout)).toMatchObject([
      { outcome: "killed", path: twins.v2 },
      { outcome: "empty", path: v1, method: "freezer", removed: true },
    ]);
    expect([existsSync(v1), code]).toEqual([false, 0]);
  });

  // Regression: the freezer's list names the process, and the thread was not found in it: the process was moved out of v2,
  // reported as spared, and killed by its place in v1.
  test("--spare with the id of a thread moves its process out of both", async () => {
    await using twins = makeTwins();
    await using _ = startAdversary("threads", 2, twins.v2);
    await until("it has joined", () => liveMembers(twins.v2).length === 1);
    const [pid = 0] = liveMembers(twins.v2);
    write(`${twins.v1}/cgroup.procs`, String(pid));
    const other = await twins.start(twins.v2, twins.v1);
    const threads = (): string[] => readdirSync(`/proc/${pid}/task`).filter((tid) => tid !== String(pid));
    await until("its thread", () => threads().length > 0);
    const { stdout, code } = await runCgkill(["--json", "--spare", threads()[0] as string, twins.name]);
    expect(documents(stdout)).toMatchObject([{ outcome: "killed", killed: [{ pid: other }] }]);
    expect([isAlive(pid), isAlive(other), code]).toEqual([true, false, 0]);
  });

  // Regression: steps counted from the opening of the cgroups, and the total left out what is done between the two kills.
  test("-v: no step is later than the total, and the time spent adds up to no more", async () => {
    await using twins = makeTwins();
    await twins.start(twins.v2, twins.v1);
    const { stdout, stderr } = await runCgkill(["-v", "--remove", twins.name]);
    const times = (text: string): number[] => [...text.matchAll(/([\d.]+) ms/g)].map(([, ms]) => Number(ms));
    const [total = 0] = times(stdout);
    const [steps = "", spent = ""] = stderr.split("time spent");
    expect(times(steps)).not.toBeEmpty();
    expect(Math.max(...times(steps))).toBeLessThanOrEqual(total);
    const rounding = 0.05 * times(spent).length;
    expect(times(spent).reduce((sum, ms) => sum + ms, 0)).toBeLessThanOrEqual(total + rounding);
  });

  test("freeze, show, kill and thaw act on both", async () => {
    await using twins = makeTwins();
    const { v2, v1, name } = twins;
    const pid = await twins.start(v2, v1);
    const states = () => [readFileSync(`${v2}/cgroup.freeze`, "utf8"), readFileSync(`${v1}/freezer.state`, "utf8")];
    expect(await runCgkill(["freeze", name])).toMatchObject({ code: 0, stderr: "" });
    expect(states()).toEqual(["1\n", "FROZEN\n"]);
    const shown = await runCgkill(["show", "--json", name]);
    expect(documents(shown.stdout)).toMatchObject([{ state: "frozen", twin: { path: v1, removed: null } }]);
    expect(await runCgkill(["thaw", name])).toMatchObject({ code: 0, stderr: "" });
    expect(states()).toEqual(["0\n", "THAWED\n"]);
    await runCgkill(["freeze", name]);
    const killed = await runCgkill(["--json", "--keep", name]);
    const expected = { outcome: "killed", killed_count: 1, left_frozen: [], thawed_empty: true };
    expect(documents(killed.stdout)).toMatchObject([expected]);
    expect([isAlive(pid), states(), killed.code]).toEqual([false, ["0\n", "THAWED\n"], 0]);
  });

  // Regression: only v2 was looked at.
  test("signal says that the v1 freezer has frozen them", async () => {
    await using twins = makeTwins();
    const { v2, v1, name } = twins;
    const pid = await twins.start(v2, v1);
    write(`${v1}/freezer.state`, "FROZEN");
    const { stdout, code } = await runCgkill(["signal", "--json", "CONT", name]);
    write(`${v1}/freezer.state`, "THAWED");
    expect(documents(stdout)).toMatchObject([{ signalled: [{ pid }], path: v2, frozen_by: `/${name}` }]);
    expect(code).toBe(0);
  });

  // Regression: 2 to 5 of 150 of these waited for the freeze of v1 until the deadline.
  test("freeze them again as soon as they are thawed, 100 times", async () => {
    await using twins = makeTwins();
    await twins.start(twins.v2, twins.v1);
    for (let round = 0; round < 100; round++) {
      expect(await runCgkill(["freeze", "-t", "3s", twins.name])).toMatchObject({ code: 0, stderr: "" });
      expect(await runCgkill(["thaw", "-t", "3s", twins.name])).toMatchObject({ code: 0, stderr: "" });
    }
  }, 60_000);

  test("a directory names one of them", async () => {
    await using twins = makeTwins();
    await twins.start(twins.v2, twins.v1);
    const { stdout } = await runCgkill(["--json", twins.v1]);
    expect(documents(stdout)).toMatchObject([{ outcome: "killed", path: twins.v1, twin: null }]);
    expect(existsSync(twins.v2)).toBe(true);
  });
});

describe.if(isHybrid)("not the same processes", () => {
  test("one side is empty: the other alone is killed", async () => {
    for (const side of ["v2", "v1"] as const) {
      await using twins = makeTwins();
      const pid = await twins.start(twins[side]);
      const { stdout, code } = await runCgkill(["--json", twins.name]);
      expect(documents(stdout)).toMatchObject([{ outcome: "killed", path: twins[side], twin: null }]);
      expect([existsSync(twins[side === "v2" ? "v1" : "v2"]), isAlive(pid), code]).toEqual([true, false, 0]);
    }
  });

  test("a process in only one of them: ambiguous, nothing is touched, and --hierarchy decides", async () => {
    for (const side of ["v2", "v1"] as const) {
      await using twins = makeTwins();
      const { name, v2, v1 } = twins;
      const pids = [await twins.start(v2, v1), await twins.start(twins[side])];
      for (const argv of [[name], ["--name", name]]) {
        const { stdout, code } = await runCgkill(["--json", ...argv]);
        const matches = [v2, v1].map((path) => ({ path, label: null }));
        expect(documents(stdout)).toMatchObject([{ outcome: "usage", error: { code: "ambiguous" }, matches }]);
        expect([code, pids.every(isAlive)]).toEqual([2, true]);
      }
      const { stdout, code } = await runCgkill(["--json", "--hierarchy", side, name]);
      expect(documents(stdout)).toMatchObject([{ outcome: "killed", killed_count: 2, path: twins[side] }]);
      expect([code, pids.some(isAlive)]).toEqual([0, false]);
    }
  });

  test("processes that exit or fork all the time count as being in both", async () => {
    await using twins = makeTwins();
    const { v2, v1, name } = twins;
    const script = 'echo $$ >"$1/cgroup.procs" && echo $$ >"$2/cgroup.procs" && while :; do sleep 0.001; done';
    const child = Bun.spawn(["sh", "-c", script, "sh", v2, v1], { stdio: ["ignore", "ignore", "ignore"] });
    try {
      while (!readFileSync(`/proc/${child.pid}/cgroup`, "utf8").includes(`:freezer:/${name}\n`)) await Bun.sleep(5);
      for (let times = 0; times < 15; times++) {
        expect(await runCgkill(["show", "-q", name])).toMatchObject({ code: 0, stderr: "" });
      }
      expect(await runCgkill([name])).toMatchObject({ code: 0, stderr: "" });
    } finally {
      child.kill("SIGKILL");
      await child.exited;
    }
  });
});
