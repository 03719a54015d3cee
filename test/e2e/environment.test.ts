// The binary as an attack surface: variables that change what a Bun executable runs. Each was tried; none runs foreign
// code. The two that keep cgkill from running at all are Bun's own, and stand in the README.

import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";

import { canStage, liveMembers, makeCgroup, startSleeper } from "../support/real-cgroup.ts";
import { BINARY, documents, runCgkill } from "../support/run-cgkill.ts";

const scratch = mkdtempSync(`${tmpdir()}/cgkill-test-`);
const mark = `${scratch}/ran`;
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const EVIL = {
  module: `${scratch}/evil.mjs`,
  script: `${scratch}/evil.cjs`,
  config: `${scratch}/bunfig.toml`,
  env: `${scratch}/.env`,
};
writeFileSync(EVIL.module, `import { writeFileSync } from "node:fs"; writeFileSync(${JSON.stringify(mark)}, "");`);
writeFileSync(EVIL.script, `require("fs").writeFileSync(${JSON.stringify(mark)}, "")`);
writeFileSync(EVIL.config, `preload = [${JSON.stringify(EVIL.module)}]\n`);
writeFileSync(EVIL.env, `BUN_OPTIONS=--preload=${EVIL.module}\n`);

/** "runs": as if it were not there; "refuses": does not start, and says so by its exit status. */
const VARIABLES: ReadonlyArray<readonly [string, string, "runs" | "refuses"]> = [
  ["BUN_OPTIONS", `--preload=${EVIL.module}`, "refuses"],
  ["BUN_OPTIONS", `--preload=${EVIL.script}`, "refuses"],
  ["BUN_OPTIONS", `--require=${EVIL.script}`, "refuses"],
  ["BUN_OPTIONS", `--import=${EVIL.module}`, "refuses"],
  ["BUN_OPTIONS", `--config=${EVIL.config}`, "refuses"],
  ["BUN_OPTIONS", `--env-file=${EVIL.env}`, "runs"],
  ["BUN_INSPECT", "ws://127.0.0.1:0/x", "refuses"],
  ["BUN_INSPECT_PRELOAD", EVIL.module, "refuses"],
  ["NODE_OPTIONS", `--require=${EVIL.script}`, "runs"],
  ["NODE_OPTIONS", `--import=${EVIL.module}`, "runs"],
  ["BUN_CONFIG_VERBOSE_FETCH", "1", "runs"],
  ["BUN_RUNTIME_TRANSPILER_CACHE_PATH", scratch, "runs"],
  ["NODE_V8_COVERAGE", scratch, "runs"],
  ["BUN_DEBUG", `${scratch}/debug`, "runs"],
  ["HOME", "/nonexistent", "runs"],
  ["TMPDIR", "/nonexistent", "runs"],
  ["LD_LIBRARY_PATH", scratch, "runs"],
];

if (canStage("v2")) {
  describe("variables that change what a Bun executable runs", () => {
    test.each(VARIABLES)("%s=%s: nothing foreign is run, and it %s", async (name, value, verdict) => {
      await using cgroup = makeCgroup("v2");
      await using _ = await startSleeper(cgroup.dir);
      const { code, stdout } = await runCgkill(["--json", cgroup.dir], { env: { [name]: value } });
      expect(existsSync(mark)).toBe(false);
      if (verdict === "runs") {
        expect(documents(stdout)[0]).toMatchObject({ outcome: "killed", killed_count: 1 });
        expect(code).toBe(0);
      } else {
        expect(code).not.toBe(0);
        expect(liveMembers(cgroup.dir)).toHaveLength(1);
      }
    });

    test("none at all, not even PATH: it runs", async () => {
      await using cgroup = makeCgroup("v2");
      await using _ = await startSleeper(cgroup.dir);
      const child = Bun.spawn([BINARY, "--json", cgroup.dir], { env: {}, stdout: "pipe" });
      expect(documents(await child.stdout.text())[0]).toMatchObject({ outcome: "killed" });
      expect(await child.exited).toBe(0);
    });

    // Bun leaves no way to shut these two: whoever sets root's environment is root, and sudo must reset it (README).
    test("BUN_BE_BUN makes it Bun itself: no kill, and the README says so", async () => {
      await using cgroup = makeCgroup("v2");
      await using _ = await startSleeper(cgroup.dir);
      await runCgkill([cgroup.dir], { env: { BUN_BE_BUN: "1" } });
      expect(liveMembers(cgroup.dir)).toHaveLength(1);
      expect(await Bun.file(`${import.meta.dir}/../../README.md`).text()).toContain("BUN_BE_BUN");
    });
  });
}
