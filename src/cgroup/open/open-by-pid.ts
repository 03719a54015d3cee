// From a pid to the open cgroup that the process is in. What its /proc/PID/cgroup says is compared with what was opened.

import { cgkillCommand } from "../../advice.ts";
import { encodeText } from "../../sys/bytes.ts";
import { readCgroupLines } from "../../sys/proc.ts";
import type { Pid, Sys } from "../../sys/sys.ts";
import { NotFoundError, RefusedNameError } from "../errors.ts";
import { hasMember } from "../members.ts";
import type { Cgroup, Hierarchy } from "../types.ts";
import { findUnmounted } from "./hierarchy.ts";
import { coveredError, notMountedError } from "./open-errors.ts";
import { lookUp } from "./open-path.ts";
import { type OpenOptions, selectHierarchies } from "./open.ts";
import { hasDotDot, PROC_PATH_BYTES } from "./path-names.ts";

/**
 * Open the cgroup that a process is in: in the first hierarchy where that is not the root.
 *
 * @throws NotFoundError     no such process, or it is in the root of every hierarchy
 * @throws RefusedNameError  what opened is not where the process is
 */
export function openCgroupOf(sys: Sys, hierarchies: readonly Hierarchy[], pid: Pid, options: OpenOptions = {}): Cgroup {
  const lines = readCgroupLines(sys, pid);
  if (lines === undefined) throw new NotFoundError("process", `pid ${pid}: no such process`);
  const isAt = (controllers: string, isRoot: boolean): boolean =>
    lines.some((line) => line.controllers === controllers && (line.path === "/") === isRoot);
  // Before any hierarchy that comes after it: what the process shares there is not what was meant.
  const [unmounted] = findUnmounted(sys, hierarchies, (controllers) => isAt(controllers, true))
    .filter((name) => isOfInterest(name, options.hierarchy))
    .filter((name) => name === "v2" || !hierarchies.some(({ version }) => version === "v2") || !isAt("", false));
  if (unmounted !== undefined) throw notMountedError(`pid ${pid}`, unmounted);
  for (const hierarchy of selectHierarchies(hierarchies, options.hierarchy)) {
    const path = lines.find(({ controllers }) => controllers === hierarchy.controllers)?.path;
    if (path === undefined || path === "/") continue;
    return openPlace(sys, hierarchy, pid, path);
  }
  throw new NotFoundError(
    "place",
    `pid ${pid}: is in the root of every hierarchy`,
    "there is no cgroup of its own to kill",
  );
}

/** @param unmounted  as `findUnmounted` names it */
const isOfInterest = (unmounted: string, only: string | undefined): boolean =>
  only === undefined || (unmounted === "v2" ? only === "v2" : only === "v1" || only === "freezer");

function openPlace(sys: Sys, hierarchy: Hierarchy, pid: Pid, path: string): Cgroup {
  if (hasDotDot(path)) {
    throw new NotFoundError("place", `pid ${pid}: its cgroup ${path} lies outside our cgroup namespace`);
  }
  if (encodeText(path).length >= PROC_PATH_BYTES) {
    throw new RefusedNameError(
      "not-where-named",
      `pid ${pid}: the path of its cgroup is longer than the kernel tells`,
      "name the cgroup itself, by ./NAME in the directory above it",
    );
  }
  const found = lookUp(sys, hierarchy, path);
  if (found.is === "covered") throw coveredError(`pid ${pid}`, found.point);
  if (found.is !== "open") {
    throw new NotFoundError("place", `pid ${pid}: its cgroup ${path} is not mounted here, or is gone`);
  }
  const { cgroup } = found;
  if (hasMember(sys, cgroup, pid)) return cgroup;
  sys.close(cgroup.fd);
  throw new RefusedNameError(
    "not-where-named",
    `pid ${pid}: is not in the cgroup that its path ${path} leads to`,
    "it has ended, or was moved: look where it is",
    [cgkillCommand(["show", "--pid", String(pid)])],
  );
}
