// A member that holds leases (fcntl(2), F_SETLEASE) on files that cgkill opens, and never releases them: the kernel lets
// each process take one on a file of its own user, those of its own /proc/PID and of a delegated cgroup included, and an
// open then waits for up to 45 s (/proc/sys/fs/lease-break-time).

import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";

import { canStage, isAlive, isFrozen, makeCgroup, startAdversary, until } from "../support/real-cgroup.ts";
import { runBounded } from "../support/run-bounded.ts";
import { documents } from "../support/run-cgkill.ts";

const READ = 0;
const WRITE = 1;
const IN_TIME_MS = 3000;
const OWN = ["stat", "status", "cgroup", "cmdline", "comm", "statm", "wchan"].map((file) => `/proc/self/${file}`);

/** Start a member that holds a lease on each file. @returns its pid */
async function startLeaser(dir: string, type: number, paths: readonly string[]) {
  const leaser = startAdversary("leaser", type, dir, paths.join("\n"));
  // Another program that reads such a file begins to break the lease.
  const count = (pid: number): number =>
    readFileSync("/proc/locks", "utf8").match(new RegExp(`LEASE .* ${pid} `, "g"))?.length ?? 0;
  let pid = 0;
  await until("the leases", () => {
    // Its /proc is not read: that would wait for the lease.
    pid = Number(readFileSync(`${dir}/cgroup.procs`, "utf8").trim());
    return pid > 0 && count(pid) === paths.length;
  });
  return { pid, [Symbol.asyncDispose]: () => leaser[Symbol.asyncDispose]() };
}

describe.each((["v1", "v2"] as const).filter(canStage))("%s: a member that holds leases", (version) => {
  // Regression: cgkill hung for 45 s per file, and no signal ended it.
  test("on its own files in /proc: it is shown, frozen, thawed and killed in time", async () => {
    await using cgroup = makeCgroup(version);
    await using leaser = await startLeaser(cgroup.dir, WRITE, OWN);
    for (const args of [["show"], ["list"], ["freeze"], ["thaw"], ["kill"]]) {
      const { code, isStuck, ms } = await runBounded([...args, cgroup.dir], { limitMs: 5000 });
      expect({ args, code, isStuck }).toEqual({ args, code: 0, isStuck: false });
      expect(ms).toBeLessThan(IN_TIME_MS);
    }
    expect(isAlive(leaser.pid)).toBe(false);
  });

  test("on the files that a kill writes: the kill fails in time, and says what to do", async () => {
    await using cgroup = makeCgroup(version);
    const files = version === "v1" ? ["freezer.state"] : ["cgroup.kill", "cgroup.freeze"];
    const written = files.map((file) => `${cgroup.dir}/${file}`);
    await using leaser = await startLeaser(cgroup.dir, READ, written);
    try {
      const { code, isStuck, stdout, ms } = await runBounded(["--json", cgroup.dir], { limitMs: 5000 });
      expect({ code, isStuck }).toEqual({ code: 1, isStuck: false });
      expect(ms).toBeLessThan(IN_TIME_MS);
      const error = { errno: "EAGAIN", path: written[0], hint: expect.stringContaining("/proc/locks") };
      expect(documents(stdout)).toMatchObject([{ outcome: "failed", error, left_frozen: [] }]);
      expect(isFrozen(cgroup.dir)).toBe(false);
    } finally {
      process.kill(leaser.pid, "SIGKILL");
      await until("its death", () => !isAlive(leaser.pid));
    }
    expect((await runBounded([cgroup.dir])).code).toBe(0);
  });
});
