// What an observer beside cgkill sees of a kill during which others move the members about: members that live, a report
// that names the living, and deaths of processes that had left. Judges only; movers.c moves.

import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";

import type { TraceEvent } from "./kill-trace.ts";
import { isAlive, liveMembers, type RealCgroup } from "./real-cgroup.ts";
import { documents, type Ran } from "./run-cgkill.ts";

export type Version = "v1" | "v2";

/** A child of a test's cgroup; it ends with its parent. */
export function within(parent: RealCgroup, name: string): RealCgroup {
  mkdirSync(`${parent.dir}/${name}`);
  return { ...parent, dir: `${parent.dir}/${name}`, path: `${parent.path}/${name}` };
}

/** Where a process is, by its /proc/PID/cgroup. */
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

/** Living processes whose own /proc/PID/cgroup is inside: no mover between two lists hides from that. */
export function claimants(target: Pick<RealCgroup, "path">, version: Version | "pids"): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => isInside(pid, target, version) && isAlive(pid));
}

const pidsIn = (document: Record<string, unknown> | undefined, key: string): number[] =>
  ((document?.[key] ?? []) as { pid: number }[]).map(({ pid }) => pid);

/** Violations of "exit status 0 means dead" and of "killed lists only processes that are dead". Call it at the exit. */
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

/** A process that was moved out of the target, by the record of movers.c. */
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

/** The first SIGKILL of a process that had left before it. */
export interface LateKill {
  readonly pid: number;
  /** From the end of its move to its signal. */
  readonly us: number;
  /** How many other processes were signalled in between. */
  readonly others: number;
}

/**
 * Members that were signalled after they had been moved to another cgroup, in the order of the kernel.
 *
 * The look at a process lies somewhere before its signal, and so many others were signalled since it left. If each look is
 * good for N signals, this cannot exceed N - 1 for a process that left after the look, whatever the load of the machine;
 * time alone proves nothing, as cgkill may be preempted between look and signal.
 *
 * @param members  of the target before the kill: the trace has the moves and kills of all that goes on here
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
    } else if (!killed.has(pid)) {
      const before = left.get(pid);
      if (before !== undefined) late.push({ pid, us: Math.round(us - before.us), others: killed.size - before.kills });
      killed.add(pid);
    }
  }
  return late;
}

/** How many, how long after they left, and how many signals after. */
export function describeLateKills(kills: readonly LateKill[], left: number): string {
  const sorted = (values: number[]): number[] => values.sort((a, b) => a - b);
  const spread = (values: number[]): string =>
    [0, 0.5, 0.9, 1].map((q) => values[Math.min(values.length - 1, Math.floor(q * values.length))] ?? "-").join(" / ");
  const [us, others] = [sorted(kills.map((kill) => kill.us)), sorted(kills.map((kill) => kill.others))];
  return `${kills.length} of ${left} died after they left; min / median / p90 / max: ${spread(us)} µs, ${spread(others)} other signals in between`;
}
