// Opens the cgroup that a process is in, and verifies it: the opened cgroup must list the process.

import { cgkillCommand } from "../../advice.ts";
import { ifPermitted } from "../../sys/errno.ts";
import { listThreads, readSummary } from "../../sys/proc.ts";
import { closeUnless, type Pid, type Sys } from "../../sys/sys.ts";
import { NotFoundError, RefusedNameError } from "../errors.ts";
import { hasMember, isHidden } from "../members.ts";
import type { Cgroup, Hierarchy } from "../types.ts";
import { findUnmounted } from "./hierarchy.ts";
import { coveredError, nothingMountedError, notMountedError } from "./open-errors.ts";
import { lookUp } from "./open-path.ts";
import { type OpenOptions, selectHierarchies } from "./open.ts";
import { hasDotDot, mayBeTruncated } from "./path-names.ts";
import { readCgroupLines } from "./proc-cgroup.ts";

/**
 * Open the cgroup that a process is in, from the first hierarchy where that is not the root.
 *
 * @throws NotFoundError     no such process, it is in the root of every hierarchy searched, its cgroup is not visible here,
 *                           or nothing is mounted
 * @throws RefusedNameError  a hierarchy to search is not mounted, or the cgroup is covered or does not list the process
 */
export function openCgroupOf(sys: Sys, hierarchies: readonly Hierarchy[], pid: Pid, options: OpenOptions = {}): Cgroup {
  if (hierarchies.length === 0) throw nothingMountedError();
  const tid = livingThreadOf(sys, pid);
  const lines = readCgroupLines(sys, tid);
  if (lines === undefined) throw noProcessError(sys, pid);
  const isAt = (controllers: string, isRoot: boolean): boolean =>
    lines.some((line) => line.controllers === controllers && (line.path === "/") === isRoot);
  // Refused here, because a later hierarchy may have a cgroup that the process shares with others.
  const [unmounted] = findUnmounted(sys, hierarchies)
    .filter((controllers) => !isAt(controllers, true) && isRelevant(controllers, options.hierarchy))
    .filter((controllers) => controllers === "" || hierarchies[0]?.version !== "v2" || !isAt("", false));
  if (unmounted !== undefined) throw notMountedError(`pid ${pid}`, unmounted);
  for (const hierarchy of selectHierarchies(hierarchies, options.hierarchy)) {
    const path = lines.find(({ controllers }) => controllers === hierarchy.controllers)?.path;
    if (path === undefined || path === "/") continue;
    return openPlace(sys, hierarchy, pid, tid, path);
  }
  const hint =
    options.hierarchy === undefined
      ? "it has no cgroup of its own"
      : "without --hierarchy, the others are searched too";
  throw new NotFoundError("place", `pid ${pid} is in the root of ${options.hierarchy ?? "every hierarchy"}`, hint);
}

const noProcessError = (sys: Sys, pid: Pid): NotFoundError =>
  isHidden(sys, pid)
    ? new NotFoundError(
        "place",
        `pid ${pid}: /proc hides this process (hidepid)`,
        "run cgkill as root, or name the cgroup",
      )
    : new NotFoundError("process", `pid ${pid}: no such process`);

const isRelevant = (controllers: string, only: string | undefined): boolean =>
  only === undefined || (controllers === "" ? only === "v2" : only === "v1" || only === "freezer");

/** A leader that has exited does not say where its process is: on v1 it is shown in the root, on v2 it may be left behind. */
function livingThreadOf(sys: Sys, pid: Pid): Pid {
  if (ifPermitted(() => readSummary(sys, pid))?.state !== "Z") return pid;
  return listThreads(sys, pid).find((tid) => tid !== pid) ?? pid;
}

function openPlace(sys: Sys, hierarchy: Hierarchy, pid: Pid, tid: Pid, path: string): Cgroup {
  if (hasDotDot(path)) {
    throw new NotFoundError("place", `pid ${pid}: its cgroup ${path} is outside our cgroup namespace`);
  }
  if (mayBeTruncated(path)) {
    throw new RefusedNameError(
      "not-where-named",
      `pid ${pid}: the path of its cgroup is longer than the kernel shows`,
      "cd into the directory above the cgroup, and name it as ./NAME",
    );
  }
  const found = lookUp(sys, hierarchy, path);
  if (found.is === "covered") throw coveredError(`pid ${pid}`, found.point);
  if (found.is !== "open") {
    throw new NotFoundError("place", `pid ${pid}: its cgroup ${path} is not mounted here or is gone`);
  }
  const { cgroup } = found;
  if (closeUnless(sys, cgroup.fd, () => hasMember(sys, cgroup, tid))) return cgroup;
  throw new RefusedNameError(
    "not-where-named",
    `pid ${pid} is not in ${path}, where /proc placed it`,
    "it has exited or was moved: check where it is now",
    [cgkillCommand(["show", "--pid", String(pid)])],
  );
}
