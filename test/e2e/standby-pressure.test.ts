// `cgkill -` when no process, descriptor or memory is left: a kill works as usual.

import { describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync } from "node:fs";

import { canStage, liveMembers, makeCgroup, startSleeper, until, write } from "../support/real-cgroup.ts";
import { startStandby } from "../support/standby.ts";

const VERSIONS = (["v1", "v2"] as const).filter(canStage);
const IN = ["sh", "-c", 'echo $$ > "$1/cgroup.procs"; shift; exec "$@"', "sh"];
const SLEEPERS = 50;

/** Without it, the kernel may kill the standby itself when memory runs out; cgkill warns of that at start-up. */
const isExempt = Bun.spawnSync(["sh", "-c", "echo -1000 > /proc/self/oom_score_adj"], { stderr: "ignore" }).success;
if (!isExempt)
  console.warn("left out: a standby without memory (an exemption from the OOM killer is not permitted here)");

const isReady = (pid: number): boolean => /^VmLck:\s+[1-9]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));

/** Ask for three targets in a row, each with many processes in two cgroups. */
async function killsAsUsual(standby: ReturnType<typeof startStandby>, version: "v1" | "v2"): Promise<void> {
  await using beside = makeCgroup(version);
  for (const name of ["a", "b", "c"]) {
    const dir = `${beside.dir}/${name}`;
    mkdirSync(`${dir}/below`, { recursive: true });
    await using stack = new AsyncDisposableStack();
    for (let n = 0; n < SLEEPERS; n++) stack.use(await startSleeper(n % 2 === 0 ? dir : `${dir}/below`));
    expect(await standby.asks(dir)).toMatchObject({ outcome: "killed", killed_count: SLEEPERS, survivors: [] });
    expect(await standby.asks(`${dir}/none`)).toMatchObject({ outcome: "not-found" });
  }
}

describe.if(VERSIONS.length > 0).each(VERSIONS)("standby on %s", (version) => {
  test.if(canStage("pids"))("no process or thread can be created: a kill works as usual", async () => {
    await using full = makeCgroup("pids");
    await using standby = startStandby([...IN, full.dir]);
    await until("its preparation", () => isReady(standby.pid));
    write(`${full.dir}/pids.max`, "1");
    const failsBefore = readFileSync(`${full.dir}/pids.events`, "utf8");
    await killsAsUsual(standby, version);
    expect((await standby.ends()).code).toBe(3);
    // It did not even try to create one.
    expect(readFileSync(`${full.dir}/pids.events`, "utf8")).toBe(failsBefore);
  });

  test("with sixty-four descriptors in all, a kill works as usual", async () => {
    await using standby = startStandby(["sh", "-c", 'ulimit -n 64; exec "$@"', "sh"]);
    await until("its preparation", () => isReady(standby.pid));
    await killsAsUsual(standby, version);
    expect((await standby.ends()).code).toBe(3);
  });

  test.if(isExempt && canStage("memory"))("when its memory limit is reached, a kill works as usual", async () => {
    await using full = makeCgroup("memory");
    await using standby = startStandby();
    await until("its preparation", () => isReady(standby.pid));
    await killsAsUsual(standby, version);
    write(`${full.dir}/memory.limit_in_bytes`, "16777216");
    // Reaches the limit, and is what the kernel kills if more memory is needed.
    const hold = "echo 1000 > /proc/self/oom_score_adj; x=$(head -c 60000000 /dev/zero | tr '\\0' a); sleep 1000";
    const hog = Bun.spawn([...IN, full.dir, "sh", "-c", hold], { stdio: ["ignore", "ignore", "ignore"] });
    await until("no memory", () => Number(readFileSync(`${full.dir}/memory.failcnt`, "utf8")) > 0);
    write(`${full.dir}/cgroup.procs`, String(standby.pid));
    await killsAsUsual(standby, version);
    expect(liveMembers(full.dir)).toContain(standby.pid);
    hog.kill("SIGKILL");
    expect((await standby.ends()).code).toBe(3);
  });
});
