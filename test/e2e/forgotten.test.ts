// Processes that cgkill moves in order to kill them, and that do not die: each is a survivor with a reason, and is
// moved back into its cgroup.

import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync } from "node:fs";

import { canBeNobody, ROOT_WITHOUT_KILL, startAsNobody } from "../support/nobody.ts";
import { findKernelThread, isFrozenByFreezer, placeOf, traps } from "../support/places.ts";
import {
  canStage,
  isAlive,
  isFrozen,
  makeCgroup,
  mountPoint,
  startSleeper,
  until,
  type Which,
  write,
} from "../support/real-cgroup.ts";
import { type BoundedRun, runBounded } from "../support/run-bounded.ts";
import { documents } from "../support/run-cgkill.ts";
import { startTraced } from "../support/traced.ts";

setDefaultTimeout(20_000);

/** A target and, unless it is in the freezer hierarchy, the freezer cgroup of its members. */
async function stage(which: Which) {
  const target = makeCgroup(which);
  const home = which === "v1" ? target : makeCgroup("v1");
  const trapsBefore = traps();
  return {
    dir: target.dir,
    path: target.path,
    homeDir: home.dir,
    home: home.path,
    enter(pid: number) {
      for (const { dir } of [target, home]) write(`${dir}/cgroup.procs`, String(pid));
    },
    async noNewTrap() {
      await until("the end of the trap", () => traps().every((name) => trapsBefore.includes(name)), 3000);
    },
    async [Symbol.asyncDispose]() {
      await target[Symbol.asyncDispose]();
      if (home !== target) await home[Symbol.asyncDispose]();
    },
  };
}

type Stage = Awaited<ReturnType<typeof stage>>;

function expectSurvivor(ran: BoundedRun, pid: number, reason: string): void {
  const [document] = documents(ran.stdout);
  expect(document).toMatchObject({ left_frozen: [] });
  expect(document?.["survivors"]).toMatchObject([{ pid, reason, hint: expect.any(String) }]);
  expect((document?.["killed"] as { pid: number }[]).map((one) => one.pid)).not.toContain(pid);
}

async function expectLeftAsFound(staged: Stage, which: Which, pid: number): Promise<void> {
  expect(isAlive(pid)).toBe(true);
  expect(placeOf(pid, which)).toBe(staged.path);
  expect(placeOf(pid, "v1")).toBe(staged.home);
  expect(isFrozenByFreezer(pid)).toBe(false);
  expect(isFrozen(staged.dir) || isFrozen(staged.homeDir)).toBe(false);
  await staged.noNewTrap();
}

for (const which of ["v1", "memory"] as const) {
  describe.if(canStage("v1") && canStage(which))(
    `-m sweep in the ${which === "v1" ? "freezer" : which} hierarchy`,
    () => {
      test("a member stopped in its exit by a tracer is a survivor, and is back in the target", async () => {
        await using staged = await stage(which);
        await using traced = await startTraced(staged.dir, staged.homeDir);
        const { pid } = traced;
        await using other = await startSleeper(staged.dir);
        const ran = await runBounded(["--json", "-m", "sweep", "-t", "300ms", staged.dir]);
        expect(ran.code).toBe(6);
        expectSurvivor(ran, pid, "traced");
        expect(isAlive(other.pid)).toBe(false);
        await expectLeftAsFound(staged, which, pid);
      });

      const thread = findKernelThread(which);
      if (thread === undefined) console.warn("left out: a kernel thread as a member (none can be moved here)");
      test.if(thread !== undefined)("a kernel thread is a survivor, and is in the target again", async () => {
        const pid = thread as number;
        await using staged = await stage(which);
        await using other = await startSleeper(staged.dir);
        try {
          staged.enter(pid);
          const ran = await runBounded(["--json", "-m", "sweep", "-t", "300ms", staged.dir]);
          expect(ran.code).toBe(6);
          expectSurvivor(ran, pid, "kernel-thread");
          expect(isAlive(other.pid)).toBe(false);
          await expectLeftAsFound(staged, which, pid);
        } finally {
          for (const one of ["v1", which] as const) write(`${mountPoint(one)}/cgroup.procs`, String(pid));
        }
      });

      test.if(canBeNobody())("as root without CAP_KILL: a process of another user is a survivor", async () => {
        await using staged = await stage(which);
        await using member = await startAsNobody(staged.dir);
        staged.enter(member.pid);
        await using own = await startSleeper(staged.dir);
        const ran = await runBounded(["--json", "-m", "sweep", "-t", "300ms", staged.dir], {
          under: ROOT_WITHOUT_KILL,
        });
        expect(ran.code).toBeOneOf([5, 6]);
        expectSurvivor(ran, member.pid, "not-permitted");
        expect(isAlive(own.pid)).toBe(false);
        await expectLeftAsFound(staged, which, member.pid);
      });
    },
  );
}

describe.if(canStage("v1"))("below a frozen ancestor", () => {
  test("a traced member that was moved out to die and lives is a survivor, and is moved back", async () => {
    await using staged = await stage("v1");
    const below = `${staged.dir}/below`;
    mkdirSync(below);
    await using traced = await startTraced(below);
    const { pid } = traced;
    await using other = await startSleeper(below);
    write(`${staged.dir}/freezer.state`, "FROZEN");
    await until("the freeze", () => readFileSync(`${staged.dir}/freezer.state`, "utf8") === "FROZEN\n");
    const ran = await runBounded(["--json", "-t", "300ms", below]);
    expect(ran.code).toBe(6);
    expect(documents(ran.stdout)[0]?.["survivors"]).toMatchObject([{ pid }]);
    expect(isAlive(other.pid)).toBe(false);
    expect(isAlive(pid)).toBe(true);
    expect(existsSync(below)).toBe(true);
    expect(placeOf(pid, "v1")).toBe(`${staged.path}/below`);
    expect(readFileSync(`${staged.dir}/freezer.state`, "utf8")).toBe("FROZEN\n");
    await staged.noNewTrap();
  });
});
