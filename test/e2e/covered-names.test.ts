// What is opened must be what was named. A name that is covered by a mount means neither what is mounted there nor a
// missing cgroup: the named cgroup is killed, or the refusal names the mount point.

import { describe, expect, test } from "bun:test";
import { basename, dirname } from "node:path";

import {
  BOTH,
  expectKilledOrRefused,
  expectRefused,
  HIERARCHY,
  makeScene,
  runAmong,
  type Scene,
  scenesLeftAlone,
} from "../support/mounts.ts";
import { canStage } from "../support/real-cgroup.ts";
import { documents } from "../support/run-cgkill.ts";

const KILL = ["--json", "--keep", "-t", "2s", "--ignore-missing"];

/** The forms in which the target, or its child `c`, is named. */
type Naming = Readonly<Record<string, (scene: Scene) => readonly string[]>>;

const TARGET_BY_PATH: Naming = {
  "by path": ({ path }) => [path],
  "by a process": ({ members, version }) => ["--hierarchy", HIERARCHY[version], "--pid", String(members.target)],
};
const TARGET: Naming = {
  ...TARGET_BY_PATH,
  "by directory": ({ target }) => [target],
  "by --name": ({ target }) => ["--name", basename(target)],
};
const CHILD_BY_PATH: Naming = {
  "by path": ({ path }) => [`${path}/c`],
  "by a process": ({ members, version }) => ["--hierarchy", HIERARCHY[version], "--pid", String(members.c)],
};
const CHILD: Naming = { ...CHILD_BY_PATH, "by directory": ({ target }) => [`${target}/c`] };

interface Cover {
  readonly mounts: string;
  readonly named: Naming;
  /** Whether the child `c` of the scene's target is named. */
  readonly isChild?: true;
  /** The mount point, below the scene's target. */
  readonly point?: string;
}

const COVERS: Readonly<Record<string, Cover>> = {
  "another cgroup over the target": { mounts: "mount --bind $B $T", named: TARGET },
  "a cgroup of another hierarchy over the target": { mounts: "mount --bind $F $T", named: TARGET_BY_PATH },
  // By directory and by --name it was refused before.
  "a tmpfs over the target": { mounts: "mount -t tmpfs none $T", named: TARGET_BY_PATH },
  "two mounts over the target": { mounts: "mount -t tmpfs none $T; mount --bind $B $T", named: TARGET_BY_PATH },
  "the target's own child over it": { mounts: "mount --bind $T/e $T", named: TARGET_BY_PATH },
  "another cgroup over a child": { mounts: "mount --bind $B $T/c", named: CHILD, isChild: true, point: "/c" },
  "a cgroup with a child of that name over the parent": { mounts: "mount --bind $B $T", named: CHILD, isChild: true },
  "a cgroup without such a child over the parent": { mounts: "mount --bind $B/empty $T", named: CHILD, isChild: true },
  "a tmpfs over the parent": { mounts: "mount -t tmpfs none $T", named: CHILD, isChild: true },
  // By directory it was refused before.
  "a tmpfs with a directory of that name over the parent": {
    mounts: "mount -t tmpfs none $T; mkdir $T/c; echo $PID > $T/c/cgroup.procs",
    named: CHILD_BY_PATH,
    isChild: true,
  },
};

const CASES = Object.entries(COVERS).flatMap(([title, cover]) =>
  Object.entries(cover.named).map(([how, args]) => ({ title, how, args, ...cover })),
);

for (const version of ["v1", "v2"] as const) {
  describe.if(canStage(version) && canStage("v1") && canStage("pids"))(`covered names on ${version}`, () => {
    const sceneLeftAlone = scenesLeftAlone(version);
    for (const { title, how, mounts, args, isChild = false, point = "" } of CASES) {
      test(`${title}, named ${how}: it is killed, or refused`, async () => {
        await using scene = await makeScene(version);
        const { members } = scene;
        const victims = isChild ? [members.c, members.d] : Object.values(members);
        const ran = await runAmong(scene, { mounts }, [...KILL, ...args(scene)]);
        expectKilledOrRefused(scene, ran, victims, `${scene.target}${point}`);
      });

      if (how !== "by path") continue;
      test(`${title}: refused without the right to look beneath`, async () => {
        const scene = await sceneLeftAlone();
        const ran = await runAmong(scene, { mounts, without: BOTH }, [...KILL, ...args(scene)]);
        expectRefused(scene, ran, `${scene.target}${point}`);
      });
    }

    // Regression: it was reported as missing, which is success here.
    test.each([
      ["a cgroup of another hierarchy", "mount --bind $F $T"],
      ["a directory of a tmpfs", "mount -t tmpfs none $T; mkdir $T/empty"],
    ])("%s, mounted over the target, which has no child of that name: refused", async (_, mounts) => {
      const scene = await sceneLeftAlone();
      const ran = await runAmong(scene, { mounts }, [...KILL, `${scene.target}/empty`]);
      expectRefused(scene, ran, scene.target);
    });

    // Regression: the cgroup that has that path here was killed, or was missing, which is success here.
    test.each(["c", "empty"])("a link into another mount namespace, to %s: refused", async (name) => {
      const scene = await sceneLeftAlone();
      const elsewhere = "mount --bind $B $T; : > $S/ready; exec sleep 5";
      const mounts =
        `unshare -m sh -ec '${elsewhere}' > $S/out 2>&1 & ` +
        `until [ -e $S/ready ]; do sleep 0.01; done; ln -sfn /proc/$!/root$T/${name} $S/link; rm $S/ready`;
      const ran = await runAmong(scene, { mounts }, [...KILL, `${scene.scratch}/link`]);
      expect(ran.code).toBe(4);
      expect(scene.isUntouched()).toBe(true);
    });

    test("relative to a working directory whose child is covered: it is killed, or refused", async () => {
      await using scene = await makeScene(version);
      const ran = await runAmong(scene, { mounts: "cd $T; mount --bind $B $T/c" }, [...KILL, "./c"]);
      expectKilledOrRefused(scene, ran, [scene.members.c, scene.members.d], `${scene.target}/c`);
    });
  });
}

describe.if(canStage("v1") && canStage("v2"))("a hierarchy that is mounted only inside another", () => {
  // Regression: found in v2, and opened by the same directory in the freezer hierarchy, whose processes were killed.
  test("--name --hierarchy v2: the cgroup beneath it is the target", async () => {
    await using scene = await makeScene("v2");
    const name = basename(scene.foreign);
    const mounts = `mkdir $T/c/${name}; mount --move ${dirname(scene.foreign)} $T/c`;
    const ran = await runAmong(scene, { mounts }, ["--json", "--hierarchy", "v2", "--name", name]);
    expect(documents(ran.stdout)).toMatchObject([
      { outcome: "empty", hierarchy: "v2", cgroup: `${scene.path}/c/${name}` },
    ]);
    scene.expectOutsideUntouched();
  });
});
