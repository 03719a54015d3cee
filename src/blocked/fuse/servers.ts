// Which processes serve a FUSE connection: those that have its descriptor of /dev/fuse. Found in /proc, process by
// process, with pauses for signals.

import type { Pace } from "../../cgroup/subtree.ts";
import { isDenied, isGone, readOr, SysError } from "../../sys/errno.ts";
import { isInExec, isInPidNamespace, listThreads, wordAfter } from "../../sys/proc.ts";
import { type Millis, type Pid, PROC, type Sys } from "../../sys/sys.ts";
import { descriptorsOf, isPlainFile } from "../mounts.ts";

export interface Holders {
  /** By connection. */
  readonly byConnection: ReadonlyMap<number, ReadonlySet<Pid>>;
  /** Before Linux 6.16 the kernel does not say which connection a descriptor belongs to. */
  readonly ofUnknown: ReadonlySet<Pid>;
  /** Whether every process could be looked at. */
  readonly isComplete: boolean;
}

export interface SearchOptions extends Pace {
  /** Also look at descriptors that are not called fuse, at every thread, and into io_uring. */
  readonly isThorough?: boolean;
}

/** The time between two checks for signals. */
const YIELD_MS: Millis = 10;

/** A descriptor: its connection, or why that is not known. */
type Held = number | "unknown" | "in a ring";

/** Find all processes that have /dev/fuse open. */
export async function findHolders(sys: Sys, options: SearchOptions = {}): Promise<Holders> {
  const { isThorough = false, until = Number.POSITIVE_INFINITY, yieldToSignals } = options;
  const byConnection = new Map<number, Set<Pid>>();
  const [unnamed, inRings] = [new Set<Pid>(), new Set<Pid>()];
  // With hidepid, /proc lists only processes that we may trace. PID 1 has all capabilities.
  let isComplete = !isInPidNamespace(sys) && readOr(false, () => sys.exists(PROC, "1/status"));
  let yieldedAt = sys.now();
  for (const { name } of sys.readSubdirs(PROC)) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    if (sys.now() > until) {
      isComplete = false;
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
  // Where the kernel names connections, a descriptor without one is not mounted.
  const ofUnknown = byConnection.size > 0 ? inRings : unnamed.union(inRings);
  return { byConnection, ofUnknown, isComplete };
}

/** @returns `undefined` if its descriptors are hidden from us */
function findInProcess(sys: Sys, pid: Pid, isThorough: boolean): ReadonlySet<Held> | undefined {
  try {
    const found = findInThread(sys, pid, isThorough);
    // An exited leader has no descriptors any more, but the other threads may.
    if (!isThorough && found !== "none") return found;
    const all = new Set(found === "none" ? [] : found);
    for (const tid of listThreads(sys, pid)) {
      const ofThread = tid === pid ? "none" : findInThread(sys, tid, isThorough);
      for (const held of ofThread === "none" ? [] : ofThread) all.add(held);
    }
    return all;
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    return isGone(error) ? new Set() : undefined;
  }
}

function findInThread(sys: Sys, tid: Pid, isThorough: boolean): ReadonlySet<Held> | "none" {
  const fds = sys.readNames(descriptorsOf(tid));
  if (fds.length === 0) return "none";
  // Its links would block us, and it serves nothing meanwhile.
  if (isInExec(sys, tid)) return new Set();
  const found = new Set<Held>();
  for (const fd of fds) {
    // Root may list the descriptors of any process, but without CAP_SYS_PTRACE not see what they are.
    const target = unlessDenied(() => sys.readLink(PROC, `${tid}/fd/${fd}`));
    const isNamedFuse = isPlainFile(target) && /fuse/i.test(target.slice(target.lastIndexOf("/") + 1));
    const isRing = target.startsWith("anon_inode:[io_uring");
    if (!isNamedFuse && !(isThorough && (isRing || isPlainFile(target)))) continue;
    const text = unlessDenied(() => sys.readFile(PROC, `${tid}/fdinfo/${fd}`));
    const connection = wordAfter(text, "fuse_connection:");
    if (connection !== "") found.add(Number(connection));
    else if (isRing && /fuse/i.test(text)) found.add("in a ring");
    else if (isNamedFuse && target.startsWith("/dev/")) found.add("unknown");
  }
  return found;
}

/** A descriptor that was closed meanwhile, or has a path that is too long, reads as "". @throws SysError  denied */
function unlessDenied(read: () => string): string {
  try {
    return read();
  } catch (error) {
    if (isDenied(error) || !(error instanceof SysError)) throw error;
    return "";
  }
}

/** Enough for every process of most hosts. */
export const SEARCH_MS: Millis = 400;
