// The compiled binary against processes outside the target that move its members out during the kill: each member is
// killed or not, and the report says which. ROUNDS=500 runs each that often; CGKILL_BINARY=PATH runs another binary.
//
// A process that left before cgkill's last membership check must live. The check is not visible from outside, but the
// trace of the kernel has the order of moves and signals: a process that left and was signalled anyway is a failure if
// more others were signalled in between than one check serves. In a container without tracefs this part is left out,
// with a message.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";

import { type KillTrace, startKillTrace } from "../support/kill-trace.ts";
import {
  describeLateKills,
  falseClaims,
  isInside,
  type LateKill,
  lateKills,
  readRescued,
  SIGNALS_PER_READ,
  survivorsOf,
  type Version,
  within,
} from "../support/movers.ts";
import {
  canStage,
  isAlive,
  isFrozen,
  isSettledDaemon,
  liveMembers,
  makeCgroup,
  startAdversary,
  startSleeper,
  until,
  write,
} from "../support/real-cgroup.ts";
import { inRounds, report, ROUNDS_TIMEOUT_MS } from "../support/rounds.ts";
import { documents, runCgkill } from "../support/run-cgkill.ts";

/**
 * The orders in which the rescuer moves members, and the flags to start with the signals, to do so without any write before
 * and with pauses, and to write by asynchronous I/O (movers.c).
 */
const ORDERS = 3;
const AT_SIGNALS = 4;
const QUIET = 8;
const ASYNC = QUIET + 16;

interface Rescue {
  readonly version: Version;
  readonly members: number;
  readonly args: readonly string[];
  readonly how: number;
}

interface RescueSeen {
  readonly wrong: string[];
  readonly late: LateKill[];
  readonly left: number;
}

