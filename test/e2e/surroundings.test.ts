// The surroundings of the binary: configuration files of Bun and Node in the working directory, and what a host may
// lack.

import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";

import { canStage, makeCgroup, startSleeper } from "../support/real-cgroup.ts";
import { documents, runCgkill } from "../support/run-cgkill.ts";

const scratch = mkdtempSync(`${tmpdir()}/cgkill-test-`);
const mark = `${scratch}/ran`;
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const EVIL = `${scratch}/evil.cjs`;
writeFileSync(EVIL, `require("fs").writeFileSync(${JSON.stringify(mark)}, "")`);

if (canStage("v2")) {
  describe("the surroundings of the binary", () => {
    // Bun searches for these from the working directory upwards, and in the home directory.
    test("configuration files of Bun and Node in the working directory, its parents and at home are not read", async () => {
      const deep = `${scratch}/parent/child/here`;
      mkdirSync(deep, { recursive: true });
      const files: Readonly<Record<string, string>> = {
        "bunfig.toml": `preload = [${JSON.stringify(EVIL)}]\n[run]\npreload = [${JSON.stringify(EVIL)}]\n`,
        ".bunfig.toml": `preload = [${JSON.stringify(EVIL)}]\n`,
        ".env": `BUN_OPTIONS=--preload=${EVIL}\nBUN_BE_BUN=1\nFORCE_COLOR=1\n`,
        ".env.local": "FORCE_COLOR=1\n",
        ".env.production": "FORCE_COLOR=1\n",
        "tsconfig.json": `{"compilerOptions": {"paths": {"*": [${JSON.stringify(EVIL)}]}}}`,
        "jsconfig.json": `{"compilerOptions": {"paths": {"*": [${JSON.stringify(EVIL)}]}}}`,
        "package.json": `{"type": "commonjs", "main": ${JSON.stringify(EVIL)}, "imports": {"#x": ${JSON.stringify(EVIL)}}}`,
        ".npmrc": "node-options=--require=./evil.cjs\n",
      };
      for (const dir of [deep, `${scratch}/parent/child`, `${scratch}/parent`]) {
        for (const [name, text] of Object.entries(files)) writeFileSync(`${dir}/${name}`, text);
        mkdirSync(`${dir}/node_modules/picocolors`, { recursive: true });
        writeFileSync(`${dir}/node_modules/picocolors/index.js`, `require(${JSON.stringify(EVIL)})`);
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
      // Through a descriptor, because this checkout and the binary may be below the mount.
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
  });
}
