// What keeps a name from being opened, as errors.

import { cgkillCommand } from "../../advice.ts";
import { labelOf } from "../../label/label.ts";
import { AmbiguousNameError, NotFoundError, RefusedNameError } from "../errors.ts";
import type { Cgroup } from "../types.ts";

export function coveredError(name: string, point: string): RefusedNameError {
  return new RefusedNameError(
    "covered",
    `${name}: something else is mounted at ${point}, and cgkill may not look beneath it`,
    "unmount it, or run cgkill with CAP_SYS_ADMIN",
  );
}

/** @param why  they are not one target, with a comma before it */
export function ambiguousPath([first, second]: readonly [Cgroup, Cgroup], why: string): AmbiguousNameError {
  return new AmbiguousNameError(
    `${first.path}: is a cgroup both in v2 and in the v1 freezer${why}`,
    "look at each, and give one of the full paths, or --hierarchy v2 or --hierarchy v1",
    [first, second].map(({ name, path }) => ({ path: name, label: labelOf(path)?.text ?? null })),
    [first, second].map(({ name }) => cgkillCommand(["show"], name)),
  );
}

export function rootRefusal(path: string): RefusedNameError {
  return new RefusedNameError(
    "hierarchy-root",
    `${path}: is the root of a hierarchy, which holds every process there is`,
    "name a cgroup below it",
  );
}

export const fileError = (name: string): NotFoundError =>
  new NotFoundError("file", `${name}: a cgroup interface file, not a cgroup`, "name the directory that it is in");

export const notMountedError = (name: string, hierarchy: string): RefusedNameError =>
  new RefusedNameError(
    "not-mounted",
    `${name}: not found here, and the ${hierarchy} hierarchy, where it may be, is not mounted`,
    "run cgkill where it is mounted, or say where to look with --hierarchy",
  );
