// Walks a cgroup and everything below it by directory handles: each cgroup is opened below its parent, never across a
// mount, and must be the one that the parent listed. A walk of any size keeps few descriptors open, takes linear time,
// and yields to signal handlers.

import { type Dir, dirIn, dirOf } from "../sys/dir.ts";
import { isGone, readOr, SysError } from "../sys/errno.ts";
import { closeUnless, type DirEntry, type Fd, type FileStatus, type Millis, type Sys } from "../sys/sys.ts";
import { CoveredError } from "./errors.ts";
import type { Cgroup, Visitor } from "./types.ts";
import { countDescendants } from "./v2.ts";

/** How long a walk may take, and how it yields to signal handlers. */
export interface Pace {
  /** Deadline on the clock of `Sys.now`; the walk then ends incomplete. */
  readonly until?: Millis;
  /** Called every few milliseconds, so that a pending signal reaches its handler. If it throws, the walk ends. */
  readonly yieldToSignals?: () => Promise<void>;
}

/** A directory on the path from the top to the current one. */
interface Level {
  readonly name: string;
  readonly shown: string;
  readonly ino: bigint;
  /** `undefined`: closed for now, and reopened from its open child by `..`. */
  fd: Fd | undefined;
  /** Children still to be visited, the next one last. */
  left: DirEntry[];
  readonly seen: Set<bigint>;
  /** Whether no child has children: read only for a walk by name, on v2. `undefined` until it is read. */
  hasOnlyLeaves: boolean | undefined;
  /** A listed child was gone, or another cgroup had its name. */
  hasMissed: boolean;
  listings: number;
}

/** v1: how often a directory is listed to find children that are being renamed. */
const MAX_LISTINGS = 8;
/** How many levels stay open; those above are reopened by `..`. */
const MAX_OPEN_LEVELS = 4;
/** Visits between two yields: 2 to 4 ms of work. */
const YIELD_EVERY = 256;

/**
 * Walk a cgroup and everything below it. Cgroups that vanish during the walk are left out; the top is always visited.
 *
 * The link count of a cgroup directory is exactly 2 + the number of children, so a leaf need not be listed.
 *
 * @returns `false` if the deadline passed, the visitor ended the walk, or a child was missed
 * @throws CoveredError  something was mounted over a cgroup since its subtree was opened
 */
export async function walkSubtree(sys: Sys, cgroup: Cgroup, visitor: Visitor, pace: Pace): Promise<boolean> {
  const { fd, name: shown, id } = cgroup;
  const isInner = isInnerDir(sys.statusOf(fd));
  if (visitor.enter({ dir: cgroup.dir, ino: id.ino, isInner }) === false) return false;
  if (!isInner) return true;
  const levels = [newLevel("", shown, id.ino, fd)];
  try {
    const goneError = list(sys, levels);
    if (goneError !== undefined && !isRemoved(sys, cgroup)) throw goneError;
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
      if ((!canRename || visitor.byName) && isLeaf(sys, cgroup, level, entry, visitor)) {
        if (!visitLeaf(dirOfLevel(level), entry, visitor)) return false;
      } else {
        const status = descend(sys, cgroup, levels, entry, visitor);
        if (status === undefined) continue;
        const [isInner, child] = [isInnerDir(status), levels.at(-1) as Level];
        if (visitor.enter({ dir: dirOfLevel(child), ino: child.ino, isInner }) === false) return false;
        if (isInner) list(sys, levels);
      }
      if (++visited % YIELD_EVERY !== 0) continue;
      if (sys.now() > until) return false;
      await yieldToSignals?.();
      continue;
    }
    if (canRename && hasMore(sys, level)) {
      if (level.listings < MAX_LISTINGS) {
        list(sys, levels);
        continue;
      }
      isComplete = false;
    }
    if (levels.length === 1) return isComplete;
    ascend(sys, levels, visitor);
  }
}

/** Whether a cgroup directory with this status has child cgroups. */
export const isInnerDir = ({ links }: FileStatus): boolean => links > 2;
const dirOfLevel = ({ fd, shown }: Level): Dir => dirOf(fd as Fd, shown);

