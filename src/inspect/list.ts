// What `list` tells of a tree of cgroups: one pass over it, few reads each, nothing that may hang. Reads only.

import { readFreezing } from "../cgroup/freeze-state.ts";
import { readProcs } from "../cgroup/members.ts";
import { hierarchyName } from "../cgroup/open/hierarchy.ts";
import { isRemoved, type Pace, type Visit, walkSubtree } from "../cgroup/subtree.ts";
import type { Cgroup, CgroupType, FreezeState, Hierarchy } from "../cgroup/types.ts";
import * as v1 from "../cgroup/v1.ts";
import * as v2 from "../cgroup/v2.ts";
import { readGuarded, refusalByPlace } from "../kill/plan/guarded.ts";
import type { KillMethod, KillOptions, Refusal } from "../kill/types.ts";
import { createLabeller } from "../label/label.ts";
import { isDenied, isGone, SysError } from "../sys/errno.ts";
import { type ProcessStat, readBootTime, readComm, readStat, startTime } from "../sys/proc.ts";
import type { Dir, Millis, Pid, Sys } from "../sys/sys.ts";

export interface ListedCgroup {
  readonly cgroup: string;
  readonly path: string;
  readonly hierarchy: string;
  readonly label: string | null;
  /** Processes in the cgroup itself. */
  readonly procs: number;
  readonly procsSubtree: number;
  /** Members that our pid namespace cannot see, in the cgroup itself. */
  readonly invisible: number;
  readonly state: FreezeState;
  /** The cgroup that was told to freeze: this one, or an ancestor. */
  readonly frozenBy: string | null;
  readonly populated: boolean;
  readonly type: CgroupType;
  readonly memoryBytes: number | null;
  readonly method: KillMethod;
  readonly refusal: Refusal | null;
  /** Start of the first process that the kernel lists, mostly the oldest; `null` where there is none. */
  readonly startedAt: string | null;
  /** Names of the first processes in the cgroup itself. */
  readonly comms: readonly string[];
  /** CPU time of the subtree, where the kernel keeps it in this hierarchy (v2). */
  readonly cpuMs: Millis | null;
}

/** Called with the directory of each cgroup and the processes in it. */
export type OnMembers = (path: string, pids: ReadonlySet<Pid>) => void;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/**
 * Every cgroup of a subtree, each after its parent; what vanishes meanwhile is left out.
 *
 * @throws SysError  the kernel did not let us look, and not because a cgroup was gone
 */
export async function listSubtree(
  sys: Sys,
  top: Cgroup,
  options: KillOptions,
  pace: Pace = {},
  onMembers: OnMembers = () => {},
): Promise<ListedCgroup[]> {
  const read = reader(sys, top, options, onMembers);
  const listed: Mutable<ListedCgroup>[] = [];
  const byPath = new Map<string, Mutable<ListedCgroup>>();
  const enter = ({ dir, isInner }: Visit): void => {
    const parent = nearestAbove(byPath, dir.shown, top.name);
    const cgroup = unlessGone(sys, dir, () => read(dir, parent, isInner));
    if (cgroup === undefined) return;
    byPath.set(dir.shown, cgroup);
    listed.push(cgroup);
  };
  await walkSubtree(sys, top, { enter }, pace);
  // Children stand after their parents: from the end on, every sum is complete when it is passed on.
  for (const cgroup of listed.toReversed()) {
    const parent = nearestAbove(byPath, cgroup.path, top.name);
    if (parent === undefined) continue;
    parent.procsSubtree += cgroup.procsSubtree;
    parent.populated ||= cgroup.populated;
  }
  return listed;
}

