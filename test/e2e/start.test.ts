// What the binary does before it kills, as far as that can be counted; how long it takes is for the benchmark.

import { describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";

import { canStage, makeCgroup, startSleeper } from "../support/real-cgroup.ts";
import { runCgkill } from "../support/run-cgkill.ts";

const strace = Bun.which("strace");
const canTrace = strace !== null && Bun.spawnSync([strace, "-o", "/dev/null", "true"]).exitCode === 0;
if (!canTrace) console.warn("left out: the order of system calls at start (by strace, which is not to be had)");

const COMPILED = /^Compiled .* into bytecode (\d+) instructions/gm;
/** Each is a built-in method of the engine's, used for the first time. */
const MOST_COMPILED = 12;
/** Less than what the engine has to compile for `Buffer`. */
const LARGEST_COMPILED = 400;

describe.if(canStage("v2"))("one process on v2", () => {
  test("next to nothing is compiled when it runs", async () => {
    await using cgroup = makeCgroup("v2");
    await using _ = await startSleeper(cgroup.dir);
    const env = { BUN_JSC_reportBytecodeCompileTimes: "1" };
    const { code, stdout, stderr } = await runCgkill(["-q", cgroup.dir], { env });
    expect(code).toBe(0);
    const sizes = Array.from(`${stdout}${stderr}`.matchAll(COMPILED), ([, instructions]) => Number(instructions));
    expect(sizes.length).toBeGreaterThan(0);
    expect(sizes.length).toBeLessThanOrEqual(MOST_COMPILED);
    expect(Math.max(...sizes)).toBeLessThan(LARGEST_COMPILED);
  });

  test.if(canTrace)("first its priority, and all that needs one thread before the second", async () => {
    const dir = mkdtempSync(`${tmpdir()}/cgkill-start-`);
    try {
      await using cgroup = makeCgroup("v2");
      await using _ = await startSleeper(cgroup.dir);
      const under = [strace ?? "", "-f", "-o", `${dir}/calls`];
      const { code } = await runCgkill(["-q", cgroup.dir], { under });
      expect(code).toBe(0);
      const calls = readFileSync(`${dir}/calls`, "utf8").split("\n");
      const all = (call: RegExp): number[] => calls.flatMap((line, at) => (call.test(line) ? [at] : []));
      const [atEntry = -1, inTypeScript = -1] = all(/ sched_setscheduler\(0, .*\[1\]\)/);
      const order = [
        all(/ execve\(/)[0],
        atEntry,
        // The first thing that Bun does by itself.
        all(/ rt_sigaction\(SIGSEGV/)[0],
        inTypeScript,
        // Bun does the same for itself before.
        all(/F_DUPFD_CLOEXEC/).at(-1),
        // None where threads are scarce.
        all(/CLONE_THREAD/)[0] ?? calls.length - 1,
      ];
      expect(order).not.toContain(undefined);
      expect(order).toEqual(order.toSorted((a = 0, b = 0) => a - b));
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
});
