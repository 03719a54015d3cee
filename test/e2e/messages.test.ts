// The progress and final messages of the compiled binary, at the default level.

import { describe, expect, test } from "bun:test";

import { canStage, makeCgroup, startSleeper, startStubborn } from "../support/real-cgroup.ts";
import { BINARY, documents, runCgkill } from "../support/run-cgkill.ts";

for (const version of ["v2", "v1"] as const) {
  if (!canStage(version)) continue;

  describe(version, () => {
    test("cgkill inside its target: one sentence says that it was moved, and where", async () => {
      await using cgroup = makeCgroup(version);
      const enter = 'echo 0 > "$0/cgroup.procs"; exec "$@"';
      const { code, stderr } = await runCgkill([cgroup.dir], { under: ["sh", "-c", enter, cgroup.dir] });
      expect(code).toBe(0);
      expect(stderr).toMatch(new RegExp(`^cgkill: moved pid \\d+ out of ${cgroup.path} to /\\S*\\n$`));
    });

    test("-v shows the steps and where the time went; the default shows neither", async () => {
      await using cgroup = makeCgroup(version);
      await using _ = await startSleeper(cgroup.dir);
      const { code, stderr } = await runCgkill(["-v", cgroup.dir]);
      expect(code).toBe(0);
      const step = version === "v2" ? "signalled by the kernel" : "signalled";
      expect(stderr).toMatch(new RegExp(`^  1 process ${step}  [\\d.]+ ms$`, "m"));
      expect(stderr).toMatch(/^ {2}time spent: .*scan [\d.]+ ms, signal [\d.]+ ms.*$/m);
      await using other = makeCgroup(version);
      await using _other = await startSleeper(other.dir);
      expect((await runCgkill([other.dir])).stderr).toBe("");
    });

    test("a grace period: how many it ended, and how many needed SIGKILL", async () => {
      await using cgroup = makeCgroup(version);
      await using _stubborn = await startStubborn(cgroup.dir, 1);
      await using _ = await startSleeper(cgroup.dir);
      const { code, stdout } = await runCgkill(["-g", "300ms", cgroup.dir]);
      expect(stdout).toContain("  2 processes (1 by the grace signal, 1 by SIGKILL), ");
      expect(code).toBe(0);
    });

    test("a deadline as long as the grace period starts after it: a stubborn process still dies", async () => {
      await using cgroup = makeCgroup(version);
      await using _ = await startStubborn(cgroup.dir, 1);
      const { code, stdout } = await runCgkill(["--json", "-g", "1s", "-t", "1s", cgroup.dir]);
      expect(documents(stdout)[0]).toMatchObject({ outcome: "killed", killed_count: 1, ended_by_grace: 0 });
      expect(code).toBe(0);
    });

    test("Ctrl-C in the grace period: reports how many were signalled and how many live; nothing was frozen", async () => {
      await using cgroup = makeCgroup(version);
      await using _ = await startStubborn(cgroup.dir, 2);
      const child = Bun.spawn([BINARY, "-vv", "-g", "30s", cgroup.dir], {
        cwd: "/",
        stdio: ["ignore", "ignore", "pipe"],
      });
      let seen = "";
      for await (const piece of child.stderr) {
        const isFirst = !seen.includes("signalled");
        seen += new TextDecoder().decode(piece);
        if (isFirst && seen.includes("signalled")) child.kill("SIGINT");
      }
      await child.exited;
      expect(seen).toContain(
        "cgkill: interrupted in the grace period: 2 sent SIGTERM, 2 still running; nothing was frozen\n",
      );
      expect(child.signalCode).toBe("SIGINT");
    });
  });
}

test("a kept v2 cgroup that was found frozen is thawed once it is empty, and the message says so", async () => {
  if (!canStage("v2")) return;
  await using cgroup = makeCgroup("v2");
  await using _ = await startSleeper(cgroup.dir);
  expect((await runCgkill(["freeze", cgroup.dir])).code).toBe(0);
  const { code, stdout, stderr } = await runCgkill([cgroup.dir]);
  expect(stdout).toContain(", thawed because it was frozen, ");
  expect([code, stderr]).toEqual([0, ""]);
});

test("help of one command, in each of its forms", async () => {
  const [help, long, short] = await Promise.all(
    [
      ["help", "list"],
      ["list", "--help"],
      ["list", "-h"],
    ].map((argv) => runCgkill(argv)),
  );
  expect(help?.stdout).toStartWith("Usage:\n cgkill list [options] [CGROUP]\n");
  expect(help?.stdout).not.toContain("--grace");
  expect([long, short]).toEqual([help, help] as never);
  expect((await runCgkill(["--help"])).stdout).toContain("--grace");
});
