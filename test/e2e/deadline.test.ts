// Trees that take longer than the deadline to walk, and one that grows during the walk: cgkill still answers in time, a
// signal ends it at once, and nothing stays frozen.

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { constants } from "node:os";

import { makeChains, removeChains } from "../support/chains.ts";
import { clearDeep } from "../support/deep.ts";
import { catches } from "../support/proc.ts";
import {
  canStage,
  isAlive,
  makeCgroup,
  type RealCgroup,
  startAdversary,
  startSleeper,
  until,
  write,
} from "../support/real-cgroup.ts";
import { type BoundedRun, runBounded } from "../support/run-bounded.ts";
import { documents } from "../support/run-cgkill.ts";

setDefaultTimeout(120_000);

/** With `-t 1s`: the deadline plus one second, from the start of the process to its exit. */
const ANSWER_MS = 2000;
/** The promise is 100 ms; the rest allows for a slow machine, on which the thaw of 24,000 cgroups alone takes 45. */
const SIGNAL_MS = 250;
/** One try may fall on a moment in which the machine does something else. What is late by design is late in each. */
const TRIES = 3;

for (const version of ["v1", "v2"] as const) {
  describe.if(canStage(version))(version, () => {
    // On v2, cgroup.kill needs no walk.
    const walking = version === "v1" ? ["--json", "--keep"] : ["--json", "--keep", "-m", "freezer"];
    const removing = ["--json", "--remove"];
    const [file, frozen, thawed] =
      version === "v1" ? ["freezer.state", "FROZEN", "THAWED"] : ["cgroup.freeze", "1", "0"];
    const stateOf = (dir: string) => readFileSync(`${dir}/${file}`, "utf8").trim();
    const rescue = (dir: string) => () => write(`${dir}/${file}`, thawed as string);

    function expectAnswer(ran: BoundedRun, dir: string, members: readonly number[]): void {
      expect(ran).toMatchObject({ isStuck: false, signal: null });
      expect(ran.ms).toBeLessThan(ANSWER_MS);
      expect(ran.code).toBeOneOf([0, 6, 7]);
      if (ran.code !== 6) expect(members.filter(isAlive)).toEqual([]);
      expect(documents(ran.stdout)).toMatchObject([{ left_frozen: [] }]);
      if (existsSync(dir)) expect(stateOf(dir)).not.toBe(frozen as string);
    }

    describe("24,000 cgroups in chains of 250, 6,000 of them in one part", () => {
      let base: RealCgroup | undefined;
      let target = "";
      const sleepers: AsyncDisposable[] = [];
      const below = (part: string, chain: number, depth: number) =>
        `${target}/${part}/c${chain}${"/dir".repeat(depth)}`;
      async function populate(...dirs: readonly string[]): Promise<number[]> {
        const started = [];
        for (const dir of dirs) started.push(await startSleeper(dir));
        sleepers.push(...started);
        return started.map(({ pid }) => pid);
      }

      beforeAll(() => {
        base = makeCgroup(version);
        target = `${base.dir}/target`;
        for (const [part, chains] of [
          ["part", 24],
          ["rest", 72],
        ] as const) {
          mkdirSync(`${target}/${part}`, { recursive: true });
          makeChains(`${target}/${part}`, chains);
        }
      });

      afterAll(async () => {
        for (const sleeper of sleepers) await sleeper[Symbol.asyncDispose]();
        for (const part of ["part", "rest"]) if (existsSync(`${target}/${part}`)) removeChains(`${target}/${part}`);
        await base?.[Symbol.asyncDispose]();
      });

      test("6,000 with -t 1s", async () => {
        const dir = `${target}/part`;
        const members = await populate(dir, below("part", 0, 249), below("part", 23, 100));
        const options = { limitMs: 3000, rescue: rescue(dir) };
        expectAnswer(await runBounded([...walking, "-t", "1s", dir], options), dir, members);
      });

      test("24,000 with -t 1s", async () => {
        const members = await populate(target, below("part", 5, 249), below("rest", 71, 249));
        const options = { limitMs: 3000, rescue: rescue(target) };
        expectAnswer(await runBounded([...walking, "-t", "1s", target], options), target, members);
      });

      test.each([
        ["walked", walking],
        ["removed", removing],
      ] as const)("24,000 that are being %s: SIGTERM ends it at once", async (what, args) => {
        const [above = 0] = await populate(base?.dir ?? "");
        const late: number[] = [];
        while (late.length < TRIES && !late.some((ms) => ms < SIGNAL_MS)) {
          const [member = 0] = await populate(below("rest", 71 - late.length, 249));
          late.push(await endBySignal(args, what === "removed" ? () => !isAlive(member) : () => true));
        }
        console.info(`${version}, ${what}: ended ${late.map((ms) => ms.toFixed(0)).join(", ")} ms after SIGTERM`);
        expect(Math.min(...late)).toBeLessThan(SIGNAL_MS);
        expect(isAlive(above)).toBe(true);
      });

      /** @returns how many ms after the signal it ended. The kill before it takes seconds on v1 */
      async function endBySignal(args: readonly string[], isDue: () => boolean): Promise<number> {
        let sentAt = 0;
        const ran = await runBounded([...args, "-t", "20s", target], {
          limitMs: 15_000,
          rescue: rescue(target),
          async meanwhile(pid) {
            await until("its handler", () => catches(pid, constants.signals.SIGTERM));
            await until("the death of the member", isDue);
            await Bun.sleep(30);
            sentAt = performance.now();
            process.kill(pid, "SIGTERM");
          },
        });
        const ms = performance.now() - sentAt;
        expect(ran).toMatchObject({ isStuck: false, signal: "SIGTERM" });
        expect(documents(ran.stdout)).toMatchObject([{ outcome: "interrupted", left_frozen: [] }]);
        expect(stateOf(target)).not.toBe(frozen as string);
        return ms;
      }

      test("what is left of them with -t 1s, removed", async () => {
        const members = await populate(target, below("rest", 0, 249));
        const options = { limitMs: 3000, rescue: rescue(target) };
        expectAnswer(await runBounded([...removing, "-t", "1s", target], options), target, members);
      });
    });

    test("a member that keeps making nested cgroups, with -t 1s", async () => {
      await using target = makeCgroup(version);
      await using _ = startAdversary("digger", 10_000, target.dir);
      await until("the eleventh chain", () => existsSync(`${target.dir}/c5000`));
      try {
        const args = version === "v1" ? removing : walking;
        const options = { limitMs: 3000, rescue: rescue(target.dir) };
        expectAnswer(await runBounded([...args, "-t", "1s", target.dir], options), target.dir, []);
      } finally {
        if (existsSync(target.dir)) clearDeep(target.dir);
      }
    });
  });
}
