// Finds the processes that serve a FUSE connection: those that have its descriptor of /dev/fuse. Searches /proc process
// by process, and yields to signals.

import type { Pace } from "../../cgroup/subtree.ts";
import { isDenied, isGone, readOr, SysError } from "../../sys/errno.ts";
import { isInExec, isInPidNamespace, listThreads, wordAfter } from "../../sys/proc.ts";
import { type Millis, type Pid, PROC, type Sys } from "../../sys/sys.ts";
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
  /** Also inspect descriptors without "fuse" in their name, every thread, and files registered with io_uring. */
  readonly isThorough?: boolean;
}

/** The time between two checks for signals. */
const YIELD_MS: Millis = 10;

/** The connection of a descriptor, or why it is unknown. */
type Held = number | "unknown" | "in a ring";

/**
 * Find all processes that have /dev/fuse open.
 *
 * @throws SysError  any failure other than a process that is gone or whose descriptors are hidden, such as EMFILE
 */
export async function findHolders(sys: Sys, options: SearchOptions = {}): Promise<Holders> {
  const { isThorough = false, until = Number.POSITIVE_INFINITY, yieldToSignals } = options;
  const byConnection = new Map<number, Set<Pid>>();
  const [unnamed, inRings] = [new Set<Pid>(), new Set<Pid>()];
  // With hidepid, /proc lists only processes that we may trace. PID 1 has all capabilities: if it is visible, all are.
  let isComplete = !isInPidNamespace(sys) && readOr(false, () => sys.exists(PROC, "1/status"));
  let isCut = false;
  let yieldedAt = sys.now();
  for (const { name } of sys.readSubdirs(PROC)) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    if (sys.now() > until) {
      isCut = true;
      break;
    }
    if (sys.now() - yieldedAt >= YIELD_MS) {
      await yieldToSignals?.();
      yieldedAt = sys.now();
    }
    const found = findInProcess(sys, pid, isThorough);
    isComplete &&= found !== undefined;
    for (const held of found ?? []) {
      if (held === "unknown") unnamed.add(pid);
      else if (held === "in a ring") inRings.add(pid);
      else byConnection.set(held, (byConnection.get(held) ?? new Set()).add(pid));
    }
  }
  // If the kernel names connections, a descriptor without one belongs to no mount.
  const ofUnknown = byConnection.size > 0 ? inRings : unnamed.union(inRings);
  return { byConnection, ofUnknown, isComplete: isComplete && !isCut, isCut };
}

/** @returns `undefined` if its descriptors are hidden from us */
function findInProcess(sys: Sys, pid: Pid, isThorough: boolean): ReadonlySet<Held> | undefined {
  try {
    const found = findInThread(sys, pid, isThorough);
    // An exited leader has no descriptors left, but the other threads may.
    if (!isThorough && found !== "none") return found;
    const all = new Set(found === "none" ? [] : found);
    for (const tid of listThreads(sys, pid)) {
      const ofThread = tid === pid ? "none" : findInThread(sys, tid, isThorough);
      for (const held of ofThread === "none" ? [] : ofThread) all.add(held);
    }
    return all;
  } catch (error) {
    if (isGone(error)) return new Set();
    if (isDenied(error)) return undefined;
    throw error;
  }
}

function findInThread(sys: Sys, tid: Pid, isThorough: boolean): ReadonlySet<Held> | "none" {
  const fds = sys.readNames(descriptorsOf(tid));
  if (fds.length === 0) return "none";
  // During an exec, reading its links would block, and it serves nothing.
  if (isInExec(sys, tid)) return new Set();
  const found = new Set<Held>();
  for (const fd of fds) {
    // Without CAP_SYS_PTRACE, root may list the descriptors of any process but not read their links.
    const target = readUnlessDenied(() => sys.readLink(PROC, `${tid}/fd/${fd}`));
    const isNamedFuse = isPlainFile(target) && /fuse/i.test(target.slice(target.lastIndexOf("/") + 1));
    const isRing = target.startsWith("anon_inode:[io_uring");
    if (!isNamedFuse && !(isThorough && (isRing || isPlainFile(target)))) continue;
    const text = readUnlessDenied(() => sys.readFile(PROC, `${tid}/fdinfo/${fd}`));
    const connection = wordAfter(text, "fuse_connection:");
    if (connection !== "") found.add(Number(connection));
    else if (isRing && /fuse/i.test(text)) found.add("in a ring");
    else if (isNamedFuse && target.startsWith("/dev/")) found.add("unknown");
  }
  return found;
}

/** Read; "" if the descriptor has been closed, or its path is too long. @throws SysError  access is denied */
function readUnlessDenied(read: () => string): string {
  try {
    return read();
  } catch (error) {
    if (isDenied(error) || !(error instanceof SysError)) throw error;
    return "";
  }
}

/** Time for one search: enough for every process on most hosts. */
export const SEARCH_MS: Millis = 400;
