// From a path, as a system call gets it, to a cgroup or one of its files. A look-up that starts in an open directory
// stays on the mount of that directory, as openat2(2) does with RESOLVE_NO_XDEV.

import { AT_FDCWD, type Dir, pathIn, startsRight } from "../../../src/sys/dir.ts";
import { SysError } from "../../../src/sys/errno.ts";
import type { OpenDir, Reached } from "./descriptors.ts";
import { type FakeGroup, nameOf } from "./groups.ts";
import type { KernelModel } from "./model.ts";

const SINGLE_DOT = /\/\.(?=\/|$)/g;

const withoutDots = (path: string): string => (path.includes("/.") ? path.replace(SINGLE_DOT, "") : path);

/** A path without `.`; one that starts in an open directory begins with `fd:N`. */
export const fullPath = (dir: Dir, name: string): string => fullPathOf({ ...dir, path: pathIn(dir, name) });

/** The full path of a directory itself. */
export function fullPathOf(dir: Dir): string {
  const { fd, path } = dir;
  if (!startsRight(dir, path)) throw new SysError("open", dir.shown, "EINVAL");
  if (fd === AT_FDCWD) return withoutDots(path) || "/";
  return path === "" ? `fd:${fd}` : `fd:${fd}${withoutDots(`/${path}`)}`;
}

/**
 * Find a cgroup by the full path of its directory.
 *
 * @returns `undefined` if there is no such directory, or if it is not a cgroup
 * @throws SysError  EXDEV: the path leads from an open directory onto another mount
 */
export function findGroup(model: KernelModel, full: string): Reached | undefined {
  const [, fd, below = ""] = /^fd:(\d+)(.*)$/s.exec(full) ?? [];
  const start = fd === undefined ? mountAt(model, full) : model.fds.find(Number(fd));
  if (start?.kind !== "dir" || start.group === undefined || start.hierarchy === undefined) return undefined;
  const { hierarchy, isClone = false } = start;
  let { group } = start;
  const rest = fd === undefined ? full.slice(hierarchy.point.length) : below;
  for (const name of rest.split("/")) {
    if (name === "") continue;
    const next: FakeGroup | undefined = name === ".." ? group.parent : group.children.get(name);
    const isOff = name === ".." ? next === undefined : isCovered(model, hierarchy, next ?? group);
    if (isOff && !isClone) {
      if (fd === undefined) return undefined;
      if (next !== undefined || name === "..") throw new SysError("open", full, "EXDEV");
    }
    if (next === undefined && name !== "..") return undefined;
    group = next ?? group;
  }
  return group.isRemoved ? undefined : { hierarchy, group, isClone };
}

function isCovered({ covers }: KernelModel, hierarchy: Reached["hierarchy"], group: FakeGroup): boolean {
  return covers.size > 0 && covers.has(nameOf(hierarchy, group));
}

function mountAt({ hierarchies, covers }: KernelModel, full: string): OpenDir | undefined {
  const hierarchy = hierarchies.find(
    ({ point, isMounted }) => isMounted && (full === point || full.startsWith(`${point}/`)),
  );
  if (hierarchy === undefined || covers.has(hierarchy.point)) return undefined;
  return { kind: "dir", path: hierarchy.point, hierarchy, group: hierarchy.root };
}

/**
 * Find a file of a cgroup.
 *
 * @throws SysError  EXDEV: something else is mounted over the file
 */
export function findFile(
  model: KernelModel,
  dir: Dir,
  name: string,
): (Reached & { readonly file: string }) | undefined {
  const { parent, file } = splitFile(fullPath(dir, name));
  const found = findGroup(model, parent);
  if (found === undefined || !hasFile(model, found, file)) return undefined;
  if (!found.isClone && model.covers.has(`${nameOf(found.hierarchy, found.group)}/${file}`)) {
    throw new SysError("open", `${dir.shown}/${name}`, "EXDEV");
  }
  return { ...found, file };
}

function splitFile(full: string): { parent: string; file: string } {
  const at = full.lastIndexOf("/");
  return { parent: full.slice(0, at), file: full.slice(at + 1) };
}

/** Whether a path leads to a file of a cgroup, or below one: a look-up of it as a directory fails with ENOTDIR. */
export function isFileOrBelow(model: KernelModel, full: string): boolean {
  const { parent, file } = splitFile(full);
  const found = parent === full ? undefined : findGroup(model, parent);
  if (found !== undefined) return hasFile(model, found, file);
  return parent !== full && parent.includes("/") && isFileOrBelow(model, parent);
}

const V2_NOT_IN_ROOT: readonly string[] = ["cgroup.kill", "cgroup.freeze", "cgroup.events", "cgroup.type"];

function hasFile(
  { options }: KernelModel,
  { hierarchy, group }: Pick<Reached, "hierarchy" | "group">,
  name: string,
): boolean {
  if (name === "cgroup.procs") return true;
  const isRoot = group.parent === undefined;
  if (hierarchy.version === "v1") {
    if (name === "tasks") return true;
    if (name === "memory.usage_in_bytes") return hierarchy.controllers === "memory" && group.memory !== undefined;
    if (isRoot) return false;
    if (hierarchy.controllers === "pids") return name === "pids.max";
    return hierarchy.controllers === "freezer" && name.startsWith("freezer.");
  }
  if (name === "cgroup.threads" || name === "cgroup.stat") return true;
  if (name === "memory.current") return group.memory !== undefined;
  if (name === "cpu.stat") return group.cpuUsec !== undefined;
  if (name === "cgroup.kill" && !options.hasCgroupKill) return false;
  if (name === "cgroup.freeze" && !options.hasCgroupFreeze) return false;
  return !isRoot && V2_NOT_IN_ROOT.includes(name);
}
