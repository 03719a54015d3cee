// What is read out of a name before anything is opened. Pure: text in, value out.

import type { Hierarchy, Mount } from "../types.ts";
import { isWithin } from "./hierarchy.ts";

export const joinPath = (base: string, rest: string): string => {
  const joined = `${base === "/" ? "" : base}${rest === "/" ? "" : rest}`;
  return joined === "" ? "/" : joined;
};

export const hasDotDot = (path: string): boolean => path.split("/").includes("..");

/** What a directory below a mount point is called from there: "/a" for POINT/a, "/" for the point itself. */
export function below(path: string, point: string): string {
  const rest = point === "/" ? path : path.slice(point.length);
  return rest === "" ? "/" : rest;
}

/** Without empty components and `.`, which name nothing. */
export function cleaned(path: string): string {
  if (!path.includes("//") && !path.includes("/.") && !path.endsWith("/")) return path;
  const names = path.split("/").filter((name) => name !== "" && name !== ".");
  return `${path.startsWith("/") ? "/" : ""}${names.join("/")}`;
}

export interface NamedMount {
  readonly hierarchy: Hierarchy;
  readonly mount: Mount;
}

/** The cgroup mounts that a path names by its beginning: several if they are mounted over one another at one point. */
export function mountsNamedBy(hierarchies: readonly Hierarchy[], path: string): readonly NamedMount[] {
  let named: NamedMount[] = [];
  let longest = 0;
  for (const hierarchy of hierarchies) {
    for (const mount of hierarchy.mounts) {
      const { length } = mount.point;
      if (length < longest || !isWithin(path, mount.point)) continue;
      if (length > longest) named = [];
      longest = length;
      named.push({ hierarchy, mount });
    }
  }
  return named;
}

/** A path that /proc/PID/cgroup may have cut off: the kernel shows 4,095 bytes of it, and no sign that there were more. */
export const PROC_PATH_BYTES = 4095;
