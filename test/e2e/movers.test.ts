// The compiled binary against processes outside the target that move a member between its cgroups, or rename them, so
// that a reader of the lists misses it. ROUNDS=500 runs each that often; CGKILL_BINARY=PATH runs another binary.

import { describe, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync } from "node:fs";

import { falseClaims, within } from "../support/movers.ts";
import {
  canStage,
  isAlive,
  isFrozen,
  makeCgroup,
  startAdversary,
  startSleeper,
  until,
  write,
} from "../support/real-cgroup.ts";
import { inRounds, IS_LONG, ROUNDS_TIMEOUT_MS } from "../support/rounds.ts";
import { documents, type Ran, runCgkill } from "../support/run-cgkill.ts";

type Removal = "--keep" | "--remove";

/** Nothing keeps these processes alive: answering "survivors" to be safe is a failure to kill them. */
function notKilled({ code, stdout }: Ran, pids: readonly number[]): string[] {
  const document = documents(stdout)[0] as
    { proven: boolean; error: { message: string } | null; phases: object; survivors: readonly object[] } | undefined;
  const alive = pids.filter(isAlive);
  if (code === 0 && document?.proven === true && alive.length === 0) return [];
  const why = document?.error?.message ?? "";
  return [
    `exit ${code}, proven ${document?.proven}, alive: ${alive.length} of ${pids.length} ${why}; ${JSON.stringify(document)}`,
  ];
}

/** One member is moved between sub-cgroups, and must be dead at exit 0. */
async function killMoved(
  name: "relay" | "shuttle",
  cgroups: number,
  options: readonly string[] = ["--keep"],
  isFrozenBefore = false,
): Promise<string[]> {
  await using target = makeCgroup("v1");
  for (let i = 0; i < cgroups; i++) mkdirSync(`${target.dir}/s${i}`);
  await using still = await startSleeper(target.dir);
  await using moved = await startSleeper(`${target.dir}/s0`);
  await using mover = startAdversary(name, cgroups, target.dir, String(moved.pid));
  await until("the first move", () => {
    readFileSync(`${target.dir}/s0/cgroup.procs`);
    return !readFileSync(`/proc/${moved.pid}/cgroup`, "utf8").includes(`${target.path}/s0\n`);
  });
  if (isFrozenBefore) write(`${target.dir}/freezer.state`, "FROZEN");
  const ran = await runCgkill(["--json", ...options, target.dir]);
  const wrong = falseClaims(ran, target, "v1");
  await mover[Symbol.asyncDispose]();
  wrong.push(...notKilled(ran, [still.pid, moved.pid]));
  if (isFrozen(target.dir)) wrong.push("left frozen");
  return wrong;
}

/** A sub-cgroup is renamed, and its members must be dead at exit 0. */
async function killWithRenamed(removal: Removal): Promise<string[]> {
  await using target = makeCgroup("v1");
  const here = within(target, "here");
  await using above = await startSleeper(target.dir);
  await using first = await startSleeper(here.dir);
  await using second = await startSleeper(here.dir);
  await using renamer = startAdversary("renamer", 1, target.dir);
  await until("the first rename", () => !existsSync(here.dir));
  const ran = await runCgkill(["--json", removal, target.dir]);
  const wrong = falseClaims(ran, target, "v1");
  await renamer[Symbol.asyncDispose]();
  wrong.push(...notKilled(ran, [above.pid, first.pid, second.pid]));
  if (existsSync(target.dir) !== (removal === "--keep")) wrong.push(`${removal}, and the cgroup is not so`);
  if (isFrozen(target.dir)) wrong.push("left frozen");
  return wrong;
}

/**
 * The target itself is renamed. At moments no cgroup has the given name, and "no such cgroup" is then correct; but once
 * opened, the cgroup stays the target under any name.
 */
async function killRenamed(removal: Removal): Promise<string[]> {
  await using parent = makeCgroup("v1");
  const here = within(parent, "here");
  await using member = await startSleeper(here.dir);
  await using renamer = startAdversary("renamer", 1, parent.dir);
  await until("the first rename", () => !existsSync(here.dir));
  const ran = await runCgkill(["--json", removal, here.dir]);
  await renamer[Symbol.asyncDispose]();
  const wrong = isFrozen(parent.dir) ? ["left frozen"] : [];
  if (ran.code === 3) return isAlive(member.pid) ? wrong : [...wrong, "exit 3, but the member is dead"];
  // The removal may lose against the renamer, with a message; the kill may not.
  if (ran.code !== 7 || isAlive(member.pid)) wrong.push(...notKilled(ran, [member.pid]));
  const isThere = existsSync(here.dir) || existsSync(`${parent.dir}/there`);
  if (ran.code === 0 && isThere !== (removal === "--keep")) wrong.push(`${removal}, and the cgroup is not so`);
  return wrong;
}

if (canStage("v1")) {
  describe("v1: a member that no list shows when it is read", () => {
    for (const cgroups of [2, 20]) {
      const title = `moved between ${cgroups} sub-cgroups before one is read, it is dead at exit 0`;
      test(title, () => inRounds(title, 8, () => killMoved("relay", cgroups)), ROUNDS_TIMEOUT_MS);
    }

    // Regression: rmdir said that it was there, but only lists were read to find it: it took a second, or the deadline.
    const removed = "moved between 20 sub-cgroups before one is read, --remove: it is dead and removed, exit 0";
    test(removed, () => inRounds(removed, 4, () => killMoved("relay", 20, ["--remove"])), ROUNDS_TIMEOUT_MS);

    const frozen =
      "found frozen, and moved from one frozen sub-cgroup to the next when it is to die: -m sweep thaws them";
    test(
      frozen,
      () => inRounds(frozen, 8, () => killMoved("relay", 20, ["--keep", "-m", "sweep"], true)),
      ROUNDS_TIMEOUT_MS,
    );

    const renamed = "its sub-cgroup is renamed every 20 microseconds, --keep: it is dead at exit 0";
    test(renamed, () => inRounds(renamed, 12, () => killWithRenamed("--keep")), ROUNDS_TIMEOUT_MS);

    const target = "the target is renamed every 20 microseconds: killed once it was opened";
    test(
      target,
      () => inRounds(target, 12, (index) => killRenamed(index % 2 === 0 ? "--keep" : "--remove")),
      ROUNDS_TIMEOUT_MS,
    );

    // These deceive a reader of lists in fewer than 1 of 100 kills, so a few rounds would show nothing.
    if (IS_LONG) {
      for (const cgroups of [2, 20]) {
        const title = `moved between ${cgroups} sub-cgroups every 20 microseconds, it is dead at exit 0`;
        test(title, () => inRounds(title, 1, () => killMoved("shuttle", cgroups)), ROUNDS_TIMEOUT_MS);
      }
      const unnamed = "its sub-cgroup is renamed every 20 microseconds, --remove: it is dead at exit 0";
      test(unnamed, () => inRounds(unnamed, 1, () => killWithRenamed("--remove")), ROUNDS_TIMEOUT_MS);
    }
  });
}
