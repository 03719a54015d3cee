// Works on the text of paths, before anything is opened. Pure: text in, value out.

import { encodeText } from "../../sys/bytes.ts";
import type { Hierarchy, Mount } from "../types.ts";
import { isWithin } from "./hierarchy.ts";

export const joinPath = (base: string, rest: string): string => {
  const joined = `${base === "/" ? "" : base}${rest === "/" ? "" : rest}`;
  return joined === "" ? "/" : joined;
};

export const hasDotDot = (path: string): boolean => path.split("/").includes("..");

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

interface NamedMount {
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
