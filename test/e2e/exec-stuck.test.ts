// A process in an exec that closes a descriptor on a FUSE file system whose server never answers. Reading its
// /proc/PID/stat, wchan, exe and others blocks for ever. Regression: list, show and kill used to hang.

import { describe, expect, test } from "bun:test";

import { canMountFuse, mountFuse } from "../support/fuse.ts";
import { canStage, isFrozen, makeCgroup } from "../support/real-cgroup.ts";
import { documents } from "../support/run-cgkill.ts";

/** Deadline, one second, and the start of the binary on a busy machine. */
const ANSWERS_WITHIN_MS = 4000;

describe.each(["v1", "v2"] as const)("an exec that waits for a FUSE server, on %s", (version) => {
  if (!canStage(version) || !canMountFuse()) return;

  test.each([[["list"]], [["list", "--procs"]], [["show"]]])("%j answers in time", async (words) => {
    await using target = makeCgroup(version);
    await using fuse = await mountFuse();
    const pid = await fuse.startClient("exec", target.dir);
    const ran = await fuse.run([...words, "--json", target.dir]);
    expect([ran.code, ran.stderr]).toEqual([0, ""]);
    expect(ran.ms).toBeLessThan(ANSWERS_WITHIN_MS);
    const [document] = documents(ran.stdout);
    expect(document).toMatchObject({ procs: 1 });
    if (words.length === 1 && words[0] === "list") return;
    expect(document).toMatchObject({ processes: [{ pid, state: "S", started_at: null, threads: 1 }] });
  });

  test("kill answers in time, names the survivor, and leaves nothing frozen", async () => {
    await using target = makeCgroup(version);
    await using fuse = await mountFuse();
    const pid = await fuse.startClient("exec", target.dir);
    const ran = await fuse.run(["--json", "--keep", "-t", "1s", target.dir]);
    expect(ran.ms).toBeLessThan(ANSWERS_WITHIN_MS);
    expect(ran.code).toBe(6);
    expect(documents(ran.stdout)[0]).toMatchObject({
      outcome: "survivors",
      // On a busy machine it may have been woken by SIGKILL, and wait for a processor.
      survivors: [{ pid, state: expect.stringMatching(/^[DR]$/), sigkill_pending: true, reason: "uninterruptible" }],
    });
    expect(isFrozen(target.dir)).toBe(false);
  });
});
