// What `list` shows of a tree of cgroups: one walk, a few reads per cgroup, none that may hang. Read-only.

import { readFreezing } from "../cgroup/freeze-state.ts";
import { mayHideMembers, readProcs } from "../cgroup/members.ts";
import { hierarchyName } from "../cgroup/open/hierarchy.ts";
import { ancestorPaths } from "../cgroup/open/path-names.ts";
import { isRemoved, type Pace, walkSubtree } from "../cgroup/subtree.ts";
import type { Cgroup, FreezeState, Visit } from "../cgroup/types.ts";
import * as v1 from "../cgroup/v1.ts";
import * as v2 from "../cgroup/v2.ts";
import { readGuarded } from "../kill/plan/guarded-processes.ts";
import { refuseByPlace } from "../kill/plan/refusals.ts";
import { DEFAULT_OPTIONS, type KillMethod } from "../kill/types.ts";
import { createLabeller } from "../label/label.ts";
import type { Dir } from "../sys/dir.ts";
import { isDenied, isGone, readOr, SysError } from "../sys/errno.ts";
import { type ProcessStat, readComm, readStat } from "../sys/proc.ts";
import type { Pid, Sys } from "../sys/sys.ts";
import type { CgroupFacts, ShownProcess } from "./preview-types.ts";
import { readBootTime, startTime } from "./process-facts.ts";

export interface ListedCgroup extends CgroupFacts {
  /** The processes in the cgroup itself, and the names of the first ones. */
  readonly pids: readonly Pid[];
  readonly comms: readonly string[];
  /** `null` without --procs. */
  readonly processes: readonly ShownProcess[] | null;
}

/** Whether to list a cgroup without children and processes. Any other is always read: it counts in those above it. */
type IsWanted = (facts: Pick<CgroupFacts, "populated" | "state">) => boolean;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/**
 * List every cgroup of a subtree, parents before their children. Cgroups that are removed meanwhile, or that we may not
 * read, are left out.
 *
 * @throws SysError  any other failed read
 */
export async function listSubtree(
  sys: Sys,
  top: Cgroup,
  pace: Pace = {},
  isWanted: IsWanted = () => true,
): Promise<ListedCgroup[]> {
  const read = createReader(sys, top, isWanted);
  const listed: Mutable<ListedCgroup>[] = [];
  const byPath = new Map<string, Mutable<ListedCgroup>>();
  const enter = ({ dir, isInner }: Visit): void => {
    const parent = nearestAbove(byPath, dir.shown, top.name);
    const cgroup = unlessRemoved(sys, dir, () => read(dir, parent, isInner));
    if (cgroup === undefined) return;
    byPath.set(dir.shown, cgroup);
    listed.push(cgroup);
  };
  await walkSubtree(sys, top, { enter, byName: true }, pace);
  // Children come after their parents: in reverse order, every sum is complete before it is added to the parent's.
  for (const cgroup of listed.toReversed()) {
    const parent = nearestAbove(byPath, cgroup.path, top.name);
    if (parent === undefined) continue;
    parent.procsSubtree += cgroup.procsSubtree;
    parent.populated ||= cgroup.populated;
  }
  countOnce(listed, (cgroup) => nearestAbove(byPath, cgroup.path, top.name));
  return listed;
}

type Counted = Mutable<Pick<ListedCgroup, "pids" | "procsSubtree">>;

/**
 * Correct the sums for each process with threads in several cgroups. It is in the list of each, and on v2 in that of the
 * domain above them, but in every sum it counts once.
 */
function countOnce<T extends Counted>(listed: readonly T[], parentOf: (cgroup: T) => T | undefined): void {
  const places = new Map<Pid, T[]>();
  for (const cgroup of listed) {
    for (const pid of cgroup.pids) {
      const known = places.get(pid);
      if (known === undefined) places.set(pid, [cgroup]);
      else known.push(cgroup);
    }
  }
  for (const each of places.values()) {
    if (each.length === 1) continue;
    const counted = new Set<T>();
    for (const place of each) {
      for (let up: T | undefined = place; up !== undefined; up = parentOf(up)) {
        if (counted.has(up)) up.procsSubtree--;
        counted.add(up);
      }
    }
  }
}

const MAX_READS = 8;

/**
 * What `read` returns; `undefined` if the cgroup was removed meanwhile, or we may not read it. One that is visited by its
 * name may be there again after a read has missed it, since it was renamed and back, or removed and made again.
 */
function unlessRemoved<T>(sys: Sys, dir: Dir, read: () => T): T | undefined {
  for (let reads = 1; ; reads++) {
    try {
      return read();
    } catch (error) {
      if (isDenied(error) || (isGone(error) && isRemoved(sys, { dir }))) return undefined;
      if (!isGone(error) || reads === MAX_READS) throw error;
    }
  }
}

/** The nearest listed ancestor: the parent, unless it could not be read. */
function nearestAbove<T>(byPath: ReadonlyMap<string, T>, path: string, top: string): T | undefined {
  for (let up = path; up.length > top.length;) {
    up = up.slice(0, up.lastIndexOf("/"));
    const found = byPath.get(up);
    if (found !== undefined) return found;
  }
  return undefined;
}

const withAncestors = (path: string): readonly string[] => [path, ...ancestorPaths(path)];

