// "Did you mean" for a cgroup that is not there: looked for only once that is known, and no longer than is worth it.

import { type Advice, cgkillCommand, LIST_ALL } from "../../advice.ts";
import { NotFoundError, RefusedNameError } from "../../cgroup/errors.ts";
import { isWithin } from "../../cgroup/open/hierarchy.ts";
import { choose, openCgroups } from "../../cgroup/open/open.ts";
import { cleaned } from "../../cgroup/open/path-names.ts";
import type { Pace } from "../../cgroup/subtree.ts";
import type { Hierarchy } from "../../cgroup/types.ts";
import { type NamedCgroup, readNames } from "../../inspect/find.ts";
import { SysError } from "../../sys/errno.ts";
import type { Millis, Sys } from "../../sys/sys.ts";
import { commandMeantBy } from "../args/mistyped.ts";
import { distance, maxDistance } from "../text/nearest.ts";

/** Where to look, and for how long: as a pace it may end with a signal. */
export interface Search extends Pace {
  readonly hierarchies: readonly Hierarchy[];
  /** As `--hierarchy` gives it. */
  readonly only: string | undefined;
  /** On the clock of `Sys.now`: what has been found by then is offered. */
  readonly until: Millis;
}

/** What may have been meant by a path that nothing has; `undefined` where nothing is near. */
export async function nearName(sys: Sys, name: string, search: Search): Promise<Advice | undefined> {
  const given = cleaned(/^\.\.?(\/|$)/.test(name) ? `${sys.cwd()}/${name}` : name);
  const lying = search.hierarchies.filter(({ mounts }) => mounts.some(({ point }) => isWithin(given, point)));
  const isFile = lying.length > 0;
  const last = given.slice(given.lastIndexOf("/") + 1);
  const where = isFile ? { ...search, hierarchies: lying } : search;
  const parent = given.includes("/") ? findParent(sys, given.slice(0, given.lastIndexOf("/")), search) : undefined;
  const isNear = ({ path }: NamedCgroup): boolean => parent === undefined || parentOf(path) === parent;
  const near = await findNear(sys, last, where, (cgroup) => (isNear(cgroup) ? [cgroup.last] : []));
  const command = commandMeantBy(name);
  const meant = [
    ...(near === undefined ? [] : ["this cgroup"]),
    ...(command === undefined ? [] : [`the command ${command}`]),
  ];
  if (meant.length === 0) return undefined;
  const commands = near === undefined ? [] : [toShow(near, isFile || search.only !== undefined)];
  return { hint: `did you mean ${meant.join(", or ")}?`, commands };
}

const parentOf = (path: string): string => path.slice(0, path.lastIndexOf("/"));

/**
 * What stands before the last component was not mistyped if there is such a cgroup: nothing elsewhere was meant then.
 *
 * @returns its path, which of the root is ""; `undefined` if there is none
 */
function findParent(sys: Sys, parent: string, { hierarchies, only }: Search): string | undefined {
  if (parent === "") return "";
  try {
    const opened = openCgroups(sys, hierarchies, parent, { hierarchy: only });
    for (const { fd } of opened) sys.close(fd);
    const { path } = opened[0];
    return path === "/" ? "" : path;
  } catch (error) {
    if (error instanceof NotFoundError) return undefined;
    // The root of a hierarchy is there, and is no target; so is what we may not look into, which then offers nothing.
    if (error instanceof RefusedNameError) return error.code === "hierarchy-root" ? "" : parent;
    throw error;
  }
}

/** The same for a pattern, by everything that cgroups are called. */
export async function nearPattern(sys: Sys, pattern: string, search: Search): Promise<Advice | undefined> {
  const near = await findNear(sys, pattern, search, ({ last, aliases }) => [last, ...aliases]);
  if (near === undefined) return undefined;
  return { hint: "did you mean this cgroup?", commands: [toShow(near, true), LIST_ALL] };
}

/** Never the kill itself: what was mistyped once is to be looked at first. */
const toShow = ({ name, path }: NamedCgroup, isFile: boolean) => cgkillCommand(["show"], isFile ? name : path);

/** An id is given by its beginning; a mistyped one cannot be guessed, and thousands take long to compare. */
const ID = /[0-9a-f]{32}/;
/** Less than a millisecond of comparing. */
const LOOK_EVERY = 256;

/** In the first hierarchy that has one, in the order in which names are looked up: systemd's own may have it alone. */
async function findNear(
  sys: Sys,
  word: string,
  search: Search,
  wordsOf: (cgroup: NamedCgroup) => readonly string[],
): Promise<NamedCgroup | undefined> {
  const { hierarchies, only, until } = search;
  const max = maxDistance(word);
  try {
    for (const hierarchy of choose(hierarchies, only)) {
      const { names } = await readNames(sys, hierarchy, search);
      let best: { readonly cgroup: NamedCgroup; readonly away: number } | undefined;
      for (const [index, cgroup] of names.entries()) {
        if (index % LOOK_EVERY === LOOK_EVERY - 1 && sys.now() > until) break;
        for (const known of wordsOf(cgroup)) {
          const away = known === word ? 0 : ID.test(known) ? max + 1 : distance(word, known, max);
          if (away <= max && away < known.length && away < (best?.away ?? max + 1)) best = { cgroup, away };
        }
      }
      if (best !== undefined) return best.cgroup;
      if (sys.now() > until) return undefined;
    }
  } catch (error) {
    // What cannot be looked through is not offered: that it is not there stays the error.
    if (!(error instanceof SysError)) throw error;
  }
  return undefined;
}
