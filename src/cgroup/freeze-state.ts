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
  const state = readOr(undefined, () => readState(sys, cgroup), isAbsent);
  if (state === undefined || (state === "thawed" && cgroup.hierarchy.version === "v1")) return THAWED;
  const by = findFrozen(sys, cgroup);
  if (by === undefined) return { state, by: null };
  if (by.fd !== cgroup.fd) sys.close(by.fd);
  // v2 has no word for a freeze that is not complete. A member that no freeze reaches keeps it so, while the others are frozen.
  return { state: state === "thawed" ? "freezing" : state, by: { path: by.path, name: by.name } };
}

/** The same of the cgroup with this path; thawed if it cannot be opened. */
export function readFreezingAt(sys: Sys, hierarchy: Hierarchy, path: string | undefined): Freezing {
  using cgroup = path === undefined ? undefined : openInHierarchy(sys, hierarchy, path);
  return cgroup === undefined ? THAWED : readFreezing(sys, cgroup);
}

/** The state that the kernel shows. */
function readState(sys: Sys, { hierarchy, dir }: Cgroup): FreezeState {
  if (hierarchy.version === "v1") return v1.readFreezerState(sys, dir);
  return v2.readEvents(sys, dir).frozen ? "frozen" : "thawed";
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
