// Decides whether a cgroup in v2 and one of the same path in the v1 freezer are one target, by the /proc/PID/cgroup of
// each process. Reads only.

import { comparablePath } from "../../cgroup/inside.ts";
import { hasTasks, type Members, readMembers } from "../../cgroup/members.ts";
import { ambiguousPath } from "../../cgroup/open/open-errors.ts";
import { isWithin } from "../../cgroup/open/path-names.ts";
import { type CgroupLine, findCgroupPath } from "../../cgroup/open/proc-cgroup.ts";
import type { Pace } from "../../cgroup/subtree.ts";
import type { Cgroup } from "../../cgroup/types.ts";
import { readEvents } from "../../cgroup/v2.ts";
import { PROC } from "../../sys/dir.ts";
import { ifPermitted, isGone, readOr } from "../../sys/errno.ts";
import { ifAlive, listThreads, readComm, readStat } from "../../sys/proc.ts";
import type { Millis, Pid, Sys } from "../../sys/sys.ts";

export type Pair = readonly [v2: Cgroup, freezer: Cgroup];

/** "twins": one target. "v2" or "freezer": only that one, since the other is empty. */
type Verdict = "twins" | "v2" | "freezer";

/** A container runtime moves a process in one hierarchy and then in the other: for a moment it is in only one. */
const CHECKS = 4;
const CHECK_INTERVAL_MS: Millis = 5;

/**
 * Decide what a pair of cgroups is. The two lists are never compared: they cannot be read at the same moment.
 *
 * @throws AmbiguousNameError  they are two targets, or that cannot be determined
 */
export async function judgeTwins(sys: Sys, pair: Pair, pace: Pace): Promise<Verdict> {
  const [v2, freezer] = pair;
  const isV2Empty = isEmptyV2(sys, v2);
  if (!(await hasTasks(sys, freezer, pace))) return isV2Empty ? "twins" : "v2";
  if (isV2Empty) return "freezer";
  const lines = findLines(sys, pair);
  if (lines === undefined) throw ambiguousPath(pair, "/proc cannot show which processes are in both");
  let suspects: ReadonlySet<Pid> | undefined;
  for (let check = 1; ; check++) {
    const listed = await readBoth(sys, pair, pace);
    if (listed.invisible > 0)
      throw ambiguousPath(pair, "some members are in another pid namespace, so cgkill cannot compare them");
    const found = await findSuspects(sys, lines, suspects ?? listed.pids, pace);
    suspects = found.apart;
    // Missing from /proc, but still in a list: /proc hides it.
    const listedNow = found.gone.size === 0 ? listed : await readBoth(sys, pair, pace);
    for (const pid of found.gone) {
      if (listedNow.pids.has(pid)) throw ambiguousPath(pair, `/proc hides pid ${pid} from this user`);
    }
    const [pid] = suspects;
    if (pid === undefined) return "twins";
    if (check === CHECKS) throw ambiguousPath(pair, describeApart(sys, lines, pid));
    sys.poll([], CHECK_INTERVAL_MS);
    await pace.yieldToSignals?.();
  }
}

function isEmptyV2(sys: Sys, { dir }: Cgroup): boolean {
  return readOr(true, () => !readEvents(sys, dir).populated, isGone);
}

async function readBoth(sys: Sys, [v2, freezer]: Pair, pace: Pace): Promise<Pick<Members, "pids" | "invisible">> {
  const one = await readMembers(sys, v2, "procs", pace);
  const other = await readMembers(sys, freezer, "procs", pace);
  return { pids: new Set([...one.pids, ...other.pids]), invisible: one.invisible + other.invisible };
}

/** The two cgroups, as /proc/PID/cgroup names them. */
type Lines = readonly [v2: CgroupLine, freezer: CgroupLine];

/** `undefined` if a path cannot be compared with those in /proc. */
function findLines(sys: Sys, pair: Pair): Lines | undefined {
  const [v2, freezer] = pair.map((cgroup) => {
    const path = comparablePath(sys, cgroup);
    return path === undefined ? undefined : { controllers: cgroup.hierarchy.controllers, path };
  });
  return v2 === undefined || freezer === undefined ? undefined : [v2, freezer];
}

interface Suspects {
  /** Live processes that are in only one of the two. */
  readonly apart: ReadonlySet<Pid>;
  /** Processes that have ended, or that /proc hides. */
  readonly gone: ReadonlySet<Pid>;
}

/** How many processes are looked at, for about 10 ms, between two checks for signals. */
const YIELD_EVERY = 512;

async function findSuspects(sys: Sys, lines: Lines, pids: Iterable<Pid>, pace: Pace): Promise<Suspects> {
  const apart = new Set<Pid>();
  const gone = new Set<Pid>();
  let count = 0;
  for (const pid of pids) {
    if (++count % YIELD_EVERY === 0) await pace.yieldToSignals?.();
    const side = sideOf(sys, lines, pid);
    if (side === "gone") gone.add(pid);
    else if (side === "v2" || side === "freezer") apart.add(pid);
  }
  return { apart, gone };
}

/** "gone": it has ended, or /proc hides it. */
type Side = "both" | "v2" | "freezer" | "none" | "exiting" | "gone";

/** Where a process is. If its leader is not in both cgroups, all of its threads count. */
function sideOf(sys: Sys, lines: Lines, pid: Pid): Side {
  const leader = sideOfThread(sys, lines, pid);
  if (leader === "both" || leader === "gone") return leader;
  const threads = ifPermitted(() => (readStat(sys, pid)?.threads === 1 ? [] : listThreads(sys, pid)));
  if (threads === undefined) return "gone";
  const sides = new Set([leader, ...threads.map((tid) => sideOfThread(sys, lines, tid))]);
  if (sides.has("both") || (sides.has("v2") && sides.has("freezer"))) return "both";
  return (["v2", "freezer", "none"] as const).find((side) => sides.has(side)) ?? "exiting";
}

const sideOfThread = (sys: Sys, lines: Lines, tid: Pid): Side => ifPermitted(() => readSide(sys, lines, tid)) ?? "gone";

function readSide(sys: Sys, [v2, freezer]: Lines, tid: Pid): Side {
  // Both lines from one read: a process that moves between two reads would seem to be in one cgroup only.
  const text = ifAlive(() => sys.readRecord(PROC, `${tid}/cgroup`));
  if (text === undefined) return "gone";
  const isInV2 = isIn(text, v2);
  const isInFreezer = isIn(text, freezer);
  if (isInV2 === isInFreezer) return isInV2 ? "both" : "none";
  // /proc shows an exiting process in the root of every v1 hierarchy, but in its last v2 cgroup.
  if (readStat(sys, tid)?.isExiting !== false) return "exiting";
  return isInV2 ? "v2" : "freezer";
}

function isIn(text: string, { controllers, path }: CgroupLine): boolean {
  const present = findCgroupPath(text, controllers);
  return present !== undefined && isWithin(present, path);
}

function describeApart(sys: Sys, lines: Lines, pid: Pid): string {
  const side = sideOf(sys, lines, pid);
  const where = side === "v2" ? "in v2" : "in the v1 freezer";
  const comm = readComm(sys, pid);
  return `pid ${pid}${comm === undefined ? "" : ` (${comm})`} is only in the one ${where}`;
}
