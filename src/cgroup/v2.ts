// Reads the files of a v2 cgroup: cgroup.freeze, cgroup.events, cgroup.type, cgroup.stat, cpu.stat; writes cgroup.kill. When
// to write it is decided elsewhere.

import type { Dir } from "../sys/dir.ts";
import { readOr } from "../sys/errno.ts";
import { wordAfter } from "../sys/proc.ts";
import type { Fd, Millis, Sys } from "../sys/sys.ts";
import type { CgroupType } from "./types.ts";

/** The cgroup's own switch. Ancestors' switches are not in the file; cgroup.events has the effective state. */
export const SWITCH = { file: "cgroup.freeze", on: "1", off: "0" } as const;

/** Whether this cgroup has cgroup.kill (Linux 5.14, or a backport). The root never has it. */
export function hasKill(sys: Sys, dir: Dir): boolean {
  return sys.exists(dir, "cgroup.kill");
}

/**
 * SIGKILL every process of the subtree in one atomic operation.
 *
 * The kernel signals thread-group leaders only: it misses a process whose leader has exited, and one whose other thread
 * is in the middle of an exec.
 *
 * @throws SysError  ENOENT, ENODEV: removed; EOPNOTSUPP: threaded; EACCES, EPERM, EROFS: denied
 * @see linux: admin-guide/cgroup-v2.rst, "cgroup.kill"
 */
export function killSubtree(sys: Sys, dir: Dir): void {
  sys.writeFile(dir, "cgroup.kill", "1");
}

export function readFreeze(sys: Sys, dir: Dir): boolean {
  return sys.readRecord(dir, SWITCH.file).trim() === SWITCH.on;
}

export interface Events {
  readonly populated: boolean;
  readonly frozen: boolean;
}

export function parseEvents(text: string): Events {
  // Whole lines only, so that a truncated text never reads as empty. Linux before 5.2 has no `frozen`.
  const lines = `\n${text}`;
  return { populated: !lines.includes("\npopulated 0\n"), frozen: lines.includes("\nfrozen 1\n") };
}

export const EVENTS_FILE = "cgroup.events";

/** Read cgroup.events through an open descriptor; the next poll(2) for POLLPRI then reports changes from here on. */
export function rereadEvents(sys: Sys, fd: Fd, dir: Dir): Events {
  return parseEvents(sys.rereadRecord(fd, `${dir.shown}/${EVENTS_FILE}`));
}

export function readEvents(sys: Sys, dir: Dir): Events {
  return parseEvents(sys.readRecord(dir, EVENTS_FILE));
}

export function readType(sys: Sys, dir: Dir): CgroupType {
  return sys.readRecord(dir, "cgroup.type").trim() as CgroupType;
}

/** Count the descendants of a cgroup, children included; `undefined` if the count cannot be read. */
export function countDescendants(sys: Sys, dir: Dir): number | undefined {
  const text = readOr("", () => sys.readRecord(dir, "cgroup.stat"));
  return text.startsWith("nr_descendants ") ? Number(wordAfter(text, "nr_descendants ")) : undefined;
}

/** Read the CPU time of the subtree; `null` if there is no cpu.stat or it cannot be read. */
export function readCpu(sys: Sys, dir: Dir): Millis | null {
  const text = readOr("", () => sys.readRecord(dir, "cpu.stat"));
  const ms = Number(wordAfter(text, "usage_usec ") || Number.NaN) / 1000;
  return Number.isNaN(ms) ? null : ms;
}
