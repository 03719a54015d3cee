// Targets with mounts inside, over and instead of them. Each case has a mount namespace of its own in which the mounts are
// staged and the binary is run; the tests look from outside of it, where the true cgroups are seen.

import { afterAll, expect } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";

import { IN_MOUNTS_OF_ITS_OWN } from "./layout.ts";
import { isAlive, isFrozen, makeCgroup, startSleeper, type Which } from "./real-cgroup.ts";
import { documents, type Ran, runCgkill } from "./run-cgkill.ts";

export type Version = "v1" | "v2";

/** What --hierarchy calls it. Tests name a process never without it: it is in cgroups of the machine's own as well. */
export const HIERARCHY: Readonly<Record<Version, string>> = { v1: "freezer", v2: "v2" };

/** Either capability lets a process see what a mount covers: open_tree wants the first, open_by_handle_at the second. */
export type Capability = "sys_admin" | "dac_read_search";
export const BOTH: readonly Capability[] = ["sys_admin", "dac_read_search"];

export interface Scene extends AsyncDisposable {
  readonly version: Version;
  /** The target: a member of its own, children `c` (with `c/d` below it) and `e`, a member in each. */
  readonly target: string;
  /** As /proc/PID/cgroup prints it. */
  readonly path: string;
  /** A cgroup of the same hierarchy beside the target: two members, `c` with one, `empty` with none. */
  readonly beside: string;
  /** A cgroup of another hierarchy, with one member and a child `empty`. */
  readonly foreign: string;
  /** An ordinary directory for forged files. */
  readonly scratch: string;
  readonly members: Readonly<Record<"target" | "c" | "d" | "e", number>>;
  readonly innocents: readonly number[];
  /** Throws if anything outside the target is not as it was made. */
  readonly expectOutsideUntouched: () => void;
  /** Is everything as it was made, also inside the target? */
  readonly isUntouched: () => boolean;
}

function directoriesIn(dir: string): string[] {
  return readdirSync(dir, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => `${dir}/${name}`);
}

