// Measures how an exiting process releases its memory: how much is left, and how fast that shrinks. The process itself
// no longer shows it; its memory cgroup does, unless that is the root.

import { findHierarchies } from "../cgroup/open/hierarchy.ts";
import { openInHierarchy } from "../cgroup/open/open-path.ts";
import { findCgroupPath } from "../cgroup/open/proc-cgroup.ts";
import type { Pace } from "../cgroup/subtree.ts";
import type { Cgroup } from "../cgroup/types.ts";
import { type Dir, PROC } from "../sys/dir.ts";
import { readOr } from "../sys/errno.ts";
import { listThreads, readStat, readStatus } from "../sys/proc.ts";
import type { Millis, Pid, Sys } from "../sys/sys.ts";
import { MAX_THREADS } from "./threads.ts";

export interface Release {
  /** Memory usage of its cgroup; `null` if only the root counts its memory. */
  readonly leftBytes: number | null;
  /** `null` if usage did not fall. */
  readonly bytesPerSecond: number | null;
}

type Where = { readonly pace?: Pace | undefined; readonly dir?: Dir | undefined };

/** The kernel updates the counters in batches: a shorter interval would show no change. */
const MEASURE_MS: Millis = 40;

/**
 * Whether a process is exiting and has given up its address space, but still runs to release its memory. The last of its
 * threads does that, which need not be the leader.
 */
export function isReleasing(sys: Sys, pid: Pid): boolean {
  const tids = readOr([], () => listThreads(sys, pid)).slice(0, MAX_THREADS);
  return tids.some((tid) => readOr(false, () => isThreadReleasing(sys, tid)));
}

function isThreadReleasing(sys: Sys, tid: Pid): boolean {
  const stat = readStat(sys, tid);
  if (stat?.isExiting !== true || (stat.state !== "R" && stat.state !== "D")) return false;
  return readStatus(sys, tid)?.rssBytes === 0;
}

/**
 * Measure how fast memory usage falls in the cgroup of an exiting process. Takes 40 ms.
 *
 * @param dir  a cgroup that the process is known to be in: on v1, /proc shows an exiting process in the root
 */
export async function measureRelease(sys: Sys, pid: Pid, { pace, dir: target }: Where): Promise<Release> {
  const isCounted = target !== undefined && readUsage(sys, target) !== null;
  using cgroup = isCounted ? undefined : openMemoryCgroup(sys, pid);
  const dir = isCounted ? target : cgroup?.dir;
  if (dir === undefined) return { leftBytes: null, bytesPerSecond: null };
  const [before, start] = [readUsage(sys, dir), sys.now()];
  sys.poll([], MEASURE_MS);
  await pace?.yieldToSignals?.();
  const [leftBytes, end] = [readUsage(sys, dir), sys.now()];
  const rate = before === null || leftBytes === null ? null : ((before - leftBytes) * 1000) / (end - start);
  return { leftBytes, bytesPerSecond: rate !== null && rate > 0 ? rate : null };
}

function openMemoryCgroup(sys: Sys, pid: Pid): Cgroup | undefined {
  const text = readOr("", () => sys.readRecord(PROC, `${pid}/cgroup`));
  for (const hierarchy of findHierarchies(sys)) {
    const path = findCgroupPath(text, hierarchy.controllers);
    if (path === undefined || path === "/") continue;
    const cgroup = readOr(undefined, () => openInHierarchy(sys, hierarchy, path));
    if (cgroup !== undefined && readUsage(sys, cgroup.dir) !== null) return cgroup;
    cgroup?.[Symbol.dispose]();
  }
  return undefined;
}

/** The memory usage of a cgroup in bytes; `null` without the memory controller. */
export function readUsage(sys: Sys, dir: Dir): number | null {
  for (const file of ["memory.current", "memory.usage_in_bytes"]) {
    const text = readOr("", () => sys.readRecord(dir, file)).trim();
    if (text !== "") return Number(text);
  }
  return null;
}
