// Finding cgroups by what people call them: a glob over last components and recognised names, or the beginning of an
// id; for who searches by typing, also the commands that run in one. Reads only.

import { NotFoundError, RefusedNameError } from "../cgroup/errors.ts";
import { readProcs } from "../cgroup/members.ts";
import { type LookUp, lookUp } from "../cgroup/open/open-path.ts";
import { choose, findUnseen, openCgroup } from "../cgroup/open/open.ts";
import { type Pace, type Visit, walkSubtree } from "../cgroup/subtree.ts";
import type { Cgroup, Hierarchy } from "../cgroup/types.ts";
import { createLabeller } from "../label/label.ts";
import { SysError } from "../sys/errno.ts";
import { readComm } from "../sys/proc.ts";
import type { Sys } from "../sys/sys.ts";
import { globOf } from "./glob.ts";

export interface FoundCgroup {
  readonly path: string;
  /** Its directory. */
  readonly name: string;
  readonly label: string | null;
  readonly hierarchy: Hierarchy;
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
  const looked: LookUp[] = [];
  for (const hierarchy of choose(hierarchies, only)) {
    const isFirstChoice = hierarchy.version === "v2" || hierarchy.hasFreezer;
    if (!isFirstChoice && found.length > 0) break;
    const { names, root } = await readNames(sys, hierarchy, pace);
    looked.push(root);
    for (const named of names) if (matches(named)) found.push(named);
  }
  const unseen = found.length === 0 ? findUnseen(sys, hierarchies, pattern, looked, only) : undefined;
  if (unseen !== undefined) throw unseen;
  return found.sort((a, b) => (a.name < b.name ? -1 : 1));
}

export interface NamedCgroup extends FoundCgroup {
  /** The last component of the path. */
  readonly last: string;
  readonly aliases: readonly string[];
  readonly id: string | null;
}

export interface Names {
  readonly names: readonly NamedCgroup[];
  /** What became of the look for the topmost cgroup that is mounted; closed already. */
  readonly root: LookUp;
}

/** Every cgroup of a hierarchy but its root, with the names it goes by. */
export async function readNames(sys: Sys, hierarchy: Hierarchy, pace: Pace = {}): Promise<Names> {
  const root = lookUp(sys, hierarchy, hierarchy.mounts[0]?.root ?? "/");
  if (root.is !== "open") return { names: [], root };
  const { cgroup: top } = root;
  const labelOf = createLabeller();
  const names: NamedCgroup[] = [];
  const enter = ({ dir: { shown } }: Visit): void => {
    if (shown === top.name) return;
    const path = `${top.path === "/" ? "" : top.path}${shown.slice(top.name.length)}`;
    const label = labelOf(path);
    const last = path.slice(path.lastIndexOf("/") + 1);
    const { text = null, aliases = [], id = null } = label ?? {};
    names.push({ path, name: shown, hierarchy, last, label: text, aliases, id });
  };
  try {
    await walkSubtree(sys, top, { enter }, pace);
    return { names, root };
  } finally {
    sys.close(top.fd);
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
