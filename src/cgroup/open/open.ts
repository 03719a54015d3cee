// Opens the cgroup that the user named, and verifies it: same hierarchy, same path, on the cgroup mount itself and not
// on something mounted over it. Anything else is an error.

import { LIST_ALL } from "../../advice.ts";
import type { Sys } from "../../sys/sys.ts";
import { NotFoundError, OptionError, RefusedNameError } from "../errors.ts";
import type { Cgroup, Hierarchy } from "../types.ts";
import { findUnmounted, hierarchyName, isHierarchyNamed } from "./hierarchy.ts";
import { openByFile, tryOpen } from "./open-by-file.ts";
import {
  ambiguousPath,
  coveredError,
  fileError,
  hiddenError,
  nothingMountedError,
  notMountedError,
  rootRefusal,
} from "./open-errors.ts";
import { type LookUp, lookUp } from "./open-path.ts";
import { cleaned, hasDotDot, isRelativeToHere, isWithin } from "./path-names.ts";

export interface OpenOptions {
  /** Search only this hierarchy: "v1", "v2" or a controller. */
  readonly hierarchy?: string | undefined;
}

/** What a name stands for: one cgroup, or two with the same path, in v2 and in the v1 freezer. */
type Opened = readonly [Cgroup] | readonly [v2: Cgroup, freezer: Cgroup];

interface NotOpened {
  readonly looked: readonly LookUp[];
}

/**
 * Open a path in the form of /proc/PID/cgroup: in the first hierarchy that has it and, after v2, in the v1 freezer too.
 *
 * @throws RefusedNameError  one has it, and another that was searched may have it too, but is covered there
 */
