// Which process outside a target started it: read just before SIGKILL, because afterwards a parent reaps its child at
// once. A few small reads. Whether that process starts it again is for `restart/` to say, after the kill.

import { readOr } from "../../sys/errno.ts";
import { type ProcessStat, readStat, readStatUnblocked } from "../../sys/proc.ts";
import type { Pid, Sys } from "../../sys/sys.ts";

/** The parents of the topmost member, which are outside. */
export interface Starter {
  /** The nearest first: a shell that only waits for its child ends with it, and then the next one counts. */
  readonly parents: readonly Parent[];
  /** The name of that member. */
  readonly started: string;
}

export interface Parent {
  readonly pid: Pid;
  readonly stat: ProcessStat;
}

/** They wait for their child and end with it. cron has a process of its own and a shell for each job. */
const WAITERS: readonly string[] = ["sh", "ash", "bash", "dash", "su", "sudo", "cron", "CRON", "crond"];
const MAX_PARENTS = 4;

/** Members that were adopted by PID 1 have no such parent; this many are read before that is believed of all. */
const MAX_READS = 8;

/** Not /proc/PID/stat: a member whose exec never ends would block the reader before the kill. */
const read = (sys: Sys, pid: Pid): ProcessStat | undefined => readOr(undefined, () => readStatUnblocked(sys, pid));

/**
 * Climb from the first members, the oldest as a rule, to a parent that is not a member.
 *
 * @returns `null` if that is PID 1 or cgkill itself, or cannot be read
 */
export function findStarter(sys: Sys, members: ReadonlySet<Pid>): Starter | null {
  const seen = new Set<Pid>();
  for (const member of members) {
    let pid = member;
    let started = "";
    while (members.has(pid) && !seen.has(pid)) {
      if (seen.size === MAX_READS) return null;
      seen.add(pid);
      const stat = read(sys, pid);
      if (stat === undefined) break;
      started = stat.comm;
      pid = stat.ppid;
    }
    if (members.has(pid) || pid <= 1 || pid === sys.pid) continue;
    const parents = readParents(sys, pid);
    return parents.length === 0 ? null : { parents, started };
  }
  return null;
}

function readParents(sys: Sys, nearest: Pid): Parent[] {
  const parents: Parent[] = [];
  for (let pid = nearest; pid > 1 && parents.length < MAX_PARENTS;) {
    const stat = read(sys, pid);
    if (stat === undefined) break;
    parents.push({ pid, stat });
    if (!WAITERS.includes(stat.comm)) break;
    pid = stat.ppid;
  }
  return parents;
}

/** Did it start this cgkill? Then it waits for the result. */
export function isOwnAncestor(sys: Sys, pid: Pid): boolean {
  const met = new Set<Pid>();
  let at = readOr(undefined, () => readStat(sys, "self"))?.ppid ?? 0;
  while (at > 1 && !met.has(at)) {
    if (at === pid) return true;
    met.add(at);
    at = read(sys, at)?.ppid ?? 0;
  }
  return false;
}
