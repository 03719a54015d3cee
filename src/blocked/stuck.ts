// Finds stuck processes: blocked in the kernel at two checks, without having run in between. A process that reads from
// a working disk runs again and again. Read-only, and no read may hang.

import { paced } from "../cgroup/paced.ts";
import type { Pace } from "../cgroup/subtree.ts";
import { dirIn, PROC, ROOT } from "../sys/dir.ts";
import { readOr } from "../sys/errno.ts";
import { listThreads, type ProcessStat, readStat } from "../sys/proc.ts";
import type { Millis, Pid, Sys } from "../sys/sys.ts";
import { createBlockReader } from "./find.ts";
import { openFuseConnections } from "./fuse/connections.ts";
import { findHolders, type Holders, SEARCH_MS } from "./fuse/servers.ts";
import { isFrozen, switchesOf } from "./server-state.ts";
import { isFuseWait } from "./threads.ts";
import type { BlockedOn } from "./types.ts";

/** Between the two checks of a process. Longer than a disk takes to answer, unless it is overloaded. */
const BETWEEN_CHECKS_MS: Millis = 250;
/** Time to find out what the stuck processes wait for; those not reached are listed without it. */
const EXPLAIN_MS: Millis = 400;

interface Suspect {
  readonly pid: Pid;
  readonly tid: Pid;
  readonly switches: number;
}

/** Takes at least 250 ms if any process is blocked. @returns what each stuck process waits for; `null` if unknown */
export async function findStuck(
  sys: Sys,
  pids: Iterable<Pid>,
  pace: Pace = {},
): Promise<ReadonlyMap<Pid, BlockedOn | null>> {
  const suspects: Suspect[] = [];
  const hasFuseWaits = mayWaitForFuse(sys);
  for await (const pid of paced(pids, pace)) suspects.push(...suspectsIn(sys, pid, hasFuseWaits));
  if (suspects.length === 0) return new Map();
  const completed = readCompleted(sys);
  const until = sys.now() + BETWEEN_CHECKS_MS;
  // Use the time until the second check to search the host for FUSE servers.
  const holders = hasFuseWaits ? await findHolders(sys, { ...pace, until: sys.now() + SEARCH_MS }) : undefined;
  for (let left = until - sys.now(); left > 0; left = until - sys.now()) {
    sys.poll([], Math.min(left, SLICE_MS));
    await pace.yieldToSignals?.();
  }
  const stuck = new Set(suspects.filter((suspect) => isStillBlocked(sys, suspect, hasFuseWaits)).map(({ pid }) => pid));
  return await explain(sys, stuck, completed, holders, pace);
}

const SLICE_MS: Millis = 20;

/** Whether requests wait for a FUSE server, so that threads in state S count too; `true` if that cannot be read. */
function mayWaitForFuse(sys: Sys): boolean {
  using connections = openFuseConnections(sys);
  return connections === undefined || connections.findWaiting().size > 0;
}

function suspectsIn(sys: Sys, pid: Pid, hasFuseWaits: boolean): Suspect[] {
  const stat = readStatOrNot(sys, pid);
  if (stat === undefined || stat.isKernelThread) return [];
  // Most processes have one thread, whose state was just read: this saves thousands of reads.
  const tids = stat.threads === 1 ? [pid] : listThreads(sys, pid);
  const isSuspect = (tid: Pid): boolean =>
    isBlocked(sys, tid, tid === pid ? stat : readStatOrNot(sys, tid), hasFuseWaits);
  return tids.filter(isSuspect).map((tid) => ({ pid, tid, switches: switchesOf(sys, tid) }));
}

const readStatOrNot = (sys: Sys, tid: Pid): ProcessStat | undefined => readOr(undefined, () => readStat(sys, tid));

function isBlocked(sys: Sys, tid: Pid, stat: ProcessStat | undefined, hasFuseWaits: boolean): boolean {
  if (stat?.state === "D") return true;
  if (stat?.state !== "S" || !hasFuseWaits) return false;
  // Without a start time it is in an exec, and its wchan must not be read.
  return stat.startTicks === undefined || isFuseWait(readOr("", () => sys.readRecord(PROC, `${tid}/wchan`)));
}

/** @returns a function that tells whether a process has a thread that is blocked in the kernel or waits for FUSE */
export function mayBeBlocked(sys: Sys): (pid: Pid) => boolean {
  const hasFuseWaits = mayWaitForFuse(sys);
  return (pid) => suspectsIn(sys, pid, hasFuseWaits).length > 0;
}

function isStillBlocked(sys: Sys, { tid, switches }: Suspect, hasFuseWaits: boolean): boolean {
  return isBlocked(sys, tid, readStatOrNot(sys, tid), hasFuseWaits) && switchesOf(sys, tid) === switches;
}

async function explain(
  sys: Sys,
  stuck: ReadonlySet<Pid>,
  completed: ReadonlyMap<string, string>,
  holders: Holders | undefined,
  pace: Pace,
): Promise<ReadonlyMap<Pid, BlockedOn | null>> {
  const now = readCompleted(sys);
  const isFrozenIn = new Map<string, boolean>();
  const until = sys.now() + EXPLAIN_MS;
  using reader = createBlockReader(sys, { target: null, mayAbort: false, isInside: () => false, pace, holders });
  const found = new Map<Pid, BlockedOn | null>();
  for (const pid of stuck) {
    await pace.yieldToSignals?.();
    // Frozen processes are in state D on v1; `list --frozen` shows them. One check per cgroup.
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

/** The completion counters of every block device, by MAJOR:MINOR. */
function readCompleted(sys: Sys): ReadonlyMap<string, string> {
  const names = readOr([], () => sys.readNames(dirIn(ROOT, "sys/class/block")));
  return new Map(
    names.map((name) => {
      const read = (file: string): string => readOr("", () => sys.readRecord(ROOT, `/sys/class/block/${name}/${file}`));
      const counters = read("stat").trim().split(/\s+/);
      return [read("dev").trim(), [0, 4, 11, 15].map((field) => counters[field]).join(" ")];
    }),
  );
}
