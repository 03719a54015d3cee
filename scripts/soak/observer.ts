// Checks cgkill's promises from outside, by every list that the kernel has. Changes nothing, and throws at the first
// violation.

import { existsSync, readFileSync } from "node:fs";

import { TRAP_PREFIX } from "../../src/kill/methods/trap-end.ts";
import type { KillTrace, TraceEvent } from "../../test/support/kill-trace.ts";
import { claimants, describeLateKills, lateKills, readRescued, SIGNALS_PER_READ } from "../../test/support/movers.ts";
import { isAlive, isFrozen, liveMembers, mountPoint, subtree, until } from "../../test/support/real-cgroup.ts";
import { adversaryOf, type Chosen, kindOf, nameOf, type Place, rescuedFile } from "./adversaries.ts";

export interface Scene extends Place {
  /** As /proc/PID/cgroup prints it. */
  readonly path: string;
  readonly beyondPath: string;
  readonly adversaries: readonly Chosen[];
  /** Cgroups that must stay as they are, with what is below them. */
  readonly outside: readonly string[];
  readonly innocents: readonly number[];
  /** Members of the target before the kill. */
  readonly members: ReadonlySet<number>;
  readonly trace: KillTrace | undefined;
  /** Pids of every cgkill that was started. */
  readonly kills: number[];
}

export interface Ended {
  readonly code: number | null;
  readonly signal: string | number | null;
  readonly document: Readonly<Record<string, unknown>> | undefined;
  readonly stderr: string;
  /** As Date.now(). */
  readonly endedAt: number;
  /** How long it may take from its `started_at`: on a busy machine the program itself may take seconds to start. */
  readonly limitMs: number;
}

export function check(isSo: boolean, what: string): void {
  if (!isSo) throw new Error(what);
}

export const endingOf = ({ code, signal }: Ended): number | string => signal ?? code ?? "?";

const pidsIn = ({ document }: Ended, key: string): number[] =>
  ((document?.[key] ?? []) as { pid: number }[]).map(({ pid }) => pid);

/** How late we may notice an exit on a busy machine. */
const SEEN_LATE_MS = 5000;

/** Exit status 0 means that nothing inside is alive; what is reported as killed is dead, however cgkill ended. */
export function checkEnd(scene: Scene, ended: Ended, allowed: readonly (number | string)[]): void {
  const { code, document, stderr, endedAt, limitMs } = ended;
  const named = pidsIn(ended, "killed").filter(isAlive);
  const output = `${JSON.stringify(document)} ${stderr}`;
  if (code === 0) checkDead(scene, output);
  check(named.length === 0, `reported as killed, but alive: ${named.join(" ")}: ${output}`);
  check(allowed.includes(endingOf(ended)), `ended with ${endingOf(ended)}: ${output}`);
  const itsOwnMs = Number(document?.["duration_ms"] ?? 0);
  const seenMs = endedAt - Date.parse(String(document?.["started_at"]));
  check(itsOwnMs < limitMs, `reported a duration of ${itsOwnMs} ms: ${output}`);
  check(!(seenMs > limitMs + SEEN_LATE_MS), `took ${seenMs} ms: ${output}`);
  if (code === 0) {
    check(["killed", "empty"].includes(String(document?.["outcome"])), `exit 0 with ${output}`);
    check(document?.["proven"] === true, `exit 0, not proven: ${output}`);
  }
  if (code === 6) check(pidsIn(ended, "survivors").length > 0, `exit 6, but no survivor is reported: ${output}`);
}

function checkDead({ target, path, version, adversaries }: Scene, output: string): void {
  const returning = new Set<string>(adversaries.filter((chosen) => kindOf(chosen).comesBack).map(adversaryOf));
  const inside = new Set([...liveMembers(target), ...claimants({ path }, version)]);
  // Read the name first: a process that dies in between has none.
  const isReturning = (pid: number): boolean => returning.has(nameOf(pid) ?? "") || !isAlive(pid);
  const left = [...inside].filter((pid) => returning.size === 0 || !isReturning(pid));
  check(
    left.length === 0,
    `exit 0, but ${left.map((pid) => `${pid} (${nameOf(pid)})`).join(" ")} are alive: ${output}`,
  );
}

/** Nothing may be frozen or fenced once cgkill has ended or is stopped. */
export function checkLetGo({ target, version, kills }: Scene, when: string): void {
  check(!isFrozen(target), `left frozen ${when}`);
  if (version === "pids" && existsSync(target)) {
    check(readFileSync(`${target}/pids.max`, "utf8") === "max\n", `a fence left ${when}`);
  }
  check(!trapsOf(kills).some(isFrozen), `a trap left frozen ${when}`);
}

/** Find traps of these cgkills that still exist. */
export function trapsOf(kills: readonly number[]): string[] {
  const freezer = mountPoint("v1");
  if (freezer === undefined) return [];
  return kills.map((pid) => `${freezer}/${TRAP_PREFIX}${pid}`).filter((dir) => existsSync(dir));
}

/** A snapshot of everything outside, which must be the same at the end. */
export function surroundings({ outside, innocents }: Pick<Scene, "outside" | "innocents">): string {
  return JSON.stringify({
    cgroups: outside.flatMap(subtree).sort(),
    frozen: outside.filter(isFrozen),
    innocents: innocents.map((pid) => isAlive(pid) && readFileSync(`/proc/${pid}/cgroup`, "utf8")),
  });
}

/** With more members than this, each is looked at on its own, even if the rescuer leaves few. */
const MANY_MEMBERS = 1000;

function readTrace(trace: KillTrace | undefined): TraceEvent[] | undefined {
  try {
    return trace?.read();
  } catch {
    // Other processes on this machine have filled the trace buffer.
    return undefined;
  }
}

/**
 * Check what was moved out, once the rescuer has ended. With SIGKILL pending at the time of the move, a process must be
 * dead or reported as a survivor; any other must be alive, unless it was signalled after a read of the lists that still
 * found it inside.
 *
 * @param isAlone  whether only one cgkill ran at a time, so that no other one sent signals
 */
export async function checkRescued(scene: Scene, endings: readonly Ended[], isAlone: boolean): Promise<void> {
  const rescued = readRescued(rescuedFile(scene)).filter(({ pid }) => scene.members.has(pid));
  const events = readTrace(scene.trace);
  const survivors = new Set(endings.flatMap((ended) => pidsIn(ended, "survivors")));
  const doomed = rescued.filter(({ pid, isKilled }) => isKilled && !survivors.has(pid));
  const undead = (): number[] => doomed.filter(({ pid }) => isAlive(pid)).map(({ pid }) => pid);
  await until("the end of those that left with SIGKILL pending", () => undead().length === 0, 10_000);
  if (events === undefined) return;
  const left = rescued.filter(({ isKilled }) => !isKilled);
  const late = lateKills(events, scene.members, scene.beyondPath);
  const mayBeFew = scene.version !== "v2" && scene.members.size <= MANY_MEMBERS;
  const maxUnlooked = mayBeFew ? SIGNALS_PER_READ - 1 : 0;
  const unlooked = isAlone ? late.filter(({ others }) => others > maxUnlooked) : [];
  check(unlooked.length === 0, `${describeLateKills(unlooked, left.length)}, more than ${maxUnlooked}`);
  const signalled = new Set(events.filter(({ kind }) => kind === "kill").map(({ pid }) => pid));
  const dead = left.filter(({ pid }) => !isAlive(pid) && !signalled.has(pid));
  check(dead.length === 0, `${dead.map(({ pid }) => pid).join(" ")} had left, and died without a SIGKILL in the trace`);
}
