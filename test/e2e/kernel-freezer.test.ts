// The scenarios of the kernel's own freezer tests (cgroup v2), written anew for both versions: each state that they
// bring about is ended by cgkill instead, which must leave nothing, and nothing frozen.

import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, rmdirSync } from "node:fs";

import { stateOf } from "../support/proc.ts";
import {
  canStage,
  isAlive,
  isFrozen,
  liveMembers,
  makeCgroup,
  startAdversary,
  startSleeper,
  until,
  write,
} from "../support/real-cgroup.ts";
import { documents, runCgkill } from "../support/run-cgkill.ts";

type Version = "v1" | "v2";

const freeze = (version: Version, dir: string): void =>
  version === "v2" ? write(`${dir}/cgroup.freeze`, "1") : write(`${dir}/freezer.state`, "FROZEN");
const thaw = (version: Version, dir: string): void =>
  version === "v2" ? write(`${dir}/cgroup.freeze`, "0") : write(`${dir}/freezer.state`, "THAWED");
const move = (dir: string, pid: number): void => write(`${dir}/cgroup.procs`, String(pid));

/** Frozen by its own freezer or by that of an ancestor. */
const isFrozenFromAbove = (version: Version, dir: string): boolean =>
  version === "v1" ? isFrozen(dir) : readFileSync(`${dir}/cgroup.events`, "utf8").includes("frozen 1");

