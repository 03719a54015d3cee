// The cgroups below a cgroup, by directory handles: each is opened below its parent, never across a mount, and is the
// one that the parent listed. A walk of any size holds few descriptors, costs linear time, and lets signals in.

import { isGone, SysError } from "../sys/errno.ts";
import { type Dir, type DirEntry, dirOf, type Fd, type FileStatus, type Millis, type Sys } from "../sys/sys.ts";
import { CoveredError } from "./errors.ts";
import type { Cgroup } from "./types.ts";

/** One cgroup of a walk. Its directory is open only as long as it is being visited. */
export interface Visit {
  readonly dir: Dir;
  readonly ino: bigint;
  /** It has cgroups below it. */
  readonly isInner: boolean;
}

/** How long a walk may take, and how it lets signals in. */
export interface Pace {
  /** On the clock of `Sys.now`: the walk ends there, incomplete. */
  readonly until?: Millis;
  /** Called every few milliseconds: where a signal reaches its handler. What it throws ends the walk. */
  readonly yieldToSignals?: () => Promise<void>;
}

export interface Visitor {
  /** Called for each cgroup, parents before their children. `false` ends the walk. */
  readonly enter: (visit: Visit) => boolean | void;
  /** Called for each cgroup below the top after all of its children, with the directory that it is in. */
  readonly leave?: (parent: Dir, name: string) => void;
  /** Called with the error for a child that was listed and then not there: removed or renamed meanwhile. */
  readonly miss?: (error: unknown) => void;
}

/** A directory on the way from the top to where the walk is. */
interface Level {
  readonly name: string;
  readonly shown: string;
  readonly ino: bigint;
  /** `undefined`: closed for now, to be reached again from the child that is open. */
  fd: Fd | undefined;
  /** Children to be visited, the next one last. */
  left: DirEntry[];
  readonly seen: Set<bigint>;
  /** A child was not there under the name that it was listed by. */
  hasMissed: boolean;
  listings: number;
}

/** v1: a child that is renamed meanwhile is looked for again; one that is renamed without end is not waited for. */
const LISTINGS = 8;
/** How many levels are held open; those above are reached again by `..`. */
const OPEN_LEVELS = 12;
/** 2 to 4 ms of work. */
const YIELD_EVERY = 256;

/**
 * Walk a cgroup and all below it. What vanishes meanwhile is left out; the cgroup itself is always there.
 *
 * The link count of a cgroup directory is exact, 2 + its children: that of a leaf spares the reading of it.
 *
 * @returns whether all there is was seen; `false` if time was up, the visitor had enough, or a child was missed
 * @throws CoveredError  something was mounted over a cgroup since its subtree was opened
 */
export async function walkSubtree(sys: Sys, cgroup: Cgroup, visitor: Visitor, pace: Pace = {}): Promise<boolean> {
  const { fd, name: shown, id } = cgroup;
  const isInner = isInnerDir(sys.statusOf(fd));
  if (visitor.enter({ dir: cgroup.dir, ino: id.ino, isInner }) === false) return false;
  if (!isInner) return true;
  const levels = [newLevel("", shown, id.ino, fd)];
  try {
    const gone = list(sys, levels);
    if (gone !== undefined && !isRemoved(sys, cgroup)) throw gone;
    return await walkBelow(sys, cgroup, levels, visitor, pace);
  } finally {
    for (const level of levels.slice(1)) if (level.fd !== undefined) sys.close(level.fd);
  }
}

async function walkBelow(sys: Sys, cgroup: Cgroup, levels: Level[], visitor: Visitor, pace: Pace): Promise<boolean> {
  const { until = Number.POSITIVE_INFINITY, yieldToSignals } = pace;
  const canRename = cgroup.hierarchy.version === "v1";
  let isComplete = true;
  for (let visited = 1; ;) {
    const level = levels.at(-1) as Level;
    const entry = level.left.pop();
    if (entry !== undefined) {
      const status = descend(sys, cgroup, levels, entry, visitor);
      if (status === undefined) continue;
      const child = levels.at(-1) as Level;
      const isInner = isInnerDir(status);
      if (visitor.enter({ dir: dirOfLevel(child), ino: child.ino, isInner }) === false) return false;
      if (isInner) list(sys, levels);
      if (++visited % YIELD_EVERY !== 0) continue;
      if (sys.now() > until) return false;
      await yieldToSignals?.();
      continue;
    }
    if (canRename && hasMore(sys, level)) {
      if (level.listings < LISTINGS) {
        list(sys, levels);
        continue;
      }
      isComplete = false;
    }
    if (levels.length === 1) return isComplete;
    ascend(sys, levels, visitor);
  }
}

