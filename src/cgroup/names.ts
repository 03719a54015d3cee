// What is read out of a name before anything is opened. Pure: text in, value out.

import { isWithin } from "./hierarchy.ts";
import type { Hierarchy, Mount } from "./types.ts";

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

/** The cgroup mount that a path names by its beginning. */
export function mountNamedBy(
  hierarchies: readonly Hierarchy[],
  path: string,
): { readonly hierarchy: Hierarchy; readonly mount: Mount } | undefined {
  let nearest: { readonly hierarchy: Hierarchy; readonly mount: Mount } | undefined;
  for (const hierarchy of hierarchies) {
    for (const mount of hierarchy.mounts) {
      if (!isWithin(path, mount.point)) continue;
      if (nearest === undefined || mount.point.length > nearest.mount.point.length) nearest = { hierarchy, mount };
    }
  }
  return nearest;
}

/** A path that /proc/PID/cgroup may have cut off: the kernel shows 4,095 bytes of it, and no sign that there were more. */
export const PROC_PATH_BYTES = 4095;
