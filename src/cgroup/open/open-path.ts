// Opening a directory below a mount of a hierarchy, and nothing else: what was opened lies on that very mount, or on a
// copy of it that nothing is mounted in. Never by a look-up that trusts what is mounted where.

import { encodeText } from "../../sys/bytes.ts";
import { SysError } from "../../sys/errno.ts";
import { dirOf, type Fd, ROOT, type Sys } from "../../sys/sys.ts";
import type { Cgroup, Hierarchy, Mount } from "../types.ts";
import { isWithin } from "./hierarchy.ts";
import { hasDotDot, joinPath } from "./path-names.ts";

export type LookUp =
  | { readonly is: "open"; readonly cgroup: Cgroup }
  /** Its deepest existing ancestor, read on the cgroup file system itself, lacks the next component. */
  | { readonly is: "missing" }
  /** It is one of the kernel's files in a cgroup. */
  | { readonly is: "file" }
  /** Something else is mounted there, and we may not look beneath. */
  | { readonly is: "covered"; readonly point: string }
  /** This mount shows another part of the hierarchy. */
  | { readonly is: "out-of-sight" };

/** What is said of a name that cannot be one. */
const NO_SUCH: readonly string[] = ["ENOENT", "ENODEV", "ENOTDIR", "ENAMETOOLONG", "ELOOP", "EBADF"];

function errnoOf(error: unknown): string {
  if (error instanceof SysError) return error.errno;
  throw error;
}

/**
 * Look a path up in a hierarchy, by each of its mounts that shows it.
 *
 * @param path  as /proc/PID/cgroup prints it
 * @throws SysError  the kernel did not let us look
 */
export function lookUp(sys: Sys, hierarchy: Hierarchy, path: string): LookUp {
  let result: LookUp = { is: "out-of-sight" };
  for (const mount of hierarchy.mounts) {
    if (hasDotDot(mount.root) || !isWithin(path, mount.root)) continue;
    const found = lookUpBelow(sys, hierarchy, mount, mount.root === "/" ? path : path.slice(mount.root.length) || "/");
    if (found.is === "open" || found.is === "missing" || found.is === "file") return found;
    result = found;
  }
  return result;
}

/** @param path  from the mount point, with its first slash; "/" is the mount point itself */
export function lookUpBelow(sys: Sys, hierarchy: Hierarchy, mount: Mount, path: string): LookUp {
  const base = openMount(sys, mount);
  if (base === undefined) return { is: "covered", point: mount.point };
  const name = joinPath(mount.point, path);
  const [cover] = mount.covers.filter((point) => isWithin(point, name) || isWithin(name, point));
  const beneath = cover === undefined ? base : cloned(sys, mount, base);
  if (beneath === undefined) return { is: "covered", point: cover ?? name };
  const isCovered = cover !== undefined;
  const view = !isCovered ? mount : { root: mount.root, point: "/" };
  try {
    const fd = openSteps(sys, beneath, path, mount.point);
    const id = sys.statusOf(fd);
    const shown = hasDotDot(path) ? joinPath(mount.point, `/${namesUp(path)}`) : name;
    const place = joinPath(
      mount.root,
      shown === mount.point ? "/" : shown.slice(mount.point === "/" ? 0 : mount.point.length),
    );
    return {
      is: "open",
      cgroup: { hierarchy, path: place, name: shown, dir: dirOf(fd, shown), fd, id, view, isCovered },
    };
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === "EXDEV") return { is: "covered", point: name };
    if (errno === "ENOTDIR" && isInDirectory(sys, beneath, path, mount.point)) return { is: "file" };
    if (NO_SUCH.includes(errno)) return { is: "missing" };
    throw error;
  } finally {
    if (beneath !== mount.held) sys.close(beneath);
  }
}

/** ENOTDIR is said of what is no directory itself, and of what would be in such a thing. */
function isInDirectory(sys: Sys, base: Fd, path: string, shown: string): boolean {
  try {
    const parent = openSteps(sys, base, path.slice(0, path.lastIndexOf("/")) || "/", shown);
    if (parent !== base) sys.close(parent);
    return true;
  } catch (error) {
    errnoOf(error);
    return false;
  }
}

