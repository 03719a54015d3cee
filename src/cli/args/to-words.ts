// The options of a kill as words again: those that are not the default.

import type { TargetCommand } from "./command.ts";
import type { CallWords } from "./mistyped.ts";

/** Of a call without a command, with what keeps it from killing, or from killing something else. */
export function callWords(command: TargetCommand): CallWords {
  const { kind, interactive, hierarchy, nullSeparated } = command;
  return {
    where: hierarchy === undefined ? [] : ["--hierarchy", hierarchy],
    how: [
      // Without the word `show` it is a kill with --dry-run.
      ...(kind === "show" ? ["--dry-run"] : []),
      ...(interactive ? ["--interactive"] : []),
      ...(nullSeparated ? ["-0"] : []),
      ...optionWords(command),
    ],
  };
}

export function optionWords(command: TargetCommand): string[] {
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
