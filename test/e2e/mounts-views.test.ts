// Among mounts, show and list report the true cgroups, and freeze and thaw act on them, or they are refused.

import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";

import {
  BOTH,
  expectRefused,
  makeScene,
  runAmong,
  type Scene,
  scenesLeftAlone,
  type Version,
} from "../support/mounts.ts";
import { canStage, isAlive, isFrozen, until, write } from "../support/real-cgroup.ts";
import { documents, type Ran } from "../support/run-cgkill.ts";

const COVERS: Readonly<Record<string, string>> = {
  "a cgroup of the same hierarchy": "mount --bind $B $T/c",
  "a tmpfs with forged lists":
    "mount -t tmpfs none $T/c; mkdir $T/c/c; for f in cgroup.procs tasks cgroup.threads c/cgroup.procs; do echo $PID > $T/c/$f; done",
};

const SWITCH: Readonly<Record<Version, { file: string; on: string; off: string }>> = {
  v1: { file: "freezer.state", on: "FROZEN", off: "THAWED" },
  v2: { file: "cgroup.freeze", on: "1", off: "0" },
};

function switchOf(version: Version, dir: string): string {
  return readFileSync(`${dir}/${SWITCH[version].file}`, "utf8").trim();
}

async function freeze(version: Version, dir: string): Promise<void> {
  const { file, on } = SWITCH[version];
  write(`${dir}/${file}`, on);
  await until(`${dir} to be frozen`, () => switchOf(version, dir) === on);
}

/** The order of the rows is irrelevant here. */
function rowsBelow(scene: Scene, ran: Ran): Map<string, Record<string, unknown>> {
  return new Map(documents(ran.stdout).map((row) => [String(row["path"]).slice(scene.target.length), row]));
}

for (const version of ["v1", "v2"] as const) {
  describe.if(canStage(version) && canStage("v1") && canStage("pids"))(`views among mounts on ${version}`, () => {
    const sceneLeftAlone = scenesLeftAlone(version);
    for (const [title, mounts] of Object.entries(COVERS)) {
      test(`${title} over a child: show has the true members and no other process`, async () => {
        const scene = await sceneLeftAlone();
        const ran = await runAmong(scene, { mounts }, ["show", "--json", scene.target]);
        const [document] = documents(ran.stdout);
        const processes = (document?.["processes"] ?? []) as { pid: number; cgroup: string }[];
        const { target, c, d, e } = scene.members;
        const places = new Map(processes.map(({ pid, cgroup }) => [pid, cgroup.slice(scene.path.length)]));
        expect(places).toEqual(
          new Map([
            [target, ""],
            [c, "/c"],
            [d, "/c/d"],
            [e, "/e"],
          ]),
        );
        expect(document).toMatchObject({ command: "show", procs: 1, procs_subtree: 4, refusal: null });
        expect(ran.code).toBe(0);
        scene.expectOutsideUntouched();
      });

      test(`${title} over a child: show and a dry run are refused without the right to look beneath`, async () => {
        const scene = await sceneLeftAlone();
        for (const args of [["show"], ["--dry-run"]]) {
          const ran = await runAmong(scene, { mounts, without: BOTH }, [...args, "--json", scene.target]);
          expectRefused(scene, ran, `${scene.target}/c`);
          for (const pid of scene.innocents) expect(ran.stdout).not.toContain(`"pid":${pid},`);
        }
      });

      test(`${title} over a child: list counts the true members`, async () => {
        const scene = await sceneLeftAlone();
        const ran = await runAmong(scene, { mounts }, ["list", "--json", "--all", scene.target]);
        const rows = rowsBelow(scene, ran);
        const counts = [...rows].map(([path, row]) => [path, row["procs"], row["procs_subtree"]]);
        expect(counts.sort()).toEqual([
          ["", 1, 4],
          ["/c", 1, 2],
          ["/c/d", 1, 1],
          ["/e", 1, 1],
        ]);
        expect(ran.code).toBe(0);
      });

      test(`${title} over a child: list says that it cannot look beneath, and counts no other process`, async () => {
        const scene = await sceneLeftAlone();
        const staging = { mounts, without: BOTH };
        const ran = await runAmong(scene, staging, ["list", "--json", "--all", scene.target]);
        const rows = rowsBelow(scene, ran);
        expect([...rows.keys()].filter((path) => path.startsWith("/c/"))).toEqual([]);
        expect(rows.get("/c")?.["procs"] ?? null).toBeNull();
        const said = [...rows.values()].map(({ refusal }) => JSON.stringify(refusal ?? null)).join();
        expect(ran.code === 4 ? ran.stdout + ran.stderr : said).toContain(`${scene.target}/c`);
      });
    }

    test("a frozen target, a frozen foreign cgroup over its frozen child: thaw reaches the child, not the foreign cgroup", async () => {
      await using scene = await makeScene(version);
      const inside = [scene.target, `${scene.target}/c`, `${scene.target}/c/d`];
      for (const dir of [...inside, scene.beside, `${scene.beside}/c`]) await freeze(version, dir);
      const ran = await runAmong(scene, { mounts: "mount --bind $B $T/c" }, ["thaw", "--json", scene.target]);
      const { on, off } = SWITCH[version];
      expect([scene.beside, `${scene.beside}/c`].map((dir) => switchOf(version, dir))).toEqual([on, on]);
      expect(inside.map((dir) => switchOf(version, dir))).toEqual([off, off, off]);
      expect(documents(ran.stdout)).toMatchObject([{ outcome: "thawed", state: "thawed", error: null }]);
      expect(ran.code).toBe(0);
    });

    test("thaw without the right to look beneath: refused, and nothing is switched", async () => {
      await using scene = await makeScene(version);
      const dirs = [scene.target, `${scene.target}/c`, scene.beside];
      for (const dir of dirs) await freeze(version, dir);
      const staging = { mounts: "mount --bind $B $T/c", without: BOTH };
      const ran = await runAmong(scene, staging, ["thaw", "--json", scene.target]);
      expect(dirs.map((dir) => switchOf(version, dir))).toEqual(dirs.map(() => SWITCH[version].on));
      expect(documents(ran.stdout)).toMatchObject([{ outcome: "refused" }]);
      expect(ran.stdout).toContain(`${scene.target}/c`);
      expect(ran.code).toBe(4);
    });

    test("freeze without the right to look beneath: refused, and nothing is frozen", async () => {
      await using scene = await makeScene(version);
      const staging = { mounts: "mount --bind $B $T/c", without: BOTH };
      expectRefused(scene, await runAmong(scene, staging, ["freeze", "--json", scene.target]), `${scene.target}/c`);
    });

    test("freeze and thaw of a covered target leave the foreign cgroup over it alone", async () => {
      await using scene = await makeScene(version);
      const { target, beside } = scene;
      const { on, off } = SWITCH[version];
      const staging = { mounts: "mount --bind $B $T" };
      const frozen = await runAmong(scene, staging, ["freeze", "--json", target]);
      scene.expectOutsideUntouched();
      expect([frozen.code, isFrozen(target)]).toEqual(frozen.code === 4 ? [4, false] : [0, true]);

      for (const dir of [target, beside]) await freeze(version, dir);
      const thawed = await runAmong(scene, staging, ["thaw", "--json", target]);
      expect(switchOf(version, beside)).toBe(on);
      expect([thawed.code, switchOf(version, target)]).toEqual(thawed.code === 4 ? [4, on] : [0, off]);
      expect([...scene.innocents, ...Object.values(scene.members)].filter((pid) => !isAlive(pid))).toEqual([]);
      expect(existsSync(`${beside}/empty`)).toBe(true);
    });
  });
}
