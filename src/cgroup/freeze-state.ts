// Whether a cgroup is frozen, and whose switch freezes it: its own or an ancestor's. The same for the v1 freezer and
// v2. Reads only.

import { isAbsent, readOr } from "../sys/errno.ts";
import type { Sys } from "../sys/sys.ts";
import { openInHierarchy, openParent } from "./open/open-path.ts";
import type { Cgroup, FreezeState, Hierarchy } from "./types.ts";
import * as v1 from "./v1.ts";
import * as v2 from "./v2.ts";

export interface Freezing {
  readonly state: FreezeState;
  /** The cgroup whose switch is on: this one or an ancestor; `null` if there is none or it cannot be seen. */
  readonly by: Pick<Cgroup, "path" | "name"> | null;
}

const THAWED: Freezing = { state: "thawed", by: null };

/** Read the freeze state. The root of a hierarchy is never frozen, nor is a v1 hierarchy without the freezer. */
export function readFreezing(sys: Sys, cgroup: Cgroup): Freezing {
  if (cgroup.path === "/" || (cgroup.hierarchy.version === "v1" && !cgroup.hierarchy.hasFreezer)) return THAWED;
  const state = readOr("thawed", () => readState(sys, cgroup), isAbsent);
  if (state === "thawed") return THAWED;
  const by = findFrozen(sys, cgroup);
  if (by !== undefined && by.fd !== cgroup.fd) sys.close(by.fd);
  return { state, by: by === undefined ? null : { path: by.path, name: by.name } };
}

/** The same of the cgroup with this path; thawed if it cannot be opened. */
export function readFreezingAt(sys: Sys, hierarchy: Hierarchy, path: string | undefined): Freezing {
  using cgroup = path === undefined ? undefined : openInHierarchy(sys, hierarchy, path);
  return cgroup === undefined ? THAWED : readFreezing(sys, cgroup);
}

function readState(sys: Sys, { hierarchy, dir }: Cgroup): FreezeState {
  if (hierarchy.version === "v1") return v1.readFreezerState(sys, dir);
  if (v2.readEvents(sys, dir).frozen) return "frozen";
  return readOwnSwitch(sys, { hierarchy, dir }) ? "freezing" : "thawed";
}

/**
 * Find the nearest cgroup, from this one up, whose freeze switch is on.
 *
 * @returns this very cgroup, or an opened ancestor that the caller must close
 */
export function findFrozen(sys: Sys, cgroup: Cgroup): Cgroup | undefined {
  let at: Cgroup | undefined = cgroup;
  let found: Cgroup | undefined;
  while (at !== undefined && found === undefined) {
    let parent: Cgroup | undefined;
    try {
      if (readOwnSwitch(sys, at)) found = at;
      else parent = openParent(sys, at);
    } finally {
      if (at !== found && at.fd !== cgroup.fd) sys.close(at.fd);
    }
    at = parent;
  }
  return found;
}

/**
 * Read the cgroup's own freeze switch, whatever its ancestors' are. It is off for a removed cgroup and for one without
 * the file: the root, and every v2 cgroup before Linux 5.2.
 */
export function readOwnSwitch(sys: Sys, { hierarchy, dir }: Pick<Cgroup, "hierarchy" | "dir">): boolean {
  const read = (): boolean => (hierarchy.version === "v1" ? v1.readSelfFreezing(sys, dir) : v2.readFreeze(sys, dir));
  return readOr(false, read, isAbsent);
}
