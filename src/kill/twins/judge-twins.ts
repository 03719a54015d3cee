// Are a cgroup in v2 and one of the same path in the v1 freezer one target? Told by where each process says that it is.
// Reads only.

import { comparablePath } from "../../cgroup/inside.ts";
import { hasTasks, readMembers } from "../../cgroup/members.ts";
import { isWithin } from "../../cgroup/open/hierarchy.ts";
import type { Pace } from "../../cgroup/subtree.ts";
import type { Cgroup } from "../../cgroup/types.ts";
import { readEvents } from "../../cgroup/v2.ts";
import { isDenied, isGone } from "../../sys/errno.ts";
import { findCgroupPath, ifAlive, listThreads, readComm, readStat } from "../../sys/proc.ts";
import { type Millis, type Pid, PROC, type Sys } from "../../sys/sys.ts";

export type Pair = readonly [v2: Cgroup, freezer: Cgroup];

/** One target; one of them alone, since the other is empty; or two targets, and why. */
export type Verdict = "twins" | "v2" | "freezer" | { readonly why: string };

/** A runtime that puts a process into a container writes to one hierarchy after the other: look this often. */
const LOOKS = 4;
const BETWEEN_LOOKS_MS: Millis = 5;

/** Never by comparing the two lists: they are not of the same moment. */
export async function judgeTwins(sys: Sys, pair: Pair, pace: Pace): Promise<Verdict> {
  const [v2, freezer] = pair;
  const isV2Empty = isEmptyV2(sys, v2);
  if (!(await hasTasks(sys, freezer, pace))) return isV2Empty ? "twins" : "v2";
  if (isV2Empty) return "freezer";
  const places = findPlaces(sys, pair);
  if (places === undefined) return { why: "/proc does not tell which processes are in both" };
  let suspects: ReadonlySet<Pid> | undefined;
  for (let look = 1; ; look++) {
    const listed = await readBoth(sys, pair, pace);
    if (listed.invisible > 0)
      return { why: "some members are in another pid namespace, so cgkill cannot compare them" };
    const found = findSuspects(sys, places, suspects ?? listed.pids);
    suspects = found.apart;
    // Not among the processes of /proc, and a member all the same: hidden.
    const hidden = found.gone.size === 0 ? [] : [...found.gone.intersection((await readBoth(sys, pair, pace)).pids)];
    if (hidden.length > 0) return { why: `/proc hides pid ${hidden[0]} from this user` };
    const [pid] = suspects;
    if (pid === undefined) return "twins";
    if (look === LOOKS) return { why: describeApart(sys, places, pid) };
    sys.poll([], BETWEEN_LOOKS_MS);
    await pace.yieldToSignals?.();
  }
}

function isEmptyV2(sys: Sys, { dir }: Cgroup): boolean {
  try {
    return !readEvents(sys, dir).populated;
  } catch (error) {
    if (isGone(error)) return true;
    throw error;
  }
}

async function readBoth(
  sys: Sys,
  pair: Pair,
  pace: Pace,
): Promise<{ readonly pids: ReadonlySet<Pid>; readonly invisible: number }> {
  const [v2, freezer] = pair;
  const one = await readMembers(sys, v2, "procs", pace);
  const other = await readMembers(sys, freezer, "procs", pace);
  return { pids: one.pids.union(other.pids), invisible: one.invisible + other.invisible };
}

/** One of the two, as /proc/PID/cgroup names it. */
interface Place {
  readonly controllers: string;
  readonly path: string;
}

type Places = readonly [v2: Place, freezer: Place];

/** `undefined` if a path cannot be compared with those in /proc. */
function findPlaces(sys: Sys, pair: Pair): Places | undefined {
  const [v2, freezer] = pair.map((cgroup) => {
    const path = comparablePath(sys, cgroup);
    return path === undefined ? undefined : { controllers: cgroup.hierarchy.controllers, path };
  });
  return v2 === undefined || freezer === undefined ? undefined : [v2, freezer];
}

interface Suspects {
  /** Alive, and inside one of the two only. */
  readonly apart: ReadonlySet<Pid>;
  /** Not there, or hidden as if it were not. */
  readonly gone: ReadonlySet<Pid>;
}

function findSuspects(sys: Sys, places: Places, pids: Iterable<Pid>): Suspects {
  const apart = new Set<Pid>();
  const gone = new Set<Pid>();
  for (const pid of pids) {
    const side = sideOf(sys, places, pid);
    if (side === "gone" || side === "hidden") gone.add(pid);
    else if (side === "v2" || side === "freezer") apart.add(pid);
  }
  return { apart, gone };
}

type Side = "both" | "v2" | "freezer" | "none" | "exiting" | "gone" | "hidden";

/** Of a process: where its leader is, or, if that is not in both, where any of its threads is. */
function sideOf(sys: Sys, places: Places, pid: Pid): Side {
  const leader = sideOfThread(sys, places, pid);
  if (leader === "both" || leader === "gone" || leader === "hidden") return leader;
  try {
    const threads = readStat(sys, pid)?.threads === 1 ? [] : listThreads(sys, pid);
    const sides = new Set([leader, ...threads.map((tid) => sideOfThread(sys, places, tid))]);
    if (sides.has("both") || (sides.has("v2") && sides.has("freezer"))) return "both";
    return (["v2", "freezer", "none"] as const).find((side) => sides.has(side)) ?? "exiting";
  } catch (error) {
    if (isDenied(error)) return "hidden";
    throw error;
  }
}

function sideOfThread(sys: Sys, [v2, freezer]: Places, tid: Pid): Side {
  try {
    // Both lines of one read: a process that is moved between two reads would be in one of them only.
    const text = ifAlive(() => sys.readRecord(PROC, `${tid}/cgroup`));
    if (text === undefined) return "gone";
    const isInV2 = isIn(text, v2);
    const isInFreezer = isIn(text, freezer);
    if (isInV2 === isInFreezer) return isInV2 ? "both" : "none";
    // On v1 what exits is said to be in the root, and on v2 it stays where it was.
    if (readStat(sys, tid)?.isExiting !== false) return "exiting";
    return isInV2 ? "v2" : "freezer";
  } catch (error) {
    if (isDenied(error)) return "hidden";
    throw error;
  }
}

function isIn(text: string, { controllers, path }: Place): boolean {
  const present = findCgroupPath(text, controllers);
  return present !== undefined && isWithin(present, path);
}

function describeApart(sys: Sys, places: Places, pid: Pid): string {
  const side = sideOf(sys, places, pid);
  const where = side === "v2" ? "in v2" : "in the v1 freezer";
  const comm = readComm(sys, pid);
  return `pid ${pid}${comm === undefined ? "" : ` (${comm})`} is in the one ${where} only`;
}
