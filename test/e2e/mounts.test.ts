// A mount is never crossed: with something mounted inside the target, only its true members die if cgkill is permitted
// to look beneath the mount; if not, the mount point is named and nothing is touched.

import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync } from "node:fs";

import { INSIDE } from "../support/mounted-inside.ts";
import {
  BOTH,
  expectKilled,
  expectRefused,
  killedIn,
  makeScene,
  runAmong,
  type Scene,
  scenesLeftAlone,
  type Version,
} from "../support/mounts.ts";
import { canStage, destroy, isAlive, makeCgroup, mountPoint } from "../support/real-cgroup.ts";
import { documents } from "../support/run-cgkill.ts";

const METHODS: Readonly<Record<Version, readonly string[]>> = { v1: ["sweep"], v2: ["freezer", "sweep"] };
const WITH_EVERY_METHOD = [
  "a cgroup of the same hierarchy over a child",
  "a cgroup of another hierarchy over a child",
  "a tmpfs with forged lists over a child",
  "empty files over every file of a child",
];

/** Below the time-out of a test, so that a wrong kill is reported instead of a time-out. */
const KEEP = ["--json", "--keep", "-t", "2s"];
const all = (scene: Scene): number[] => Object.values(scene.members);

for (const version of ["v1", "v2"] as const) {
  describe.if(canStage(version) && canStage("v1") && canStage("pids"))(`mounted inside a target on ${version}`, () => {
    const sceneLeftAlone = scenesLeftAlone(version);
    for (const [title, { mounts, point }] of Object.entries(INSIDE)) {
      test(`${title}: the true members die`, async () => {
        await using scene = await makeScene(version);
        const ran = await runAmong(scene, { mounts }, [...KEEP, scene.target]);
        expectKilled(scene, ran, all(scene));
      });

      test(`${title}: refused without the right to look beneath`, async () => {
        const scene = await sceneLeftAlone();
        const ran = await runAmong(scene, { mounts, without: BOTH }, [...KEEP, scene.target]);
        expectRefused(scene, ran, `${scene.target}${point}`);
      });
    }

    test.each(METHODS[version].flatMap((method) => WITH_EVERY_METHOD.map((title) => [method, title] as const)))(
      "method %s, %s: the true members die",
      async (method, title) => {
        await using scene = await makeScene(version);
        const mounts = INSIDE[title]?.mounts ?? "false";
        const ran = await runAmong(scene, { mounts }, [...KEEP, "-m", method, scene.target]);
        expectKilled(scene, ran, all(scene));
      },
    );

    // A clone of the mount needs CAP_SYS_ADMIN; the other way beneath a cover, by file handle, is not used.
    test("without sys_admin alone: refused; without dac_read_search alone: the true members die", async () => {
      await using scene = await makeScene(version);
      const mounts = "mount --bind $B $T/c";
      const refused = await runAmong(scene, { mounts, without: ["sys_admin"] }, [...KEEP, scene.target]);
      expectRefused(scene, refused, `${scene.target}/c`);
      const killed = await runAmong(scene, { mounts, without: ["dac_read_search"] }, [...KEEP, scene.target]);
      expectKilled(scene, killed, all(scene));
    });

    // Regression: the only word on this was that something else is mounted at POINT/.. .
    test("a target that is the root of its mount: killed, and why it is not removed", async () => {
      await using scene = await makeScene(version);
      const mounts = "mkdir $S/root; mount --bind $T $S/root";
      const ran = await runAmong(scene, { mounts }, ["--json", "--remove", `${scene.scratch}/root`]);
      expect(documents(ran.stdout)).toMatchObject([
        {
          outcome: "not-removed",
          error: { hint: "it is the root of this mount: name it by one that shows its parent" },
        },
      ]);
      expect([killedIn(ran), ran.code]).toEqual([all(scene), 7]);
    });

    // The kernel does not remove a mount point of our own namespace (EBUSY), not even from beneath the cover.
    test("with removal: the true members die, and no directory outside is removed", async () => {
      await using scene = await makeScene(version);
      const staging = { mounts: "mount --bind $B $T/c; mount --bind $F $T/e" };
      const ran = await runAmong(scene, staging, ["--json", "--remove", "-t", "3s", scene.target]);
      if (ran.code === 0) return expectKilled(scene, ran, all(scene));
      scene.expectOutsideUntouched();
      expect(documents(ran.stdout)).toMatchObject([{ outcome: "not-removed", removed: false, survivors: [] }]);
      expect(ran.code).toBe(7);
      expect(killedIn(ran)).toEqual(all(scene));
      expect(all(scene).filter(isAlive)).toEqual([]);
    });
  });
}

describe.if(canStage("v1") && canStage("pids"))("--all-hierarchies, with something mounted over the twin", () => {
  const TWINS: Readonly<Record<string, string>> = {
    "another cgroup over the twin": "mount --bind $STRANGER $TWIN",
    "another cgroup over a child of the twin": "mount --bind $STRANGER $TWIN/c",
    "a tmpfs over the twin": "mount -t tmpfs none $TWIN; mkdir $TWIN/c",
  };
  test.each(Object.entries(TWINS))("%s: only true twins are removed", async (_, mounts) => {
    await using scene = await makeScene("v1");
    const twin = scene.target.replace(`${mountPoint("v1")}/`, `${mountPoint("pids")}/`);
    await using stack = new AsyncDisposableStack();
    stack.defer(() => destroy(twin));
    await using stranger = makeCgroup("pids");
    for (const dir of [twin, stranger.dir]) mkdirSync(`${dir}/c/d`, { recursive: true });
    const staging = { mounts: `TWIN=${twin}; STRANGER=${stranger.dir}; ${mounts}` };
    const ran = await runAmong(scene, staging, ["--json", "--all-hierarchies", "-t", "3s", scene.target]);
    expect(existsSync(`${stranger.dir}/c/d`)).toBe(true);
    // The kernel removes no mount point of our own namespace: what stays is named, or nothing was touched.
    if (ran.code === 0) return expect(existsSync(twin)).toBe(false);
    expect([4, 7]).toContain(ran.code as number);
    expect(ran.stdout).toContain(twin);
    expect(all(scene).map(isAlive)).toEqual(all(scene).map(() => ran.code === 4));
  });
});
