// Whether a process that others wait for can act: it is alive, stopped, frozen, or killed but unable to exit.

import { readFreezingAt } from "../cgroup/freeze-state.ts";
import { findHierarchies } from "../cgroup/open/hierarchy.ts";
import { findCgroupPath } from "../cgroup/open/proc-cgroup.ts";
import { PROC } from "../sys/dir.ts";
import { readOr } from "../sys/errno.ts";
import { listThreads, readComm, readStat, readStatus, wordAfter } from "../sys/proc.ts";
import type { Pid, Sys } from "../sys/sys.ts";
import type { Server, ServerState } from "./types.ts";

/** @returns `undefined` if the process is gone; it counts as alive if its state cannot be read */
export function readServer(sys: Sys, pid: Pid): Server | undefined {
  const state = readOr("alive" as const, () => readServerState(sys, pid));
  return state === undefined ? undefined : { pid, comm: readOr(null, () => readComm(sys, pid) ?? null), state };
}

/** Context switches of all threads of a process: the same number twice means that no thread ran in between. */
export function readSwitches(sys: Sys, pid: Pid): number {
  return listThreads(sys, pid).reduce((total, tid) => total + switchesOf(sys, tid), 0);
}

/** Context switches of one thread. */
export function switchesOf(sys: Sys, tid: Pid): number {
  const text = readOr("", () => sys.readRecord(PROC, `${tid}/status`));
  const count = (kind: string): number => Number(wordAfter(text, `${kind}_ctxt_switches:`));
  return count("voluntary") + count("nonvoluntary");
}

function readServerState(sys: Sys, pid: Pid): ServerState | undefined {
  const tids = listThreads(sys, pid);
  const threads = tids.map((tid) => readThread(sys, tid)).filter((thread) => thread !== undefined);
  if (threads.length === 0) return undefined;
  const live = threads.filter(({ state }) => state !== "Z" && state !== "X");
  if (live.every(({ isKilled }) => isKilled)) return "dead";
  // Not "t": a tracer such as strace stops a process only for moments.
  if (live.every(({ state }) => state === "T")) return "stopped";
  const canBeFrozen = live.every(({ state }) => "DT".includes(state));
  return isFrozen(sys, pid, canBeFrozen) ? "frozen" : "alive";
}

/** Read per thread: an exited leader does not show the SIGKILL that is pending for the other threads. */
function readThread(sys: Sys, tid: Pid): { readonly state: string; readonly isKilled: boolean } | undefined {
  const stat = readStat(sys, tid);
  const status = readStatus(sys, tid);
  if (stat === undefined || status === undefined) return undefined;
  return { state: stat.state, isKilled: stat.isExiting || status.sigkillPending };
}

/**
 * Whether the v1 freezer or v2 keeps a process frozen.
 *
 * @param canBeFrozen  whether every thread is in a state that a frozen thread has on v1. There, one process that cannot
 *                     be frozen leaves its whole cgroup `freezing`
 */
export function isFrozen(sys: Sys, pid: Pid, canBeFrozen: boolean): boolean {
  const text = sys.readRecord(PROC, `${pid}/cgroup`);
  const freezing = findHierarchies(sys).filter(({ version, hasFreezer }) => version === "v2" || hasFreezer);
  return freezing.some((hierarchy) => {
    const { state } = readFreezingAt(sys, hierarchy, findCgroupPath(text, hierarchy.controllers));
    return state === "frozen" || (state === "freezing" && hierarchy.version === "v1" && canBeFrozen);
  });
}
