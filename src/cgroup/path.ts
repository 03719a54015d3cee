// From a name that somebody gave to an open directory of a cgroup hierarchy. Where a directory lies is taken from
// the kernel (the mount of the open descriptor), not from how the name begins: symbolic links, bind mounts and
// mounts on top of mounts all come out right.

import { isGone, SysError } from "../sys/errno.ts";
import { readCgroupLines, wordAfter } from "../sys/proc.ts";
import { dirOf, type Fd, type Pid, PROC, ROOT, type Sys } from "../sys/sys.ts";
import { AmbiguousNameError, NotFoundError, OptionError, RefusedNameError } from "./errors.ts";
import { hierarchyName, isHierarchyNamed, isWithin } from "./hierarchy.ts";
import type { Cgroup, Hierarchy, Mount } from "./types.ts";

export interface OpenOptions {
  /** Look only here: "v1", "v2" or a controller. */
  readonly hierarchy?: string | undefined;
}

interface Located {
  readonly hierarchy: Hierarchy;
  readonly mount: Mount;
}

const joinPath = (base: string, rest: string): string => {
  const joined = `${base === "/" ? "" : base}${rest === "/" ? "" : rest}`;
  return joined === "" ? "/" : joined;
};

const hasDotDot = (path: string): boolean => path.split("/").includes("..");

/** The mount that an open directory lies on; `undefined` where that is no cgroup hierarchy. */
function locate(sys: Sys, hierarchies: readonly Hierarchy[], fd: Fd): Located | undefined {
  const id = Number(wordAfter(sys.readRecord(PROC, `self/fdinfo/${fd}`), "mnt_id:") || Number.NaN);
  for (const hierarchy of hierarchies) {
    const mount = hierarchy.mounts.find((candidate) => candidate.id === id);
    if (mount !== undefined) return { hierarchy, mount };
  }
  return undefined;
}

/** The cgroup mount that a path names by its beginning, whatever it leads to in the end. */
function mountNamedBy(hierarchies: readonly Hierarchy[], path: string): Mount | undefined {
  let nearest: Mount | undefined;
  for (const { mounts } of hierarchies) {
    for (const mount of mounts) {
      if (isWithin(path, mount.point) && mount.point.length > (nearest?.point.length ?? 0)) nearest = mount;
    }
  }
  return nearest;
}

/** And what is said of a name in /proc/self/fd that is no descriptor of ours. */
const NO_SUCH: ReadonlySet<string> = new Set(["ENOTDIR", "ENAMETOOLONG", "EBADF"]);

/** Open a directory of the file system, or `undefined` where there is none of that name. */
function tryOpen(sys: Sys, path: string): Fd | undefined {
  try {
    return sys.openDir(ROOT, path);
  } catch (error) {
    if (isGone(error) || (error instanceof SysError && NO_SUCH.has(error.errno))) return undefined;
    throw error;
  }
}

function toCgroup(sys: Sys, { hierarchy, mount }: Located, fd: Fd): Cgroup {
  const name = sys.pathOf(fd);
  const below = mount.point === "/" ? name : name.slice(mount.point.length);
  const path = joinPath(mount.root, below === "" ? "/" : below);
  return { hierarchy, path, name, dir: dirOf(fd, name), fd, id: sys.fileId(fd) };
}

/** A path of the file system; `undefined` where it leads to no cgroup. */
function openByFile(sys: Sys, hierarchies: readonly Hierarchy[], path: string): Cgroup | undefined {
  const named = mountNamedBy(hierarchies, path);
  const fd = tryOpen(sys, path);
  if (fd === undefined) {
    if (named !== undefined) throw new NotFoundError("cgroup", `${path}: no such cgroup`);
    return undefined;
  }
  const located = orClosed(sys, fd, () => locate(sys, hierarchies, fd));
  // By the point, not the mount: of several over one another the topmost is what opens.
  if (named !== undefined && located?.mount.point !== named.point) {
    sys.close(fd);
    throw new RefusedNameError(
      "leaves-mount",
      `${path}: leads out of the cgroup mount ${named.point}`,
      "name the directory itself, without .. and without links",
    );
  }
  if (located !== undefined) return orClosed(sys, fd, () => toCgroup(sys, located, fd));
  sys.close(fd);
  return undefined;
}

/** What was opened is closed where nothing comes of it. */
function orClosed<T>(sys: Sys, fd: Fd, work: () => T): T {
  try {
    return work();
  } catch (error) {
    sys.close(fd);
    throw error;
  }
}

/** Open a path as /proc/PID/cgroup prints it; `undefined` where this hierarchy has no such cgroup in sight. */
export function openInHierarchy(sys: Sys, hierarchy: Hierarchy, path: string): Cgroup | undefined {
  for (const mount of hierarchy.mounts) {
    if (hasDotDot(mount.root) || !isWithin(path, mount.root)) continue;
    const below = mount.root === "/" ? path : path.slice(mount.root.length);
    const fd = tryOpen(sys, joinPath(mount.point, below));
    if (fd === undefined) continue;
    // Something else may be mounted over this mount point: then it is not our hierarchy that opened.
    const located = orClosed(sys, fd, () => locate(sys, [hierarchy], fd));
    if (located !== undefined) return orClosed(sys, fd, () => toCgroup(sys, located, fd));
    sys.close(fd);
  }
  return undefined;
}