function openByPath(sys: Sys, hierarchies: readonly Hierarchy[], path: string, isChosen: boolean): Opened | NotOpened {
  const found: Cgroup[] = [];
  const others: LookUp[] = [];
  for (const hierarchy of hierarchies) {
    // The other hierarchies are searched only if v2 and the freezer do not have it.
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
  const covered = findCovered(hierarchies, path, others);
  if (covered !== undefined) {
    for (const { fd } of found) sys.close(fd);
    throw covered;
  }
  return second === undefined ? [first] : [first, second];
}

/**
 * Select the hierarchies that `--hierarchy` allows.
 *
 * @throws OptionError  no hierarchy of that name is mounted
 */
export function selectHierarchies(hierarchies: readonly Hierarchy[], only: string | undefined): readonly Hierarchy[] {
  if (only === undefined) return hierarchies;
  const left = hierarchies.filter((hierarchy) => isHierarchyNamed(hierarchy, only));
  if (left.length > 0) return left;
  const mounted = hierarchies.map(hierarchyName).join(", ");
  throw new OptionError(
    "no-such-hierarchy",
    `--hierarchy ${only}: no cgroup hierarchy of that name is mounted here`,
    `mounted hierarchies: ${mounted || "none"}`,
  );
}

/**
 * Open the one cgroup that a name stands for.
 *
 * @throws AmbiguousNameError  it stands for two: one in v2 and one in the v1 freezer
 * @throws Error  anything that `openCgroups` throws
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
  throw ambiguousPath([first, second]);
}

/**
 * Open what a name stands for: a directory inside a cgroup mount, a path in the form of /proc/PID/cgroup with or
 * without the leading slash, or `.` and `./x` relative to the working directory.
 *
 * @throws NotFoundError       no such cgroup
 * @throws OptionError         the hierarchy of `--hierarchy` is not mounted
 * @throws RefusedNameError    the name is empty, leaves its mount, is covered by another mount, or is not a cgroup
 * @throws SysError            any error that does not answer the question, such as EACCES or EMFILE
 */
export function openCgroups(
  sys: Sys,
  hierarchies: readonly Hierarchy[],
  name: string,
  options: OpenOptions = {},
): Opened {
  if (name === "")
    throw new RefusedNameError("empty-path", "missing cgroup: the name is empty", "in a script, check the variable");
  if (hierarchies.length === 0) throw nothingMountedError();
  const candidates = selectHierarchies(hierarchies, options.hierarchy);
  const isHere = isRelativeToHere(name);
  const given = cleaned(isHere ? `${sys.cwd()}/${name}` : name);
  if (given === "/" && !isHere) throw rootRefusal("/");

  const byFile = given.startsWith("/") ? openByFile(sys, candidates, given) : undefined;
  if (byFile !== undefined) return [byFile];
  if (isHere) {
    throw new RefusedNameError(
      "not-a-cgroup",
      `${given} is not on a cgroup file system`,
      "cd into a cgroup mount, or give a path from the root of a hierarchy",
    );
  }
  if (hasDotDot(given)) {
    throw new RefusedNameError(
      "leaves-mount",
      `${name}: a cgroup path must not contain ..`,
      "write the path from the root of the hierarchy, without ..",
    );
  }
  const path = given.startsWith("/") ? given : `/${given}`;
  const byPath = openByPath(sys, candidates, path, options.hierarchy !== undefined);
  if (!("looked" in byPath)) return byPath;
  refuseElsewhere(sys, hierarchies, name, given, options.hierarchy);
  throw notFound(sys, candidates, name, byPath.looked, options);
}

/**
 * Refuse a directory that exists, but in another hierarchy than the one asked for, or in none.
 *
 * @param only  the value of `--hierarchy`
 */
function refuseElsewhere(
  sys: Sys,
  hierarchies: readonly Hierarchy[],
  name: string,
  given: string,
  only: string | undefined,
): void {
  const elsewhere = given.startsWith("/") ? tryOpen(sys, given) : undefined;
  if (elsewhere === undefined) return;
  sys.close(elsewhere);
  const points = selectHierarchies(hierarchies, only).map(({ mounts }) => mounts[0]?.point);
  const hint = `cgroups are below ${points.join(", ")}`;
  const other = only === undefined ? undefined : openByFile(sys, hierarchies, given);
  if (other === undefined) {
    throw new RefusedNameError("not-a-cgroup", `${name} is not on a cgroup file system`, hint);
  }
  sys.close(other.fd);
  throw new RefusedNameError(
    "not-a-cgroup",
    `${name} is in the hierarchy ${hierarchyName(other.hierarchy)}, not in ${only}`,
    other.path === "/" ? hint : `a path without the mount point is looked up in ${only}: ${other.path}`,
  );
}

/** A name is missing only if every hierarchy that could have it was searched and does not have it. */
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
 * Find a reason why a name that was not found may exist anyway: it is covered, or in a hierarchy that is not mounted
 * here.
 *
 * @param only  the value of `--hierarchy`; unmounted hierarchies are then irrelevant
 */
export function findUnseen(
  sys: Sys,
  hierarchies: readonly Hierarchy[],
  name: string,
  looked: readonly LookUp[],
  only: string | undefined,
): RefusedNameError | undefined {
  const covered = findCovered(hierarchies, name, looked);
  if (covered !== undefined) return covered;
  for (const found of looked) if (found.is === "covered") return hiddenError(name, found.point);
  const [unmounted] = only === undefined ? findUnmounted(sys, hierarchies) : [];
  return unmounted === undefined ? undefined : notMountedError(name, unmounted);
}

/** The error for a name that is covered in a part of a hierarchy: a hierarchy that is hidden as a whole has none. */
export function findCovered(
  hierarchies: readonly Hierarchy[],
  name: string,
  looked: readonly LookUp[],
): RefusedNameError | undefined {
  for (const found of looked) {
    if (found.is !== "covered") continue;
    const isWhole = hierarchies.some(({ mounts }) => mounts.some(({ point }) => isWithin(point, found.point)));
    if (!isWhole) return coveredError(name, found.point);
  }
  return undefined;
}