/** Kill a cgroup that is kept, and check the result against the kernel. */
async function killKept(dir: string, least: number): Promise<void> {
  const { code, stdout, stderr } = await runCgkill(["kill", "--keep", "--json", dir]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const [outcome] = documents(stdout);
  expect(outcome).toMatchObject({ outcome: "killed", survivors: [], left_frozen: [], proven: true });
  expect(outcome?.["killed_count"]).toBeGreaterThanOrEqual(least);
  expect(liveMembers(dir)).toEqual([]);
  expect(isFrozen(dir)).toBe(false);
}

for (const version of ["v1", "v2"] as const) {
  describe.if(canStage(version))(version, () => {
    const frozen = async (dir: string): Promise<void> => {
      freeze(version, dir);
      await until("the freeze", () => isFrozen(dir));
    };

    test("simple: a hundred frozen processes; the emptied cgroup works again", async () => {
      await using cgroup = makeCgroup(version);
      await using _ = startAdversary("sleepers", 100, cgroup.dir);
      await until("all of them", () => liveMembers(cgroup.dir).length === 100);
      await frozen(cgroup.dir);
      await killKept(cgroup.dir, 100);
      await using next = await startSleeper(cgroup.dir);
      await until("that it runs to its sleep", () => stateOf(next.pid) === "S");
    });

    test("tree: the top and two cgroups below it frozen, one of these thawed in vain", async () => {
      await using top = makeCgroup(version);
      const dirs = ["B", "B/C", "B/D", "E", "E/F", "E/F/G"].map((name) => `${top.dir}/${name}`);
      for (const dir of dirs) mkdirSync(dir);
      const sleepers = [];
      for (const dir of [top.dir, ...dirs]) sleepers.push(await startSleeper(dir));
      await frozen(top.dir);
      await frozen(`${top.dir}/B`);
      await frozen(`${top.dir}/E/F`);
      // The ancestor keeps it frozen.
      thaw(version, `${top.dir}/B`);
      await killKept(top.dir, 7);
      for (const { pid } of sleepers) expect(isAlive(pid)).toBe(false);
      for (const dir of dirs.filter(existsSync)) expect(isFrozen(dir)).toBe(false);
      for (const sleeper of sleepers) await sleeper[Symbol.asyncDispose]();
    });

    // Regression: without time for all, 145 of them stayed frozen, and the exit status was 0.
    test("wide: 400 frozen cgroups, and no time: all are thawed", async () => {
      await using top = makeCgroup(version);
      const dirs = Array.from({ length: 400 }, (_, nth) => `${top.dir}/sub${nth}`);
      for (const dir of dirs) {
        mkdirSync(dir);
        freeze(version, dir);
      }
      await using sleeper = await startSleeper(dirs[0] as string);
      const { code, stdout } = await runCgkill(["kill", "--keep", "--json", "--timeout", "0", top.dir]);
      // With no time to wait, its last process may still be exiting.
      expect(code).toBeOneOf([0, 6]);
      expect(documents(stdout)).toMatchObject([{ left_frozen: [] }]);
      if (code === 0) expect(dirs.filter(isFrozen)).toEqual([]);
      await until("its death", () => !isAlive(sleeper.pid));
    });

    test("fork bomb: frozen while it forks", async () => {
      await using cgroup = makeCgroup(version);
      await using _ = startAdversary("forkbomb", 60, cgroup.dir);
      await until("its growth", () => liveMembers(cgroup.dir).length > 30);
      await frozen(cgroup.dir);
      await killKept(cgroup.dir, 30);
    });

    test("mkdir: a cgroup made below a frozen one, and a process that is moved into it", async () => {
      await using top = makeCgroup(version);
      await frozen(top.dir);
      mkdirSync(`${top.dir}/child`);
      await using sleeper = await startSleeper(`${top.dir}/child`);
      await until("the freeze of the child", () => isFrozenFromAbove(version, `${top.dir}/child`));
      await killKept(top.dir, 1);
      expect(isAlive(sleeper.pid)).toBe(false);
    });

    test("rmdir: an empty cgroup removed below a frozen one", async () => {
      await using top = makeCgroup(version);
      mkdirSync(`${top.dir}/child`);
      await using sleeper = await startSleeper(top.dir);
      await frozen(top.dir);
      rmdirSync(`${top.dir}/child`);
      expect(isFrozen(top.dir)).toBe(true);
      await killKept(top.dir, 1);
      expect(isAlive(sleeper.pid)).toBe(false);
    });

    test("migrate: moved into a frozen cgroup and out of it again, only the members die", async () => {
      await using parent = makeCgroup(version);
      const [a, b] = [`${parent.dir}/a`, `${parent.dir}/b`];
      for (const dir of [a, b]) mkdirSync(dir);
      await using stays = await startSleeper(b);
      await using moved = await startSleeper(a);
      await frozen(b);
      // From a running cgroup to a frozen one, where it stops; and back, where it runs again.
      move(b, moved.pid);
      await until("its freeze", () => isFrozen(b) && liveMembers(b).length === 2);
      move(a, moved.pid);
      await killKept(b, 1);
      expect([isAlive(stays.pid), isAlive(moved.pid)]).toEqual([false, true]);
      // And between two frozen ones.
      await frozen(a);
      await frozen(b);
      move(b, moved.pid);
      await killKept(b, 1);
      expect(isAlive(moved.pid)).toBe(false);
      thaw(version, a);
    });

    test("stopped: processes that were stopped by a signal and then frozen", async () => {
      await using cgroup = makeCgroup(version);
      await using _ = startAdversary("stopped", 10, cgroup.dir);
      await until("all of them", () => liveMembers(cgroup.dir).filter((pid) => stateOf(pid) === "T").length === 10);
      await frozen(cgroup.dir);
      await killKept(cgroup.dir, 10);
    });

    test("ptraced: processes in a ptrace stop, frozen with their tracer", async () => {
      await using cgroup = makeCgroup(version);
      await using _ = startAdversary("tracer", 3, cgroup.dir);
      const traced = (): number[] => liveMembers(cgroup.dir).filter((pid) => stateOf(pid) === "t");
      await until("the traced", () => traced().length > 0);
      freeze(version, cgroup.dir);
      await killKept(cgroup.dir, 2);
    });

    test("vfork: parents that wait for their children, frozen", async () => {
      await using cgroup = makeCgroup(version);
      await using _ = startAdversary("vforker", 5, cgroup.dir);
      await until("parents that wait", () => liveMembers(cgroup.dir).some((pid) => stateOf(pid) === "D"));
      // v1 does not freeze a parent in vfork; the kill goes on without.
      freeze(version, cgroup.dir);
      await killKept(cgroup.dir, 2);
    });
  });
}