function openByPath(sys: Sys, hierarchies: readonly Hierarchy[], path: string, isChosen: boolean): Cgroup | undefined {
  const found: Cgroup[] = [];
  for (const hierarchy of hierarchies) {
    // Two are enough to tell; the others are looked into only where the first two have nothing.
    if (found.length > 0 && !(hierarchy.hasFreezer && !isChosen)) break;
    try {
      const cgroup = openInHierarchy(sys, hierarchy, path);
      if (cgroup !== undefined) found.push(cgroup);
    } catch (error) {
      for (const { fd } of found) sys.close(fd);
      throw error;
    }
  }
  const [first, second] = found;
  if (first === undefined || second === undefined) return first;
  for (const { fd } of found) sys.close(fd);
  throw new AmbiguousNameError(
    `${path}: is a cgroup both in v2 (${first.name}) and in the v1 freezer (${second.name})`,
    "give the full path, or --hierarchy v2 or --hierarchy v1",
  );
}

/**
 * Only the hierarchies that `--hierarchy` leaves.
 *
 * @throws OptionError  none of that name is mounted
 */
export function choose(hierarchies: readonly Hierarchy[], only: string | undefined): readonly Hierarchy[] {
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
 * Open the cgroup that a name means: a directory inside a cgroup mount, a path as /proc/PID/cgroup prints it with or
 * without its first slash, or `.` and `./x` in the working directory.
 *
 * @throws NotFoundError       no such cgroup
 * @throws OptionError         the hierarchy that was asked for is not mounted
 * @throws AmbiguousNameError  it is one in v2 and one in the v1 freezer
 * @throws RefusedNameError    it is empty, leaves its mount, or is a directory but no cgroup
 * @throws SysError            the kernel did not let us look
 */
export function openCgroup(
  sys: Sys,
  hierarchies: readonly Hierarchy[],
  name: string,
  options: OpenOptions = {},
): Cgroup {
  if (name === "") throw new RefusedNameError("empty-path", "missing cgroup: the name is empty");
  if (hierarchies.length === 0) {
    throw new NotFoundError(
      "place",
      "no cgroup hierarchy is mounted here",
      "mount one: mount -t cgroup2 none /sys/fs/cgroup",
    );
  }
  const candidates = choose(hierarchies, options.hierarchy);
  const isRelativeToHere = name === "." || name === ".." || name.startsWith("./") || name.startsWith("../");
  const given = trimSlashes(isRelativeToHere ? `${sys.cwd()}/${name}` : name);
  if (given === "/") throw rootRefusal("/");

  const byFile = given.startsWith("/") ? openByFile(sys, candidates, given) : undefined;
  if (byFile !== undefined) return byFile;
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
  if (byPath !== undefined) return byPath;
  throw notFound(sys, candidates, name, given);
}

function trimSlashes(path: string): string {
  if (!path.includes("//") && !path.endsWith("/")) return path;
  const names = path.split("/").filter((name) => name !== "");
  return `${path.startsWith("/") ? "/" : ""}${names.join("/")}`;
}

export function rootRefusal(path: string): RefusedNameError {
  return new RefusedNameError(
    "hierarchy-root",
    `${path}: is the root of a hierarchy, which holds every process there is`,
    "name a cgroup below it",
  );
}

function notFound(sys: Sys, candidates: readonly Hierarchy[], name: string, given: string): Error {
  const elsewhere = given.startsWith("/") ? tryOpen(sys, given) : undefined;
  if (elsewhere !== undefined) {
    sys.close(elsewhere);
    const points = candidates.map(({ mounts }) => mounts[0]?.point).join(" ");
    return new RefusedNameError(
      "not-a-cgroup",
      `${name}: is not on a cgroup file system`,
      `cgroups are below ${points}`,
    );
  }
  return new NotFoundError(
    "cgroup",
    `${name}: no such cgroup`,
    `looked in ${candidates.map(hierarchyName).join(", ")}`,
  );
}

/**
 * Open the cgroup that a process is in: in the first hierarchy where that is not the root.
 *
 * @throws NotFoundError  no such process, or it is in the root of every hierarchy
 */
export function openCgroupOf(sys: Sys, hierarchies: readonly Hierarchy[], pid: Pid, options: OpenOptions = {}): Cgroup {
  const lines = readCgroupLines(sys, pid);
  if (lines === undefined) throw new NotFoundError("process", `pid ${pid}: no such process`);
  for (const hierarchy of choose(hierarchies, options.hierarchy)) {
    const path = lines.find(({ controllers }) => controllers === hierarchy.controllers)?.path;
    if (path === undefined || path === "/") continue;
    if (hasDotDot(path))
      throw new NotFoundError("place", `pid ${pid}: its cgroup ${path} lies outside our cgroup namespace`);
    const cgroup = openInHierarchy(sys, hierarchy, path);
    if (cgroup !== undefined) return cgroup;
    throw new NotFoundError("place", `pid ${pid}: its cgroup ${path} is not mounted here, or is gone`);
  }
  throw new NotFoundError(
    "place",
    `pid ${pid}: is in the root of every hierarchy`,
    "there is no cgroup of its own to kill",
  );
}
