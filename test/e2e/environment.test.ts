// The binary as an attack surface: variables that change what a Bun executable runs. Each was tried; none runs foreign
// code. The two that keep cgkill from running at all are Bun's own, and stand in the README.

import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
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
  ["BUN_INSPECT_CONNECT_TO", `${scratch}/socket`, "runs"],
  ["BUN_INSPECT_NOTIFY", `unix://${scratch}/socket`, "runs"],
  ["BUN_INSTALL", scratch, "runs"],
  ["NODE_PATH", scratch, "runs"],
  ["XDG_CONFIG_HOME", scratch, "runs"],
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

    // Bun looks for these from the working directory upwards, and in the home directory.
    test("files of Bun's and Node's in the working directory, in every parent of it, and at home: none is read", async () => {
      const deep = `${scratch}/parent/child/here`;
      mkdirSync(deep, { recursive: true });
      const files: Readonly<Record<string, string>> = {
        "bunfig.toml": `preload = [${JSON.stringify(EVIL.script)}]\n[run]\npreload = [${JSON.stringify(EVIL.script)}]\n`,
        ".bunfig.toml": `preload = [${JSON.stringify(EVIL.script)}]\n`,
        ".env": `BUN_OPTIONS=--preload=${EVIL.script}\nBUN_BE_BUN=1\nFORCE_COLOR=1\n`,
        ".env.local": "FORCE_COLOR=1\n",
        ".env.production": "FORCE_COLOR=1\n",
        "tsconfig.json": `{"compilerOptions": {"paths": {"*": [${JSON.stringify(EVIL.script)}]}}}`,
        "jsconfig.json": `{"compilerOptions": {"paths": {"*": [${JSON.stringify(EVIL.script)}]}}}`,
        "package.json": `{"type": "commonjs", "main": ${JSON.stringify(EVIL.script)}, "imports": {"#x": ${JSON.stringify(EVIL.script)}}}`,
        ".npmrc": "node-options=--require=./evil.cjs\n",
      };
      for (const dir of [deep, `${scratch}/parent/child`, `${scratch}/parent`]) {
        for (const [name, text] of Object.entries(files)) writeFileSync(`${dir}/${name}`, text);
        mkdirSync(`${dir}/node_modules/picocolors`, { recursive: true });
        writeFileSync(`${dir}/node_modules/picocolors/index.js`, `require(${JSON.stringify(EVIL.script)})`);
      }
      await using cgroup = makeCgroup("v2");
      await using _ = await startSleeper(cgroup.dir);
      const { code, stdout, stderr } = await runCgkill([cgroup.dir], {
        cwd: deep,
        env: { HOME: deep, XDG_CONFIG_HOME: deep },
      });
      expect(stdout).toMatch(/^killed  \S+  1 process, method kill, /);
      expect(stderr).toBe("");
      expect(code).toBe(0);
      expect(existsSync(mark)).toBe(false);
    });

    test.each([
      ["a read-only root", "mount -o remount,ro,bind /"],
      ["no /tmp, and nothing to be written anywhere", "mount -t tmpfs -o ro none /tmp && mount -o remount,ro,bind /"],
      ["no /tmp that one may enter", "mount -t tmpfs -o mode=0 none /tmp"],
      ["no /dev", "mount -t tmpfs -o ro none /dev"],
      ["a /proc of nothing but processes (ProcSubset=pid)", "mount -t proc -o subset=pid none /proc"],
    ])("%s: it runs", async (_, script) => {
      await using cgroup = makeCgroup("v2");
      await using _sleeper = await startSleeper(cgroup.dir);
      // By a descriptor: this checkout, and the binary in it, may lie below what is mounted over.
      const held = `exec 9<"$1"; shift; ${script} && exec /proc/self/fd/9 "$@"`;
      const under = ["unshare", "-m", "sh", "-c", held, "sh"];
      const { code, stdout } = await runCgkill(["--json", cgroup.dir], { under });
      expect(documents(stdout)[0]).toMatchObject({ outcome: "killed", killed_count: 1 });
      expect(code).toBe(0);
    });

    test.each([
      ["a /proc of nothing but processes", "mount -t proc -o subset=pid none /proc"],
      ["a hidden /proc/stat", "mount --bind /dev/null /proc/stat"],
    ])("%s: shown and listed, without their age", async (_, script) => {
      await using cgroup = makeCgroup("v2");
      await using sleeper = await startSleeper(cgroup.dir);
      const under = ["unshare", "-m", "sh", "-c", `${script} && exec "$@"`, "sh"];
      const shown = await runCgkill(["show", "--json", cgroup.dir], { under });
      expect(documents(shown.stdout)[0]).toMatchObject({ processes: [{ pid: sleeper.pid, started_at: null }] });
      const listed = await runCgkill(["list", "--json", cgroup.dir], { under });
      expect(documents(listed.stdout)[0]).toMatchObject({ procs: 1, started_at: null });
      const screen = await runCgkill(["show", cgroup.dir], { under });
      expect(screen.stdout).toMatch(new RegExp(`^ +${sleeper.pid} +root +S +- `, "m"));
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
