// Candidates for the name of a cgroup, one component at a time. A name with cgroups below it ends in a slash. Directories
// are opened as for a kill, so that another file system mounted over a cgroup is never listed.

import { openInHierarchy } from "../../cgroup/open/open-path.ts";
import { openCgroup } from "../../cgroup/open/open.ts";
import { isWithin, leavesNamespace } from "../../cgroup/open/path-names.ts";
import { isInnerDir } from "../../cgroup/subtree.ts";
import type { Cgroup, Hierarchy } from "../../cgroup/types.ts";
import { readOr, SysError } from "../../sys/errno.ts";
import { closing, type Millis, type Sys } from "../../sys/sys.ts";
import { sanitize } from "../text/sanitize.ts";

const LATE = "ETIMEDOUT";
/** Filtering this many names takes less than a millisecond. */
const CHECK_TIME_EVERY = 256;

/**
 * Filter a list that may be long.
 *
 * @throws SysError  ETIMEDOUT, as `Sys.readSubdirs`. There are no candidates then: a shell would take the beginning that only
 *                   those read so far share
 */
export function filterUntil<T>(all: readonly T[], isWanted: (one: T) => boolean, sys: Sys, until: Millis): T[] {
  return all.filter((one, index) => {
    if (index % CHECK_TIME_EVERY === CHECK_TIME_EVERY - 1 && sys.now() > until)
      throw new SysError("filter", "names", LATE);
    return isWanted(one);
  });
}

/** In a listing of up to this many cgroups, each is checked for cgroups below it. */
const MAX_CHECKED = 512;
/** The first few are checked even when the time is up. */
const ALWAYS_CHECKED = 8;

/** Whether a shell can display the name: it has no control or invisible characters, and is UTF-8. */
export function isDisplayable(name: string): boolean {
  // `sanitize` escapes backslashes and some spaces, which are harmless here.
  const text = name.replaceAll(/[\\ ]/g, "/");
  return sanitize(text) === text;
}

/**
 * @param all     every hierarchy, for paths of the file system
 * @param chosen  the hierarchies in which cgroup paths are looked up
 * @param word    the text typed so far
 * @param until   when to stop checking for cgroups below, on the clock of `Sys.now`
 * @throws SysError  ETIMEDOUT: there are more names than could be read by then
 */
export function cgroupCandidates(
  sys: Sys,
  all: readonly Hierarchy[],
  chosen: readonly Hierarchy[],
  word: string,
  until: Millis,
): string[] {
  const cut = word.lastIndexOf("/") + 1;
  const above = word.slice(0, cut);
  const start = word.slice(cut);
  const names = above.split("/").slice(0, -1);
  const isHere = names[0] === "." || names[0] === "..";
  const steps = isHere || above.startsWith("/") ? names.slice(1) : names;
  if (steps.some((name) => name === "" || name === "." || name === "..")) return [];
  const path = `/${steps.join("/")}`;
  /** Names, and whether there are cgroups below each. */
  const found = new Map<string, boolean>();
  const isWanted = (name: string): boolean => name.startsWith(start) && isDisplayable(name);
  /** Add the component of `to` that follows `path`. */
  const addStep = (to: string): void => {
    if (to === path || !isWithin(to, path)) return;
    const [name = ""] = to.slice(path === "/" ? 1 : path.length + 1).split("/");
    if (isWanted(name)) found.set(name, true);
  };
  const addChildren = (open: () => Cgroup | undefined): void => {
    // A cgroup that cannot be opened, whatever the reason, has no candidates; the next hierarchy may have some.
    using cgroup = readOr(undefined, open, () => true);
    if (cgroup === undefined) return;
    for (const [name, isInner] of childrenOf(sys, cgroup, isWanted, until)) {
      found.set(name, isInner || found.get(name) === true);
    }
  };
  if (isHere) {
    addChildren(() => openCgroup(sys, all, `${above}.`));
  } else {
    // Paths of the file system, which lead to a cgroup mount or into one; then paths as /proc/PID/cgroup prints them.
    const points = above.startsWith("/") ? all.flatMap(({ mounts }) => mounts.map(({ point }) => point)) : [];
    points.forEach(addStep);
    if (points.some((point) => isWithin(path, point))) addChildren(() => openCgroup(sys, all, path));
    for (const hierarchy of chosen) {
      for (const { root } of hierarchy.mounts) if (!leavesNamespace(root)) addStep(root);
      addChildren(() => openInHierarchy(sys, hierarchy, path));
    }
  }
  // An empty word is completed with paths as /proc/PID/cgroup prints them, which never look like an option.
  const shown = word === "" ? "/" : above;
  return [...found]
    .filter(([name]) => `${shown}${name}` !== "-")
    .map(([name, isInner]) => `${shown}${name}${isInner ? "/" : ""}`)
    .sort();
}

/** The wanted names of child cgroups, and whether there are cgroups below each. */
function childrenOf(
  sys: Sys,
  cgroup: Cgroup,
  isWanted: (name: string) => boolean,
  until: Millis,
): readonly (readonly [name: string, isInner: boolean])[] {
  // It was removed meanwhile, or must not be read.
  const isExpected = (error: unknown): boolean => error instanceof SysError && error.errno !== LATE;
  const subdirs = readOr([], () => sys.readSubdirs(cgroup.dir, until), isExpected);
  const names = filterUntil(subdirs, ({ name }) => isWanted(name), sys, until);
  return names.map(({ name }, at) => {
    const isChecked = names.length <= MAX_CHECKED && (at < ALWAYS_CHECKED || sys.now() <= until);
    return [name, isChecked && hasChildren(sys, cgroup, name)] as const;
  });
}

function hasChildren(sys: Sys, { dir }: Cgroup, name: string): boolean {
  // An error: it was removed, or something is mounted over it.
  return readOr(false, () => {
    const fd = sys.openDir(dir, name);
    using _ = closing(sys, fd);
    return isInnerDir(sys.statusOf(fd));
  });
}
