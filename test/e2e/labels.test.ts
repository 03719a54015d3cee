// Containers of real runtimes in the cgroups that their supervisors use: list labels them, and --name finds them.

import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";

import { cannotStage, inLayout } from "../support/layout.ts";
import { documents, runCgkill } from "../support/run-cgkill.ts";

const ID = `${process.pid.toString(16).padStart(8, "0")}${"5eed".repeat(14)}`;
const POD = "3f2a9c41-d0be-4c1e-9f00-aaaabbbbcccc";
const DIRS = ["/bin", "/lib", "/lib64", "/usr", "/sbin"].filter((dir) => existsSync(dir));

/** The cgroup path that each supervisor gives to the runtime, and the label that cgkill derives from it. */
const SUPERVISORS: ReadonlyArray<readonly [name: string, path: string, label: string]> = [
  ["Docker", `/docker/${ID}`, `docker ${ID.slice(0, 12)}`],
  ["Podman", `/libpod_parent/libpod-${ID}`, `podman ${ID.slice(0, 12)}`],
  ["a Kubernetes pod", `/kubepods/burstable/pod${POD}/${ID}`, `container ${ID.slice(0, 12)} in pod ${POD.slice(0, 8)}`],
  ["containerd", `/k8s.io/${ID}`, `containerd ${ID.slice(0, 12)}`],
];

function writeBundle(runtime: string, bundle: string, cgroupsPath: string): void {
  mkdirSync(`${bundle}/rootfs`);
  const spec = Bun.spawnSync([runtime, "spec"], { cwd: bundle });
  if (spec.exitCode !== 0) throw new Error(spec.stderr.toString());
  const config = JSON.parse(readFileSync(`${bundle}/config.json`, "utf8"));
  config.process.terminal = false;
  config.process.args = ["sleep", "1000"];
  const binds = DIRS.map((dir) => ({ destination: dir, source: dir, type: "none", options: ["rbind", "ro"] }));
  config.mounts = [...config.mounts.filter(({ type }: { type: string }) => type !== "cgroup"), ...binds];
  config.linux.cgroupsPath = cgroupsPath;
  writeFileSync(`${bundle}/config.json`, JSON.stringify(config));
}

/** Remove the cgroups that a runtime made in every hierarchy, and their parents if they are empty. */
function sweep(path: string): void {
  for (const [, point] of readFileSync("/proc/self/mountinfo", "utf8").matchAll(/^(?:\S+ ){4}(\S+) .* - cgroup2? /gm)) {
    for (let at = path; at !== ""; at = at.slice(0, at.lastIndexOf("/"))) {
      if (existsSync(`${point}${at}`)) Bun.spawnSync(["rmdir", `${point}${at}`], { stderr: "ignore" });
    }
  }
}

/** What a runtime needs and the v1 layout lacks. */
const WITH_DEVICES = [
  "sh",
  "-c",
  'cd /sys/fs/cgroup && mkdir devices && mount -t cgroup -o devices none devices && cd / && exec "$@"',
  "sh",
];

// On pure v2, crun locks memory for its device program, which the limits here do not permit.
for (const [runtime, layout] of [
  ["runc", "unified"],
  ["runc", "legacy"],
  ["crun", "legacy"],
] as const) {
  const reason = Bun.which(runtime) === null ? "it is not installed" : cannotStage(layout);
  if (reason !== undefined) console.warn(`left out: labels of containers of ${runtime}, ${layout} (${reason})`);

  describe.if(reason === undefined)(`${runtime}, ${layout}`, () => {
    test.each(SUPERVISORS)("below %s", async (_, path, label) => {
      const scratch = mkdtempSync(`${tmpdir()}/cgkill-test-`);
      const name = `cgkill-test-${process.pid}-label`;
      const log = Bun.file(`${scratch}/log`);
      const run = (...words: string[]) =>
        Bun.spawnSync(
          inLayout(layout, [
            ...(layout === "legacy" ? WITH_DEVICES : []),
            runtime,
            "--root",
            `${scratch}/state`,
            ...words,
          ]),
          {
            // The container inherits our output, which therefore goes to files and not to pipes.
            stdio: ["ignore", words[0] === "state" ? "pipe" : log, log],
          },
        );
      try {
        writeBundle(runtime, scratch, path);
        const { exitCode } = run("run", "--detach", "--bundle", scratch, name);
        expect({ exitCode, log: await log.text() }).toEqual({ exitCode: 0, log: "" });
        const { pid } = JSON.parse(run("state", name).stdout?.toString() ?? "");
        // On v1 it is in every hierarchy.
        const only = layout === "unified" ? [] : ["--hierarchy", "freezer"];
        const { stdout } = await runCgkill(["list", "--json", ...only], { layout });
        expect(documents(stdout).filter(({ cgroup }) => cgroup === path)).toMatchObject([{ label, procs: 1 }]);
        const shown = await runCgkill(["show", "--json", "--name", ID.slice(0, 12), ...only], { layout });
        expect(documents(shown.stdout)).toMatchObject([{ cgroup: path, label, processes: [{ pid }] }]);
      } finally {
        run("delete", "--force", name);
        sweep(path);
        rmSync(scratch, { recursive: true, force: true });
      }
    });
  });
}
