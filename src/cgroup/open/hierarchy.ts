// Finds the cgroup hierarchies and their mounts, from mountinfo and never from a fixed path.

import { PROC } from "../../sys/dir.ts";
import { ifAlive } from "../../sys/proc.ts";
import type { Pid, Sys } from "../../sys/sys.ts";
import type { Hierarchy, Layout, Mount } from "../types.ts";
import { type MountInfo, parseMountInfo, parsePointsBelow } from "./mountinfo.ts";
import { isBelow } from "./path-names.ts";
import { findCgroupPath, readCgroupLines } from "./proc-cgroup.ts";

/** Position in the look-up order: v2, the v1 freezer, name=systemd, the other v1 hierarchies. */
function rank({ version, hasFreezer, controllers }: Hierarchy): number {
  if (version === "v2") return 0;
  if (hasFreezer) return 1;
  return controllers === "name=systemd" ? 2 : 3;
}

/**
 * Find every mounted hierarchy, in the look-up order.
 *
 * A v1 hierarchy is identified by its controllers in /proc/self/cgroup, because its mount options contain other words
 * too. Mounts of one hierarchy share a device number; the one with the shortest root comes first.
 *
 * @throws SysError  /proc is not readable
 */
export function findHierarchies(sys: Sys): Hierarchy[] {
  const text = sys.readFile(PROC, "self/mountinfo");
  const mounts = parseMountInfo(text, "cgroup");
  // Loops, here and elsewhere on the kill path: the first call of each built-in array method costs up to 0.1 ms.
  const known: string[][] = [];
  for (const { controllers } of readCgroupLines(sys, "self") ?? []) known.push(controllers.split(","));
  const seen = new Set<string>();
  const repeated = new Set<string>();
  for (const { device } of mounts) (seen.has(device) ? repeated : seen).add(device);
  const byDevice = new Map<string, MountInfo[]>();
  const tops: string[] = [];
  for (const mount of mounts) {
    if (repeated.has(mount.device) && isNested(mount, mounts)) continue;
    const same = byDevice.get(mount.device);
    if (same === undefined) byDevice.set(mount.device, [mount]);
    else same.push(mount);
    tops.push(mount.point);
  }
  const points = parsePointsBelow(text, tops);
  const hierarchies: Hierarchy[] = [];
  for (const same of byDevice.values()) {
    const hierarchy = toHierarchy(same, known, points);
    if (hierarchy !== undefined) hierarchies.push(hierarchy);
  }
  return hierarchies.sort((a, b) => rank(a) - rank(b));
}

/**
 * Whether a mount is inside another cgroup mount, where it covers a cgroup. Such a mount is used only if its hierarchy
 * is mounted nowhere else.
 */
function isNested(mount: MountInfo, all: readonly MountInfo[]): boolean {
  const isInside = ({ point }: MountInfo): boolean => all.some((other) => isBelow(point, other.point));
  return isInside(mount) && all.some((other) => other.device === mount.device && !isInside(other));
}

function toHierarchy(
  mounts: readonly MountInfo[],
  known: readonly (readonly string[])[],
  points: readonly string[],
): Hierarchy | undefined {
  const first = mounts[0] as MountInfo;
  const shown: Mount[] = [];
  for (const { id, root, point } of mounts) {
    const covers: string[] = [];
    for (const cover of points) if (isBelow(cover, point)) covers.push(cover);
    shown.push({ id, root, point, covers });
  }
  shown.sort((a, b) => a.root.length - b.root.length);
  if (first.fsType === "cgroup2") return { version: "v2", controllers: "", hasFreezer: false, mounts: shown };
  const controllers = findControllers(first.superOptions, known);
  if (controllers === undefined) return undefined;
  const hasFreezer = controllers.includes("freezer");
  return { version: "v1", controllers: controllers.join(","), hasFreezer, mounts: shown };
}

/** Which of the known hierarchies has exactly these mount options, besides other words? */
function findControllers(
  options: readonly string[],
  known: readonly (readonly string[])[],
): readonly string[] | undefined {
  for (const names of known) {
    let hasAll = names[0] !== "";
    for (const name of names) hasAll &&= options.includes(name);
    if (hasAll) return names;
  }
  return undefined;
}

/** Find which of v2 and the v1 freezer exist but are not mounted here, by controllers. Names are first looked up there. */
export function findUnmounted(sys: Sys, hierarchies: readonly Hierarchy[]): string[] {
  const isMounted = (name: string): boolean => hierarchies.some(({ controllers }) => controllers === name);
  // The usual case, for each missing name: both are mounted, so nothing needs to be read.
  if (isMounted("") && hierarchies.some(({ hasFreezer }) => hasFreezer)) return [];
  return (readCgroupLines(sys, "self") ?? [])
    .map(({ controllers }) => controllers)
    .filter((controllers) => controllers === "" || controllers.split(",").includes("freezer"))
    .filter((controllers) => !isMounted(controllers));
}

export function layoutOf(hierarchies: readonly Hierarchy[]): Layout {
  const hasV2 = hierarchies.some(({ version }) => version === "v2");
  const hasV1 = hierarchies.some(({ version }) => version === "v1");
  if (hasV2) return hasV1 ? "hybrid" : "unified";
  return hasV1 ? "legacy" : "none";
}

/** The name of a hierarchy in messages, in JSON and for `--hierarchy`: "v2", "v1" (the freezer), "memory". */
export function hierarchyName({ version, hasFreezer, controllers }: Hierarchy): string {
  if (version === "v2") return "v2";
  return hasFreezer ? "v1" : controllers;
}

/** The value of `--hierarchy` that matches this hierarchy alone. */
export const optionFor = ({ version, controllers }: Hierarchy): string => (version === "v2" ? "v2" : controllers);

/**
 * Whether `--hierarchy NAME` matches this hierarchy. `v1` matches every v1 hierarchy; the first that has the cgroup
 * wins. No name is empty: the controllers of v2 are.
 */
export function isHierarchyNamed(hierarchy: Hierarchy, name: string): boolean {
  if (name === "v1" || name === "v2") return hierarchy.version === name;
  return hierarchy.controllers === name || hierarchy.controllers.split(",").includes(name);
}

/** Read the path of the cgroup that a process is in; `undefined` if the process is gone. */
export function readCgroupPath(sys: Sys, hierarchy: Hierarchy, pid: Pid | "self"): string | undefined {
  const text = ifAlive(() => (pid === "self" ? sys.readRecord(PROC, "self/cgroup") : sys.readProcCgroup(pid)));
  return text === undefined ? undefined : findCgroupPath(text, hierarchy.controllers);
}

/** The v1 freezer hierarchy, if it is mounted here. */
export const findFreezer = (sys: Sys): Hierarchy | undefined =>
  findHierarchies(sys).find(({ hasFreezer }) => hasFreezer);
