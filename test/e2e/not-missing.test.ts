// A name is missing only if the cgroup file system itself does not have it. If it cannot be seen here, because
// something is mounted over the mount or the hierarchy is not mounted, it is refused, even with --ignore-missing.

import { describe, expect, test } from "bun:test";
import { basename, dirname } from "node:path";

import {
  BOTH,
  expectRefused,
  HIERARCHY,
  runAmong,
  type Scene,
  scenesLeftAlone,
  type Version,
} from "../support/mounts.ts";
import { canStage, mountPoint } from "../support/real-cgroup.ts";
import { documents } from "../support/run-cgkill.ts";

const KILL = ["--json", "--keep", "-t", "2s"];

const NAMING: Readonly<Record<string, (scene: Scene) => readonly string[]>> = {
  "by path": ({ path }) => [path],
  "by a process": ({ members, version }) => ["--hierarchy", HIERARCHY[version], "--pid", String(members.target)],
  "by --name": ({ target }) => ["--name", basename(target)],
};

interface Hidden {
  readonly mounts: (point: string) => string;
  /** What the refusal must name. */
  readonly named: (version: Version, point: string) => string;
}

const HIDDEN: Readonly<Record<string, Hidden>> = {
  "another cgroup over the mount": { mounts: (point) => `mount --bind $B ${point}`, named: (_, point) => point },
  "a tmpfs over the mount": { mounts: (point) => `mount -t tmpfs none ${point}`, named: (_, point) => point },
  "a tmpfs over the place of all mounts": {
    mounts: (point) => `mount -t tmpfs none ${dirname(point)}`,
    named: (_, point) => dirname(point),
  },
  "the hierarchy unmounted": { mounts: (point) => `umount -l ${point}`, named: (version) => HIERARCHY[version] },
};

for (const version of ["v1", "v2"] as const) {
  const point = mountPoint(version) as string;

  describe.if(canStage(version) && canStage("v1") && canStage("pids"))(`what cannot be seen on ${version}`, () => {
    const sceneLeftAlone = scenesLeftAlone(version);
    for (const [title, { mounts, named }] of Object.entries(HIDDEN)) {
      const staging = { mounts: mounts(point) };
      test.each(Object.entries(NAMING))(`${title}, named %s: refused with --ignore-missing`, async (_, args) => {
        const scene = await sceneLeftAlone();
        const ran = await runAmong(scene, staging, [...KILL, "--ignore-missing", ...args(scene)]);
        expectRefused(scene, ran, named(version, point));
      });

      test(`${title}: refused without --ignore-missing`, async () => {
        const scene = await sceneLeftAlone();
        expectRefused(scene, await runAmong(scene, staging, [...KILL, scene.path]), named(version, point));
      });
    }

    test("a name that exists nowhere is missing, unless this hierarchy is not mounted", async () => {
      const scene = await sceneLeftAlone();
      const none = `${scene.path}-none`;
      // A mount that is not on the path of a name does not hide it.
      for (const mounts of [":", "mount -t tmpfs none $T"]) {
        const [asked, ignored] = [
          await runAmong(scene, { mounts }, [...KILL, none]),
          await runAmong(scene, { mounts }, [...KILL, "--ignore-missing", none]),
        ];
        expect([asked.code, documents(asked.stdout)[0]?.["outcome"]]).toEqual([3, "not-found"]);
        expect([ignored.code, documents(ignored.stdout)[0]?.["outcome"]]).toEqual([0, "missing"]);
      }
      const unmounted = await runAmong(scene, { mounts: `umount -l ${point}` }, [...KILL, "--ignore-missing", none]);
      expectRefused(scene, unmounted, HIERARCHY[version]);
    });

    test.each(["path", "target"] as const)("below a cover that hides whether it exists: refused (%s)", async (form) => {
      const scene = await sceneLeftAlone();
      const staging = { mounts: "mount -t tmpfs none $T/c", without: BOTH };
      const ran = await runAmong(scene, staging, [...KILL, "--ignore-missing", `${scene[form]}/c/none`]);
      expectRefused(scene, ran, `${scene.target}/c`);
    });
  });
}
