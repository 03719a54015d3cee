// From a name that somebody gave to an open cgroup, which is the one that was named: same hierarchy, same path, on the
// mount itself and not on something mounted over it. Whatever else is opened is an error.

import { LIST_ALL } from "../../advice.ts";
import { isGone, SysError } from "../../sys/errno.ts";
import { type Fd, ROOT, type Sys } from "../../sys/sys.ts";
import { NotFoundError, OptionError, RefusedNameError } from "../errors.ts";
import type { Cgroup, Hierarchy } from "../types.ts";
import { findUnmounted, hierarchyName, isHierarchyNamed } from "./hierarchy.ts";
import { ambiguousPath, coveredError, fileError, notMountedError, rootRefusal } from "./open-errors.ts";
import { type LookUp, lookUp, lookUpBelow } from "./open-path.ts";
import { below, cleaned, hasDotDot, mountsNamedBy } from "./path-names.ts";

export interface OpenOptions {
  /** Look only here: "v1", "v2" or a controller. */
  readonly hierarchy?: string | undefined;
}

/** Open a directory of the file system, or `undefined` where there is none of that name. */
function tryOpen(sys: Sys, path: string): Fd | undefined {
  try {
    return sys.openDir(ROOT, path);
  } catch (error) {
    if (isGone(error) || (error instanceof SysError && NO_SUCH.has(error.errno))) return undefined;
    throw error;
  }
}

/** And what is said of a name in /proc/self/fd that is no descriptor of ours. */
const NO_SUCH: ReadonlySet<string> = new Set(["ENOTDIR", "ENAMETOOLONG", "EBADF"]);

/** A path of the file system; `undefined` where it leads to no cgroup. */
function openByFile(sys: Sys, hierarchies: readonly Hierarchy[], path: string): Cgroup | undefined {
  const direct = mountsNamedBy(hierarchies, path);
  const real = direct.length > 0 ? path : withoutLinks(sys, path);
  const named = real === undefined || direct.length > 0 ? direct : mountsNamedBy(hierarchies, real);
  let point: string | undefined;
  for (const { hierarchy, mount } of named) {
    const rest = below(real ?? path, mount.point);
    const found = lookUpBelow(sys, hierarchy, mount, rest);
    if (found.is === "open") return found.cgroup;
    if (found.is === "missing") throw new NotFoundError("cgroup", `${path}: no such cgroup`);
    if (found.is === "file") throw fileError(path);
    if (found.is === "covered") point = hasDotDot(rest) ? mount.point : found.point;
    if (point !== mount.point) break;
  }
  if (point === undefined) return undefined;
  if (!hasDotDot(path)) throw coveredError(path, point);
  throw new RefusedNameError(
    "leaves-mount",
    `${path}: leads out of the cgroup mount ${point}`,
    "name the directory itself, without .. and without links",
  );
}

/** A way to a cgroup mount that has links in it, such as /sys/fs/cgroup/cpu; `undefined` if it leads nowhere. */
function withoutLinks(sys: Sys, path: string): string | undefined {
  const fd = tryOpen(sys, path);
  if (fd === undefined) return undefined;
  try {
    return sys.pathOf(fd);
  } finally {
    sys.close(fd);
  }
}

/** What a name means: one cgroup, or the one in v2 and the one in the v1 freezer that have the same path. */
export type Opened = readonly [Cgroup] | readonly [v2: Cgroup, freezer: Cgroup];

interface NotOpened {
  readonly looked: readonly LookUp[];
}

/** A path as /proc/PID/cgroup prints it: in the first hierarchy that has it, and from v2 in the v1 freezer too. */
function openByPath(sys: Sys, hierarchies: readonly Hierarchy[], path: string, isChosen: boolean): Opened | NotOpened {
  const found: Cgroup[] = [];
  const others: LookUp[] = [];
  for (const hierarchy of hierarchies) {
    // The others are looked into only if the first two have nothing.
    if (found.length > 0 && !(hierarchy.hasFreezer && !isChosen)) break;
    try {
      const looked = lookUp(sys, hierarchy, path);
      if (looked.is === "open") found.push(looked.cgroup);
      else others.push(looked);
    } catch (error) {
      for (const { fd } of found) sys.close(fd);
      throw error;
    }
  }
  const [first, second] = found;
  if (first === undefined) return { looked: others };
  return second === undefined ? [first] : [first, second];
}

/**
 * Only the hierarchies that `--hierarchy` leaves.
 *
 * @throws OptionError  none of that name is mounted
 */
export function selectHierarchies(hierarchies: readonly Hierarchy[], only: string | undefined): readonly Hierarchy[] {
  if (only === undefined) return hierarchies;
  const left = hierarchies.filter((hierarchy) => isHierarchyNamed(hierarchy, only));
  if (left.length > 0) return left;
  const there = hierarchies.map(hierarchyName).join(", ");
  throw new OptionError(
    "no-such-hierarchy",
    `--hierarchy ${only}: no cgroup hierarchy of that name is mounted here`,
    `mounted are: ${there || "none"}`,
  );
}

