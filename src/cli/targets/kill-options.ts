// Turns the options of the command line into those of a kill, and opens the cgroup of --spare-to.

import { NotFoundError, OptionError } from "../../cgroup/errors.ts";
import { hierarchyName } from "../../cgroup/open/hierarchy.ts";
import { openCgroup } from "../../cgroup/open/open.ts";
import type { Cgroup, Hierarchy } from "../../cgroup/types.ts";
import type { KillOptions } from "../../kill/types.ts";
import type { Sys } from "../../sys/sys.ts";
import type { TargetCommand } from "../args/command.ts";

/**
 * Make the function that gives the options for each cgroup of a target.
 *
 * @param opened  collects the cgroups that are opened here, for the caller to close
 */
export function killOptions(
  sys: Sys,
  hierarchies: readonly Hierarchy[],
  command: TargetCommand,
  opened: Cgroup[],
): (cgroup: Cgroup) => KillOptions {
  const { method, remove, graceMs, graceSignal, spare, allowAncestors, allHierarchies, abortFuse } = command;
  // A freeze or a signal below a frozen ancestor is only delayed: nothing has to be moved out to die.
  const mayKill = command.kind === "kill" || command.kind === "show";
  const thawAncestors = command.thawAncestors || !mayKill;
  let readsNames = false;
  for (const { kind } of command.targets) readsNames ||= kind === "stdin";
  const mayStepAside = command.kind === "signal" || !readsNames;
  return ({ hierarchy }) => {
    let spareTo: Cgroup | undefined;
    if (command.spareTo !== undefined) {
      spareTo = openSpareTo(sys, hierarchies, hierarchy, command.spareTo);
      opened.push(spareTo);
    }
    return {
      method,
      remove,
      graceMs,
      graceSignal,
      spare,
      spareTo,
      mayStepAside,
      allowAncestors,
      thawAncestors,
      allHierarchies,
      abortFuse,
      mayBeRenamed: false,
    };
  };
}

/** @param only  the hierarchy of the target: processes can be moved within it only */
export function openSpareTo(sys: Sys, hierarchies: readonly Hierarchy[], only: Hierarchy, name: string): Cgroup {
  try {
    const hierarchy = only.version === "v2" ? "v2" : only.controllers;
    return openCgroup(sys, hierarchies, name, { hierarchy });
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error;
    throw new OptionError(
      "no-such-spare-to",
      `--spare-to ${name}: no such cgroup in the target's hierarchy, ${hierarchyName(only)}`,
      "name an existing cgroup outside the target, or leave the option out to have one chosen",
    );
  }
}
