// Which cgroup hierarchies there are and where they are mounted: from mountinfo, never from a fixed path.

import { readCgroupLines } from "../sys/proc.ts";
import { type Pid, PROC, type Sys } from "../sys/sys.ts";
import { type MountInfo, parseMountInfo } from "./parse.ts";
import type { Hierarchy, Layout, Mount } from "./types.ts";

/** Names are looked up in this order: v2, the v1 freezer, name=systemd, the other v1 hierarchies. */
function rank({ version, hasFreezer, controllers }: Hierarchy): number {
  if (version === "v2") return 0;
  if (hasFreezer) return 1;
  return controllers === "name=systemd" ? 2 : 3;
}

/**
 * Every mounted hierarchy, in the order in which names are looked up.
 *
 * A v1 hierarchy is told by its controllers, as /proc/self/cgroup names them: its mount options hold them among
 * other words. Mounts of one hierarchy share a device number; the one that shows most comes first.
 *
 * @throws SysError  /proc is not readable
 */
export function findHierarchies(sys: Sys): Hierarchy[] {
  const byDevice = new Map<string, MountInfo[]>();
  for (const mount of parseMountInfo(sys.readFile(PROC, "self/mountinfo"), "cgroup")) {
    const same = byDevice.get(mount.device);
    if (same === undefined) byDevice.set(mount.device, [mount]);
    else same.push(mount);
  }
  const known = (readCgroupLines(sys, "self") ?? []).map(({ controllers }) => controllers);
  return [...byDevice.values()]
    .map((mounts) => toHierarchy(mounts, known))
    .filter((hierarchy) => hierarchy !== undefined)
    .sort((a, b) => rank(a) - rank(b));
}

function toHierarchy(mounts: readonly MountInfo[], known: readonly string[]): Hierarchy | undefined {
  const first = mounts[0] as MountInfo;
  const shown: Mount[] = mounts
    .map(({ id, root, point }) => ({ id, root, point }))
    .sort((a, b) => a.root.length - b.root.length);
  if (first.fsType === "cgroup2") return { version: "v2", controllers: "", hasFreezer: false, mounts: shown };
  const controllers = known.find(
    (names) => names !== "" && names.split(",").every((name) => first.superOptions.includes(name)),
  );
  if (controllers === undefined) return undefined;
  return { version: "v1", controllers, hasFreezer: controllers.split(",").includes("freezer"), mounts: shown };
}

export function layoutOf(hierarchies: readonly Hierarchy[]): Layout {
  const hasV2 = hierarchies.some(({ version }) => version === "v2");
  const hasV1 = hierarchies.some(({ version }) => version === "v1");
  if (hasV2) return hasV1 ? "hybrid" : "unified";
  return hasV1 ? "legacy" : "none";
}

/** How a hierarchy is named to people and in JSON, and what `--hierarchy` takes: "v2", "v1" (the freezer), "memory". */
export function hierarchyName({ version, hasFreezer, controllers }: Hierarchy): string {
  if (version === "v2") return "v2";
  return hasFreezer ? "v1" : controllers;
}

/** Does `--hierarchy NAME` mean this one? `v1` means any v1 hierarchy: the first that has the cgroup. */
export function isHierarchyNamed(hierarchy: Hierarchy, name: string): boolean {
  if (name === "v1" || name === "v2") return hierarchy.version === name;
  return hierarchy.controllers === name || hierarchy.controllers.split(",").includes(name);
}

/** The cgroup that a process is in; `undefined` where the process is gone. */
export function readCgroupPath(sys: Sys, hierarchy: Hierarchy, pid: Pid | "self"): string | undefined {
  return readCgroupLines(sys, pid)?.find(({ controllers }) => controllers === hierarchy.controllers)?.path;
}

/**
 * Does a path begin above our cgroup namespace? Seen through a mount of the host, `/../a` may then be a longer way to
 * what /proc calls `/` or `/b`: paths cannot tell who is inside, only the lists of members can.
 */
export function leavesNamespace(path: string): boolean {
  return path === "/.." || path.startsWith("/../");
}

/** Is `path` the cgroup `ancestor`, or below it? Both as /proc/PID/cgroup prints them. */
export function isWithin(path: string, ancestor: string): boolean {
  if (ancestor === "/" || path === ancestor) return true;
  return path[ancestor.length] === "/" && path.startsWith(ancestor);
}
