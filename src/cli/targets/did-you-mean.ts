// "Did you mean" for a missing cgroup: finds the nearest existing name in bounded time.

import { type Advice, cgkillCommand, LIST_ALL } from "../../advice.ts";
import { NotFoundError, RefusedNameError } from "../../cgroup/errors.ts";
import { openCgroups, selectHierarchies } from "../../cgroup/open/open.ts";
import { cleaned, isRelativeToHere, isWithin, lastName } from "../../cgroup/open/path-names.ts";
import { type NamedCgroup, readNames, type Search } from "../../inspect/find.ts";
import { SysError } from "../../sys/errno.ts";
import type { Millis } from "../../sys/sys.ts";
import { findMeantCommand } from "../args/habits/words.ts";
import { distance, maxDistance } from "../text/nearest.ts";

/** Where to search, and for how long. A signal ends the search. */
export interface BoundedSearch extends Search {
  /** On the clock of `Sys.now`. The best match found by then is suggested. */
  readonly until: Millis;
}

/**
 * Find what a missing path may have meant; `undefined` if nothing is near.
 *
 * @param mayBeCommand  `false` after another command: `cgkill show status` does not mean the command show
 */
export async function suggestForPath(
  name: string,
  mayBeCommand: boolean,
  search: BoundedSearch,
): Promise<Advice | undefined> {
  const given = cleaned(isRelativeToHere(name) ? `${search.sys.cwd()}/${name}` : name);
  const around = search.hierarchies.filter(({ mounts }) => mounts.some(({ point }) => isWithin(given, point)));
  const isFile = around.length > 0;
  const last = lastName(given);
  const where = isFile ? { ...search, hierarchies: around } : search;
  const isNear = given.includes("/") ? compareParents(parentOf(given), isFile, search) : () => true;
  const near = await findNear(last, where, (cgroup) => (isNear(cgroup) ? [cgroup.last] : []));
  const command = mayBeCommand ? findMeantCommand(name) : undefined;
  const meant = [
    ...(near === undefined ? [] : ["this cgroup"]),
    ...(command === undefined ? [] : [`the command ${command}`]),
    ...(mayBeCommand && name === "version" ? ["cgkill --version"] : []),
  ];
  if (meant.length === 0) return undefined;
  const commands = near === undefined ? [] : [toShow(near, isFile || search.only !== undefined)];
  return { hint: `did you mean ${meant.join(", or ")}?`, commands };
}

const parentOf = (path: string): string => path.slice(0, path.lastIndexOf("/"));

/**
 * Make the check whether a cgroup is where the missing one was looked for. A parent that exists was not mistyped. One that
 * does not exist may have been, in any of its components.
 *
 * @param isFile  `typed` is the path of a directory
 */
function compareParents(typed: string, isFile: boolean, search: BoundedSearch): (cgroup: NamedCgroup) => boolean {
  const parent = findParent(typed, search);
  if (parent !== undefined) return ({ path }) => parentOf(path) === parent;
  const words = (isFile || typed.startsWith("/") ? typed : `/${typed}`).split("/");
  return ({ path, name }) => {
    const known = parentOf(isFile ? name : path).split("/");
    const isNear = (word: string, at: number): boolean => findDistance(word, known[at] ?? "") !== undefined;
    return known.length === words.length && words.every(isNear);
  };
}

/**
 * Find the parent of a missing cgroup. If it exists, it was not mistyped, and only its children are suggested.
 *
 * @returns its path, "" for the root; `undefined` if it does not exist
 */
function findParent(parent: string, { sys, hierarchies, only }: Search): string | undefined {
  if (parent === "") return "";
  try {
    const opened = openCgroups(sys, hierarchies, parent, { hierarchy: only });
    for (const { fd } of opened) sys.close(fd);
    const { path } = opened[0];
    return path === "/" ? "" : path;
  } catch (error) {
    if (error instanceof NotFoundError) return undefined;
    // It exists but is no target: the root of a hierarchy, or a cgroup that must not be read, which has no suggestions.
    if (error instanceof RefusedNameError) return error.code === "hierarchy-root" ? "" : parent;
    throw error;
  }
}

/** The same for a pattern, by last components and the names and ids of units, containers, pods and jobs. */
export async function suggestForPattern(pattern: string, search: BoundedSearch): Promise<Advice | undefined> {
  const tools = new Set<string>();
  const near = await findNear(pattern, search, ({ last, aliases, label }) => {
    const tool = CONTAINER_TOOLS.get(label?.split(" ", 1)[0] ?? "");
    if (tool !== undefined) tools.add(tool);
    return [last, ...aliases];
  });
  if (near !== undefined) return { hint: "did you mean this cgroup?", commands: [toShow(near, true), LIST_ALL] };
  if (tools.size === 0) return undefined;
  const hint = "the name of a container is not in the path of its cgroup: give its id, which its tool lists";
  return { hint, commands: [...tools].toSorted().map((tool) => [tool, "ps", "--no-trunc"]) };
}

/** The kinds of containers that have an id, with the tools that know their names. */
const CONTAINER_TOOLS: ReadonlyMap<string, string> = new Map([
  ["docker", "docker"],
  ["podman", "podman"],
  ["nerdctl", "nerdctl"],
  ["cri-o", "crictl"],
  ["container", "crictl"],
]);

/** Suggest a preview, never the kill itself. */
const toShow = ({ name, path }: NamedCgroup, isFile: boolean) => cgkillCommand(["show"], isFile ? name : path);

/** Ids are not compared: they are named by their beginning, and comparing thousands takes long. */
const ID = /[0-9a-f]{32}/;
/** Comparing this many names takes less than a millisecond. */
const CHECK_TIME_EVERY = 256;

/** @returns `undefined` if the two are not near */
function findDistance(word: string, known: string): number | undefined {
  if (known === word) return 0;
  if (ID.test(known)) return undefined;
  const max = maxDistance(word);
  const away = distance(word, known, max);
  return away <= max && away < known.length ? away : undefined;
}

/** Find the nearest name in the first hierarchy that has one, in the order in which names are looked up. */
async function findNear(
  word: string,
  search: BoundedSearch,
  wordsOf: (cgroup: NamedCgroup) => readonly string[],
): Promise<NamedCgroup | undefined> {
  const { sys, hierarchies, only, until } = search;
  try {
    for (const hierarchy of selectHierarchies(hierarchies, only)) {
      const { names } = await readNames(sys, hierarchy, search);
      let best: { readonly cgroup: NamedCgroup; readonly away: number } | undefined;
      for (const [index, cgroup] of names.entries()) {
        if (index % CHECK_TIME_EVERY === CHECK_TIME_EVERY - 1 && sys.now() > until) break;
        for (const known of wordsOf(cgroup)) {
          const away = findDistance(word, known);
          if (away !== undefined && away < (best?.away ?? Number.POSITIVE_INFINITY)) best = { cgroup, away };
        }
      }
      if (best !== undefined) return best.cgroup;
      if (sys.now() > until) return undefined;
    }
  } catch (error) {
    // A hierarchy that cannot be read has no suggestions; the error about the missing name stands.
    if (!(error instanceof SysError)) throw error;
  }
  return undefined;
}