/** The parent, or where that could not be read whoever is above it. */
function nearestAbove<T>(byPath: ReadonlyMap<string, T>, path: string, top: string): T | undefined {
  for (let up = path; up.length > top.length;) {
    up = up.slice(0, up.lastIndexOf("/"));
    const found = byPath.get(up);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The files that a kind of cgroup has are found out once. */
function reader(sys: Sys, top: Cgroup, options: KillOptions, onMembers: OnMembers) {
  const { hierarchy } = top;
  const isV2 = hierarchy.version === "v2";
  const name = hierarchyName(hierarchy);
  const label = createLabeller();
  const bootedAt = readBootTime(sys);
  const guarded = readGuarded(sys, hierarchy, options);
  const hasState = hierarchy.hasFreezer;
  const frozenAbove = readFreezing(sys, top).by?.path ?? null;
  const chooseMethod = methodChooser(sys, hierarchy);
  const readMemory = memoryReader(sys, isV2 ? "memory.current" : "memory.usage_in_bytes");
  const prefix = top.path === "/" ? "" : top.path;
  return (dir: Dir, parent: ListedCgroup | undefined, isInner: boolean): Mutable<ListedCgroup> => {
    const path = `${prefix}${dir.shown.slice(top.name === "/" ? 0 : top.name.length)}` || "/";
    const isRoot = path === "/";
    const events = isV2 && !isRoot ? v2.readEvents(sys, dir) : null;
    const { pids, invisible } = events?.populated === false ? NO_MEMBERS : readOwnMembers(sys, dir);
    const { state, isOwn } =
      events !== null ? readStateV2(sys, dir, events) : hasState && !isRoot ? readStateV1(sys, dir) : THAWED;
    const isPlain = events?.populated === false && !isInner && isPlainBelow(parent, dir);
    const type = isV2 && !isRoot && !isPlain ? v2.readType(sys, dir) : "domain";
    onMembers(dir.shown, pids);
    const [first] = pids;
    const stat = first === undefined ? undefined : orGone(() => readStat(sys, first));
    return {
      cgroup: path,
      path: dir.shown,
      hierarchy: name,
      label: isRoot ? null : (label(path)?.text ?? null),
      procs: pids.size,
      procsSubtree: pids.size,
      invisible,
      state,
      frozenBy: state === "thawed" ? null : isOwn ? path : (parent?.frozenBy ?? frozenAbove),
      populated: events?.populated ?? pids.size + invisible > 0,
      type,
      memoryBytes: readMemory(dir),
      method: isRoot ? "freezer" : chooseMethod(dir, type),
      refusal: refusalByPlace(guarded, path, dir.shown),
      startedAt: stat === undefined ? null : startTime(stat, bootedAt),
      comms: readComms(sys, stat, pids),
      cpuMs: isV2 && events?.populated !== false ? v2.readCpu(sys, dir) : null,
    };
  };
}

/**
 * Only below the root, or below what is threaded in part, can a cgroup be threaded; and one that has neither processes
 * nor children heads no threads. Most cgroups of a large host are such, and need not be asked.
 *
 * @see linux: kernel/cgroup/cgroup.c, cgroup_is_thread_root
 */
function isPlainBelow(parent: ListedCgroup | undefined, dir: Dir): boolean {
  return parent?.type === "domain" && parent.cgroup !== "/" && dir.shown.lastIndexOf("/") === parent.path.length;
}

const MAX_COMMS = 8;

/** Enough to find a cgroup by what runs in it, and no more reads than that takes. */
function readComms(sys: Sys, first: ProcessStat | undefined, pids: ReadonlySet<Pid>): string[] {
  if (first === undefined) return [];
  const others = [
    ...pids
      .values()
      .drop(1)
      .take(MAX_COMMS - 1),
  ].map((pid) => orGone(() => readComm(sys, pid)));
  return [...new Set([first.comm, ...others.filter((comm) => comm !== undefined)])];
}

function readOwnMembers(sys: Sys, dir: Dir): typeof NO_MEMBERS {
  const all = readProcs(sys, dir);
  const pids = new Set(all.filter((pid) => pid > 0));
  return { pids, invisible: all.filter((pid) => pid === 0).length };
}

const NO_MEMBERS: { readonly pids: ReadonlySet<Pid>; readonly invisible: number } = { pids: new Set(), invisible: 0 };

interface State {
  readonly state: FreezeState;
  /** It was told to freeze itself. */
  readonly isOwn: boolean;
}

const THAWED: State = { state: "thawed", isOwn: false };

function readStateV2(sys: Sys, dir: Dir, events: v2.Events): State {
  // With nobody to wait for, a freeze is complete at once.
  if (!events.populated && !events.frozen) return THAWED;
  const isOwn = v2.readFreeze(sys, dir);
  if (events.frozen) return { state: "frozen", isOwn };
  return isOwn ? { state: "freezing", isOwn } : THAWED;
}

function readStateV1(sys: Sys, dir: Dir): State {
  const state = v1.readFreezerState(sys, dir);
  return state === "thawed" ? THAWED : { state, isOwn: v1.readSelfFreezing(sys, dir) };
}

/** A kernel that has cgroup.kill has it for every cgroup but the root: asked until one says so, as one may vanish. */
function methodChooser(sys: Sys, hierarchy: Hierarchy): (dir: Dir, type: CgroupType) => KillMethod {
  if (hierarchy.version === "v1") return () => (hierarchy.hasFreezer ? "freezer" : "sweep");
  let canKill = false;
  return (dir, type) => {
    canKill ||= v2.hasKill(sys, dir);
    return canKill && type !== "threaded" ? "kill" : "freezer";
  };
}

/** Whether there is such a file is decided above a cgroup, for it and its siblings alike: the first that is asked tells. */
function memoryReader(sys: Sys, file: string): (dir: Dir) => number | null {
  const withoutIt = new Set<string>();
  return (dir) => {
    const above = dir.shown.slice(0, dir.shown.lastIndexOf("/"));
    if (withoutIt.has(above)) return null;
    try {
      return Number(sys.readRecord(dir, file));
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      // Not for one that is going away: its siblings may stay.
      if (error.errno === "ENOENT" && !isRemoved(sys, { dir })) withoutIt.add(above);
      return null;
    }
  };
}

/** A cgroup that goes while it is read, or that we may not read, is left out; any other error is one. */
function unlessGone<T>(sys: Sys, dir: Dir, read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (isDenied(error) || (isGone(error) && isRemoved(sys, { dir }))) return undefined;
    throw error;
  }
}

/** A process that goes while it is read, or that we may not read, has nothing to show. */
function orGone<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof SysError) return undefined;
    throw error;
  }
}
