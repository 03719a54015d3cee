// What the binary does before it kills, counted rather than timed; the benchmark measures the time.

import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";

import { build, FLAGS } from "../../scripts/build/build.ts";
import { canStage, makeCgroup, startSleeper, until } from "../support/real-cgroup.ts";
import { BINARY, documents, runCgkill } from "../support/run-cgkill.ts";
import { canDenyCode, WITHOUT_NEW_CODE } from "../support/without-new-code.ts";

const strace = Bun.which("strace");
const canTrace = strace !== null && Bun.spawnSync([strace, "-o", "/dev/null", "true"]).exitCode === 0;
if (!canTrace)
  console.warn("left out: the order of system calls at start (by strace, which is not installed or may not trace)");

const COMPILED = /^Compiled .* into bytecode (\d+) instructions/gm;
/**
 * Each is a built-in of the engine that is written in JavaScript and called for the first time: two at every start,
 * `using`, and some for a kill that has to wait, as on a busy machine. `map`, `filter`, `find`, `some`, `flatMap`, `at`,
 * `Object.fromEntries`, `new Promise` and reading a generator are others, of 0.02 to 0.15 ms each.
 */
const MOST_COMPILED = 8;
/** Less than the engine compiles for `Buffer`. */
const LARGEST_COMPILED = 400;

const scratch = mkdtempSync(`${tmpdir()}/cgkill-test-`);
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe.if(canStage("v2"))("one process on v2", () => {
  test.each([["-q"], ["--json"], ["-t5"]])("almost nothing is compiled at run time: %s", async (option) => {
    await using cgroup = makeCgroup("v2");
    await using _ = await startSleeper(cgroup.dir);
    const env = { BUN_JSC_reportBytecodeCompileTimes: "1" };
    // The same program without our first instructions, which would hide this variable from the engine.
    const plain = await build(`${import.meta.dir}/../../src/main.ts`, "plain", [], scratch, FLAGS, false);
    const child = Bun.spawn([plain, option, cgroup.dir], { env, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
    const [stdout, stderr, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
    expect(code).toBe(0);
    const sizes = Array.from(`${stdout}${stderr}`.matchAll(COMPILED), ([, instructions]) => Number(instructions));
    expect(sizes.length).toBeGreaterThan(0);
    expect(sizes.length).toBeLessThanOrEqual(MOST_COMPILED);
    expect(Math.max(...sizes)).toBeLessThan(LARGEST_COMPILED);
  });

  // Regression: `list` used to turn the JIT compiler on, whose threads end after 10 s without work. Where none could be
  // made for the next refresh of `list --watch`, it aborted.
  test.if(canTrace)("list: never a second thread or process", async () => {
    const dir = mkdtempSync(`${tmpdir()}/cgkill-start-`);
    try {
      const { code } = await runCgkill(["list", "--all"], { under: [strace ?? "", "-f", "-o", `${dir}/calls`] });
      expect(code).toBe(0);
      expect(readFileSync(`${dir}/calls`, "utf8").match(/ clone3?\(|CLONE_THREAD/)).toBeNull();
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });

  test.if(canTrace)("first its priority, and never a second thread or process", async () => {
    const dir = mkdtempSync(`${tmpdir()}/cgkill-start-`);
    try {
      await using cgroup = makeCgroup("v2");
      await using _ = await startSleeper(cgroup.dir);
      const under = [strace ?? "", "-f", "-o", `${dir}/calls`];
      const { code } = await runCgkill(["-q", cgroup.dir], { under });
      expect(code).toBe(0);
      const calls = readFileSync(`${dir}/calls`, "utf8").split("\n");
      const all = (call: RegExp): number[] => calls.flatMap((line, at) => (call.test(line) ? [at] : []));
      const [atEntry, inTypeScript] = all(/ sched_setscheduler\(0, .*\[99\]\)/);
      const order = [
        all(/ execve\(/)[0],
        atEntry,
        // The first action of Bun itself.
        all(/ rt_sigaction\(SIGSEGV/)[0],
        inTypeScript,
      ];
      expect(order).not.toContain(undefined);
      expect(order).toEqual(order.toSorted((a = 0, b = 0) => a - b));
      expect(all(/ clone3?\(|CLONE_THREAD/)).toEqual([]);
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
});

const UNDER_SECCOMP = `${import.meta.dir}/../support/under-seccomp.ts`;
const CLONE3 = "435";
const EPERM = "1";

describe.each((["v1", "v2"] as const).filter(canStage))("%s: hosts that restrict it", (version) => {
  // Regression: threads were probed by clone, and the runtime, which makes them by clone3, aborted.
  test("a seccomp filter that answers EPERM to clone3: a kill and a list have a single thread", async () => {
    await using cgroup = makeCgroup(version);
    await using _ = await startSleeper(cgroup.dir);
    const under = [process.execPath, UNDER_SECCOMP, CLONE3, EPERM];
    const list = await runCgkill(["list", "--json", cgroup.dir], { under });
    expect(documents(list.stdout)).toMatchObject([{ procs: 1 }]);
    const kill = await runCgkill(["--json", cgroup.dir], { under });
    expect(documents(kill.stdout)).toMatchObject([{ outcome: "killed", killed_count: 1 }]);
    expect([list.code, kill.code]).toEqual([0, 0]);
  });

  const prlimit = Bun.which("prlimit");
  test.skipIf(prlimit === null)("a finite RLIMIT_RTTIME: it does not run at realtime priority", async () => {
    await using cgroup = makeCgroup(version);
    await using _ = await startSleeper(cgroup.dir);
    const freeze = [prlimit ?? "", "--rttime=1000:1000", BINARY, "--json", "--grace=1h", "--signal=CONT", cgroup.dir];
    const child = Bun.spawn(freeze, { stdio: ["ignore", "pipe", "ignore"] });
    const fields = (): string[] => readFileSync(`/proc/${child.pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
    // The descriptor of the target, which it opens once it has started.
    const isReady = (): boolean => Bun.spawnSync(["ls", "-l", `/proc/${child.pid}/fd`]).stdout.includes(cgroup.dir);
    await until("the target open", isReady);
    const [nice, policy] = [fields()[16], fields()[38]];
    child.kill("SIGTERM");
    await child.exited;
    expect([nice, policy]).toEqual(["-20", "0"]);
    expect(child.signalCode).toBe("SIGTERM");
  });
});

describe.if(canDenyCode)("without FFI", () => {
  const under = WITHOUT_NEW_CODE;
  const SAID = "system calls go through Node's API (slower, and without pidfds)";

  test("--version says so and why; with FFI it does not mention it", async () => {
    expect((await runCgkill(["--version"], { under })).stdout).toContain(`${SAID}: bun:ffi requires the JIT`);
    expect((await runCgkill(["--version"])).stdout).not.toContain("Node");
  });

  test.each([["kill"], ["freeze"], ["thaw"]])("%s says it once on standard error, and not with -q", async (kind) => {
    const words = kind === "kill" ? ["/no-such-a", "/no-such-b"] : [kind, "/no-such-a", "/no-such-b"];
    const { stderr } = await runCgkill(words, { under });
    expect(stderr.split(`cgkill: warn: ${SAID}: bun:ffi requires the JIT`)).toHaveLength(2);
    expect((await runCgkill(["-q", ...words], { under })).stderr).not.toContain("Node");
    expect((await runCgkill(words)).stderr).not.toContain("Node");
  });
});
