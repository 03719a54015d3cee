// One round of the soak test: stages a tree with its adversaries, kills it under some trouble, checks the result, and
// removes everything again, even after a violation.

import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";

import type { KillTrace } from "../../test/support/kill-trace.ts";
import { canStage, destroy, makeCgroup, startSleeper, subtree, write } from "../../test/support/real-cgroup.ts";
import { kindOf, type Place, startAll } from "./adversaries.ts";
import type { Round } from "./choose.ts";
import { check, checkRescued, type Ended, type Scene, surroundings, trapsOf } from "./observer.ts";
import { killUnder } from "./troubles.ts";

/** Adversaries live for a minute: if the machine takes too long to start them, the round proves nothing. */
const STAGING_MS = 30_000;

export class NotStaged extends Error {}

async function startInTime(place: Place, round: Round, stack: AsyncDisposableStack): Promise<Set<number>> {
  const startedAt = performance.now();
  const members = await startAll(place, round.adversaries, stack).catch((error: unknown) => {
    throw new NotStaged(String(error));
  });
  const ms = performance.now() - startedAt;
  if (ms > STAGING_MS) throw new NotStaged(`its adversaries took ${ms.toFixed(0)} ms to start`);
  return members;
}

/** Make the target and its tree, and the mount points if there will be mounts. @returns the target and the tree */
function makeTree(target: string, { tree, trouble }: Round): string[] {
  const dirs = [target];
  mkdirSync(target);
  for (const [index, parent] of tree.entries()) {
    dirs.push(`${dirs[parent]}/d${index}`);
    mkdirSync(dirs.at(-1) as string);
  }
  if (trouble.kind === "mounts") for (const name of ["c", "c/d", "e"]) mkdirSync(`${target}/${name}`);
  return dirs;
}

function makeForeign({ version }: Round) {
  return makeCgroup(version === "v1" ? (canStage("pids") ? "pids" : "v2") : "v1");
}

/** @returns how cgkill ended, as text */
export async function play(round: Round, trace: KillTrace | undefined): Promise<string> {
  const { version, trouble, adversaries, options } = round;
  await using outer = new AsyncDisposableStack();
  const scratch = mkdtempSync(`${tmpdir()}/cgkill-test-`);
  outer.defer(() => rmSync(scratch, { recursive: true, force: true }));
  const kills: number[] = [];
  outer.defer(async () => {
    for (const dir of trapsOf(kills)) await destroy(dir);
  });
  const parent = outer.use(makeCgroup(version));
  const [target, beside, beyond] = ["target", "beside", "beyond"].map((name) => `${parent.dir}/${name}`) as [
    string,
    string,
    string,
  ];
  const dirs = makeTree(target, round);
  for (const dir of [beside, `${beside}/c`, `${beside}/empty`, beyond]) mkdirSync(dir);
  const outside = [beside];
  const homes = [beside, `${beside}/c`, parent.dir];
  if (trouble.kind === "mounts") {
    const { dir } = outer.use(makeForeign(round));
    outside.push(dir);
    homes.push(dir);
  }
  const innocents: number[] = [];
  for (const home of homes) innocents.push(outer.use(await startSleeper(home)).pid);
  const before = surroundings({ outside, innocents });

  await using stack = new AsyncDisposableStack();
  if (trouble.kind === "mounts") for (const name of ["c/d", "e"]) stack.use(await startSleeper(`${target}/${name}`));
  const place = { version, target, dirs, beside, beyond, scratch };
  const members = await startInTime(place, round, stack);
  const [path, beyondPath] = [`${parent.path}/target`, `${parent.path}/beyond`];
  const scene: Scene = { ...place, path, beyondPath, adversaries, outside, innocents, members, trace, kills };
  await Bun.sleep(round.delayMs);
  trace?.clear();
  const endings: Ended[] = [];
  try {
    const told = await killUnder({ scene, round, stack, endings });
    const after = surroundings({ outside, innocents });
    check(after === before, `the outside has changed: ${before} to ${after}`);
    await stack[Symbol.asyncDispose]();
    const isAlone = trouble.kind !== "several";
    // The signal of a grace period kills them too.
    const isByKill = !options.includes("-g");
    if (isByKill && adversaries.some((chosen) => kindOf(chosen).isRescuer)) await checkRescued(scene, endings, isAlone);
    return told;
  } finally {
    if (version === "v2") for (const dir of subtree(target)) write(`${dir}/cgroup.freeze`, "0");
  }
}
