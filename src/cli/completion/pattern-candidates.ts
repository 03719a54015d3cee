// Patterns for `--name`: last components, and the names and ids that units, containers and jobs go by.

import { findHierarchies } from "../../cgroup/open/hierarchy.ts";
import { choose } from "../../cgroup/open/open.ts";
import type { Pace } from "../../cgroup/subtree.ts";
import { readNames } from "../../inspect/find.ts";
import type { Millis, Sys } from "../../sys/sys.ts";
import type { Asked } from "./unfinished-line.ts";

/** Those characters of a name that a pattern means otherwise. */
const GLOB = /[*?[{\\]/g;

/** As `--name` looks for them: v2 and the v1 freezer, and the others only where these have none. */
export async function nameCandidates(
  sys: Sys,
  { word, hierarchy: only }: Asked,
  pace: Pace & { until: Millis },
): Promise<string[]> {
  const found = new Set<string>();
  for (const hierarchy of choose(findHierarchies(sys), only)) {
    if (!(hierarchy.version === "v2" || hierarchy.hasFreezer) && found.size > 0) break;
    const { names } = await readNames(sys, hierarchy, pace);
    // Some of the candidates would be completed to what only they have in common.
    if (sys.now() > pace.until) return [];
    for (const { last, aliases } of names) {
      for (const name of [last, ...aliases]) {
        const pattern = name.replaceAll(GLOB, "\\$&");
        if (pattern.startsWith(word)) found.add(pattern);
      }
    }
  }
  return [...found].sort();
}
