// `cgkill signal` with the compiled binary on real cgroups: the signals that the members received.

import { describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";

import { canStage, isAlive, liveMembers, makeCgroup, startSleeper, until, write } from "../support/real-cgroup.ts";
import { documents, runCgkill } from "../support/run-cgkill.ts";

/** Writes a line for each HUP and lives on. */
async function startListener(dir: string, count: number) {
  const scratch = mkdtempSync(`${tmpdir()}/cgkill-test-`);
  const script = 'echo $$ > "$1/cgroup.procs"; trap "echo hup >> $2.got" HUP; : > "$2"; while :; do sleep 0.02; done';
  const children = Array.from({ length: count }, (_, index) =>
    Bun.spawn(["sh", "-c", script, "sh", dir, `${scratch}/${index}`], { stdio: ["ignore", "ignore", "ignore"] }),
  );
  const files = children.map((_, index) => `${scratch}/${index}`);
  await until("the listeners", () => files.every((file) => existsSync(file)));
  const got = (): number[] =>
    files.map((file) =>
      existsSync(`${file}.got`) ? readFileSync(`${file}.got`, "utf8").trimEnd().split("\n").length : 0,
    );
  return {
    pids: children.map(({ pid }) => pid),
    got,
    async [Symbol.asyncDispose]() {
      for (const child of children) child.kill("SIGKILL");
      await Promise.all(children.map(({ exited }) => exited));
      rmSync(scratch, { recursive: true, force: true });
    },
  };
}

for (const version of ["v2", "v1"] as const) {
  if (!canStage(version)) continue;

  describe(version, () => {
    test("every member gets it once and lives, no process outside gets it, and the document lists the members", async () => {
      await using outside = makeCgroup(version);
      await using innocent = await startListener(outside.dir, 1);
      await using cgroup = makeCgroup(version);
      await using listeners = await startListener(cgroup.dir, 3);
      const { code, stdout, stderr } = await runCgkill(["signal", "--json", "SIGHUP", cgroup.dir]);
      expect([code, stderr]).toEqual([0, ""]);
      await until("the signal", () => listeners.got().every((count) => count > 0));
      const [document = {}] = documents(stdout);
      expect(document).toMatchObject({ command: "signal", outcome: "signalled", signal: "HUP", error: null });
      const signalled = (document["signalled"] as { pid: number; comm: string }[]).map(({ pid }) => pid);
      expect(listeners.pids.filter((pid) => !signalled.includes(pid))).toEqual([]);
      expect(listeners.got()).toEqual([1, 1, 1]);
      expect(innocent.got()).toEqual([0]);
      expect(listeners.pids.every(isAlive)).toBe(true);
    });

    test("a real-time signal by its number", async () => {
      await using cgroup = makeCgroup(version);
      await using sleeper = await startSleeper(cgroup.dir);
      const { code, stdout } = await runCgkill(["signal", "40", cgroup.dir]);
      expect(stdout).toMatch(/^signalled {2}\S+ {2}1 process, signal 40, /);
      expect(code).toBe(0);
      await until("its end", () => !isAlive(sleeper.pid));
    });

    test("frozen: the signal is queued, a message says so, and it is handled after the thaw", async () => {
      await using cgroup = makeCgroup(version);
      await using listeners = await startListener(cgroup.dir, 1);
      expect((await runCgkill(["freeze", cgroup.dir])).code).toBe(0);
      const { code, stdout } = await runCgkill(["signal", "HUP", cgroup.dir]);
      expect(stdout).toContain(`frozen by ${cgroup.path}: handled once it is thawed`);
      expect([code, listeners.got()]).toEqual([0, [0]]);
      expect((await runCgkill(["thaw", cgroup.dir])).code).toBe(0);
      await until("the signal", () => listeners.got()[0] === 1);
    });

    test("cgkill itself inside: it is skipped and not moved; ancestors inside are refused unless allowed", async () => {
      await using cgroup = makeCgroup(version);
      const inside = ["sh", "-c", 'trap "" HUP; echo $$ > "$0/cgroup.procs"; "$@"; echo $?', cgroup.dir] as const;
      const refused = await runCgkill(["signal", "HUP", cgroup.dir], { under: inside });
      expect(refused.stderr).toContain("signal it too with --allow-ancestors");
      expect(refused.stdout).toEndWith("\n4\n");
      const sent = await runCgkill(["signal", "--json", "--allow-ancestors", "HUP", cgroup.dir], { under: inside });
      const [line = "", status] = sent.stdout.split("\n");
      expect(JSON.parse(line)).toMatchObject({ outcome: "signalled", signalled: [{ comm: "sh" }], error: null });
      expect(status).toBe("0");
    });

    test("stopped and continued", async () => {
      await using cgroup = makeCgroup(version);
      await using sleeper = await startSleeper(cgroup.dir);
      const state = (): string => readFileSync(`/proc/${sleeper.pid}/stat`, "utf8").split(" ")[2] ?? "";
      expect((await runCgkill(["signal", "STOP", cgroup.dir])).code).toBe(0);
      await until("stopped", () => state() === "T");
      expect((await runCgkill(["signal", "CONT", cgroup.dir])).code).toBe(0);
      await until("continued", () => state() === "S");
    });
  });
}

test("SIGKILL is a usage error that names the command for it, and nothing is touched", async () => {
  if (!canStage("v2")) return;
  await using cgroup = makeCgroup("v2");
  await using sleeper = await startSleeper(cgroup.dir);
  const { code, stdout, stderr } = await runCgkill(["signal", "KILL", cgroup.dir]);
  expect([code, stdout]).toEqual([2, ""]);
  expect(stderr).toContain(`\n    cgkill kill ${cgroup.dir}\n`);
  expect(liveMembers(cgroup.dir)).toEqual([sleeper.pid]);
});

test("not permitted: 5, and the pid is named", async () => {
  if (!canStage("v2")) return;
  await using cgroup = makeCgroup("v2");
  await using sleeper = await startSleeper(cgroup.dir);
  write(`${cgroup.dir}/cgroup.procs`, String(sleeper.pid));
  const { code, stderr } = await runCgkill(["signal", "HUP", cgroup.dir], {
    under: ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"],
  });
  expect(stderr).toContain(`sent SIGHUP to 0; denied for 1 (pid ${sleeper.pid})`);
  expect(code).toBe(5);
  expect(isAlive(sleeper.pid)).toBe(true);
});
