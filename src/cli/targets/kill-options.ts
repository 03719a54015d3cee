// From the options of the command line to those of a kill: what they name is opened.

import { NotFoundError, OptionError } from "../../cgroup/errors.ts";
import { hierarchyName } from "../../cgroup/open/hierarchy.ts";
import { openCgroup } from "../../cgroup/open/open.ts";
import type { Cgroup, Hierarchy } from "../../cgroup/types.ts";
import type { KillOptions } from "../../kill/types.ts";
import type { Sys } from "../../sys/sys.ts";
import type { TargetCommand } from "../args/command.ts";

/**
 * The options for each cgroup of a target.
 *
 * @param opened  what is opened here is added, for the caller to close
 */
export function killOptions(
  sys: Sys,
  hierarchies: readonly Hierarchy[],
  command: TargetCommand,
  opened: Cgroup[],
): (cgroup: Cgroup) => KillOptions {
  const { method, remove, graceMs, graceSignal, spare, allowAncestors, allHierarchies } = command;
  // A frozen ancestor delays a signal, but nothing has to be moved out of it.
  const thawAncestors = command.thawAncestors || command.kind === "signal";
  return ({ hierarchy }) => {
    let spareTo: Cgroup | undefined;
    if (command.spareTo !== undefined) {
      spareTo = openSpareTo(sys, hierarchies, hierarchy, command.spareTo);
      opened.push(spareTo);
    }
    return { method, remove, graceMs, graceSignal, spare, spareTo, allowAncestors, thawAncestors, allHierarchies };
  };
}

export /** @param only  the target's hierarchy: a process is moved within it */
function openSpareTo(sys: Sys, hierarchies: readonly Hierarchy[], only: Hierarchy | undefined, name: string): Cgroup {
  try {
    const hierarchy = only?.version === "v2" ? "v2" : only?.controllers;
    return openCgroup(sys, hierarchies, name, { hierarchy });
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error;
    const where = only === undefined ? hierarchies.map(hierarchyName).join(", ") : hierarchyName(only);
    throw new OptionError(
      "no-such-spare-to",
      `--spare-to ${name}: no such cgroup in the target's hierarchy, ${where}`,
      "name one that is there and outside the target, or leave the option out: a place is then found",
    );
  }
}
