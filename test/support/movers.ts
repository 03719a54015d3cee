// Observes a kill during which other processes move the members: finds members that survived, live processes reported
// as killed, and deaths of processes that had left. movers.c does the moving.

import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";

import type { TraceEvent } from "./kill-trace.ts";
import { isAlive, liveMembers, type RealCgroup } from "./real-cgroup.ts";
import { documents, type Ran } from "./run-cgkill.ts";

export type Version = "v1" | "v2";

/** Make a child of a test's cgroup; it is removed with its parent. */
export function within(parent: RealCgroup, name: string): RealCgroup {
  mkdirSync(`${parent.dir}/${name}`);
  return { ...parent, dir: `${parent.dir}/${name}`, path: `${parent.path}/${name}` };
}

/** Read the cgroup of a process from /proc/PID/cgroup. */
const PATHS: Readonly<Record<Version | "pids", RegExp>> = {
  v1: /:freezer:(.*)/,
  v2: /^0::(.*)/m,
  pids: /:pids:(.*)/,
};

function pathOf(pid: number, version: Version | "pids"): string {
  try {
    return PATHS[version].exec(readFileSync(`/proc/${pid}/cgroup`, "utf8"))?.[1] ?? "";
  } catch {
    return "";
  }
}

export function isInside(pid: number, { path }: Pick<RealCgroup, "path">, version: Version | "pids"): boolean {
  const at = pathOf(pid, version);
  return at === path || at.startsWith(`${path}/`);
}

/**
 * Find live processes whose own /proc/PID/cgroup is inside. A process moving between two lists cannot hide from that.
 */
export function claimants(target: Pick<RealCgroup, "path">, version: Version | "pids"): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => isInside(pid, target, version) && isAlive(pid));
}

const pidsIn = (document: Record<string, unknown> | undefined, key: string): number[] =>
  ((document?.[key] ?? []) as { pid: number }[]).map(({ pid }) => pid);

/**
 * Find violations of "exit status 0 means dead" and "`killed` lists only dead processes". Call it as soon as cgkill has
 * exited.
 */
export function falseClaims({ code, signal, stdout, stderr }: Ran, target: RealCgroup, version: Version): string[] {
  const inside = code === 0 ? [...new Set([...claimants(target, version), ...liveMembers(target.dir)])] : [];
  const [document] = documents(stdout);
  const named = pidsIn(document, "killed").filter(isAlive);
  const wrong: string[] = [];
  if (code !== 0 && code !== 6) wrong.push(`ended with ${code ?? signal}: ${stdout}${stderr}`);
  if (inside.length > 0) wrong.push(`exit 0, but ${inside.length} live inside (proven: ${document?.["proven"]})`);
  if (named.length > 0) wrong.push(`killed names ${named.length} that live`);
  return wrong;
}

export function survivorsOf({ stdout }: Ran): number[] {
  return pidsIn(documents(stdout)[0], "survivors");
}

/** A process that movers.c moved out of the target. */
export interface Rescued {
  readonly pid: number;
  readonly isKilled: boolean;
}

export function readRescued(file: string): Rescued[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8")
    .split("\n")
    .slice(1, -1)
    .map((line) => {
      const [pid, , isKilled] = line.split(" ").map(Number);
      return { pid: pid as number, isKilled: isKilled === 1 };
    });
}

/** On v1, up to this many members, one read of the lists serves this many signals; above it, only the next one. */
export const SIGNALS_PER_READ = 128;

/** The first SIGKILL of a process that had left the target before. */
export interface LateKill {
  readonly pid: number;
  /** Time from the end of its move to the signal. */
  readonly us: number;
  /** How many other processes were signalled in between. */
  readonly others: number;
}

/**
 * Find members that were signalled after they had been moved to another cgroup, in the order of the kernel.
 *
 * cgkill checks membership some time before it signals a process. If each check serves N signals, at most N - 1 other
 * processes can be signalled between a move after the check and the signal, whatever the load of the machine. Time
 * alone proves nothing, because cgkill may be preempted between check and signal.
 *
 * @param members  the members before the kill: the trace contains the moves and kills of the whole machine
 * @param to       the path of the cgroup that they were moved to
 */
export function lateKills(events: readonly TraceEvent[], members: ReadonlySet<number>, to: string): LateKill[] {
  interface Left {
    readonly us: number;
    readonly kills: number;
  }
  const left = new Map<number, Left>();
  const killed = new Set<number>();
  const late: LateKill[] = [];
  for (const { kind, pid, us, path } of events) {
    if (!members.has(pid)) continue;
    if (kind === "move") {
      if (path === to) left.set(pid, { us, kills: killed.size });
      // It came back. Regression: one that hops to and fro counted as gone for good.
      else left.delete(pid);
    } else if (!killed.has(pid)) {
      const before = left.get(pid);
      if (before !== undefined) late.push({ pid, us: Math.round(us - before.us), others: killed.size - before.kills });
      killed.add(pid);
    }
  }
  return late;
}

/** Describe late kills: how many, how long after the move, and how many signals after it. */
export function describeLateKills(kills: readonly LateKill[], left: number): string {
  const sorted = (values: number[]): number[] => values.sort((a, b) => a - b);
  const spread = (values: number[]): string =>
    [0, 0.5, 0.9, 1].map((q) => values[Math.min(values.length - 1, Math.floor(q * values.length))] ?? "-").join(" / ");
  const [us, others] = [sorted(kills.map((kill) => kill.us)), sorted(kills.map((kill) => kill.others))];
  return `${kills.length} of ${left} died after they left; min / median / p90 / max: ${spread(us)} µs, ${spread(others)} other signals in between`;
}
