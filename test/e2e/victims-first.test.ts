// Victims first, on the real kernel: beside processes that use every processor, killed processes get a real-time priority to
// die with. That no survivor keeps it: test/e2e/adversaries.test.ts, "blocked by a file system".

import { describe, expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";

import { statusOf } from "../support/proc.ts";
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
import { startStandby } from "../support/standby.ts";
import { cpuVersion, startThrottled } from "../support/throttled.ts";

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

const countRunnable = (): number => Number.parseInt(readFileSync("/proc/loadavg", "utf8").split(" ")[3] ?? "", 10);

describe.if(isRealtimePermitted()).each((["v1", "v2"] as const).filter(canStage))(
  "beside busy processes, on %s",
  (version) => {
    test("a sleeper and a process of twenty threads are raised, die, and no other process is raised", async () => {
      await using parent = makeCgroup(version);
      const dir = `${parent.dir}/target`;
      mkdirSync(dir);
      await using outside = await startSleeper(parent.dir);
      await using _ = startAdversary("threads", 20, dir);
      await until("the threads", () => statusOf(liveMembers(dir)[0] ?? 0, "Threads") === "20");
      await using _sleeper = await startSleeper(dir);
      const killed = liveMembers(dir);
      const threads = killed.map((pid) => readdirSync(`/proc/${pid}/task`).map(Number));
      await using busy = startBusy();
      // With the lowest ordinary priority they wait behind a few, as others do behind a thousand.
      for (const pid of killed) Bun.spawnSync(["chrt", "--all-tasks", "--idle", "--pid", "0", String(pid)]);
      await until("competition", () => countRunnable() >= BUSY);
      const { code, stdout, stderr } = await runCgkill(["--json", "-vv", "--log-format", "json", dir]);
      void busy;
      expect(code).toBe(0);
      expect(documents(stdout)[0]).toMatchObject({ outcome: "killed", killed_count: 2, survivors: [] });
      // On v1 twice: to freeze, and to die.
      const raised = [...new Set(documents(stderr).flatMap(({ threads }) => (threads ?? []) as number[]))];
      // Without those that died of it before they were looked at again, which may be most.
      expect(raised).not.toEqual([]);
      expect(raised.filter((tid) => !threads.flat().includes(tid))).toEqual([]);
      expect(policyOf(outside.pid)).toBe(0);
    }, 60_000);
  },
);

const limits = cpuVersion();
/** With the controller on v2, only members there can be limited. */
const limited = (["v1", "v2"] as const).filter((version) => limits === "v1" || limits === version).filter(canStage);

describe.if(isRealtimePermitted()).each(limited)("throttled, on %s", (version) => {
  // Regression: with nothing else to do for the host they died one after the other, in period after period.
  test("processes that have used up the time of their cgroup are raised, and die", async () => {
    await using target = makeCgroup(version);
    await using _ = await startThrottled(limits ?? version, target.dir, 20);
    const { code, stdout, stderr } = await runCgkill(["--json", "-vv", "--log-format", "json", target.dir]);
    expect(code).toBe(0);
    expect(documents(stdout)[0]).toMatchObject({ outcome: "killed", killed_count: 20, survivors: [] });
    const raised = new Set(documents(stderr).flatMap(({ threads }) => (threads ?? []) as number[]));
    expect(raised.size).toBeGreaterThan(0);
  });
});

/** Start processes that never wait in a cgroup. The limits end each after six seconds on a processor. */
async function startSpinners(dir: string, count: number, under: readonly string[] = []): Promise<void> {
  const enter = ["sh", "-c", `echo $$ >${dir}/cgroup.procs; exec "$@"`, "sh"];
  const spin = ["prlimit", "--cpu=6", "--rttime=6000000:6000000", ...under, "sh", "-c", "while :; do :; done"];
  for (let nth = 0; nth < count; nth++) void Bun.spawn([...enter, ...spin]);
  const spinners = (): readonly number[] => liveMembers(dir).filter((pid) => statusOf(pid, "Name") === "sh");
  await until("all", () => spinners().length === count);
  // At once, and from above: those that have the priority leave no processor to give it to the others.
  const raise = `for pid in ${spinners().join(" ")}; do chrt -f -p 50 $pid; done`;
  expect(Bun.spawnSync(["chrt", "-f", "60", "sh", "-c", raise]).success).toBe(true);
}

describe.if(isRealtimePermitted()).each((["v1", "v2"] as const).filter(canStage))(
  "real-time members that never let go of the processor, on %s",
  (version) => {
    // Regression: with the lowest real-time priority cgkill got no processor before the last of them had ended.
    test("two for each processor: killed in time", async () => {
      await using target = makeCgroup(version);
      // Whatever must be started beside them waits for seconds, and so do other tests.
      await using standby = startStandby();
      await standby.asks("/cgkill-test-nobody");
      const count = 2 * navigator.hardwareConcurrency;
      await startSpinners(target.dir, count);
      expect(await standby.asks(target.dir)).toMatchObject({ outcome: "killed", killed_count: count });
    });

    // Regression: start-up replaced a real-time priority of the caller by the lowest one, so that nothing helped.
    test("one, by a caller of higher priority on its processor: killed at once", async () => {
      await using target = makeCgroup(version);
      const onCpu = ["taskset", "-c", "0"];
      await startSpinners(target.dir, 1, onCpu);
      const { code, stdout } = await runCgkill(["--json", target.dir], { under: ["chrt", "-r", "60", ...onCpu] });
      expect(documents(stdout)[0]).toMatchObject({ outcome: "killed", killed_count: 1 });
      expect(code).toBe(0);
    });
  },
);
