// Which process outside a target started it. The parent of the topmost member is looked up just before SIGKILL, because
// afterwards that parent reaps it at once; what the parent is, just after. Whether it starts the target again is for
// `restart/` to say.
//
// Only /proc/PID/status is read, because it never blocks (see `readSummary`).

import { readOr } from "../../sys/errno.ts";
import { type ProcessSummary, readSummary } from "../../sys/proc.ts";
import type { Pid, Sys } from "../../sys/sys.ts";
import type { HeldProcess } from "./held-process.ts";

/** Processes by their pids. */
export type Pids = Pick<ReadonlySet<Pid>, "has" | "keys">;

/** The parents of the topmost member, which are outside. */
export interface Starter {
  /** The nearest first: a shell that only waits for its child ends with it, and then the next one counts. */
  readonly parents: readonly Parent[];
  /** The name of that member. */
  readonly started: string;
}

export interface Parent extends Topmost {
  readonly pid: Pid;
  /** Whether it is an ancestor of this cgkill too. */
  readonly isAncestor: boolean;
}

/** The topmost member, and its parent. */
type Topmost = Pick<ProcessSummary, "comm" | "ppid">;

/** Members that were adopted by PID 1 have no such parent; after this many, that is assumed of all. */
const MAX_READS = 8;
/** Programs that wait for their child and end with it. cron starts a process of its own and a shell for each job. */
const WAITERS: readonly string[] = ["sh", "ash", "bash", "dash", "su", "sudo", "cron", "CRON", "crond"];
const MAX_PARENTS = 4;

/** @returns `undefined` if it is dead, or hidden from us */
export function readLiving(sys: Sys, pid: Pid): Topmost | undefined {
  const summary = readOr(undefined, () => readSummary(sys, pid));
  return summary === undefined || summary.state === "Z" || summary.state === "X" ? undefined : summary;
}

/**
 * Whether we or one of our ancestors started a process: then its starter need not be looked up. The pidfd shows this faster
 * than /proc.
 */
export function isCallersChild(sys: Sys, process: HeldProcess | undefined, ancestors: Pids): boolean {
  const fd = process?.fd;
  const info = fd === undefined ? undefined : readOr(undefined, () => sys.infoOf(fd));
  return info !== undefined && (info.ppid === sys.pid || ancestors.has(info.ppid));
}

/**
 * Climb from the first members, the oldest as a rule, to one whose parent is not a member.
 *
 * @returns `null` if that parent is PID 1 or cgkill itself, or cannot be read
 */
export function findTopmost(sys: Sys, members: ReadonlySet<Pid>): Topmost | null {
  const seen = new Set<Pid>();
  for (const member of members) {
    for (let pid = member; members.has(pid) && !seen.has(pid);) {
      if (seen.size === MAX_READS) return null;
      seen.add(pid);
      const one = readLiving(sys, pid);
      if (one === undefined) break;
      pid = one.ppid;
      if (!members.has(pid) && pid > 1 && pid !== sys.pid) return one;
    }
  }
  return null;
}

/**
 * Call it right after the signal: a parent that waits for the killed process ends soon.
 *
 * @param ancestors  those of this cgkill
 * @returns `null` also if one of them is the parent: then the caller started it
 */
export function readStarter(sys: Sys, topmost: Topmost | null, ancestors: Pids): Starter | null {
  if (topmost === null || ancestors.has(topmost.ppid)) return null;
  const parents: Parent[] = [];
  for (let pid = topmost.ppid; pid > 1 && parents.length < MAX_PARENTS;) {
    const parent = readLiving(sys, pid);
    if (parent === undefined) break;
    parents.push({ pid, comm: parent.comm, ppid: parent.ppid, isAncestor: ancestors.has(pid) });
    if (!WAITERS.includes(parent.comm)) break;
    pid = parent.ppid;
  }
  return parents.length === 0 ? null : { parents, started: topmost.comm };
}
