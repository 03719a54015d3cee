// What is moved into the target during the grace period: the guards hold when SIGKILL is sent, too.

import { describe, expect, test } from "bun:test";

import {
  canStage,
  isAlive,
  liveMembers,
  makeCgroup,
  startSleeper,
  startStubborn,
  until,
  write,
} from "../support/real-cgroup.ts";
import { runBounded } from "../support/run-bounded.ts";
import { documents } from "../support/run-cgkill.ts";

const GRACE = ["--json", "--keep", "-g", "1s", "-t", "3s"];

describe.each(["v1", "v2"] as const)("%s: moved in during the grace period", (version) => {
  if (!canStage(version)) return;

  /** @returns what was moved in, after the grace signal has ended an obedient member */
  const moveInLater = async (dir: string, obedient: number, pid: number): Promise<void> => {
    await until("the grace signal", () => !isAlive(obedient));
    write(`${dir}/cgroup.procs`, String(pid));
  };

  // Regression: on v2 it killed itself and said nothing, on v1 it froze itself.
  test("cgkill itself: it moves out again, and the kill is done", async () => {
    await using target = makeCgroup(version);
    await using _ = await startStubborn(target.dir, 1);
    await using obedient = await startSleeper(target.dir);
    const { code, stdout } = await runBounded([...GRACE, target.dir], {
      meanwhile: (cgkill) => moveInLater(target.dir, obedient.pid, cgkill),
    });
    expect(documents(stdout)).toMatchObject([{ outcome: "killed", killed_count: 2, ended_by_grace: 1 }]);
    expect(code).toBe(0);
  });

  // Regression: it was killed.
  test("the shell that called it: refused, and the shell lives", async () => {
    await using target = makeCgroup(version);
    await using _ = await startStubborn(target.dir, 1);
    await using obedient = await startSleeper(target.dir);
    const ran = await runBounded([...GRACE, target.dir], {
      under: ["sh", "-c", '"$@"; echo "status $?"', "sh"],
      meanwhile: (shell) => moveInLater(target.dir, obedient.pid, shell),
    });
    const [json = "", status] = ran.stdout.trim().split("\n");
    expect(documents(json)).toMatchObject([
      { outcome: "refused", error: { code: "holds-ancestors" }, left_frozen: [] },
    ]);
    expect(status).toBe("status 4");
    expect(liveMembers(target.dir)).toHaveLength(1);
  });

  test("a spared process: it is moved out again, and lives", async () => {
    await using target = makeCgroup(version);
    await using _ = await startStubborn(target.dir, 1);
    await using obedient = await startSleeper(target.dir);
    await using spared = await startSleeper(target.dir);
    const { code, stdout } = await runBounded([...GRACE, "--spare", String(spared.pid), target.dir], {
      meanwhile: () => moveInLater(target.dir, obedient.pid, spared.pid),
    });
    expect(documents(stdout)).toMatchObject([{ outcome: "killed", killed_count: 2, spared: [{ pid: spared.pid }] }]);
    expect([code, isAlive(spared.pid)]).toEqual([0, true]);
  });
});
