// Victims first, on the real kernel: beside processes that use every processor, killed processes get a real-time priority to
// die with. That no survivor keeps it: test/e2e/adversaries.test.ts, "blocked by a file system".

import { describe, expect, test } from "bun:test";
import { mkdirSync, readdirSync } from "node:fs";

import {
  canStage,
  isRealtimePermitted,
  liveMembers,
  makeCgroup,
  policyOf,
  startAdversary,
  startSleeper,
  until,
} from "../support/real-cgroup.ts";
import { documents, runCgkill } from "../support/run-cgkill.ts";

const BUSY = 8;

/** Processes that use the processors, for twenty seconds at most. In our session: each session gets its share of them. */
function startBusy(): AsyncDisposable {
  const loop = `i=0; while [ $i -lt ${BUSY} ]; do (while :; do :; done) & i=$((i + 1)); done; wait`;
  const child = Bun.spawn(["timeout", "20", "sh", "-c", loop], { stdio: ["ignore", "ignore", "ignore"] });
  return {
    async [Symbol.asyncDispose]() {
      // The process group that `timeout` has made ends with it.
      child.kill("SIGTERM");
      await child.exited;
    },
  };
}

describe.if(isRealtimePermitted()).each((["v1", "v2"] as const).filter(canStage))(
  "beside busy processes, on %s",
  (version) => {
    test("a sleeper and a process of twenty threads are raised, die, and no other process is raised", async () => {
      await using parent = makeCgroup(version);
      const dir = `${parent.dir}/target`;
      mkdirSync(dir);
      await using outside = await startSleeper(parent.dir);
      await using _ = startAdversary("threads", 20, dir);
      await until("the threads", () => liveMembers(dir).length === 1);
      await using _sleeper = await startSleeper(dir);
      const killed = liveMembers(dir);
      const threads = killed.map((pid) => readdirSync(`/proc/${pid}/task`).map(Number));
      await using busy = startBusy();
      // With the lowest ordinary priority they wait behind a few, as others do behind a thousand.
      for (const pid of killed) Bun.spawnSync(["chrt", "--all-tasks", "--idle", "--pid", "0", String(pid)]);
      await Bun.sleep(100);
      const { code, stdout, stderr } = await runCgkill(["--json", "-vv", "--log-format", "json", dir]);
      void busy;
      expect(code).toBe(0);
      expect(documents(stdout)[0]).toMatchObject({ outcome: "killed", killed_count: 2, survivors: [] });
      // On v1 twice: to freeze, and to die.
      const raised = [...new Set(documents(stderr).flatMap(({ threads }) => (threads ?? []) as number[]))];
      // One or another may find a processor by itself.
      expect(raised.length).toBeGreaterThan(threads.flat().length / 2);
      expect(raised.filter((tid) => !threads.flat().includes(tid))).toEqual([]);
      expect(policyOf(outside.pid)).toBe(0);
    }, 60_000);
  },
);

// Regression: start-up replaced a real-time priority of the caller by the lowest one, so that nothing helped against this.
test.if(isRealtimePermitted()).each((["v1", "v2"] as const).filter(canStage))(
  "a real-time member that never lets go of the processor, on %s: dies at once by a caller of higher priority",
  async (version) => {
    await using target = makeCgroup(version);
    const [spinsForMs, onCpu] = [10_000, ["taskset", "-c", "0"]];
    const spin = [...onCpu, "chrt", "-f", "50", "sh", "-c", "while :; do :; done"];
    const enter = ["sh", "-c", `echo $$ >${target.dir}/cgroup.procs; exec "$@"`, "sh"];
    void Bun.spawn([...enter, "timeout", "-s", "KILL", String(spinsForMs / 1000), ...spin]);
    await until("both processes", () => liveMembers(target.dir).length === 2);
    const start = performance.now();
    const { code } = await runCgkill(["-q", target.dir], { under: ["chrt", "-r", "60", ...onCpu] });
    expect([code, liveMembers(target.dir)]).toEqual([0, []]);
    expect(performance.now() - start).toBeLessThan(spinsForMs / 2);
  },
  60_000,
);