/** Facts that are the same for the whole hierarchy are read once. */
function createReader(sys: Sys, top: Cgroup, isWanted: IsWanted) {
  const { hierarchy } = top;
  const isV2 = hierarchy.version === "v2";
  const name = hierarchyName(hierarchy);
  const label = createLabeller();
  const bootedAt = readBootTime(sys);
  const guarded = readGuarded(sys, hierarchy, DEFAULT_OPTIONS);
  const holders = new Set(["/", ...guarded.flatMap(({ places }) => (places() ?? []).flatMap(withAncestors))]);
  const hasState = hierarchy.hasFreezer;
  const mayHide = mayHideMembers(sys, hierarchy);
  const frozenAbove = readFreezing(sys, top).by?.path ?? null;
  let canKill = false;
  const readMemory = createMemoryReader(sys, isV2 ? "memory.current" : "memory.usage_in_bytes");
  const prefix = top.path === "/" ? "" : top.path;
  return (dir: Dir, parent: Mutable<ListedCgroup> | undefined, isInner: boolean) => {
    const path = `${prefix}${dir.shown.slice(top.name === "/" ? 0 : top.name.length)}` || "/";
    const isRoot = path === "/";
    const events = isV2 && !isRoot ? v2.readEvents(sys, dir) : null;
    const all = events?.populated === false ? [] : readProcs(sys, dir);
    const visible = all.filter((pid) => pid > 0);
    const pids = visible.length > 1 ? [...new Set(visible)] : visible;
    const invisible = all.length - visible.length;
    const above = parent?.frozenBy ?? frozenAbove;
    const { state, isOwn } =
      events !== null ? readStateV2(sys, dir, events, above) : hasState && !isRoot ? readStateV1(sys, dir) : THAWED;
    const populated = events?.populated ?? pids.length + invisible > 0;
    if (!isInner && pids.length === 0 && !isWanted({ populated, state })) return undefined;
    const isPlain = events?.populated === false && !isInner && isBelowPlainDomain(parent, dir);
    const type = isV2 && !isRoot && !isPlain ? v2.readType(sys, dir) : "domain";
    // A kernel with cgroup.kill has the file in every cgroup except the root. A removed cgroup lacks it, so the check is
    // repeated until one cgroup has it.
    canKill ||= isV2 && !isRoot && v2.hasKill(sys, dir);
    const method: KillMethod = canKill && type !== "threaded" ? "kill" : isV2 || hasState ? "freezer" : "sweep";
    const [first] = pids;
    const stat = first === undefined ? undefined : readOr(undefined, () => readStat(sys, first));
    return {
      cgroup: path,
      path: dir.shown,
      hierarchy: name,
      label: isRoot ? null : (label(path)?.text ?? null),
      procs: pids.length,
      procsSubtree: pids.length,
      invisible: mayHide ? null : invisible,
      state,
      frozenBy: state === "thawed" ? null : isOwn ? path : above,
      populated,
      type,
      memoryBytes: readMemory(dir),
      method,
      refusal: holders.has(path) ? refuseByPlace(guarded, path, dir.shown) : null,
      startedAt: stat === undefined ? null : startTime(stat, bootedAt),
      pids,
      comms: readFirstComms(sys, stat, pids),
      cpuMs: isV2 && events?.populated !== false ? v2.readCpu(sys, dir) : null,
      processes: null,
    };
  };
}

/**
 * An empty leaf below a plain domain is a plain domain too: a threaded cgroup has the root or a threaded domain above
 * it, and the root of a threaded subtree has processes or children. On a large host this saves most reads of
 * cgroup.type.
 *
 * @see linux: kernel/cgroup/cgroup.c, cgroup_is_thread_root
 */
function isBelowPlainDomain(parent: ListedCgroup | undefined, dir: Dir): boolean {
  return parent?.type === "domain" && parent.cgroup !== "/" && dir.shown.lastIndexOf("/") === parent.path.length;
}

export const MAX_COMMS = 8;

/** The first few names are enough to recognize what runs in a cgroup. */
function readFirstComms(sys: Sys, first: ProcessStat | undefined, pids: readonly Pid[]): string[] {
  if (first === undefined) return [];
  const others = pids.slice(1, MAX_COMMS).map((pid) => readOr(undefined, () => readComm(sys, pid)));
  return [...new Set([first.comm, ...others.filter((comm) => comm !== undefined)])];
}

interface State {
  readonly state: FreezeState;
  /** Its own freezer is on, not only that of an ancestor. */
  readonly isOwn: boolean;
}

const THAWED: State = { state: "thawed", isOwn: false };

/** @param above  the ancestor that freezes it, if any */
function readStateV2(sys: Sys, dir: Dir, events: v2.Events, above: string | null): State {
  // The freeze of an empty cgroup is complete at once.
  if (!events.populated && !events.frozen) return THAWED;
  const isOwn = v2.readFreeze(sys, dir);
  if (events.frozen) return { state: "frozen", isOwn };
  return isOwn || above !== null ? { state: "freezing", isOwn } : THAWED;
}

function readStateV1(sys: Sys, dir: Dir): State {
  const state = v1.readFreezerState(sys, dir);
  return state === "thawed" ? THAWED : { state, isOwn: v1.readSelfFreezing(sys, dir) };
}

/** The parent decides whether its children have the file: after the first that lacks it, its siblings are not read. */
function createMemoryReader(sys: Sys, file: string): (dir: Dir) => number | null {
  const withoutIt = new Set<string>();
  return (dir) => {
    const above = dir.shown.slice(0, dir.shown.lastIndexOf("/"));
    if (withoutIt.has(above)) return null;
    try {
      return Number(sys.readRecord(dir, file));
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      // A removed cgroup says nothing about its siblings.
      if (error.errno === "ENOENT" && !isRemoved(sys, { dir })) withoutIt.add(above);
      return null;
    }
  };
}
