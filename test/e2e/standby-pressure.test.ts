// `cgkill -` when no process, descriptor or memory is left: a kill works as usual.

import { describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";

import { canStage, liveMembers, makeCgroup, startSleeper, until, write } from "../support/real-cgroup.ts";
import { BINARY, documents } from "../support/run-cgkill.ts";
import { startStandby } from "../support/standby.ts";

const VERSIONS = (["v1", "v2"] as const).filter(canStage);
const IN = ["sh", "-c", 'echo $$ > "$1/cgroup.procs"; shift; exec "$@"', "sh"];
const SLEEPERS = 50;

/** Without it, the kernel may kill the standby itself when memory runs out; cgkill warns of that at start-up. */
const isExempt = Bun.spawnSync(["sh", "-c", "echo -1000 > /proc/self/oom_score_adj"], { stderr: "ignore" }).success;
if (!isExempt)
  console.warn("left out: a standby without memory (an exemption from the OOM killer is not permitted here)");

const PID_MAX = "/proc/sys/kernel/pid_max";
const IN_PID_NAMESPACE = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"];
/** Since Linux 6.14 each pid namespace has a limit of its own, which begins as the highest one. */
const ownPidMax = Bun.spawnSync([...IN_PID_NAMESPACE, "cat", PID_MAX], { stderr: "ignore" }).stdout.toString();
const hasOwnPidMax = ownPidMax !== "" && ownPidMax !== readFileSync(PID_MAX, "utf8");
if (!hasOwnPidMax) console.warn("left out: a full pid table (no limit of its own in a pid namespace that we can make)");

/**
 * PID 1 of a namespace with few pids: starts a standby, fills the target and then the table, and asks. From the last
 * fork on it uses builtins only. Arguments: the binary, the target, the number of processes in it, a FIFO for names and
 * one for answers.
 */
const FULL_TABLE = `
  echo 400 > ${PID_MAX}
  exec 8<> "$5"
  "$1" --json - <> "$4" >&8 & standby=$!
  until grep -q 'VmLck:.*[1-9]' /proc/$standby/status; do sleep 0.05; done
  for _ in $(seq "$3"); do sh -c 'echo 0 > "$1/cgroup.procs"; exec sleep 1000' sh "$2" & done
  until [ "$(wc -l < "$2/cgroup.procs")" -eq "$3" ]; do sleep 0.05; done
  (while :; do sleep 1000 & done) 2> /dev/null
  echo "$2" > "$4"
  read -r answer <&8
  echo "$answer"
`;

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

  test.if(hasOwnPidMax)("with a full pid table, a kill works as usual", async () => {
    await using target = makeCgroup(version);
    const scratch = mkdtempSync(`${tmpdir()}/cgkill-full-`);
    const [names, answers] = [`${scratch}/names`, `${scratch}/answers`];
    try {
      Bun.spawnSync(["mkfifo", names, answers]);
      const words = [BINARY, target.dir, String(SLEEPERS), names, answers];
      const child = Bun.spawn([...IN_PID_NAMESPACE, "sh", "-c", FULL_TABLE, "sh", ...words], {
        stdio: ["ignore", "pipe", "inherit"],
        timeout: 60_000,
      });
      const [answer] = documents(await child.stdout.text());
      expect(answer).toMatchObject({ outcome: "killed", killed_count: SLEEPERS, survivors: [] });
      await child.exited;
    } finally {
      rmSync(scratch, { recursive: true });
    }
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
