// A short soak on every run; the long one is run by hand.

import { expect, test } from "bun:test";

import { canStage } from "../support/real-cgroup.ts";

if (canStage("v1") || canStage("v2")) {
  test("five random rounds keep the promises of the contract", async () => {
    const child = Bun.spawn([process.execPath, `${import.meta.dir}/../../scripts/soak.ts`, "5", "7"], {
      stdout: "pipe",
      stderr: "pipe",
    });
    const [stdout, stderr, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
    expect(stderr).toBe("");
    expect(stdout).toContain("5 rounds clean");
    expect(code).toBe(0);
  });
}