function newLevel(name: string, shown: string, ino: bigint, fd: Fd): Level {
  return { name, shown, ino, fd, left: [], seen: new Set(), hasOnlyLeaves: undefined, hasMissed: false, listings: 0 };
}

/** List the unseen children of the current directory. @returns the error if the directory is gone */
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

/** v1: whether a rename hid a child from the listing, or kept it from being opened. */
function hasMore(sys: Sys, level: Level): boolean {
  if (level.listings === 0) return false;
  return level.hasMissed || sys.statusOf(level.fd as Fd).links - 2 > level.seen.size;
}

/**
 * Is this listed child a leaf, and still the one that was listed? Then it need not be opened, which would double the cost
 * of its visit. On v1, where it could be renamed during the visit, this is asked only for a walk by name; on v2 such a walk
 * takes it from a count of the parent's descendants, if that shows that no child has children.
 */
function isLeaf(sys: Sys, cgroup: Cgroup, level: Level, { name, ino }: DirEntry, { byName }: Visitor): boolean {
  if (!sys.isWalled()) return false;
  // This is the first child: all others are still in `left`.
  const isKnown = byName === true && cgroup.hierarchy.version === "v2";
  level.hasOnlyLeaves ??= isKnown && countDescendants(sys, dirOfLevel(level)) === level.left.length + 1;
  if (level.hasOnlyLeaves) return true;
  const status = readOr(undefined, () => sys.statusIn(dirOfLevel(level), name));
  // Anything else is found out, and reported, when it is opened.
  if (status === undefined || isInnerDir(status) || status.ino !== ino || status.dev !== cgroup.id.dev) return false;
  level.seen.add(ino);
  return true;
}

/** @returns `false` if the visitor ends the walk */
function visitLeaf(parent: Dir, { name, ino }: DirEntry, { enter, leave }: Visitor): boolean {
  const dir = dirIn(parent, name);
  try {
    if (enter({ dir, ino, isInner: false }) === false) return false;
  } catch (error) {
    throw coveredOr(error, dir.shown);
  }
  leave?.(parent, name);
  return true;
}

/** Enter a listed child. @returns `undefined` if it is no longer there under that name */
function descend(
  sys: Sys,
  cgroup: Cgroup,
  levels: Level[],
  { name, ino }: DirEntry,
  { miss }: Visitor,
): FileStatus | undefined {
  const level = levels.at(-1) as Level;
  const shown = `${level.shown}/${name}`;
  let fd: Fd;
  try {
    fd = sys.openDir(dirOfLevel(level), name);
  } catch (error) {
    if (!isGone(error)) throw coveredOr(error, shown);
    miss?.(error);
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

/** EXDEV: something is mounted over it, maybe the cgroup itself. */
const coveredOr = (error: unknown, shown: string): unknown =>
  error instanceof SysError && error.errno === "EXDEV" ? new CoveredError(shown) : error;

/** Close the level that is no longer needed soon. Not the top, which belongs to the caller. */
function closeAbove(sys: Sys, levels: readonly Level[]): void {
  const at = levels.length - 1 - MAX_OPEN_LEVELS;
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

/** Reopen the parent. A cgroup never changes its parent, and `..` works from a removed cgroup too. */
function openUp(sys: Sys, level: Level, parent: Level): Fd {
  const fd = sys.openDir(dirOfLevel(level), "..");
  if (closeUnless(sys, fd, () => sys.statusOf(fd).ino === parent.ino)) return fd;
  throw new SysError("open", parent.shown, "ESTALE");
}

/**
 * Whether the kernel says that a cgroup is gone; any other error means no. Every cgroup has this file, the root too.
 */
export function isRemoved(sys: Sys, { dir }: Pick<Cgroup, "dir">): boolean {
  try {
    sys.close(sys.openFile(dir, "cgroup.procs"));
    return false;
  } catch (error) {
    return isGone(error);
  }
}
