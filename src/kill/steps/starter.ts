// Which process outside a target started it. The parent of the topmost member is looked up just before SIGKILL, because
// afterwards that parent reaps it at once; what the parent is, just after. Whether it starts the target again is for
// `restart/` to say.
//
// /proc/PID/status never blocks: stat would, for ever, in an exec that a dead file system holds.

import { readOr } from "../../sys/errno.ts";
import { readStat } from "../../sys/proc.ts";
import { type Pid, PROC, type Sys } from "../../sys/sys.ts";

/** The parents of the topmost member, which are outside. */
export interface Starter {
  /** The nearest first: a shell that only waits for its child ends with it, and then the next one counts. */
  readonly parents: readonly Parent[];
  /** The name of that member. */
  readonly started: string;
}

export interface Parent {
  readonly pid: Pid;
  readonly comm: string;
  readonly ppid: Pid;
}

/** The topmost member, and its parent. */
export interface Topmost {
  readonly comm: string;
  readonly ppid: Pid;
}

/** Members that were adopted by PID 1 have no such parent; this many are read before that is believed of all. */
const MAX_READS = 8;
/** They wait for their child and end with it. cron has a process of its own and a shell for each job. */
const WAITERS: readonly string[] = ["sh", "ash", "bash", "dash", "su", "sudo", "cron", "CRON", "crond"];
const MAX_PARENTS = 4;

const NAME = "Name:\t";
const STATE = "\nState:\t";
const PPID = "\nPPid:\t";

/** @returns `undefined` if it is dead, or hidden from us */
export function readParent(sys: Sys, pid: Pid): Parent | undefined {
  const text = readOr("", () => sys.readRecord(PROC, `${pid}/status`));
  const state = text[text.indexOf(STATE) + STATE.length];
  const ppid = Number.parseInt(text.slice(text.indexOf(PPID) + PPID.length), 10);
  if (!text.startsWith(NAME) || state === "Z" || state === "X" || Number.isNaN(ppid)) return undefined;
  return { pid, comm: text.slice(NAME.length, text.indexOf("\n")), ppid };
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
      const one = readParent(sys, pid);
      if (one === undefined) break;
      pid = one.ppid;
      if (!members.has(pid) && pid > 1 && pid !== sys.pid) return one;
    }
  }
  return null;
}

/** Call it right after the signal: a parent that waits for the killed process ends soon. */
export function readStarter(sys: Sys, topmost: Topmost | null): Starter | null {
  const parents: Parent[] = [];
  for (let pid = topmost?.ppid ?? 0; pid > 1 && parents.length < MAX_PARENTS;) {
    const parent = readParent(sys, pid);
    if (parent === undefined) break;
    parents.push(parent);
    if (!WAITERS.includes(parent.comm)) break;
    pid = parent.ppid;
  }
  return topmost === null || parents.length === 0 ? null : { parents, started: topmost.comm };
}

/** The processes that started this cgkill, without PID 1. They wait for the result. */
export function readOwnAncestors(sys: Sys): ReadonlySet<Pid> {
  const ancestors = new Set<Pid>();
  let at = readOr(undefined, () => readStat(sys, "self"))?.ppid ?? 0;
  while (at > 1 && !ancestors.has(at)) {
    ancestors.add(at);
    at = readParent(sys, at)?.ppid ?? 0;
  }
  return ancestors;
}
