// Finds the processes that serve a FUSE connection: those that have its descriptor of /dev/fuse. Searches /proc process
// by process, and yields to signals.

import type { Pace } from "../../cgroup/subtree.ts";
import { PROC } from "../../sys/dir.ts";
import { isDenied, isGone, readOr, SysError } from "../../sys/errno.ts";
import { isInExec, listThreads, showsAllProcesses, wordAfter } from "../../sys/proc.ts";
import type { Millis, Pid, Sys } from "../../sys/sys.ts";
import { descriptorsOf, isPlainFile } from "../mounts.ts";

export interface Holders {
  /** By connection number. */
  readonly byConnection: ReadonlyMap<number, ReadonlySet<Pid>>;
  /** Holders of an unknown connection: before Linux 6.16, the kernel does not say which one a descriptor belongs to. */
  readonly ofUnknown: ReadonlySet<Pid>;
  /** Whether every process could be inspected. */
  readonly isComplete: boolean;
  /** Whether the deadline ended the search: a server that was not reached may be alive. */
  readonly isCut: boolean;
}

export interface SearchOptions extends Pace {
  /** Also inspect descriptors without "fuse" in their name, and files registered with io_uring. */
  readonly withAnyName?: boolean;
  /** Also inspect every thread: one may have descriptors of its own. */
  readonly withThreads?: boolean;
}

/** The time between two checks for signals. */
const YIELD_MS: Millis = 10;

/** The connection of a descriptor, or why it is unknown; "none" for any other file. */
type Held = number | "unknown" | "in a ring" | "none";

/**
 * Find all processes that have /dev/fuse open.
 *
 * @throws SysError  any failure other than a process that is gone or whose descriptors are hidden, such as EMFILE
 */
export async function findHolders(sys: Sys, options: SearchOptions = {}): Promise<Holders> {
  const { until = Number.POSITIVE_INFINITY, yieldToSignals } = options;
  const byConnection = new Map<number, Set<Pid>>();
  const [unnamed, inRings] = [new Set<Pid>(), new Set<Pid>()];
  let isComplete = showsAllProcesses(sys);
  let isCut = false;
  let yieldedAt = sys.now();
  for (const { pid, held } of searchAll(sys, options)) {
    if (held === "hidden") isComplete = false;
    else if (held === "unknown") unnamed.add(pid);
    else if (held === "in a ring") inRings.add(pid);
    else if (held !== "none") byConnection.set(held, (byConnection.get(held) ?? new Set()).add(pid));
    // Per descriptor: one process may have a million.
    const now = sys.now();
    if (now > until) {
      isCut = true;
      break;
    }
    if (now - yieldedAt >= YIELD_MS) {
      await yieldToSignals?.();
      yieldedAt = sys.now();
    }
  }
  // If the kernel names connections, a descriptor without one belongs to no mount.
  const ofUnknown = byConnection.size > 0 ? inRings : new Set([...unnamed, ...inRings]);
  return { byConnection, ofUnknown, isComplete: isComplete && !isCut, isCut };
}

interface Step {
  readonly pid: Pid;
  /** "hidden": its descriptors are hidden from us. */
  readonly held: Held | "hidden";
}

/** Search process by process, with a step per descriptor. */
function* searchAll(sys: Sys, { withAnyName = false, withThreads = false }: SearchOptions): Generator<Step> {
  for (const { name } of sys.readSubdirs(PROC)) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    try {
      const count = yield* searchThread(sys, pid, pid, withAnyName);
      // An exited leader has no descriptors left, but the other threads may.
      if (!withThreads && count > 0) continue;
      for (const tid of listThreads(sys, pid)) if (tid !== pid) yield* searchThread(sys, pid, tid, withAnyName);
    } catch (error) {
      if (isDenied(error)) yield { pid, held: "hidden" };
      else if (isGone(error)) yield { pid, held: "none" };
      else throw error;
    }
  }
}

/** @returns the number of its descriptors */
function* searchThread(sys: Sys, pid: Pid, tid: Pid, withAnyName: boolean): Generator<Step, number> {
  const fds = sys.readNames(descriptorsOf(tid));
  // During an exec, reading its links would block, and it serves nothing.
  if (fds.length === 0 || isInExec(sys, tid)) yield { pid, held: "none" };
  else for (const fd of fds) yield { pid, held: readHeld(sys, tid, fd, withAnyName) };
  return fds.length;
}

function readHeld(sys: Sys, tid: Pid, fd: string, withAnyName: boolean): Held {
  // Without CAP_SYS_PTRACE, root may list the descriptors of any process but not read their links.
  const target = readUnlessClosed(() => sys.readLink(PROC, `${tid}/fd/${fd}`));
  const isNamedFuse = isPlainFile(target) && /fuse/i.test(target.slice(target.lastIndexOf("/") + 1));
  const isRing = target.startsWith("anon_inode:[io_uring");
  if (!isNamedFuse && !(withAnyName && (isRing || isPlainFile(target)))) return "none";
  const text = readUnlessClosed(() => sys.readFile(PROC, `${tid}/fdinfo/${fd}`));
  const connection = wordAfter(text, "fuse_connection:");
  if (connection !== "") return Number(connection);
  if (isRing && /fuse/i.test(text)) return "in a ring";
  return isNamedFuse && target.startsWith("/dev/") ? "unknown" : "none";
}

/**
 * Read; "" if the descriptor has been closed, or its path is too long.
 *
 * @throws SysError  any other failure: a server that was not seen would count as gone
 */
const readUnlessClosed = (read: () => string): string =>
  readOr("", read, (error) => isGone(error) || (error instanceof SysError && error.errno === "ENAMETOOLONG"));

/** Time for one search: enough for every process on most hosts. */
export const SEARCH_MS: Millis = 400;
