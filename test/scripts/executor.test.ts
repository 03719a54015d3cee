// The example of `cgkill run` and the library: tasks in cgroups of their own, and an executor among them that survives.

import { describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";

import { canStage, isAlive, liveMembers, makeCgroup, until } from "../support/real-cgroup.ts";
import { documents } from "../support/run-cgkill.ts";

const EXECUTOR = `${import.meta.dir}/../../scripts/executor.ts`;

function execute(...args: readonly string[]) {
  const child = Bun.spawn([process.execPath, EXECUTOR, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  const output = Promise.all([child.stdout.text(), child.stderr.text()]);
  return { child, ended: output.then(async ([out, err]) => ({ out, err, code: await child.exited })) };
}

for (const version of ["v1", "v2"] as const) {
  describe.if(canStage(version))(`the executor on ${version}`, () => {
    test("leftovers die with their task, the limit ends a whole task, and the executor survives", async () => {
      await using beside = makeCgroup(version);
      const group = `${beside.dir}/jobs`;
      const left = "sleep 1000 & setsid sleep 1000 & exit 3";
      const { child, ended } = execute("--limit", "2", group, "echo hello", left, "sleep 1000 & sleep 1000");
      const { out, err, code } = await ended;
      const lines = out.split("\n").filter((line) => line !== "hello");
      expect(documents(lines.join("\n"))).toMatchObject([
        { path: `${group}/task-1`, exit_status: 0, ended_by: "itself", outcome: "empty", killed_count: 0 },
        { path: `${group}/task-2`, exit_status: 3, ended_by: "itself", outcome: "killed", killed_count: 2 },
        { path: `${group}/task-3`, exit_status: 124, ended_by: "limit", outcome: "killed", killed_count: 3 },
        { group, outcome: "empty", survived: [child.pid] },
      ]);
      expect(err).toStartWith("executor: moved out of the target");
      expect(code).toBe(1);
      expect(existsSync(group)).toBe(false);
    });

    test("on SIGTERM all tasks die first, and the executor ends by itself", async () => {
      await using beside = makeCgroup(version);
      const group = `${beside.dir}/jobs`;
      const { child, ended } = execute("--limit", "1000", group, "sleep 1000 & sleep 1000", "sleep 1000; true");
      // Per task: cgkill, the shell, and what it has started.
      await until("both tasks", () => liveMembers(group).length === 8);
      const pids = liveMembers(group);
      expect(pids).toContain(child.pid);
      child.kill("SIGTERM");
      const { out, code } = await ended;
      const stopped = { ended_by: "signal", exit_status: 128 + 15, survivors: [] };
      expect(documents(out)).toMatchObject([stopped, stopped, { group, outcome: "empty", survived: [child.pid] }]);
      expect(code).toBe(1);
      expect(pids.filter(isAlive)).toEqual([]);
    });
  });
}

// Regression: the executor used to make a plain file called cgroup.procs there, and to leave it and the directory.
test("in a directory that is in no hierarchy, the executor starts nothing and leaves nothing", async () => {
  const scratch = mkdtempSync(`${tmpdir()}/cgkill-executor-`);
  const { out, err, code } = await execute(`${scratch}/jobs`, "echo started").ended;
  expect({ out, err, code }).toEqual({ out: "", err: `executor: cannot enter ${scratch}/jobs: ENOENT\n`, code: 2 });
  // Fails if anything is left in it.
  rmdirSync(scratch);
});
