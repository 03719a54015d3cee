// Finding cgroups by their names: a glob that matches the last component or a recognised name, or the beginning of a
// container id; for the interactive search, also the names of the processes inside. Read-only.

import { NotFoundError, RefusedNameError } from "../cgroup/errors.ts";
import { readProcs } from "../cgroup/members.ts";
import { type LookUp, lookUp } from "../cgroup/open/open-path.ts";
import { findCovered, findUnseen, openCgroup, selectHierarchies } from "../cgroup/open/open.ts";
import { lastName } from "../cgroup/open/path-names.ts";
import { type Pace, walkSubtree } from "../cgroup/subtree.ts";
import type { Cgroup, Hierarchy, Visit } from "../cgroup/types.ts";
import { createLabeller } from "../label/label.ts";
import type { Label } from "../label/types.ts";
import { readOr, SysError } from "../sys/errno.ts";
import { readComm } from "../sys/proc.ts";
import type { Sys } from "../sys/sys.ts";
import { compileGlob } from "./glob.ts";
import type { ShownProcess } from "./preview-types.ts";
import type { ProcessReader } from "./process-facts.ts";

export interface FoundCgroup extends Pick<Cgroup, "path" | "name" | "hierarchy">, Pick<Label, "bundle"> {
  readonly label: string | null;
}

/** Where to search. */
export interface Search extends Pace {
  readonly sys: Sys;
  readonly hierarchies: readonly Hierarchy[];
  /** The value of `--hierarchy`. */
  readonly only: string | undefined;
}

/** A shorter prefix matches too many ids. */
const MIN_ID_LENGTH = 4;
/** Decimal digits alone are more likely a job number; container tools print 12 characters of an id. */
const MIN_DECIMAL_ID_LENGTH = 12;

/**
 * Find the cgroups that a pattern matches, sorted by directory.
 *
 * v2 and the v1 freezer are searched together. Only if neither has a match, the other hierarchies are searched one
 * after another, up to the first with a match.
 *
 * @throws OptionError  `only` names no mounted hierarchy
 * @throws RefusedNameError  a part of a tree is covered, or nothing matched and a whole tree could not be searched
 */
export async function findByName(pattern: string, search: Search): Promise<FoundCgroup[]> {
  const isMatch = compileGlob(pattern);
  const mayBeId = pattern.length >= (/^\d+$/.test(pattern) ? MIN_DECIMAL_ID_LENGTH : MIN_ID_LENGTH);
  const matches = ({ last, aliases, id, isNameless }: NamedCgroup): boolean =>
    (isMatch(last) && !isNameless) || aliases.some(isMatch) || (mayBeId && id !== null && id.startsWith(pattern));
  const { found, roots } = await findNamed(search, matches);
  const { sys, hierarchies, only } = search;
  const unseen =
    found.length === 0 ? findUnseen(sys, hierarchies, pattern, roots, only) : findCovered(hierarchies, pattern, roots);
  if (unseen !== undefined) throw unseen;
  return found.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * Find the cgroups whose names match, in the order of hierarchies that `findByName` has.
 *
 * @returns also the results of opening the topmost mounted cgroups
 */
export async function findNamed(
  search: Search,
  isMatch: (named: NamedCgroup) => boolean,
): Promise<{ readonly found: NamedCgroup[]; readonly roots: readonly LookUp[] }> {
  const found: NamedCgroup[] = [];
  const roots: LookUp[] = [];
  for (const hierarchy of selectHierarchies(search.hierarchies, search.only)) {
    const isFirstChoice = hierarchy.version === "v2" || hierarchy.hasFreezer;
    if (!isFirstChoice && found.length > 0) break;
    const { names, root } = await readNames(search.sys, hierarchy, search);
    roots.push(root);
    for (const named of names) if (isMatch(named)) found.push(named);
  }
  return { found, roots };
}

export interface NamedCgroup extends FoundCgroup, Pick<Label, "aliases" | "id" | "isNameless"> {
  /** The last component of the path. */
  readonly last: string;
}

/**
 * Read the names of every cgroup of a hierarchy except its root.
 *
 * @returns also the result of opening the topmost mounted cgroup, which is closed already
 */
export async function readNames(
  sys: Sys,
  hierarchy: Hierarchy,
  pace: Pace = {},
): Promise<{ readonly names: readonly NamedCgroup[]; readonly root: LookUp }> {
  const root = lookUp(sys, hierarchy, hierarchy.mounts[0]?.root ?? "/");
  if (root.is !== "open") return { names: [], root };
  using top = root.cgroup;
  const labelOf = createLabeller();
  const names: NamedCgroup[] = [];
  const enter = ({ dir: { shown } }: Visit): void => {
    if (shown === top.name) return;
    const path = `${top.path === "/" ? "" : top.path}${shown.slice(top.name.length)}`;
    const label = labelOf(path);
    const last = lastName(path);
    const { text = null, aliases = [], id = null, bundle = null, isNameless = false } = label ?? {};
    names.push({ path, name: shown, hierarchy, last, label: text, aliases, id, bundle, isNameless });
  };
  await walkSubtree(sys, top, { enter }, pace);
  return { names, root };
}

const isOpenFailure = (error: unknown): boolean =>
  error instanceof SysError || error instanceof NotFoundError || error instanceof RefusedNameError;

/**
 * Read the distinct names of the processes in a cgroup.
 *
 * @param path  its directory
 * @returns none if the cgroup is gone or cannot be read; processes that are gone or hidden are left out
 */
export function readComms(sys: Sys, hierarchies: readonly Hierarchy[], path: string): string[] {
  using cgroup = openIfPresent(sys, hierarchies, path);
  const pids = cgroup === undefined ? [] : readOr([], () => readProcs(sys, cgroup.dir));
  return [...new Set(pids.flatMap((pid) => readOr([], () => readComm(sys, pid) ?? [])))];
}

/**
 * Read the first process that the kernel lists in a cgroup, mostly the oldest.
 *
 * @param path  its directory
 * @returns `undefined` if the cgroup is gone, cannot be read or has none, or if that process is gone or hidden
 */
export function readMain(
  sys: Sys,
  hierarchies: readonly Hierarchy[],
  path: string,
  read: ProcessReader,
): ShownProcess | undefined {
  using cgroup = openIfPresent(sys, hierarchies, path);
  if (cgroup === undefined) return undefined;
  const pid = readOr(undefined, () => readProcs(sys, cgroup.dir))?.find((each) => each > 0);
  return pid === undefined ? undefined : readOr(undefined, () => read(cgroup, pid))?.shown;
}

const openIfPresent = (sys: Sys, hierarchies: readonly Hierarchy[], path: string): Cgroup | undefined =>
  readOr(undefined, () => openCgroup(sys, hierarchies, path), isOpenFailure);
