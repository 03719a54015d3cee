// The files of a v2 cgroup: cgroup.kill, cgroup.freeze, cgroup.events, cgroup.type, cpu.stat.
// Deliberately not here: when to write them.

import { SysError } from "../sys/errno.ts";
import { wordAfter } from "../sys/proc.ts";
import type { Dir, Fd, Millis, Sys } from "../sys/sys.ts";
import type { CgroupType } from "./types.ts";

/** Does the kernel have cgroup.kill (5.14, or a backport) for this cgroup? The root has none. */
export function hasKill(sys: Sys, dir: Dir): boolean {
  return sys.exists(dir, "cgroup.kill");
}

/**
 * SIGKILL every process of the subtree, at once as the kernel sees it.
 *
 * It reaches thread-group leaders only: a process whose leader has exited, or that is in the middle of an exec from
 * another thread, is missed.
 *
 * @throws SysError  ENOENT, ENODEV: removed; EOPNOTSUPP: threaded; EACCES, EPERM, EROFS: denied
 * @see linux: admin-guide/cgroup-v2.rst, "cgroup.kill"
 */
export function killSubtree(sys: Sys, dir: Dir): void {
  sys.writeFile(dir, "cgroup.kill", "1");
}

export function writeFreeze(sys: Sys, dir: Dir, isFrozen: boolean): void {
  sys.writeFile(dir, "cgroup.freeze", isFrozen ? "1" : "0");
}

/** The cgroup's own switch; an ancestor's is not in it (that is in cgroup.events). */
export function readFreeze(sys: Sys, dir: Dir): boolean {
  return sys.readRecord(dir, "cgroup.freeze").trim() === "1";
}

export interface Events {
  readonly populated: boolean;
  readonly frozen: boolean;
}

export function parseEvents(text: string): Events {
  // Whole lines, and only these: a text that is cut off never says "empty". A kernel before 5.2 has no `frozen`.
  const lines = `\n${text}`;
  return { populated: !lines.includes("\npopulated 0\n"), frozen: lines.includes("\nfrozen 1\n") };
}

export const EVENTS_FILE = "cgroup.events";

/** Every v2 cgroup but the root has this file, so without it the cgroup is gone. */
export function hasEvents(sys: Sys, dir: Dir): boolean {
  return sys.exists(dir, EVENTS_FILE);
}

/** Read cgroup.events by an open descriptor: the next poll(2) for POLLPRI then waits for what changes after. */
export function rereadEvents(sys: Sys, fd: Fd, dir: Dir): Events {
  return parseEvents(sys.rereadRecord(fd, `${dir.shown}/${EVENTS_FILE}`));
}

export function readEvents(sys: Sys, dir: Dir): Events {
  return parseEvents(sys.readRecord(dir, EVENTS_FILE));
}

export function readType(sys: Sys, dir: Dir): CgroupType {
  return sys.readRecord(dir, "cgroup.type").trim() as CgroupType;
}

/** CPU time of the subtree; `null` if it cannot be read. */
export function readCpu(sys: Sys, dir: Dir): Millis | null {
  try {
    const ms = Number(wordAfter(sys.readRecord(dir, "cpu.stat"), "usage_usec ") || Number.NaN) / 1000;
    return Number.isNaN(ms) ? null : ms;
  } catch (error) {
    if (error instanceof SysError) return null;
    throw error;
  }
}
