// The errors that keep a name from being opened.

import { cgkillCommand, HIDING_SETTINGS } from "../../advice.ts";
import { labelOf } from "../../label/label.ts";
import { AmbiguousNameError, NotFoundError, RefusedNameError } from "../errors.ts";
import type { Cgroup } from "../types.ts";

export function coveredError(name: string, point: string): RefusedNameError {
  return new RefusedNameError(
    "covered",
    `${name}: something else is mounted at ${point}, and cgkill is not permitted to look beneath it`,
    "unmount it, or run cgkill with CAP_SYS_ADMIN",
  );
}

/**
 * A directory that the hierarchy does not have.
 *
 * @param point  where something is mounted that may have it; `undefined` if nothing is
 */
export const missingError = (path: string, point: string | undefined): NotFoundError | RefusedNameError =>
  point === undefined
    ? new NotFoundError("cgroup", `${path}: no such cgroup`)
    : new RefusedNameError(
        "covered",
        `${path}: would be in what is mounted at ${point}, over a cgroup that has no child of this name`,
        "for a cgroup of another hierarchy, give its path from the root of that one, and --hierarchy",
      );

/** @param why  why the two are not one target, if that is not clear */
export function ambiguousPath([first, second]: readonly [Cgroup, Cgroup], why?: string): AmbiguousNameError {
  return new AmbiguousNameError(
    `${first.path} is a cgroup in both v2 and the v1 freezer${why === undefined ? "" : `, and ${why}`}`,
    "compare them, then give one of the full paths, or add --hierarchy v2 or --hierarchy v1",
    [first, second].map(({ name, path }) => ({ path: name, label: labelOf(path)?.text ?? null })),
    [first, second].map(({ name }) => cgkillCommand(["show"], name)),
  );
}

export function rootRefusal(path: string): RefusedNameError {
  return new RefusedNameError(
    "hierarchy-root",
    `${path} is the root of a hierarchy, which contains every process`,
    "name a cgroup below it",
  );
}

export const fileError = (name: string): NotFoundError =>
  new NotFoundError("file", `${name} is a cgroup interface file, not a cgroup`, "name the directory that contains it");

export const nothingMountedError = (): NotFoundError =>
  new NotFoundError("place", "no cgroup hierarchy is mounted here", "mount one", [
    ["mount", "-t", "cgroup2", "none", "/sys/fs/cgroup"],
  ]);

/**
 * Reported as not mounted, because no capability helps.
 *
 * @param name  that was looked for; `undefined` if it is the root
 */
export const hiddenError = (name: string | undefined, point: string): RefusedNameError =>
  new RefusedNameError(
    "not-mounted",
    `${name === undefined ? "" : `${name}: not found, and `}something else is mounted at ${point}, over a whole hierarchy`,
    "unmount it, or run cgkill where that hierarchy can be seen",
  );

/** @param controllers  of a hierarchy that `findUnmounted` found */
export const notMountedError = (name: string, controllers: string): RefusedNameError =>
  new RefusedNameError(
    "not-mounted",
    `${name}: not found, and it may be in the ${controllers === "" ? "v2" : "v1 freezer"} hierarchy, which is not mounted here`,
    `run cgkill where that hierarchy is mounted, or choose another one with --hierarchy ${HIDING_SETTINGS}`,
  );
