// A command line that does what another one does: for the reader to paste.

import type { TargetCommand } from "./args.ts";

/** The options of a kill that differ from their defaults, without those that say which cgroup. */
export function killOptionWords(command: TargetCommand): string[] {
  const { timeoutMs, graceMs, graceSignal, method, remove, allHierarchies } = command;
  const { spare, spareTo, allowAncestors, thawAncestors } = command;
  return [
    ...(timeoutMs === 10_000 ? [] : ["-t", `${timeoutMs}ms`]),
    ...(graceMs === 0 ? [] : ["-g", `${graceMs}ms`, "-s", graceSignal]),
    ...(method === "auto" ? [] : ["-m", method]),
    ...(remove === undefined ? [] : [remove ? "--remove" : "--keep"]),
    ...(allHierarchies ? ["--all-hierarchies"] : []),
    ...(spare.length === 0 ? [] : ["--spare", spare.join(",")]),
    ...(spareTo === undefined ? [] : ["--spare-to", spareTo]),
    ...(allowAncestors ? ["--allow-ancestors"] : []),
    ...(thawAncestors ? ["--thaw-ancestors"] : []),
  ];
}
