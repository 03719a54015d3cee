// Cgroups whose paths exceed the 4,095 bytes that /proc/PID/cgroup shows, and cgroups deeper than the limit of open
// descriptors. A bind mount half-way down makes the rest reachable, as a container's mount does.

import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { closeSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";

import { at, clearDeep, dig, namesToTheCut, SHOWN, visitDeep } from "../support/deep.ts";
import { canStage, isAlive, isFrozen, makeCgroup, startSleeper } from "../support/real-cgroup.ts";
import { type BoundedRun, inMounts, runBounded } from "../support/run-bounded.ts";
import { documents } from "../support/run-cgkill.ts";

setDefaultTimeout(20_000);

/** The number of levels above the part that is mounted elsewhere. */
const HALF_WAY = 8;

interface Deep extends AsyncDisposable {
  /** The cgroup at the bottom of the chain, and a path to it that needs `mounts`. */
  readonly bottom: string;
  readonly mounted: string;
  /** A script that mounts the lower half at `mounted`. */
  readonly mounts: string;
  readonly start: (dir: string) => Promise<number>;
  readonly rescue: () => void;
}

/** Make a chain whose last cgroup has a path of exactly this many bytes in `/proc/PID/cgroup`. */
function stage(version: "v1" | "v2", bytes: number): Deep {
  const base = makeCgroup(version);
  const scratch = mkdtempSync(`${tmpdir()}/cgkill-test-`);
  const names = namesToTheCut(base.path, bytes);
  const fds = dig(base.dir, names);
  const sleepers: AsyncDisposable[] = [];
  return {
    bottom: at(fds.at(-1) as number),
    mounted: [scratch, ...names.slice(HALF_WAY)].join("/"),
    mounts: `mount --bind ${[base.dir, ...names.slice(0, HALF_WAY)].join("/")} ${scratch}`,
    async start(dir) {
      const sleeper = await startSleeper(dir);
      sleepers.push(sleeper);
      return sleeper.pid;
    },
    rescue: () => clearDeep(base.dir),
    async [Symbol.asyncDispose]() {
      clearDeep(base.dir);
      for (const sleeper of sleepers) await sleeper[Symbol.asyncDispose]();
      for (const fd of fds) closeSync(fd);
      await base[Symbol.asyncDispose]();
      rmSync(scratch, { recursive: true, force: true });
    },
  };
}

function expectKilledOrRefused(ran: BoundedRun, victim: number): void {
  expect(ran).toMatchObject({ isStuck: false, signal: null });
  expect(ran.code).toBeOneOf([0, 4]);
  expect(isAlive(victim)).toBe(ran.code !== 0);
}

for (const version of ["v1", "v2"] as const) {
  describe.if(canStage(version))(`${version}: a path that is cut at ${SHOWN} bytes`, () => {
    test("between two names: --pid kills that cgroup or refuses, and its parent and sibling live", async () => {
      await using deep = stage(version, SHOWN);
      for (const name of ["target", "sibling"]) mkdirSync(`${deep.bottom}/${name}`);
      const victim = await deep.start(`${deep.bottom}/target`);
      const others = [await deep.start(deep.bottom), await deep.start(`${deep.bottom}/sibling`)];
      const ran = await runBounded(["--json", "--hierarchy", version, "--pid", String(victim)], {
        under: inMounts(deep.mounts),
      });
      expect(others.map(isAlive)).toEqual([true, true]);
      expectKilledOrRefused(ran, victim);
    });

    test("within a name, and there is a cgroup of the shorter name: that one lives", async () => {
      await using deep = stage(version, SHOWN - "/short".length);
      for (const name of ["short", "shorter"]) mkdirSync(`${deep.bottom}/${name}`);
      const victim = await deep.start(`${deep.bottom}/shorter`);
      const others = [await deep.start(deep.bottom), await deep.start(`${deep.bottom}/short`)];
      const ran = await runBounded(["--json", "--hierarchy", version, "--pid", String(victim)], {
        under: inMounts(deep.mounts),
      });
      expect(others.map(isAlive)).toEqual([true, true]);
      expectKilledOrRefused(ran, victim);
    });

    test("cgkill inside such a target steps aside or refuses: it does not freeze or kill itself", async () => {
      await using deep = stage(version, SHOWN);
      mkdirSync(`${deep.bottom}/target`);
      const victim = await deep.start(`${deep.bottom}/target`);
      const parent = await deep.start(deep.bottom);
      const target = `${deep.mounted}/target`;
      const ran = await runBounded(["--json", "-t", "2s", target], {
        under: inMounts(`${deep.mounts} && echo 0 > ${target}/cgroup.procs`),
        limitMs: 3500,
        rescue: deep.rescue,
      });
      expectKilledOrRefused(ran, victim);
      expect(isAlive(parent)).toBe(true);
      expect(isFrozen(deep.bottom)).toBe(false);
    });
  });

  describe.if(canStage(version))(`${version}: chains of 400 cgroups with long names`, () => {
    test.each([
      [24, 1],
      [256, 16],
    ])("with a hard limit of %i descriptors, %i chains: every member dies", async (limit, chains) => {
      await using base = makeCgroup(version);
      const target = `${base.dir}/target`;
      mkdirSync(target);
      const below = Array.from({ length: 399 }, () => "n".repeat(250));
      await using above = await startSleeper(base.dir);
      const sleepers = [];
      // As many as are held at a time, if descriptors are few.
      for (let i = 0; i < 8; i++) sleepers.push(await startSleeper(target));
      for (let chain = 0; chain < chains; chain++) {
        const fds = dig(target, [`${chain}${"n".repeat(240)}`, ...below]);
        if (chain === 0) sleepers.push(await startSleeper(at(fds[200] as number)));
        if (chain === chains - 1) sleepers.push(await startSleeper(at(fds[399] as number)));
        for (const fd of fds) closeSync(fd);
      }
      try {
        // On v2, cgroup.kill needs no walk.
        const method = version === "v1" ? "auto" : "freezer";
        const { code, stdout } = await runBounded(["--json", "-m", method, target], {
          under: ["sh", "-c", `ulimit -n ${limit} && exec "$@"`, "sh"],
        });
        expect(documents(stdout)).toMatchObject([{ outcome: "killed", killed_count: 10, left_frozen: [] }]);
        expect(code).toBe(0);
        expect(sleepers.filter(({ pid }) => isAlive(pid))).toEqual([]);
        expect(isAlive(above.pid)).toBe(true);
        let left = 0;
        visitDeep(base.dir, () => left++);
        expect(left).toBe(version === "v1" ? 1 : 2 + 400 * chains);
      } finally {
        clearDeep(base.dir);
        for (const sleeper of sleepers) await sleeper[Symbol.asyncDispose]();
      }
    });
  });
}