export async function makeScene(version: Version, foreignHierarchy?: Which): Promise<Scene> {
  const stack = new AsyncDisposableStack();
  const scratch = mkdtempSync(`${tmpdir()}/cgkill-test-`);
  stack.defer(() => rmSync(scratch, { recursive: true, force: true }));
  const [target, beside] = [stack.use(makeCgroup(version)), stack.use(makeCgroup(version))];
  const foreign = stack.use(makeCgroup(foreignHierarchy ?? (version === "v1" ? "pids" : "v1")));
  const made = ["c", "c/d", "e"].map((name) => `${target.dir}/${name}`);
  const outside = [`${beside.dir}/c`, `${beside.dir}/empty`, `${foreign.dir}/empty`];
  for (const dir of [...made, ...outside]) mkdirSync(dir);
  const start = async (dir: string): Promise<number> => stack.use(await startSleeper(dir)).pid;
  const members = {
    target: await start(target.dir),
    c: await start(`${target.dir}/c`),
    d: await start(`${target.dir}/c/d`),
    e: await start(`${target.dir}/e`),
  };
  const innocents: number[] = [];
  for (const dir of [beside.dir, beside.dir, `${beside.dir}/c`, foreign.dir]) innocents.push(await start(dir));
  const surroundings = (): unknown => ({
    directories: [beside.dir, foreign.dir].flatMap(directoriesIn).sort(),
    frozen: [beside.dir, foreign.dir].filter(isFrozen),
    innocents: innocents.map(placesOf),
  });
  const before = surroundings();
  const isUntouched = (): boolean =>
    Object.values(members).every(isAlive) && !isFrozen(target.dir) && Bun.deepEquals(surroundings(), before);
  return {
    ...{ version, target: target.dir, path: target.path, beside: beside.dir, foreign: foreign.dir },
    ...{ scratch, members, innocents, isUntouched },
    expectOutsideUntouched: () => expect(surroundings()).toEqual(before),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/**
 * One scene for many cases in which nothing may be touched: making one takes as long as a run of the binary. After a case in
 * which something was touched the next one gets a new scene.
 *
 * @returns what gives the scene, inside a test
 */
export function scenesLeftAlone(version: Version): () => Promise<Scene> {
  let scene: Scene | undefined;
  const drop = async (): Promise<void> => {
    await scene?.[Symbol.asyncDispose]();
    scene = undefined;
  };
  afterAll(drop);
  return async () => {
    if (scene?.isUntouched() !== true) await drop();
    return (scene ??= await makeScene(version));
  };
}

export interface Staging {
  /** Lines for sh: $T the target, $B the cgroup beside it, $F the foreign one, $S the directory for forgeries, $PID an innocent. */
  readonly mounts: string;
  readonly without?: readonly Capability[];
}

/** Words before a command that take capabilities away from it, for good. */
export function without(capabilities: readonly Capability[]): string[] {
  if (capabilities.length === 0) return [];
  const list = capabilities.map((name) => `-${name}`).join(",");
  return ["setpriv", "--bounding-set", list, "--inh-caps", list];
}

/** Stage the mounts and run the binary among them. It has 20 s. */
export async function runAmong(scene: Scene, staging: Staging, args: readonly string[]): Promise<Ran> {
  const { mounts, without: capabilities = [] } = staging;
  const under = [
    ...[...IN_MOUNTS_OF_ITS_OWN, "sh", "-ec", `${mounts}\n: > $S/staged\nexec "$@"`, "sh"],
    ...[...without(capabilities), "timeout", "-s", "KILL", "20"],
  ];
  const { target: T, beside: B, foreign: F, scratch: S } = scene;
  const env = { T, B, F, S, PID: String(scene.innocents[0]) };
  rmSync(`${S}/staged`, { force: true });
  const ran = await runCgkill(args, { under, env });
  if (!existsSync(`${S}/staged`)) throw new Error(`the mounts could not be staged: ${ran.stderr}`);
  return ran;
}

function ascending(pids: readonly number[]): number[] {
  return [...pids].sort((a, b) => a - b);
}

/** The pids that the first document reports as killed, in ascending order. */
export function killedIn(ran: Ran): number[] {
  const killed = (documents(ran.stdout)[0]?.["killed"] ?? []) as { pid: number }[];
  return ascending(killed.map(({ pid }) => pid));
}

/** Where a process is, in those hierarchies where it is in a cgroup of a test. */
function placesOf(pid: number): string[] {
  if (!isAlive(pid)) return [`${pid} is dead`];
  return readFileSync(`/proc/${pid}/cgroup`, "utf8").match(/.*cgkill-test-.*/g) ?? [];
}

/** The true members died, exactly they were told as killed, and nothing else was touched. */
export function expectKilled(scene: Scene, ran: Ran, victims: readonly number[]): void {
  scene.expectOutsideUntouched();
  const [document] = documents(ran.stdout);
  expect({ code: ran.code, outcome: document?.["outcome"], error: document?.["error"] ?? null }).toEqual({
    code: 0,
    outcome: "killed",
    error: null,
  });
  expect(killedIn(ran)).toEqual(ascending(victims));
  expect(document).toMatchObject({ killed_count: victims.length, survivors: [], proven: true, left_frozen: [] });
  expect(victims.filter(isAlive)).toEqual([]);
  expect(isFrozen(scene.target)).toBe(false);
}

/** Nothing was touched, inside or outside, and the mount point is named. */
export function expectRefused(scene: Scene, ran: Ran, mountPoint: string): void {
  scene.expectOutsideUntouched();
  const [document] = documents(ran.stdout);
  expect(Object.values(scene.members).filter((pid) => !isAlive(pid))).toEqual([]);
  expect({ code: ran.code, outcome: document?.["outcome"] }).toEqual({ code: 4, outcome: "refused" });
  expect(killedIn(ran)).toEqual([]);
  const { message, hint } = (document?.["error"] ?? {}) as Record<string, unknown>;
  expect(`${message} ${hint}`).toContain(mountPoint);
  expect(isFrozen(scene.target)).toBe(false);
}

/** For a covered name the contract allows both: what was named is killed, or it is refused. */
export function expectKilledOrRefused(scene: Scene, ran: Ran, victims: readonly number[], mountPoint: string): void {
  if (ran.code === 4) expectRefused(scene, ran, mountPoint);
  else expectKilled(scene, ran, victims);
}
