// The cgroups below a cgroup. Every path goes through a descriptor that is held open, in steps short enough for the
// kernel's limit on path names, so that depth is no limit and a swapped name leads nowhere else.

import { isGone } from "../sys/errno.ts";
import { type Dir, dirOf, type Fd, type Millis, type Sys } from "../sys/sys.ts";
import type { Cgroup } from "./types.ts";

export interface Subtree extends Disposable {
  /** The cgroup itself, then those below it, every one after its parent. */
  readonly dirs: readonly Dir[];
  /** Those of them that have others below. */
  readonly inner: ReadonlySet<Dir>;
}

/** PATH_MAX is 4096 bytes, a name has 255 at most, and a character three: a new handle long before that. */
const HANDLE_EVERY = 1000;

/**
 * Walk a cgroup and all below it. What vanishes meanwhile is left out; the cgroup itself is always there.
 *
 * @param until  on the clock of `Sys.now`: stop there with what was found; for a report, never for a decision
 *
 * The link count of a cgroup directory is exact, 2 + its children: that of a leaf spares the reading of it.
 */
export function walkSubtree(sys: Sys, cgroup: Cgroup, until: Millis = Number.POSITIVE_INFINITY): Subtree {
  const handles: Fd[] = [];
  const dirs: Dir[] = [cgroup.dir];
  const inner = new Set<Dir>();
  for (let at = 0; at < dirs.length && (at === 0 || sys.now() <= until); at++) {
    const dir = dirs[at] as Dir;
    try {
      if (sys.linkCount(dir) <= 2) continue;
      inner.add(dir);
      const base = dir.through.length < HANDLE_EVERY ? dir : reopened(sys, dir, handles);
      for (const name of sys.readSubdirs(base)) {
        dirs.push({ through: `${base.through}/${name}`, shown: `${dir.shown}/${name}` });
      }
    } catch (error) {
      // One below it that vanishes is done; of the top one that must be so, not only said.
      if (isGone(error) && (at > 0 || isRemoved(sys, cgroup))) continue;
      close(sys, handles);
      throw error;
    }
  }
  return { dirs, inner, [Symbol.dispose]: () => close(sys, handles) };
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

function reopened(sys: Sys, dir: Dir, handles: Fd[]): Dir {
  const fd = sys.openDir(dir, ".");
  handles.push(fd);
  return dirOf(fd, dir.shown);
}

function close(sys: Sys, handles: readonly Fd[]): void {
  for (const fd of handles) sys.close(fd);
}
