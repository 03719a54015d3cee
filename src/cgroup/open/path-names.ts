// Works on the text of paths, before anything is opened. Pure: text in, value out.

import { encodeText } from "../../sys/bytes.ts";
import type { Hierarchy, Mount } from "../types.ts";

export const joinPath = (base: string, rest: string): string => {
  const joined = `${base === "/" ? "" : base}${rest === "/" ? "" : rest}`;
  return joined === "" ? "/" : joined;
};

export const hasDotDot = (path: string): boolean => path.split("/").includes("..");

/** Whether `path` is `ancestor` or below it. Both are paths from the root, as in /proc/PID/cgroup. */
export function isWithin(path: string, ancestor: string): boolean {
  if (ancestor === "/" || path === ancestor) return true;
  return path[ancestor.length] === "/" && path.startsWith(ancestor);
}

/** Whether `path` is below `dir`. */
export const isBelow = (path: string, dir: string): boolean => path !== dir && isWithin(path, dir);

export const lastName = (path: string): string => path.slice(path.lastIndexOf("/") + 1);

/** The paths of the ancestors, parent first, without the root: it has no freeze switch and always accepts processes. */
export function ancestorPaths(path: string): string[] {
  const paths: string[] = [];
  for (let at = path.lastIndexOf("/"); at > 0; at = path.lastIndexOf("/", at - 1)) paths.push(path.slice(0, at));
  return paths;
}

/**
 * Whether a path leads out of our cgroup namespace. Through a mount of the host, `/../a` may be another path to what
 * /proc shows as `/` or `/b`, so paths cannot tell which processes are inside; only the member lists can.
 */
export function leavesNamespace(path: string): boolean {
  return path === "/.." || path.startsWith("/../");
}

/** Whether a name is relative to the working directory, and not to the root of a hierarchy. */
export const isRelativeToHere = (name: string): boolean =>
  name === "." || name === ".." || name.startsWith("./") || name.startsWith("../");

/** A path relative to a directory above it, such as a mount point: "/a" for DIR/a, "/" for DIR itself. */
export function below(path: string, dir: string): string {
  const rest = dir === "/" ? path : path.slice(dir.length);
  return rest === "" ? "/" : rest;
}

/** Remove empty components and `.` from a path. */
export function cleaned(path: string): string {
  if (!path.includes("//") && !path.includes("/.") && !path.endsWith("/")) return path;
  const names = path.split("/").filter((name) => name !== "" && name !== ".");
  return `${path.startsWith("/") ? "/" : ""}${names.join("/")}`;
}

export interface NamedMount {
  readonly hierarchy: Hierarchy;
  readonly mount: Mount;
}

/** Find the cgroup mounts that a path leads into; several if they share one mount point, one over the other. */
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

/** The kernel truncates a path in /proc/PID/cgroup to this length, without a mark. */
export const PROC_PATH_BYTES = 4095;

export const mayBeTruncated = (path: string): boolean => encodeText(path).length >= PROC_PATH_BYTES;
