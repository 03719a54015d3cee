// Finding cgroups by what people call them: a glob over last components and recognised names, or the beginning of an
// id; for who searches by typing, also the commands that run in one. Reads only.

import { NotFoundError, RefusedNameError } from "../cgroup/errors.ts";
import { createLabeller } from "../cgroup/label.ts";
import { readProcs } from "../cgroup/members.ts";
import { openInHierarchy } from "../cgroup/open-path.ts";
import { choose, openCgroup } from "../cgroup/open.ts";
import { type Pace, type Visit, walkSubtree } from "../cgroup/subtree.ts";
import type { Cgroup, Hierarchy } from "../cgroup/types.ts";
import { SysError } from "../sys/errno.ts";
import { readComm } from "../sys/proc.ts";
import type { Sys } from "../sys/sys.ts";
import { globOf } from "./glob.ts";

export interface FoundCgroup {
  readonly path: string;
  /** Its directory. */
  readonly name: string;
  readonly label: string | null;
}

/** Fewer digits name too many things. */
const MIN_ID_LENGTH = 4;
/** What is all decimal digits is more likely the number of a job; container tools print 12 characters of an id. */
const MIN_DECIMAL_ID_LENGTH = 12;

/**
 * The cgroups that a pattern names, in the hierarchies where names are looked up: v2 and the v1 freezer side by side,
 * and only where they have none the others, one after another.
 */
export async function findByName(
  sys: Sys,
  hierarchies: readonly Hierarchy[],
  pattern: string,
  only: string | undefined,
  pace: Pace = {},
): Promise<FoundCgroup[]> {
  const isMatch = globOf(pattern);
  const mayBeId = pattern.length >= (/^\d+$/.test(pattern) ? MIN_DECIMAL_ID_LENGTH : MIN_ID_LENGTH);
  const matches = ({ last, aliases, id }: NamedCgroup): boolean =>
    isMatch(last) || aliases.some(isMatch) || (mayBeId && id !== null && id.startsWith(pattern));
  const found: FoundCgroup[] = [];
  for (const hierarchy of choose(hierarchies, only)) {
    const isFirstChoice = hierarchy.version === "v2" || hierarchy.hasFreezer;
    if (!isFirstChoice && found.length > 0) break;
    for (const named of await readNames(sys, hierarchy, pace)) if (matches(named)) found.push(named);
  }
  return found.sort((a, b) => (a.name < b.name ? -1 : 1));
}

export interface NamedCgroup extends FoundCgroup {
  /** The last component of the path. */
  readonly last: string;
  readonly aliases: readonly string[];
  readonly id: string | null;
}

/** Every cgroup of a hierarchy but its root, with the names it goes by. */
export async function readNames(sys: Sys, hierarchy: Hierarchy, pace: Pace = {}): Promise<NamedCgroup[]> {
  const top = hierarchy.mounts[0];
  const root = top === undefined ? undefined : openInHierarchy(sys, hierarchy, top.root);
  if (root === undefined) return [];
  const labelOf = createLabeller();
  const names: NamedCgroup[] = [];
  const enter = ({ dir: { shown } }: Visit): void => {
    if (shown === root.name) return;
    const path = `${root.path === "/" ? "" : root.path}${shown.slice(root.name.length)}`;
    const label = labelOf(path);
    const last = path.slice(path.lastIndexOf("/") + 1);
    const { text = null, aliases = [], id = null } = label ?? {};
    names.push({ path, name: shown, last, label: text, aliases, id });
  };
  try {
    await walkSubtree(sys, root, { enter }, pace);
    return names;
  } finally {
    sys.close(root.fd);
  }
}

/**
 * The names of all processes in a cgroup.
 *
 * @param path  its directory; what goes meanwhile, or with it all, is left out
 */
export function readComms(sys: Sys, hierarchies: readonly Hierarchy[], path: string): string[] {
  const comms = new Set<string>();
  let cgroup: Cgroup | undefined;
  try {
    cgroup = openCgroup(sys, hierarchies, path);
    for (const pid of readProcs(sys, cgroup.dir)) comms.add(readComm(sys, pid) ?? "");
  } catch (error) {
    if (!(error instanceof SysError || error instanceof NotFoundError || error instanceof RefusedNameError))
      throw error;
  } finally {
    if (cgroup !== undefined) sys.close(cgroup.fd);
  }
  return [...comms];
}
