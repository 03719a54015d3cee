// Candidates for `--name`: last components, and the names and ids of units, containers, pods and jobs.

import { findHierarchies } from "../../cgroup/open/hierarchy.ts";
import { selectHierarchies } from "../../cgroup/open/open.ts";
import type { Pace } from "../../cgroup/subtree.ts";
import { readNames } from "../../inspect/find.ts";
import type { Millis, Sys } from "../../sys/sys.ts";
import { filterUntil } from "./cgroup-candidates.ts";
import type { Asked } from "./unfinished-line.ts";

/** Characters with a special meaning in a pattern. */
const GLOB = /[*?[{\\]/g;
const toPattern = (name: string): string => name.replaceAll(GLOB, "\\$&");

/** Search as `--name` does: v2 and the v1 freezer, and other hierarchies only if those have no match. */
export async function nameCandidates(
  sys: Sys,
  { word, hierarchy: only }: Asked,
  pace: Pace & { until: Millis },
): Promise<string[]> {
  const found = new Set<string>();
  for (const hierarchy of selectHierarchies(findHierarchies(sys), only)) {
    if (!(hierarchy.version === "v2" || hierarchy.hasFreezer) && found.size > 0) break;
    const { names } = await readNames(sys, hierarchy, pace);
    // An incomplete list would be completed to a prefix that only its members share.
    if (sys.now() > pace.until) return [];
    const all = names.flatMap(({ last, aliases, isNameless }) => (isNameless ? aliases : [last, ...aliases]));
    const isWanted = (name: string): boolean => toPattern(name).startsWith(word);
    for (const name of filterUntil(all, isWanted, sys, pace.until)) found.add(toPattern(name));
  }
  return [...found].sort();
}
