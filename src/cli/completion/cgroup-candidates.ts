// Names of cgroups for a word that is being typed, one component at a time: what has cgroups below it ends in a slash.
// Read from directories that were opened as for a kill, so that what is mounted over a cgroup is never taken for it.

import { isWithin } from "../../cgroup/open/hierarchy.ts";
import { lookUp } from "../../cgroup/open/open-path.ts";
import { openCgroup } from "../../cgroup/open/open.ts";
import type { Cgroup, Hierarchy } from "../../cgroup/types.ts";
import { SysError } from "../../sys/errno.ts";
import type { Millis, Sys } from "../../sys/sys.ts";
import { sanitize } from "../text/sanitize.ts";

/** Of up to so many it is asked whether they have cgroups below them, and of the first few also when time is up. */
const MAX_ASKED = 512;
const ALWAYS_ASKED = 8;

/** May it be drawn by a shell as it is? Control characters, what is invisible, and bytes that are not UTF-8 may not. */
export function isShown(name: string): boolean {
  // The backslash is doubled for people only.
  const text = name.replaceAll("\\", "/");
  return sanitize(text) === text;
}

/**
 * @param all     every hierarchy, for directories of the file system
 * @param chosen  those in which paths are looked up
 * @param word    what is typed so far
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
  // Without a word it is as /proc/PID/cgroup prints it: no option looks like that.
  const shown = word === "" ? "/" : above;
  const found = new Map<string, boolean>();
  const listing: Listing = { sys, start: word.slice(cut), until, found };
  if (isHere) {
    if (names.slice(1).every(isPlain))
      readChildren(
        listing,
        openOrNone(() => openCgroup(sys, all, `${above}.`)),
      );
  } else if (names.slice(above.startsWith("/") ? 1 : 0).every(isPlain)) {
    const path = `/${names.filter(Boolean).join("/")}`;
    if (above.startsWith("/")) readFiles(listing, all, path);
    readPaths(listing, chosen, path);
  }
  return [...found]
    .filter(([name]) => `${shown}${name}` !== "-")
    .map(([name, isInner]) => `${shown}${name}${isInner ? "/" : ""}`)
    .sort();
}

const isPlain = (name: string): boolean => name !== "" && name !== "." && name !== "..";

interface Listing {
  readonly sys: Sys;
  /** What the last component begins with. */
  readonly start: string;
  readonly until: Millis;
  /** Each with whether there is something below it. */
  readonly found: Map<string, boolean>;
}

/** A directory of the file system: on the way to a cgroup mount, or in one. */
function readFiles(listing: Listing, hierarchies: readonly Hierarchy[], path: string): void {
  const points = hierarchies.flatMap(({ mounts }) => mounts.map(({ point }) => point));
  for (const point of points) addStep(listing, path, point);
  if (!points.some((point) => isWithin(path, point))) return;
  readChildren(
    listing,
    openOrNone(() => openCgroup(listing.sys, hierarchies, path)),
  );
}

/** A path as /proc/PID/cgroup prints it. */
function readPaths(listing: Listing, hierarchies: readonly Hierarchy[], path: string): void {
  for (const hierarchy of hierarchies) {
    for (const { root } of hierarchy.mounts) if (!root.split("/").includes("..")) addStep(listing, path, root);
    readChildren(
      listing,
      openOrNone(() => {
        const looked = lookUp(listing.sys, hierarchy, path);
        return looked.is === "open" ? looked.cgroup : undefined;
      }),
    );
  }
}

/** The next component on the way from one path to another. */
function addStep({ start, found }: Listing, path: string, to: string): void {
  if (to === path || !isWithin(to, path)) return;
  const [name = ""] = to.slice(path === "/" ? 1 : path.length + 1).split("/");
  if (name.startsWith(start) && isShown(name)) found.set(name, true);
}

/** What cannot be opened has no candidates; the next hierarchy may have. */
function openOrNone(open: () => Cgroup | undefined): Cgroup | undefined {
  try {
    return open();
  } catch {
    return undefined;
  }
}

function readChildren({ sys, start, until, found }: Listing, cgroup: Cgroup | undefined): void {
  if (cgroup === undefined) return;
  try {
    const names = sys
      .readSubdirs(cgroup.dir)
      .map(({ name }) => name)
      .filter((name) => name.startsWith(start) && isShown(name));
    for (const [at, name] of names.entries()) {
      const isAsked = names.length <= MAX_ASKED && (at < ALWAYS_ASKED || sys.now() <= until);
      found.set(name, (found.get(name) ?? false) || (isAsked && hasChildren(sys, cgroup, name)));
    }
  } catch (error) {
    // It went meanwhile, or may not be listed.
    if (!(error instanceof SysError)) throw error;
  } finally {
    sys.close(cgroup.fd);
  }
}

/** A directory of a cgroup file system has two links, and one more for each below it. */
function hasChildren(sys: Sys, { dir }: Cgroup, name: string): boolean {
  try {
    const fd = sys.openDir(dir, name);
    const { links } = sys.statusOf(fd);
    sys.close(fd);
    return links > 2;
  } catch (error) {
    // Gone, or something is mounted over it.
    if (error instanceof SysError) return false;
    throw error;
  }
}