/**
 * Open the one cgroup that a name means.
 *
 * @throws AmbiguousNameError  it is one in v2 and one in the v1 freezer; besides, what `openCgroups` throws
 */
export function openCgroup(
  sys: Sys,
  hierarchies: readonly Hierarchy[],
  name: string,
  options: OpenOptions = {},
): Cgroup {
  const opened = openCgroups(sys, hierarchies, name, options);
  const [first, second] = opened;
  if (second === undefined) return first;
  for (const { fd } of opened) sys.close(fd);
  throw ambiguousPath([first, second], "");
}

/**
 * Open what a name means: a directory inside a cgroup mount, a path as /proc/PID/cgroup prints it with or without its
 * first slash, or `.` and `./x` in the working directory.
 *
 * @throws NotFoundError       no such cgroup
 * @throws OptionError         the hierarchy that was asked for is not mounted
 * @throws RefusedNameError    it is empty, leaves its mount, is covered by another mount, or is no cgroup
 * @throws SysError            the kernel did not let us look
 */
export function openCgroups(
  sys: Sys,
  hierarchies: readonly Hierarchy[],
  name: string,
  options: OpenOptions = {},
): Opened {
  if (name === "") throw new RefusedNameError("empty-path", "missing cgroup: the name is empty");
  if (hierarchies.length === 0) {
    throw new NotFoundError("place", "no cgroup hierarchy is mounted here", "mount one", [
      ["mount", "-t", "cgroup2", "none", "/sys/fs/cgroup"],
    ]);
  }
  const candidates = selectHierarchies(hierarchies, options.hierarchy);
  const isRelativeToHere = name === "." || name === ".." || name.startsWith("./") || name.startsWith("../");
  const given = cleaned(isRelativeToHere ? `${sys.cwd()}/${name}` : name);
  if (given === "/" && !isRelativeToHere) throw rootRefusal("/");

  const byFile = given.startsWith("/") ? openByFile(sys, candidates, given) : undefined;
  if (byFile !== undefined) return [byFile];
  if (isRelativeToHere) {
    throw new RefusedNameError(
      "not-a-cgroup",
      `${given}: is not on a cgroup file system`,
      "cd into a cgroup mount, or give a path from its root",
    );
  }
  if (hasDotDot(given)) {
    throw new RefusedNameError(
      "leaves-mount",
      `${name}: a cgroup is not named by way of ..`,
      "write the path from the root of its hierarchy",
    );
  }
  const path = given.startsWith("/") ? given : `/${given}`;
  const byPath = openByPath(sys, candidates, path, options.hierarchy !== undefined);
  if (!("looked" in byPath)) return byPath;
  refuseNonCgroup(sys, candidates, name, given);
  throw notFound(sys, candidates, name, byPath.looked, options);
}

function refuseNonCgroup(sys: Sys, candidates: readonly Hierarchy[], name: string, given: string): void {
  const elsewhere = given.startsWith("/") ? tryOpen(sys, given) : undefined;
  if (elsewhere === undefined) return;
  sys.close(elsewhere);
  const points = candidates.map(({ mounts }) => mounts[0]?.point).join(" ");
  throw new RefusedNameError("not-a-cgroup", `${name}: is not on a cgroup file system`, `cgroups are below ${points}`);
}

/** Missing is only what every hierarchy that could have it says is not there. */
function notFound(
  sys: Sys,
  candidates: readonly Hierarchy[],
  name: string,
  looked: readonly LookUp[],
  { hierarchy }: OpenOptions,
): Error {
  const unseen = findUnseen(sys, candidates, name, looked, hierarchy);
  if (unseen !== undefined) return unseen;
  if (looked.some(({ is }) => is === "file")) return fileError(name);
  const isSeen = looked.some(({ is }) => is === "missing");
  return new NotFoundError(
    isSeen ? "cgroup" : "place",
    `${name}: no such cgroup`,
    `not found in ${candidates.map(hierarchyName).join(", ")}`,
    [LIST_ALL],
  );
}

/**
 * Why a name that was not found may be there all the same: covered, or in a hierarchy that is not mounted here.
 *
 * @param only  as `--hierarchy` has it: then no other hierarchy is of interest
 */
export function findUnseen(
  sys: Sys,
  hierarchies: readonly Hierarchy[],
  name: string,
  looked: readonly LookUp[],
  only: string | undefined,
): RefusedNameError | undefined {
  for (const found of looked) if (found.is === "covered") return coveredError(name, found.point);
  const [unmounted] = only === undefined ? findUnmounted(sys, hierarchies) : [];
  return unmounted === undefined ? undefined : notMountedError(name, unmounted);
}