/** Members are moved out as fast as possible: each is killed or not, and the report says which. */
async function killRescued({ version, members, args, how }: Rescue, trace?: KillTrace): Promise<RescueSeen> {
  await using parent = makeCgroup(version);
  const target = within(parent, "target");
  const beside = within(parent, "beside");
  const scratch = mkdtempSync(`${tmpdir()}/cgkill-test-`);
  const file = `${scratch}/rescued`;
  try {
    await using _ = startAdversary("sleepers", members, target.dir);
    await until(`${members} members`, () => liveMembers(target.dir).length >= members);
    const pids = new Set(liveMembers(target.dir));
    await using rescuer = startAdversary("rescuer", how, target.dir, `${beside.dir}\n${file}`);
    await until("the rescuer", () => existsSync(file) && readFileSync(file, "utf8").startsWith("ready\n"));
    trace?.clear();
    const ran = await runCgkill(["--json", ...args, target.dir]);
    const wrong = falseClaims(ran, target, version);
    await rescuer[Symbol.asyncDispose]();
    const events = trace?.read();
    const rescued = readRescued(file);
    const survivors = new Set(survivorsOf(ran));
    const doomed = rescued.filter(({ pid, isKilled }) => isKilled && !survivors.has(pid));
    const undead = (): number => doomed.filter(({ pid }) => isAlive(pid)).length;
    await until("those moved out with SIGKILL pending are dead", () => undead() === 0, 10_000).catch(() => {
      wrong.push(`${undead()} that left with SIGKILL pending live, and are no survivors`);
    });
    const left = rescued.filter(({ isKilled }) => !isKilled);
    const late = events === undefined ? [] : lateKills(events, pids, beside.path);
    // A rescuer that does not wait for the signals may leave few members.
    const mayBeFew = members <= SIGNALS_PER_READ || (how & (AT_SIGNALS | QUIET)) === 0;
    const most = version === "v1" && mayBeFew ? SIGNALS_PER_READ - 1 : 0;
    const unlooked = late.filter(({ others }) => others > most);
    if (unlooked.length > 0) wrong.push(`${describeLateKills(unlooked, left.length)}, more than ${most}`);
    if (events !== undefined) {
      const signalled = new Set(events.filter(({ kind }) => kind === "kill").map(({ pid }) => pid));
      const dead = left.filter(({ pid }) => !isAlive(pid) && !signalled.has(pid));
      if (dead.length > 0) wrong.push(`${dead.length} died without a SIGKILL that was seen`);
    }
    if (isFrozen(parent.dir)) wrong.push("left frozen");
    return { wrong, late, left: left.length };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

interface Rescues extends Pick<Rescue, "version" | "args"> {
  /** Used in turn. */
  readonly members: readonly number[];
  readonly inTheGate: number;
  readonly flags?: number;
}

const RESCUES: readonly Rescues[] = [
  { version: "v1", members: [1000, 600, 128], args: ["--keep"], inTheGate: 4 },
  { version: "v1", members: [3000, 1500], args: ["--keep"], inTheGate: 3 },
  { version: "v1", members: [3000, 300], args: ["--remove"], inTheGate: 2 },
  { version: "v1", members: [3000, 1000], args: ["--keep"], inTheGate: 3, flags: QUIET },
  { version: "v1", members: [1500, 300], args: ["--keep"], inTheGate: 2, flags: ASYNC },
  { version: "v2", members: [300, 3000], args: ["--keep"], inTheGate: 3 },
  { version: "v2", members: [300, 3000], args: ["--keep", "-m", "freezer"], inTheGate: 3 },
];

const MAX_TRIES = 5;

describe("members moved out during the kill", () => {
  let trace: KillTrace | undefined;
  beforeAll(async () => {
    if (canStage("v1") || canStage("v2")) trace = await startKillTrace();
  });
  afterAll(() => trace?.[Symbol.asyncDispose]());

  for (const { version, members, args, inTheGate, flags = 0 } of RESCUES) {
    if (!canStage(version)) continue;
    const hasSignals = version === "v1" || args.includes("freezer");
    const way = flags === QUIET ? ", now and then" : flags === ASYNC ? ", by asynchronous I/O" : "";
    const title = `${version}, ${members.join(", ")} members, ${args.join(" ")}${way}: killed or alive, and reported so`;
    test(
      title,
      async () => {
        const late: LateKill[] = [];
        let left = 0;
        const rescue = async (index: number): Promise<readonly string[]> => {
          const count = members[index % members.length] as number;
          const order = Math.floor(index / members.length) % ORDERS;
          // cgroup.kill sends all signals at once; with other methods most rounds start when the signals do.
          const how = order + flags + (hasSignals && index % 4 !== 3 && flags === 0 ? AT_SIGNALS : 0);
          const seen = await killRescued({ version, members: count, args, how }, trace);
          late.push(...seen.late);
          left += seen.left;
          return seen.wrong;
        };
        // If nothing was rescued, nothing was tested: on a busy machine the others may come too late.
        for (let tries = 0; left === 0 && tries < MAX_TRIES; tries++) {
          await inRounds(title, inTheGate, rescue).finally(() => report(`${title}: ${describeLateKills(late, left)}`));
        }
        expect(left).toBeGreaterThan(0);
      },
      ROUNDS_TIMEOUT_MS,
    );
  }
});

/** Fewer descriptors than members, so that not each can have a pidfd. */
const FEW_DESCRIPTORS = ["sh", "-c", 'ulimit -n 64; exec "$@"', "sh"];
const IGNORANT = 100;

async function killAfterGrace(version: Version, under: readonly string[]): Promise<void> {
  await using parent = makeCgroup(version);
  const target = within(parent, "target");
  const beside = within(parent, "beside");
  await using _ = startAdversary("ignorant", IGNORANT, target.dir);
  const settled = (): number[] => liveMembers(target.dir).filter(isSettledDaemon);
  await until("those that ignore it", () => settled().length === IGNORANT);
  const ignorant = settled();
  await using obedient = await startSleeper(target.dir);
  const running = runCgkill(["--json", "--keep", "-g", "1s", target.dir], { under });
  await until("the signal of the grace period", () => !isAlive(obedient.pid));
  const moved = ignorant.slice(IGNORANT / 2);
  for (const pid of moved) write(`${beside.dir}/cgroup.procs`, String(pid));
  const ran = await running;
  expect(falseClaims(ran, target, version)).toEqual([]);
  expect(moved.filter((pid) => !isAlive(pid) || isInside(pid, target, version))).toEqual([]);
  expect(ignorant.slice(0, IGNORANT / 2).filter(isAlive)).toEqual([]);
  expect(documents(ran.stdout)[0]).toMatchObject({ killed_count: IGNORANT / 2 + 1, left_frozen: [] });
}

for (const version of ["v1", "v2"] as const) {
  if (!canStage(version)) continue;

  test(`${version}: members that survive the grace signal and are moved out then are not reported as killed`, async () => {
    // In parallel, because each waits for its grace period.
    await Promise.all([killAfterGrace(version, []), killAfterGrace(version, FEW_DESCRIPTORS)]);
  });
}
