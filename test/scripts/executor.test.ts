// The example of the library: tasks in cgroups of their own, and an executor among them that survives.

import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";

import { canStage, isAlive, liveMembers, makeCgroup, until } from "../support/real-cgroup.ts";
import { documents } from "../support/run-cgkill.ts";

const EXECUTOR = `${import.meta.dir}/../../scripts/executor.ts`;

/** Emptied by the kill of the group; whether already removed depends on which of the two kills is faster. */
const NOTHING_LEFT: unknown = expect.stringMatching(/^(missing|empty)$/);

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
      const common = { outcome: "killed" };
      expect(documents(lines.join("\n"))).toMatchObject([
        { task: `${group}/task-1`, exit_code: 0, outcome: "empty", killed_count: 0 },
        { ...common, task: `${group}/task-2`, exit_code: 3, killed_count: 2 },
        { ...common, task: `${group}/task-3`, exit_code: null, killed_count: 3 },
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
      await until("both tasks", () => liveMembers(group).length === 6);
      const pids = liveMembers(group);
      expect(pids).toContain(child.pid);
      child.kill("SIGTERM");
      const { out, code } = await ended;
      expect(documents(out)).toMatchObject([
        { exit_code: null, outcome: NOTHING_LEFT },
        { exit_code: null, outcome: NOTHING_LEFT },
        { group, outcome: NOTHING_LEFT },
      ]);
      expect(code).toBe(1);
      expect(pids.filter(isAlive)).toEqual([]);
    });
  });
}
