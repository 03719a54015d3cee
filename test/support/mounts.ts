// Targets with mounts inside them, over them and in their place. Each case stages the mounts and runs the binary in its
// own mount namespace; the tests check from outside, where the true cgroups are visible.

import { afterAll, expect } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";

import { IN_MOUNTS_OF_ITS_OWN } from "./layout.ts";
import { isAlive, isFrozen, makeCgroup, startSleeper, type Which } from "./real-cgroup.ts";
import { documents, type Ran, runCgkill } from "./run-cgkill.ts";

export type Version = "v1" | "v2";

/** The value for --hierarchy. Tests with --pid always give it, because a process is also in cgroups of the machine. */
export const HIERARCHY: Readonly<Record<Version, string>> = { v1: "freezer", v2: "v2" };

/**
 * Either capability gives access to what a mount covers: open_tree needs the first, open_by_handle_at the second.
 */
export type Capability = "sys_admin" | "dac_read_search";
export const BOTH: readonly Capability[] = ["sys_admin", "dac_read_search"];

export interface Scene extends AsyncDisposable {
  readonly version: Version;
  /** The target, with one member in itself and one in each of the children `c`, `c/d` and `e`. */
  readonly target: string;
  /** Its path in /proc/PID/cgroup. */
  readonly path: string;
  /** A sibling of the target with two members and the children `c`, with one member, and `empty`. */
  readonly beside: string;
  /** A cgroup of another hierarchy, with one member and a child `empty`. */
  readonly foreign: string;
  /** An ordinary directory for forged files. */
  readonly scratch: string;
  readonly members: Readonly<Record<"target" | "c" | "d" | "e", number>>;
  readonly innocents: readonly number[];
  /** Throws if anything outside the target has changed. */
  readonly expectOutsideUntouched: () => void;
  /** Whether nothing has changed, inside the target or outside. */
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
 * Share one scene among cases that must not change anything, because making one takes as long as a run of the binary.
 * After a case that did change something, the next case gets a new scene.
 *
 * @returns a function that returns the scene, to be called inside a test
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
  /**
   * Shell commands. $T is the target, $B its sibling, $F the cgroup in the other hierarchy, $S the directory for forged
   * files, $PID an innocent process.
   */
  readonly mounts: string;
  readonly without?: readonly Capability[];
}

/** Prefix of a command that drops capabilities permanently. */
export function without(capabilities: readonly Capability[]): string[] {
  if (capabilities.length === 0) return [];
  const list = capabilities.map((name) => `-${name}`).join(",");
  return ["setpriv", "--bounding-set", list, "--inh-caps", list];
}

/** Stage the mounts and run the binary among them, for at most 20 s. */
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

/** The cgroups of a process, in the hierarchies where it is in a test's cgroup. */
function placesOf(pid: number): string[] {
  if (!isAlive(pid)) return [`${pid} is dead`];
  return readFileSync(`/proc/${pid}/cgroup`, "utf8").match(/.*cgkill-test-.*/g) ?? [];
}

/** Expect the true members to be dead, exactly them to be reported as killed, and nothing else to be changed. */
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

/** Expect a refusal that names the mount point, and no change inside or outside. */
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

/** Expect what the contract allows for a covered name: the named cgroup is killed, or it is refused. */
export function expectKilledOrRefused(scene: Scene, ran: Ran, victims: readonly number[], mountPoint: string): void {
  if (ran.code === 4) expectRefused(scene, ran, mountPoint);
  else expectKilled(scene, ran, victims);
}
