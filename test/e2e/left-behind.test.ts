// What a cgkill leaves behind if SIGKILL ends it or it cannot thaw; and what only resembles such remains.

import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdirSync } from "node:fs";

import { dirAt } from "../../src/sys/dir.ts";
import { hostSys } from "../../src/sys/host.ts";
import { startBlocked } from "../support/blocked.ts";
import { isFrozenByFreezer, placeOf, traps } from "../support/places.ts";
import { readText } from "../support/proc.ts";
import {
  canStage,
  destroy,
  isAlive,
  isFrozen,
  makeCgroup,
  mountPoint,
  type RealCgroup,
  startSleeper,
  until,
  write,
} from "../support/real-cgroup.ts";
import { canSlowDown, inMounts, runBounded, slowedAt } from "../support/run-bounded.ts";
import { documents } from "../support/run-cgkill.ts";

setDefaultTimeout(60_000);

const read = (path: string): string => readText(path).trim();

// Each signal is delayed: until then a member is in the trap or behind the fence, and is not yet killed.
const SLOWLY = slowedAt("pidfd_send_signal", 5000);

const canTrap = canStage("v1") && canStage("memory") && canSlowDown();
describe.if(canTrap)("SIGKILL in a sweep in the memory hierarchy", () => {
  interface Left {
    readonly target: RealCgroup;
    readonly home: RealCgroup;
    readonly pid: number;
    readonly newTraps: () => string[];
  }

  /** A member in the trap of a cgkill that is dead. */
  async function withTrapLeft(check: (left: Left) => Promise<void>): Promise<void> {
    await using target = makeCgroup("memory");
    await using home = makeCgroup("v1");
    let killer = 0;
    const newTraps = () => traps().filter((name) => name.endsWith(`-${killer}`));
    await using member = await startSleeper(target.dir);
    write(`${home.dir}/cgroup.procs`, String(member.pid));
    try {
      const killed = await runBounded(["-m", "sweep", target.dir], {
        under: SLOWLY,
        async meanwhile(pid) {
          killer = pid;
          await until("the trap", () => placeOf(member.pid, "v1") !== home.path && isFrozenByFreezer(member.pid), 5000);
          process.kill(pid, "SIGKILL");
        },
      });
      expect(killed.signal).toBe("SIGKILL");
      expect(isFrozenByFreezer(member.pid)).toBe(true);
      expect(newTraps()).toHaveLength(1);
      await check({ target, home, pid: member.pid, newTraps });
    } finally {
      for (const name of newTraps()) await destroy(`${mountPoint("v1")}/${name}`);
    }
  }

  test("cgkill thaw of the target: members run in their own cgroups again, and the trap is gone", () =>
    withTrapLeft(async ({ target, home, pid, newTraps }) => {
      const ran = await runBounded(["thaw", "--json", target.dir]);
      expect(documents(ran.stdout)).toMatchObject([{ outcome: "thawed", error: null }]);
      expect(ran.code).toBe(0);
      expect([isAlive(pid), isFrozenByFreezer(pid)]).toEqual([true, false]);
      expect(placeOf(pid, "v1")).toBe(home.path);
      expect(placeOf(pid, "memory")).toBe(target.path);
      await until("the end of the trap", () => newTraps().length === 0, 3000);
    }));

  // Regression: an empty target was removed without a look for its traps, and nothing could thaw them any more.
  test("a member that has left the target since runs again once that is killed and removed", () =>
    withTrapLeft(async ({ target, home, pid, newTraps }) => {
      await using beside = makeCgroup("memory");
      write(`${beside.dir}/cgroup.procs`, String(pid));
      const ran = await runBounded(["--json", target.dir]);
      expect(documents(ran.stdout)).toMatchObject([{ outcome: "empty", removed: true }]);
      expect(ran.code).toBe(0);
      expect([isAlive(pid), isFrozenByFreezer(pid)]).toEqual([true, false]);
      expect([placeOf(pid, "v1"), placeOf(pid, "memory")]).toEqual([home.path, beside.path]);
      expect(newTraps()).toEqual([]);
    }));
});

describe.if(canStage("v1") && canStage("pids") && canSlowDown())("pids.max, where no freezer is mounted", () => {
  const withoutFreezer = inMounts(`umount -l ${mountPoint("v1")}`);

  test.each(["max", "500"])(
    "SIGKILL with the fence up: cgkill thaw of the target sets it to %s again",
    async (limit) => {
      await using target = makeCgroup("pids");
      const pidsMax = () => read(`${target.dir}/pids.max`);
      write(`${target.dir}/pids.max`, limit);
      await using member = await startSleeper(target.dir);
      const killed = await runBounded([target.dir], {
        under: [...withoutFreezer, ...SLOWLY],
        async meanwhile(pid) {
          await until("the fence", () => pidsMax() === "0", 5000);
          process.kill(pid, "SIGKILL");
        },
      });
      expect(killed.signal).toBe("SIGKILL");
      expect(pidsMax()).toBe("0");
      const thaw = await runBounded(["thaw", "--json", target.dir], { under: withoutFreezer });
      expect(thaw.code).toBe(0);
      expect(pidsMax()).toBe(limit);
      expect(isAlive(member.pid)).toBe(true);
    },
  );

  test("five cgkills at once, six times: everything is as before each time", async () => {
    for (let round = 1; round <= 6; round++) {
      await using target = makeCgroup("pids");
      await using member = await startSleeper(target.dir);
      const under = [...withoutFreezer, ...slowedAt("pidfd_send_signal", 20)];
      const all = await Promise.all(
        [0, 5, 10, 15, 20].map(async (ms) => {
          await Bun.sleep(ms);
          return await runBounded(["--keep", "-m", "sweep", target.dir], { under, limitMs: 20_000 });
        }),
      );
      expect(`round ${round}: ${read(`${target.dir}/pids.max`)}`).toBe(`round ${round}: max`);
      expect(all.map(({ code }) => code)).toEqual([0, 0, 0, 0, 0]);
      expect(isAlive(member.pid)).toBe(false);
    }
  });
});

