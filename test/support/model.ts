// Runs a kill on the modelled kernel and collects its events, and checks the properties that hold for every outcome.

import { expect } from "bun:test";

import { findHierarchies } from "../../src/cgroup/open/hierarchy.ts";
import { openCgroup } from "../../src/cgroup/open/open.ts";
import type { KillEvent, Level } from "../../src/kill/events.ts";
import { executeKill } from "../../src/kill/execute.ts";
import { planKill } from "../../src/kill/plan/plan.ts";
import {
  DEFAULT_OPTIONS,
  type KillControl,
  type KillOptions,
  type KillOutcome,
  type KillPlan,
} from "../../src/kill/types.ts";
import { FakeKernel } from "./fake-kernel/fake-kernel.ts";
import type { FakeGroup } from "./fake-kernel/groups.ts";
import type { FakeOptions } from "./fake-kernel/options.ts";

/** SCHED_RR | SCHED_RESET_ON_FORK. */
const REALTIME = 0x40000002;

/** The ways in which a kill can proceed; `model` makes a target for each. */
export const WAYS = [
  "kill",
  "kill that misses one",
  "freezer on v1",
  "freezer on v2",
  "sweep",
  "sweep behind a fence",
] as const;
export type Way = (typeof WAYS)[number];

const PLACES: Readonly<Record<Way, { readonly which: string; readonly options: FakeOptions }>> = {
  kill: { which: "v2", options: {} },
  "kill that misses one": { which: "v2", options: {} },
  "freezer on v1": { which: "freezer", options: {} },
  "freezer on v2": { which: "v2", options: { hasCgroupKill: false } },
  sweep: { which: "memory", options: {} },
  "sweep behind a fence": { which: "pids", options: { controllers: ["pids"] } },
};

export interface Model {
  readonly kernel: FakeKernel;
  readonly which: string;
  /** The directory of the target. */
  readonly dir: string;
  readonly target: FakeGroup;
  /** Processes that must survive: one in the parent of the target, one in a sibling. */
  readonly innocents: readonly number[];
}

/**
 * Make a target with a child cgroup and processes in both, and a parent and a sibling with one innocent process each.
 */
export function model(way: Way, given: FakeOptions = {}): Model {
  const { which, options } = PLACES[way];
  const kernel = new FakeKernel({ ...options, ...given });
  const parent = kernel.makeGroup(which, "parent");
  const target = kernel.makeGroup(which, "parent/target");
  const below = kernel.makeGroup(which, "parent/target/below");
  const beside = kernel.makeGroup(which, "parent/beside");
  const missed = way === "kill that misses one" ? { missesKill: Number.POSITIVE_INFINITY, tid: 9000 } : {};
  for (let i = 0; i < 3; i++) kernel.addProcess({ group: target, which, ...(i === 0 ? missed : {}) });
  for (let i = 0; i < 2; i++) kernel.addProcess({ group: below, which });
  const innocents = [parent, beside].map((group) => kernel.addProcess({ group, which, comm: "innocent" }).pid);
  return { kernel, which, dir: `${kernel.hierarchy(which).point}/parent/target`, target, innocents };
}

export async function plan(
  { kernel, dir }: Pick<Model, "kernel" | "dir">,
  options: Partial<KillOptions> = {},
): Promise<KillPlan> {
  const cgroup = openCgroup(kernel, findHierarchies(kernel), dir);
  return await planKill(kernel, cgroup, { ...DEFAULT_OPTIONS, ...options });
}

export interface Executed {
  readonly outcome: KillOutcome;
  readonly events: readonly KillEvent[];
  /** How long it took on the model's clock. */
  readonly tookMs: number;
}

export async function execute(
  { kernel }: Pick<Model, "kernel">,
  planned: KillPlan,
  given: Partial<Pick<KillControl, "abort" | "begin" | "pause">> & { timeoutMs?: number; level?: Level } = {},
): Promise<Executed> {
  const { timeoutMs = 2000, abort = new AbortController().signal, level = "trace", begin, pause } = given;
  const events: KillEvent[] = [];
  const start = kernel.now();
  const outcome = await executeKill(kernel, planned, {
    deadline: start + timeoutMs,
    abort,
    onEvent: (event) => void events.push(event),
    level,
    ...(begin !== undefined && { begin }),
    ...(pause !== undefined && { pause }),
  });
  const tookMs = kernel.now() - start;
  kernel.close(planned.cgroup.fd);
  return { outcome, events, tookMs };
}

