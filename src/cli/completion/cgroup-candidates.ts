// Candidates for the name of a cgroup, one component at a time. A name with cgroups below it ends in a slash. Directories
// are opened as for a kill, so that another file system mounted over a cgroup is never listed.

import { isWithin } from "../../cgroup/open/hierarchy.ts";
import { openInHierarchy } from "../../cgroup/open/open-path.ts";
import { openCgroup } from "../../cgroup/open/open.ts";
import { isInnerDir } from "../../cgroup/subtree.ts";
import type { Cgroup, Hierarchy } from "../../cgroup/types.ts";
import { readOr, SysError } from "../../sys/errno.ts";
import { closing, type DirEntry, type Millis, type Sys } from "../../sys/sys.ts";
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
  const names = above.split("/").slice(0, -1);
  const isHere = names[0] === "." || names[0] === "..";
  const steps = isHere || above.startsWith("/") ? names.slice(1) : names;
  // An empty word is completed with paths as /proc/PID/cgroup prints them, which never look like an option.
  const shown = word === "" ? "/" : above;
  const found = new Map<string, boolean>();
  const listing: Listing = { sys, start: word.slice(cut), until, found };
  if (!steps.every(isPlain)) return [];
  if (isHere) {
    readChildren(listing, () => openCgroup(sys, all, `${above}.`));
  } else {
    const path = `/${steps.join("/")}`;
    if (above.startsWith("/")) readFileSystem(listing, all, path);
    readCgroupPaths(listing, chosen, path);
  }
  return [...found]
    .filter(([name]) => `${shown}${name}` !== "-")
    .map(([name, isInner]) => `${shown}${name}${isInner ? "/" : ""}`)
    .sort();
}

const isPlain = (name: string): boolean => name !== "" && name !== "." && name !== "..";

interface Listing {
  readonly sys: Sys;
  /** The beginning of the last component. */
  readonly start: string;
  readonly until: Millis;
  /** Names, and whether there are cgroups below each. */
  readonly found: Map<string, boolean>;
}

/** Complete a path of the file system that leads to a cgroup mount or into one. */
function readFileSystem(listing: Listing, hierarchies: readonly Hierarchy[], path: string): void {
  const points = hierarchies.flatMap(({ mounts }) => mounts.map(({ point }) => point));
  for (const point of points) addStep(listing, path, point);
  if (points.some((point) => isWithin(path, point))) {
    readChildren(listing, () => openCgroup(listing.sys, hierarchies, path));
  }
}

/** Complete a path as /proc/PID/cgroup prints it. */
function readCgroupPaths(listing: Listing, hierarchies: readonly Hierarchy[], path: string): void {
  for (const hierarchy of hierarchies) {
    for (const { root } of hierarchy.mounts) if (!root.split("/").includes("..")) addStep(listing, path, root);
    readChildren(listing, () => openInHierarchy(listing.sys, hierarchy, path));
  }
}

/** Add the component of `to` that follows `path`. */
function addStep({ start, found }: Listing, path: string, to: string): void {
  if (to === path || !isWithin(to, path)) return;
  const [name = ""] = to.slice(path === "/" ? 1 : path.length + 1).split("/");
  if (name.startsWith(start) && isDisplayable(name)) found.set(name, true);
}

function readChildren({ sys, start, until, found }: Listing, open: () => Cgroup | undefined): void {
  // A cgroup that cannot be opened, whatever the reason, has no candidates; the next hierarchy may have some.
  using cgroup = readOr(undefined, open, () => true);
  if (cgroup === undefined) return;
  try {
    const all = sys.readSubdirs(cgroup.dir, until);
    const isWanted = ({ name }: DirEntry): boolean => name.startsWith(start) && isDisplayable(name);
    const names = filterUntil(all, isWanted, sys, until);
    for (const [at, { name }] of names.entries()) {
      const isChecked = names.length <= MAX_CHECKED && (at < ALWAYS_CHECKED || sys.now() <= until);
      found.set(name, (found.get(name) ?? false) || (isChecked && hasChildren(sys, cgroup, name)));
    }
  } catch (error) {
    // It was removed meanwhile, or must not be read.
    if (!(error instanceof SysError) || error.errno === LATE) throw error;
  }
}

function hasChildren(sys: Sys, { dir }: Cgroup, name: string): boolean {
  // An error: it was removed, or something is mounted over it.
  return readOr(false, () => {
    const fd = sys.openDir(dir, name);
    using _ = closing(sys, fd);
    return isInnerDir(sys.statusOf(fd));
  });
}