/** The directory that a mount shows, to be closed unless it is held; `undefined` if something else is mounted over it. */
export function openMount(sys: Sys, mount: Mount): Fd | undefined {
  if (mount.held !== undefined) return mount.held;
  let fd: Fd;
  try {
    fd = sys.openDir(ROOT, mount.point);
  } catch (error) {
    if (NO_SUCH.includes(errnoOf(error))) return undefined;
    throw error;
  }
  try {
    if (sys.mountIdOf(fd) === mount.id) return fd;
  } catch (error) {
    sys.close(fd);
    throw error;
  }
  sys.close(fd);
  return undefined;
}

/** Every failure ends in a refusal, never in crossing: whatever the reason is, we cannot see what is there. */
function cloned(sys: Sys, mount: Mount, base: Fd): Fd | undefined {
  try {
    return sys.cloneMount(base);
  } catch (error) {
    errnoOf(error);
    return undefined;
  } finally {
    if (base !== mount.held) sys.close(base);
  }
}

/** PATH_MAX is 4096 bytes, the NUL included. */
const STEP_BYTES = 4000;

/** By as few look-ups as the kernel's limit on path names lets us have. */
function openSteps(sys: Sys, base: Fd, path: string, shown: string): Fd {
  const steps = inSteps(path.slice(1));
  let at = base;
  for (const step of steps) {
    try {
      const next = sys.openDir(dirOf(at, shown), step);
      shown = `${shown}/${step}`;
      if (at !== base) sys.close(at);
      at = next;
    } catch (error) {
      if (at !== base) sys.close(at);
      throw error;
    }
  }
  return at;
}

function inSteps(path: string): string[] {
  if (path === "") return ["."];
  if (path.length * 3 < STEP_BYTES) return [path];
  const steps: string[] = [];
  let step = "";
  let bytes = 0;
  for (const name of path.split("/")) {
    const size = encodeText(name).length + 1;
    if (step !== "" && bytes + size > STEP_BYTES) {
      steps.push(step);
      step = "";
      bytes = 0;
    }
    step = step === "" ? name : `${step}/${name}`;
    bytes += size;
  }
  return [...steps, step];
}

/** What `..` leads to where nothing is a link: on cgroup file systems nothing is. */
function namesUp(path: string): string {
  const names: string[] = [];
  for (const name of path.split("/")) {
    if (name === "..") names.pop();
    else if (name !== "" && name !== ".") names.push(name);
  }
  return names.join("/");
}

/** Open a cgroup that the kernel names: a place of a process, an ancestor. `undefined` where it cannot be had. */
export function openInHierarchy(sys: Sys, hierarchy: Hierarchy, path: string): Cgroup | undefined {
  const found = lookUp(sys, hierarchy, path);
  return found.is === "open" ? found.cgroup : undefined;
}

/** The cgroup above, by the kernel's own word for it; `undefined` above the topmost that this mount shows. */
export function openParent(sys: Sys, cgroup: Cgroup): Cgroup | undefined {
  if (cgroup.path === "/" || cgroup.name === cgroup.view.point) return undefined;
  const cut = (path: string): string => path.slice(0, Math.max(1, path.lastIndexOf("/")));
  const fd = sys.openDir(cgroup.dir, "..");
  const id = sys.statusOf(fd);
  if (id.ino === cgroup.id.ino) {
    sys.close(fd);
    return undefined;
  }
  const name = cut(cgroup.name);
  return { ...cgroup, path: cut(cgroup.path), name, dir: dirOf(fd, name), fd, id };
}

/**
 * Where the directory is now, as /proc/PID/cgroup would print it: a v1 cgroup may have been renamed, it or one above it.
 *
 * @returns `undefined` where its path is longer than the kernel tells
 * @throws SysError  it is gone (a path ending in " (deleted)" is how the kernel says so: that cannot be told from a name)
 */
export function presentPath(sys: Sys, { fd, view }: Cgroup): string | undefined {
  try {
    const name = sys.pathOf(fd);
    if (!isWithin(name, view.point)) return undefined;
    return joinPath(view.root, view.point === "/" ? name : name.slice(view.point.length) || "/");
  } catch (error) {
    if (errnoOf(error) === "ENAMETOOLONG") return undefined;
    throw error;
  }
}