export async function kill(on: Model, options: Partial<KillOptions> = {}): Promise<Executed> {
  return await execute(on, await plan(on, options));
}

const isTrap = (path: string): boolean => path.split("/").some((name) => name.startsWith("cgkill-trap-"));

/** List the traps that were not removed. */
export function trapsLeft({ kernel }: Pick<Model, "kernel">): string[] {
  return kernel.hierarchies.flatMap(({ root }) => [...root.subtree()].map(({ path }) => path).filter(isTrap));
}

/** Expect writes only to the target, everything below it, and a trap. Processes of the target may be moved anywhere. */
function expectOnlyInside(
  kernel: FakeKernel,
  which: string,
  innocents: readonly number[],
  spared: readonly number[],
): void {
  const dir = `${kernel.hierarchy(which).point}/parent/target`;
  const strangers = [1, kernel.pid, ...innocents].filter((pid) => !spared.includes(pid));
  const isMove = (path: string, pid: string): boolean =>
    path.endsWith("/cgroup.procs") && !strangers.includes(Number(pid));
  const isInside = (path: string): boolean => path === dir || path.startsWith(`${dir}/`) || isTrap(path);
  const outside = kernel.writes.filter(({ operation, path, value }) => {
    if (operation === "signal") return strangers.some((pid) => path === `pid ${pid}`);
    return !isInside(path) && !(operation === "write" && isMove(path, value));
  });
  expect(outside).toEqual([]);
}

const DONE = ["killed", "empty"];

/** Expect what the contract promises for every kill, however the kernel behaved. */
export function expectPromise({ kernel, which, target, innocents }: Model, { outcome, tookMs }: Executed): void {
  const alive = kernel.live(target, kernel.hierarchy(which));
  if (DONE.includes(outcome.outcome)) expect(alive.map(({ pid }) => pid)).toEqual([]);
  // No process outside was signalled.
  expect(innocents.filter((pid) => kernel.processes.get(pid)?.killedAt !== undefined)).toEqual([]);
  expect(kernel.processes.get(kernel.pid)?.killedAt).toBeUndefined();
  expectOnlyInside(
    kernel,
    which,
    innocents,
    outcome.spared.map(({ pid }) => pid),
  );
  // Whatever stays frozen is reported.
  const frozen = kernel.hierarchies.flatMap(({ point, root }) =>
    [...root.subtree()].filter(({ isSwitchedOn }) => isSwitchedOn).map(({ path }) => `${point}${path}`),
  );
  expect(frozen.filter((path) => !outcome.leftFrozen.includes(path))).toEqual([]);
  expect(outcome.leftFrozen.filter((path) => !frozen.includes(path))).toEqual([]);
  // No fork fence stays.
  const fenced = kernel.hierarchies.flatMap(({ root }) => [...root.subtree()].filter(({ pidsMax }) => pidsMax === "0"));
  expect(fenced.map(({ path }) => path)).toEqual([]);
  expect(kernel.openDescriptors).toBe(0);
  // Only processes that were sent SIGKILL are raised, and none that lives keeps the priority.
  expect(kernel.policies.filter(({ isKilled }) => !isKilled)).toEqual([]);
  expect(alive.filter(({ policy }) => policy === REALTIME)).toEqual([]);
  expect(tookMs).toBeLessThan(2000 + 1000);
  const spentMs = Object.values(outcome.phases).reduce<number>((sum, ms) => sum + (ms ?? 0), 0);
  expect(spentMs).toBeLessThanOrEqual(outcome.durationMs + 0.001);
  if (["failed", "denied", "not-removed"].includes(outcome.outcome)) expect(outcome.error).not.toBeNull();
}
