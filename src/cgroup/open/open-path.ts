// Opens a directory below a mount of a hierarchy. What is opened is on that very mount, or on a clone of it that has
// nothing mounted in it: never the result of a look-up that may have crossed into another mount.

import { dirOf, PROC, ROOT } from "../../sys/dir.ts";
import { readOr, SysError } from "../../sys/errno.ts";
import { wordAfter } from "../../sys/proc.ts";
import { closeUnless, type Fd, type Sys } from "../../sys/sys.ts";
import type { Cgroup, Hierarchy, Mount } from "../types.ts";
import { below, hasDotDot, isWithin, joinPath } from "./path-names.ts";

export type LookUp =
  | { readonly is: "open"; readonly cgroup: Cgroup }
  /** Its deepest existing ancestor, read on the cgroup file system itself, does not have the next component. */
  | { readonly is: "missing" }
  /** It is a file of a cgroup. */
  | { readonly is: "file" }
  /** Something else is mounted there, and we are not permitted to look beneath it. */
  | { readonly is: "covered"; readonly point: string }
  /** No mount shows this part of the hierarchy. */
  | { readonly is: "out-of-sight" };

/** Errnos of a path that does not exist or cannot exist. */
const NO_SUCH: readonly string[] = ["ENOENT", "ENODEV", "ENOTDIR", "ENAMETOOLONG", "ELOOP", "EBADF"];

const isNoSuch = (error: unknown): boolean => error instanceof SysError && NO_SUCH.includes(error.errno);

/**
 * Look up a path in a hierarchy, on each mount that shows it until one answers.
 *
 * @param path  as /proc/PID/cgroup prints it
 * @throws SysError  any error that does not answer the question, such as EACCES or EMFILE
 */
export function lookUp(sys: Sys, hierarchy: Hierarchy, path: string): LookUp {
  let result: LookUp = { is: "out-of-sight" };
  for (const mount of hierarchy.mounts) {
    if (hasDotDot(mount.root) || !isWithin(path, mount.root)) continue;
    const found = lookUpBelow(sys, hierarchy, mount, below(path, mount.root));
    if (found.is === "open" || found.is === "missing" || found.is === "file") return found;
    result = found;
  }
  return result;
}

/**
 * Look up a path below one mount.
 *
 * @param path  from the mount point, with a leading slash; "/" is the mount point itself
 */
export function lookUpBelow(sys: Sys, hierarchy: Hierarchy, mount: Mount, path: string): LookUp {
  const base = openMount(sys, mount);
  if (base === undefined) return { is: "covered", point: mount.point };
  const name = joinPath(mount.point, path);
  const cover = findCover(mount, name);
  const beneath = cover === undefined ? base : cloned(sys, mount, base);
  if (beneath === undefined) return { is: "covered", point: cover ?? name };
  const isCovered = cover !== undefined;
  const view = !isCovered ? mount : { root: mount.root, point: "/" };
  try {
    const fd = openSteps(sys, beneath, path, mount.point);
    const shown = hasDotDot(path) ? joinPath(mount.point, `/${withoutDotDot(path)}`) : name;
    const place = joinPath(mount.root, below(shown, mount.point));
    return { is: "open", cgroup: toCgroup(sys, fd, { hierarchy, path: place, name: shown, view, isCovered }) };
  } catch (error) {
    const errno = error instanceof SysError ? error.errno : "";
    if (errno === "EXDEV") return { is: "covered", point: name };
    if (errno === "ENOTDIR" && isInDirectory(sys, beneath, path, mount.point)) return { is: "file" };
    if (isNoSuch(error)) return { is: "missing" };
    throw error;
  } finally {
    if (beneath !== mount.held) sys.close(beneath);
  }
}

/** Find a mount point over the named cgroup, one of its ancestors, or anything below it. */
function findCover({ covers }: Mount, name: string): string | undefined {
  for (const point of covers) if (isWithin(point, name) || isWithin(name, point)) return point;
  return undefined;
}

/**
 * Find the mount point inside a mount that the name is at or below. What is mounted there is not asked whether it has the
 * name: a file system that does not answer would block us for ever.
 */
export const findMountAbove = ({ covers }: Mount, name: string): string | undefined =>
  covers.find((cover) => isWithin(name, cover));

/** Make the cgroup of an open directory, which is closed if that fails. */
function toCgroup(sys: Sys, fd: Fd, known: Pick<Cgroup, "hierarchy" | "path" | "name" | "view" | "isCovered">): Cgroup {
  try {
    const id = sys.statusOf(fd);
    return { ...known, dir: dirOf(fd, known.name), fd, id, [Symbol.dispose]: () => sys.close(fd) };
  } catch (error) {
    sys.close(fd);
    throw error;
  }
}

/** ENOTDIR means that the path names a file, or that one of its ancestors is a file: this tells them apart. */
function isInDirectory(sys: Sys, base: Fd, path: string, shown: string): boolean {
  const parent = readOr(undefined, () => openSteps(sys, base, path.slice(0, path.lastIndexOf("/")) || "/", shown));
  if (parent !== undefined) sys.close(parent);
  return parent !== undefined;
}

