// Containers of a real runtime, killed from outside: the runtime then agrees that they are gone, and cleans up.

import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";

import { cannotStage, inLayout, type Layout, pointIn } from "../support/layout.ts";
import { canStage, destroy, isAlive, makeCgroup, mountPoint, startSleeper } from "../support/real-cgroup.ts";
import { documents, runCgkill } from "../support/run-cgkill.ts";

/** As it is here, the host is a hybrid one: there the runtime uses v1. */
const HOSTS: ReadonlyArray<readonly [version: "v1" | "v2", layout: Layout]> = [
  ["v1", "as-is"],
  ["v2", "unified"],
];
const SYSTEM = ["/bin", "/lib", "/lib64", "/usr", "/sbin"].filter((dir) => existsSync(dir));

/** A bundle of the host's own programs, read-only. */
function writeBundle(bundle: string, cgroup: string): void {
  mkdirSync(`${bundle}/rootfs`);
  const spec = Bun.spawnSync(["runc", "spec", "--bundle", bundle]);
  if (spec.exitCode !== 0) throw new Error(spec.stderr.toString());
  const config = JSON.parse(readFileSync(`${bundle}/config.json`, "utf8"));
  config.process.terminal = false;
  config.process.args = ["sh", "-c", "sleep 1000 & sleep 1000 & wait"];
  config.mounts = [
    ...config.mounts.filter(({ type }: { type: string }) => type !== "cgroup"),
    ...SYSTEM.map((dir) => ({ destination: dir, source: dir, type: "none", options: ["rbind", "ro"] })),
  ];
  config.linux.cgroupsPath = cgroup;
  writeFileSync(`${bundle}/config.json`, JSON.stringify(config));
}

function run(
  layout: Layout,
  argv: readonly string[],
): { readonly code: number; readonly stdout: string; readonly stderr: string } {
  const child = Bun.spawnSync(inLayout(layout, argv), { stdin: "ignore" });
  return { code: child.exitCode, stdout: child.stdout.toString(), stderr: child.stderr.toString() };
}

/** Detached: the container inherits what we give it, so that is files and no pipes. */
function start(layout: Layout, argv: readonly string[], log: string): string {
  const out = Bun.file(log);
  const child = Bun.spawnSync(inLayout(layout, argv), { stdio: ["ignore", out, out] });
  return child.exitCode === 0 ? "" : readFileSync(log, "utf8");
}

const isInstalled = Bun.which("runc") !== null;
if (!isInstalled) console.warn("left out: containers of runc (it is not installed)");

for (const [version, layout] of HOSTS) {
  const isPossible = isInstalled && canStage(version) && cannotStage(layout) === undefined;

  describe.if(isPossible)(`runc on ${version}`, () => {
    test("a container, killed from outside, is gone for its runtime too", async () => {
      const scratch = mkdtempSync(`${tmpdir()}/cgkill-test-`);
      const id = `cgkill-test-${process.pid}-runc-${version}`;
      const host = `${mountPoint(version)}/${id}`;
      const command = ["runc", "--root", `${scratch}/state`];
      await using beside = makeCgroup(version);
      await using canary = await startSleeper(beside.dir);
      try {
        writeBundle(scratch, `/${id}`);
        const argv = [...command, "run", "--detach", "--bundle", scratch, id];
        expect(start(layout, argv, `${scratch}/log`)).toBe("");
        const before = JSON.parse(run(layout, [...command, "state", id]).stdout);
        expect(before.status).toBe("running");

        const killed = await runCgkill(["--json", `${pointIn(layout, version)}/${id}`], { layout });
        expect(killed).toMatchObject({ code: 0, stderr: "" });
        expect(documents(killed.stdout)).toMatchObject([{ outcome: "killed", killed_count: 3 }]);
        expect(isAlive(before.pid)).toBe(false);
        expect(isAlive(canary.pid)).toBe(true);

        const after = JSON.parse(run(layout, [...command, "state", id]).stdout);
        expect(after.status).toBe("stopped");
        expect(run(layout, [...command, "delete", id])).toMatchObject({ code: 0 });
        expect(run(layout, [...command, "state", id]).code).not.toBe(0);
      } finally {
        run(layout, [...command, "delete", "--force", id]);
        for (const point of ["v1", "v2", "memory", "pids", "systemd"] as const) {
          const dir = `${mountPoint(point)}/${id}`;
          if (existsSync(dir)) await destroy(dir);
        }
        rmSync(scratch, { recursive: true, force: true });
      }
      expect(existsSync(host)).toBe(false);
    });
  });
}