/** Has a cgroup directory of this status cgroups below it? */
export const isInnerDir = ({ links }: FileStatus): boolean => links > 2;
const dirOfLevel = ({ fd, shown }: Level): Dir => dirOf(fd as Fd, shown);

function newLevel(name: string, shown: string, ino: bigint, fd: Fd): Level {
  return { name, shown, ino, fd, left: [], seen: new Set(), hasMissed: false, listings: 0 };
}

/** List the children not seen yet of the directory that the walk is in. @returns the error that says that it is gone */
function list(sys: Sys, levels: readonly Level[]): unknown {
  const level = levels.at(-1) as Level;
  level.listings++;
  level.hasMissed = false;
  try {
    level.left = sys.readSubdirs(dirOfLevel(level)).filter(({ ino }) => !level.seen.has(ino));
    level.left.reverse();
    return undefined;
  } catch (error) {
    if (isGone(error)) return error;
    throw error;
  }
}

/** v1: has a rename hidden a child from the listing, or from being opened? */
function hasMore(sys: Sys, level: Level): boolean {
  if (level.listings === 0) return false;
  return level.hasMissed || sys.statusOf(level.fd as Fd).links - 2 > level.seen.size;
}

/** @returns `undefined` if it is not there by that name */
function descend(
  sys: Sys,
  cgroup: Cgroup,
  levels: Level[],
  { name, ino }: DirEntry,
  { miss }: Visitor,
): FileStatus | undefined {
  const level = levels.at(-1) as Level;
  const shown = `${level.shown}/${name}`;
  const fd = openChild(sys, dirOfLevel(level), name, shown, miss);
  if (fd === undefined) {
    level.hasMissed = true;
    return undefined;
  }
  levels.push(newLevel(name, shown, ino, fd));
  const status = sys.statusOf(fd);
  if (status.ino === ino && status.dev === cgroup.id.dev) {
    level.seen.add(ino);
    closeAbove(sys, levels);
    return status;
  }
  levels.pop();
  sys.close(fd);
  if (status.dev !== cgroup.id.dev) throw new CoveredError(shown);
  level.hasMissed = true;
  return undefined;
}

function openChild(sys: Sys, parent: Dir, name: string, shown: string, miss: Visitor["miss"]): Fd | undefined {
  try {
    return sys.openDir(parent, name);
  } catch (error) {
    if (isGone(error)) {
      miss?.(error);
      return undefined;
    }
    if (error instanceof SysError && error.errno === "EXDEV") throw new CoveredError(shown);
    throw error;
  }
}

/** The top is its owner's. */
function closeAbove(sys: Sys, levels: readonly Level[]): void {
  const at = levels.length - 1 - OPEN_LEVELS;
  const level = at > 0 ? levels[at] : undefined;
  if (level?.fd === undefined) return;
  sys.close(level.fd);
  level.fd = undefined;
}

function ascend(sys: Sys, levels: Level[], visitor: Visitor): void {
  const level = levels.at(-1) as Level;
  const parent = levels.at(-2) as Level;
  parent.fd ??= openUp(sys, level, parent);
  visitor.leave?.(dirOfLevel(parent), level.name);
  levels.pop();
  sys.close(level.fd as Fd);
}

/** No cgroup ever moves to another parent, and `..` is right from a removed one too. */
function openUp(sys: Sys, level: Level, parent: Level): Fd {
  const fd = sys.openDir(dirOfLevel(level), "..");
  if (sys.statusOf(fd).ino === parent.ino) return fd;
  sys.close(fd);
  throw new SysError("open", parent.shown, "ESTALE");
}

/** Every cgroup has this file, the root too. Only the kernel's own word that it is gone counts, no other error. */
export function isRemoved(sys: Sys, { dir }: Pick<Cgroup, "dir">): boolean {
  try {
    sys.close(sys.openFile(dir, "cgroup.procs"));
    return false;
  } catch (error) {
    return isGone(error);
  }
}