describe.if(canStage("v1") && canStage("memory"))("another's cgroup with the name of a trap", () => {
  test.each(["FROZEN", "THAWED"])("%s, with a member: not emptied, thawed or removed", async (state) => {
    const ended = Bun.spawn(["true"], { stdio: ["ignore", "ignore", "ignore"] });
    await ended.exited;
    const dir = `${mountPoint("v1")}/cgkill-trap-${ended.pid}`;
    mkdirSync(dir);
    try {
      await using stranger = await startSleeper(dir);
      write(`${dir}/freezer.state`, state);
      await until(state, () => read(`${dir}/freezer.state`) === state);
      for (const args of [["-m", "sweep"], ["thaw"]]) {
        await using target = makeCgroup("memory");
        await using member = await startSleeper(target.dir);
        const ran = await runBounded([...args, target.dir]);
        expect(ran.isStuck).toBe(false);
        if (args[0] === "-m") expect([ran.code, isAlive(member.pid)]).toEqual([0, false]);
        expect(isAlive(stranger.pid)).toBe(true);
        expect(placeOf(stranger.pid, "v1")).toBe(`/cgkill-trap-${ended.pid}`);
        expect(read(`${dir}/freezer.state`)).toBe(state);
      }
    } finally {
      await destroy(dir);
    }
  });
});

describe.if(canStage("v1") && process.getuid?.() === 0)("the trap of a dead cgkill whose target is gone", () => {
  const sys = hostSys();

  async function withTrap(pid: number, mark: string | null, check: (dir: string) => Promise<void>): Promise<void> {
    const dir = `${mountPoint("v1")}/cgkill-trap-${pid}`;
    mkdirSync(`${dir}/1`, { recursive: true });
    if (mark !== null) {
      const lock = sys.tryLock(dirAt(dir)) as number;
      sys.writeMark(lock, "trusted.cgkill.trap", mark);
      sys.close(lock);
    }
    try {
      await check(dir);
    } finally {
      await destroy(dir);
    }
  }

  async function sweep(): Promise<void> {
    await using target = makeCgroup("v1");
    await using _ = await startSleeper(target.dir);
    expect((await runBounded(["-m", "sweep", target.dir])).code).toBe(0);
  }

  test("is removed by the next sweep if it is empty", () =>
    withTrap(99_999_001, "memory 1", async (dir) => {
      await sweep();
      expect(existsSync(dir)).toBe(false);
    }));

  test("stays as it is if a process is in it", () =>
    withTrap(99_999_002, "memory 1", async (dir) => {
      await using stranger = await startSleeper(`${dir}/1`);
      write(`${dir}/freezer.state`, "FROZEN");
      await sweep();
      expect([placeOf(stranger.pid, "v1"), isFrozenByFreezer(stranger.pid)]).toEqual(["/cgkill-trap-99999002/1", true]);
      write(`${dir}/freezer.state`, "THAWED");
    }));

  test("stays if it has no mark: the name alone proves nothing", () =>
    withTrap(99_999_003, null, async (dir) => {
      await sweep();
      expect(existsSync(`${dir}/1`)).toBe(true);
    }));
});

for (const version of ["v1", "v2"] as const) {
  const canHang = existsSync("/dev/fuse");
  if (!canHang) console.warn("left out: a freeze that does not complete (no /dev/fuse)");
  describe.if(canStage(version) && canHang)(`${version}: a freeze that is interrupted and cannot be thawed`, () => {
    test("SIGINT after the hierarchy became read-only: interrupted, and what stays frozen is named", async () => {
      await using target = makeCgroup(version);
      await using _ = await startBlocked(target.dir);
      try {
        const ran = await runBounded(["freeze", "--json", "-t", "15s", target.dir], {
          under: inMounts("true"),
          async meanwhile(pid) {
            await until("the attempt to freeze", () => isFrozen(target.dir), 5000);
            const remount = ["mount", "-o", "remount,bind,ro", mountPoint(version) as string];
            const { exitCode } = Bun.spawnSync(["nsenter", "-m", "-t", String(pid), ...remount]);
            process.kill(pid, "SIGINT");
            expect(exitCode).toBe(0);
          },
        });
        const [document] = documents(ran.stdout);
        expect(document).toMatchObject({ outcome: "interrupted" });
        expect(ran.signal).toBe("SIGINT");
        const left = document?.["left_frozen"] as string[];
        expect(left.some((path) => path.endsWith(target.path))).toBe(isFrozen(target.dir));
        expect(isFrozen(target.dir)).toBe(true);
      } finally {
        write(
          `${target.dir}/${version === "v1" ? "freezer.state" : "cgroup.freeze"}`,
          version === "v1" ? "THAWED" : "0",
        );
      }
    });
  });
}
