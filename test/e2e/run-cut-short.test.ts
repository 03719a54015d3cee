// `cgkill run` when it cannot wait for its command any longer: nothing of the command is left behind, and it says why.

import { describe, expect, test } from "bun:test";

import { canStage, liveMembers, makeCgroup, until } from "../support/real-cgroup.ts";
import { inMounts, runBounded } from "../support/run-bounded.ts";

const UNDER_SECCOMP = `${import.meta.dir}/../support/under-seccomp.ts`;
/** wait4 and poll. */
const CALLS: readonly (readonly [string, string, string])[] =
  process.arch === "x64"
    ? [
        ["waitpid", "61", "waitpid pid "],
        ["poll", "7", "poll descriptors"],
      ]
    : [["waitpid", "260", "waitpid pid "]];
const ERRNOS = [
  ["EPERM", "1"],
  ["ENOSYS", "38"],
] as const;

describe.each((["v1", "v2"] as const).filter(canStage))("%s: cgkill run", (version) => {
  // Regression: without waitpid it never ended; without poll it ended, and the command ran on.
  describe.each(CALLS)("under a seccomp filter that denies %s", (_, call, said) => {
    test.each(ERRNOS)("with %s: status 125, and no process is left", async (_, errno) => {
      await using cgroup = makeCgroup(version);
      const under = [process.execPath, UNDER_SECCOMP, call, errno];
      const command = ["sh", "-c", "sleep 20 >/dev/null 2>&1 & exec sleep 1 >/dev/null 2>&1"];
      const ran = await runBounded(["run", "--in", cgroup.dir, ...command], { under });
      // Without poll their deaths are not waited for.
      await until("the deaths", () => liveMembers(cgroup.dir).length === 0, 2000);
      expect(ran).toMatchObject({ isStuck: false, code: 125 });
      expect(ran.stderr).toStartWith(`cgkill: ${said}`);
    });
  });

  // Regression: status 126, as if the command were not executable.
  test("under a seccomp filter that answers EPERM to clone3: status 125, and it says why", async () => {
    await using cgroup = makeCgroup(version);
    const under = [process.execPath, UNDER_SECCOMP, "435", "1"];
    const { code, stderr } = await runBounded(["run", "--in", cgroup.dir, "true"], { under });
    expect(code).toBe(125);
    expect(stderr).toContain("true: cannot be started: a seccomp filter denies clone3 (EPERM)");
  });

  // Regression: status 125 without a word.
  test("a command that moves itself out and outlives the limit: status 125, and it is named", async () => {
    await using cgroup = makeCgroup(version);
    await using outside = makeCgroup(version);
    const words = ["sh", "-c", 'echo 0 >"$0"; exec sleep 20 >/dev/null 2>&1', `${outside.dir}/cgroup.procs`];
    const ran = await runBounded(["run", "--in", cgroup.dir, "--limit", "1", ...words]);
    const [pid] = liveMembers(outside.dir);
    expect(ran).toMatchObject({ isStuck: false, code: 125 });
    expect(ran.stderr).toStartWith(`cgkill: the command, pid ${pid}, has not ended\n`);
  });

  // Regression: the kill was refused as covered, and what the command had left lived on.
  test.each([
    ["in a cgroup below its own", 'mkdir "$0/c"; mount -t tmpfs none "$0/c"'],
    ["there, and over its own", 'mkdir "$0/c"; mount -t tmpfs none "$0/c"; mount -t tmpfs none "$0"'],
  ])(
    "a command that mounts something %s: what it leaves is killed, and status 125 names the mount",
    async (_, mount) => {
      await using cgroup = makeCgroup(version);
      const own = `${cgroup.dir}/own`;
      const words = ["sh", "-c", `sleep 20 >/dev/null 2>&1 & ${mount}; exit 3`, own];
      const ran = await runBounded(["run", "--in", cgroup.dir, "--as", "own", ...words], { under: inMounts("true") });
      expect(liveMembers(cgroup.dir)).toEqual([]);
      expect(ran).toMatchObject({ isStuck: false, code: 125 });
      expect(ran.stderr).toContain(`rmdir ${own}/c: device or resource busy (EBUSY)`);
    },
  );

  // Regression: no file could be opened for the kill.
  test.skipIf(Bun.which("prlimit") === null)(
    "a command that sets the file limit of cgkill to 0 is killed",
    async () => {
      await using cgroup = makeCgroup(version);
      const command = ["sh", "-c", "sleep 20 >/dev/null 2>&1 & prlimit --pid $PPID --nofile=0: && sleep 0.2"];
      const ran = await runBounded(["run", "--in", cgroup.dir, ...command]);
      expect(liveMembers(cgroup.dir)).toEqual([]);
      // 125 if cgkill waits at that moment: poll(2) takes no more descriptors than the limit.
      expect(ran.code).toBeOneOf([0, 125]);
    },
  );
});
