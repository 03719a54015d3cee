// Which processes are stuck: blocked in the kernel, and not run at all between two looks. A process that reads from a
// disk that answers runs again and again. Read-only, and no read may hang.

import type { Pace } from "../cgroup/subtree.ts";
import { readOr } from "../sys/errno.ts";
import { listThreads, type ProcessStat, readStat } from "../sys/proc.ts";
import { type Millis, type Pid, PROC, ROOT, type Sys } from "../sys/sys.ts";
import { createBlockReader } from "./find.ts";
import { openFuseConnections } from "./fuse/connections.ts";
import { findHolders, type Holders, SEARCH_MS } from "./fuse/servers.ts";
import { isFrozen, switchesOf } from "./server-state.ts";
import { isFuseWait } from "./threads.ts";
import type { BlockedOn } from "./types.ts";

/** Between the two looks at a process. Longer than a disk takes to answer, unless it is overloaded. */
const BETWEEN_MS: Millis = 250;
/** For finding out what all of them wait for; the others are listed without. */
const EXPLAIN_MS: Millis = 400;
/** Processes looked at between two checks for signals. */
const YIELD_EVERY = 64;

interface Suspect {
  readonly pid: Pid;
  readonly tid: Pid;
  readonly switches: number;
}

/** @returns what each stuck process waits for, `null` if that is not known */
export async function findStuck(
  sys: Sys,
  pids: Iterable<Pid>,
  pace: Pace = {},
): Promise<ReadonlyMap<Pid, BlockedOn | null>> {
  const suspects: Suspect[] = [];
  const hasWaiting = mayWaitForFuse(sys);
  let count = 0;
  for (const pid of pids) {
    suspects.push(...suspectsIn(sys, pid, hasWaiting));
    if (++count % YIELD_EVERY === 0) await pace.yieldToSignals?.();
  }
  if (suspects.length === 0) return new Map();
  const completed = readCompleted(sys);
  const until = sys.now() + BETWEEN_MS;
  // The time until the second look is enough to search the host for FUSE servers.
  const holders = hasWaiting ? await findHolders(sys, { ...pace, until: sys.now() + SEARCH_MS }) : undefined;
  for (let left = until - sys.now(); left > 0; left = until - sys.now()) {
    sys.poll([], Math.min(left, SLICE_MS));
    await pace.yieldToSignals?.();
  }
  const stuck = new Set(suspects.filter((suspect) => isStill(sys, suspect, hasWaiting)).map(({ pid }) => pid));
  return await explain(sys, stuck, { completed, holders }, pace);
}

const SLICE_MS: Millis = 20;

/** Whether a process in state S may wait for a FUSE server. If the connections cannot be read, any may. */
function mayWaitForFuse(sys: Sys): boolean {
  using connections = openFuseConnections(sys);
  return connections === undefined || connections.findWaiting().size > 0;
}

function suspectsIn(sys: Sys, pid: Pid, hasWaiting: boolean): Suspect[] {
  const stat = readStatOrNot(sys, pid);
  if (stat === undefined || stat.isKernelThread) return [];
  // Most processes have one thread, whose state was just read: there are thousands of them.
  const tids = stat.threads === 1 ? [pid] : listThreads(sys, pid);
  return tids
    .filter((tid) => isBlocked(sys, tid, tid === pid ? stat : readStatOrNot(sys, tid), hasWaiting))
    .map((tid) => ({ pid, tid, switches: switchesOf(sys, tid) }));
}

const readStatOrNot = (sys: Sys, tid: Pid): ProcessStat | undefined => readOr(undefined, () => readStat(sys, tid));

function isBlocked(sys: Sys, tid: Pid, stat: ProcessStat | undefined, hasWaiting: boolean): boolean {
  if (stat?.state === "D") return true;
  if (stat?.state !== "S" || !hasWaiting) return false;
  // Without a start time it is in an exec, and its wchan must not be read.
  return stat.startTicks === undefined || isFuseWait(readOr("", () => sys.readRecord(PROC, `${tid}/wchan`)));
}

/** @returns whether a process has a thread that is blocked in the kernel now, or waits for a FUSE server */
export function mayBeBlocked(sys: Sys): (pid: Pid) => boolean {
  const hasWaiting = mayWaitForFuse(sys);
  return (pid) => suspectsIn(sys, pid, hasWaiting).length > 0;
}

function isStill(sys: Sys, { tid, switches }: Suspect, hasWaiting: boolean): boolean {
  return isBlocked(sys, tid, readStatOrNot(sys, tid), hasWaiting) && switchesOf(sys, tid) === switches;
}

interface Found {
  readonly completed: ReadonlyMap<string, string>;
  readonly holders: Holders | undefined;
}

async function explain(
  sys: Sys,
  stuck: ReadonlySet<Pid>,
  { completed, holders }: Found,
  pace: Pace,
): Promise<ReadonlyMap<Pid, BlockedOn | null>> {
  const now = readCompleted(sys);
  const isFrozenIn = new Map<string, boolean>();
  const until = sys.now() + EXPLAIN_MS;
  using reader = createBlockReader(sys, { target: null, mayAbort: false, isInside: () => false, pace, holders });
  const found = new Map<Pid, BlockedOn | null>();
  for (const pid of stuck) {
    await pace.yieldToSignals?.();
    // Frozen processes are in state D on v1, and `list --frozen` has them. One look for each place.
    const place = readOr("", () => sys.readRecord(PROC, `${pid}/cgroup`));
    const frozen = isFrozenIn.get(place) ?? readOr(false, () => isFrozen(sys, pid, true));
    isFrozenIn.set(place, frozen);
    if (frozen) continue;
    const finding = sys.now() < until ? await reader.read(pid) : undefined;
    const device = finding?.deviceNumber;
    const isAnswering = device !== undefined && completed.get(device) !== now.get(device);
    if (!isAnswering) found.set(pid, finding?.blockedOn ?? null);
  }
  return found;
}

/** The counters of every block device, by MAJOR:MINOR: they change when it completes a request. */
function readCompleted(sys: Sys): ReadonlyMap<string, string> {
  const names = readOr([], () => sys.readNames({ through: "/sys/class/block", shown: "/sys/class/block" }));
  return new Map(
    names.map((name) => {
      const read = (file: string): string => readOr("", () => sys.readRecord(ROOT, `/sys/class/block/${name}/${file}`));
      const counters = read("stat").trim().split(/\s+/);
      return [read("dev").trim(), [0, 4, 11, 15].map((field) => counters[field]).join(" ")];
    }),
  );
}
