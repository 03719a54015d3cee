// "Did you mean" for a cgroup that is not there: looked for only once that is known.

import { isWithin } from "../cgroup/hierarchy.ts";
import { choose } from "../cgroup/open.ts";
import { quoteWord } from "../cgroup/shell.ts";
import type { Pace } from "../cgroup/subtree.ts";
import type { Hierarchy } from "../cgroup/types.ts";
import { type NamedCgroup, readNames } from "../kill/search.ts";
import { SysError } from "../sys/errno.ts";
import type { Sys } from "../sys/sys.ts";
import { commandMeantBy } from "./mistyped.ts";
import { nearest } from "./suggest.ts";

/** A hint for a path that nothing has; `undefined` where nothing is near. */
export async function nearName(
  sys: Sys,
  hierarchies: readonly Hierarchy[],
  name: string,
  only: string | undefined,
  pace: Pace,
): Promise<string | undefined> {
  const lying = hierarchies.filter(({ mounts }) => mounts.some(({ point }) => isWithin(name, point)));
  const isFile = lying.length > 0;
  const last = name.slice(name.lastIndexOf("/") + 1);
  const near = await findNear(sys, isFile ? lying : hierarchies, only, last, ({ last: own }) => [own], pace);
  const command = commandMeantBy(name);
  const meant = [
    near === undefined ? undefined : quoteWord(isFile ? near.cgroup.name : near.cgroup.path),
    command === undefined ? undefined : `the command ${command}`,
  ].filter((one) => one !== undefined);
  return meant.length === 0 ? undefined : `did you mean ${meant.join(", or ")}?`;
}

/** The same for a pattern, by everything that cgroups are called. */
export async function nearPattern(
  sys: Sys,
  hierarchies: readonly Hierarchy[],
  pattern: string,
  only: string | undefined,
  pace: Pace,
): Promise<string | undefined> {
  const near = await findNear(sys, hierarchies, only, pattern, ({ last, aliases }) => [last, ...aliases], pace);
  return near === undefined ? undefined : `did you mean ${quoteWord(near.word)}? see cgkill list --all`;
}

/** In the first hierarchy that has one, in the order in which names are looked up: systemd's own may have it alone. */
async function findNear(
  sys: Sys,
  hierarchies: readonly Hierarchy[],
  only: string | undefined,
  word: string,
  wordsOf: (cgroup: NamedCgroup) => readonly string[],
  pace: Pace,
): Promise<{ readonly word: string; readonly cgroup: NamedCgroup } | undefined> {
  try {
    for (const hierarchy of choose(hierarchies, only)) {
      const known = new Map<string, NamedCgroup>();
      for (const cgroup of (await readNames(sys, hierarchy, pace)).names)
        for (const each of wordsOf(cgroup)) known.set(each, cgroup);
      const near = known.has(word) ? word : nearest(word, [...known.keys()]);
      const cgroup = near === undefined ? undefined : known.get(near);
      if (near !== undefined && cgroup !== undefined) return { word: near, cgroup };
    }
  } catch (error) {
    // What cannot be looked through is not offered: that it is not there stays the error.
    if (!(error instanceof SysError)) throw error;
  }
  return undefined;
}
