// Whether a cgroup is frozen, and by which cgroup: itself, or the ancestor that was told to freeze. The same question to
// the v1 freezer and to v2. Reads only.

import { isGone, isUnsupported } from "../sys/errno.ts";
import type { Sys } from "../sys/sys.ts";
import { openParent } from "./open/open-path.ts";
import type { Cgroup, FreezeState } from "./types.ts";
import * as v1 from "./v1.ts";
import * as v2 from "./v2.ts";

export interface Freezing {
  readonly state: FreezeState;
  /** The cgroup that was told to freeze: this one or an ancestor; `null` where none was. */
  readonly by: Pick<Cgroup, "path" | "name"> | null;
}

const THAWED: Freezing = { state: "thawed", by: null };

/** The root of a hierarchy, and a v1 hierarchy without a freezer, are never frozen. */
export function readFreezing(sys: Sys, cgroup: Cgroup): Freezing {
  if (cgroup.path === "/" || (cgroup.hierarchy.version === "v1" && !cgroup.hierarchy.hasFreezer)) return THAWED;
  const state = orElse<FreezeState>("thawed", () => readState(sys, cgroup));
  if (state === "thawed") return THAWED;
  const by = findFrozen(sys, cgroup);
  if (by !== undefined && by.fd !== cgroup.fd) sys.close(by.fd);
  return { state, by: by === undefined ? null : { path: by.path, name: by.name } };
}

function readState(sys: Sys, { hierarchy, dir }: Cgroup): FreezeState {
  if (hierarchy.version === "v1") return v1.readFreezerState(sys, dir);
  if (v2.readEvents(sys, dir).frozen) return "frozen";
  return readOwnSwitch(sys, { hierarchy, dir }) ? "freezing" : "thawed";
}

/** The nearest, from this one up, that was told to freeze. An ancestor that is returned is for the caller to close. */
export function findFrozen(sys: Sys, cgroup: Cgroup): Cgroup | undefined {
  let at: Cgroup | undefined = cgroup;
  while (at !== undefined) {
    const isIt = readOwnSwitch(sys, at);
    if (isIt) return at;
    const parent: Cgroup | undefined = openParent(sys, at);
    if (at.fd !== cgroup.fd) sys.close(at.fd);
    at = parent;
  }
  return undefined;
}

/**
 * Was this cgroup itself told to freeze, whatever its ancestors were? One that is gone is not, nor is one without such a
 * file: the root, and every v2 cgroup before kernel 5.2.
 */
export function readOwnSwitch(sys: Sys, { hierarchy, dir }: Pick<Cgroup, "hierarchy" | "dir">): boolean {
  return orElse(false, () => (hierarchy.version === "v1" ? v1.readSelfFreezing(sys, dir) : v2.readFreeze(sys, dir)));
}

/** From the parent up, the root left out: it has no switch, and takes processes anyway. */
export function ancestorPaths(path: string): string[] {
  const paths: string[] = [];
  for (let at = path.lastIndexOf("/"); at > 0; at = path.lastIndexOf("/", at - 1)) paths.push(path.slice(0, at));
  return paths;
}

/** A cgroup that is gone, or a kernel without the file, is not frozen. */
function orElse<T>(otherwise: T, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (isGone(error) || isUnsupported(error)) return otherwise;
    throw error;
  }
}