/**
 * Open the directory at a mount point. The caller closes it, unless it is `mount.held`.
 *
 * @returns `undefined` if something else is mounted over it, or the mount point is gone
 */
export function openMount(sys: Sys, mount: Pick<Mount, "id" | "point" | "held">): Fd | undefined {
  if (mount.held !== undefined) return mount.held;
  const fd = readOr(undefined, () => sys.openDir(ROOT, mount.point), isNoSuch);
  if (fd === undefined) return undefined;
  return closeUnless(sys, fd, () => mountIdOf(sys, fd) === mount.id) ? fd : undefined;
}

/** The id of the mount that a directory was opened on, as in mountinfo. statx(2) reports it only since Linux 5.8. */
export const mountIdOf = (sys: Sys, fd: Fd): number =>
  Number(wordAfter(sys.readRecord(PROC, `self/fdinfo/${fd}`), "mnt_id:"));

/** Clone a mount and close `base`. Every failure leads to a refusal, so that a covering mount is never crossed. */
function cloned(sys: Sys, mount: Mount, base: Fd): Fd | undefined {
  const clone = readOr(undefined, () => sys.cloneMount(base));
  if (base !== mount.held) sys.close(base);
  return clone;
}

/** Below PATH_MAX, which is 4096 bytes including the NUL. */
const STEP_BYTES = 4000;
/** Bytes of one UTF-16 unit. */
const MAX_UTF8 = 3;

/** Open a path of any length: in one look-up, or name by name if PATH_MAX might not allow that. */
function openSteps(sys: Sys, base: Fd, path: string, shown: string): Fd {
  const whole = path.slice(1) || ".";
  let at = base;
  for (const step of whole.length * MAX_UTF8 < STEP_BYTES ? [whole] : whole.split("/")) {
    const from = at;
    try {
      at = sys.openDir(dirOf(from, shown), step);
    } finally {
      if (from !== base) sys.close(from);
    }
    shown = `${shown}/${step}`;
  }
  return at;
}

/** Resolve `..` in the text; a cgroup file system has no symbolic links. */
function withoutDotDot(path: string): string {
  const names: string[] = [];
  for (const name of path.split("/")) {
    if (name === "..") names.pop();
    else if (name !== "" && name !== ".") names.push(name);
  }
  return names.join("/");
}

/** Open a cgroup by a path from the kernel; `undefined` if it is gone, covered or not visible here. */
export function openInHierarchy(sys: Sys, hierarchy: Hierarchy, path: string): Cgroup | undefined {
  const found = lookUp(sys, hierarchy, path);
  return found.is === "open" ? found.cgroup : undefined;
}

/** Open a child cgroup; `undefined` as in `openInHierarchy`. */
export const openChildOf = (sys: Sys, { hierarchy, path }: Cgroup, name: string): Cgroup | undefined =>
  openInHierarchy(sys, hierarchy, joinPath(path, `/${name}`));

/** Whether a cgroup is the topmost one that its mount shows. */
export const isMountRoot = ({ name, view }: Cgroup): boolean => name === view.point;

/** Open the parent cgroup; `undefined` if this is the topmost one that the mount shows. */
export function openParent(sys: Sys, cgroup: Cgroup): Cgroup | undefined {
  if (cgroup.path === "/" || isMountRoot(cgroup)) return undefined;
  const cut = (path: string): string => path.slice(0, Math.max(1, path.lastIndexOf("/")));
  const fd = sys.openDir(cgroup.dir, "..");
  const parent = toCgroup(sys, fd, { ...cgroup, path: cut(cgroup.path), name: cut(cgroup.name) });
  return closeUnless(sys, fd, () => parent.id.ino !== cgroup.id.ino) ? parent : undefined;
}

/** Open the ancestors of a cgroup, nearest first. Each is closed when the next is asked for. */
export function* openAncestors(sys: Sys, cgroup: Cgroup): Generator<Cgroup> {
  for (let next = openParent(sys, cgroup); next !== undefined;) {
    using at = next;
    yield at;
    next = openParent(sys, at);
  }
}

/**
 * Read the current path of an open cgroup, in the form of /proc/PID/cgroup. On v1 the cgroup or an ancestor may have
 * been renamed since it was opened. The path of a removed cgroup ends in " (deleted)", which a name may do too.
 *
 * @returns `undefined` if the path is outside the mount, or longer than the kernel shows
 * @throws SysError  any other failure of readlink(2)
 */
export function presentPath(sys: Sys, { fd, view }: Cgroup): string | undefined {
  const isTooLong = (error: unknown): boolean => error instanceof SysError && error.errno === "ENAMETOOLONG";
  const name = readOr(undefined, () => sys.pathOf(fd), isTooLong);
  if (name === undefined || !isWithin(name, view.point)) return undefined;
  return joinPath(view.root, below(name, view.point));
}
