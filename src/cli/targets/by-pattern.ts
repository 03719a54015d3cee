// The targets that a pattern of --name means: each match, and twins as one. Several are an error that lists them.

import { LIST_ALL } from "../../advice.ts";
import { AmbiguousNameError, isMissing, NotFoundError } from "../../cgroup/errors.ts";
import { openCgroup } from "../../cgroup/open/open.ts";
import type { Pace } from "../../cgroup/subtree.ts";
import type { Cgroup, Hierarchy } from "../../cgroup/types.ts";
import { findByName, type FoundCgroup } from "../../inspect/find.ts";
import { alone, closeTarget, pairTwins, type Target } from "../../kill/twins/open-twins.ts";
import type { Sys } from "../../sys/sys.ts";
import type { TargetCommand } from "../args/command.ts";
import { VanishedError } from "../args/usage-error.ts";
import { type CliContext, paceOf } from "../cli-context.ts";

/** One match: a cgroup, or the two of a path that is one in v2 and one in the v1 freezer. */
export type FoundTarget = readonly [FoundCgroup] | readonly [v2: FoundCgroup, freezer: FoundCgroup];

export interface Matched {
  readonly name: string;
  readonly open: (sys: Sys, hierarchies: readonly Hierarchy[], pace?: Pace) => Promise<Target>;
}

/**
 * @throws NotFoundError       nothing matches
 * @throws AmbiguousNameError  several do, and --all was not given
 */
export async function findMatching(
  pattern: string,
  { all, hierarchy }: Pick<TargetCommand, "all" | "hierarchy">,
  { sys, abort, hierarchies }: Pick<CliContext, "sys" | "abort"> & { readonly hierarchies: () => readonly Hierarchy[] },
): Promise<Matched[]> {
  const pace = paceOf({ sys, abort });
  const found = await findByName(sys, hierarchies(), pattern, hierarchy, pace);
  if (found.length === 0) {
    const message = `${pattern}: no cgroup, unit, container, pod or job of that name`;
    throw new NotFoundError("cgroup", message, null, [LIST_ALL]);
  }
  const targets = inPairs(found);
  if (targets.length > 1 && !all) throw ambiguous(pattern, targets);
  if (!all) return targets.map(toMatched);
  const split = [];
  for (const target of targets) split.push(...(await splitIfApart(sys, hierarchies(), target, pace)));
  return split.map(toMatched);
}

/** Twins side by side; what is found is sorted by its directory. */
export function inPairs(found: readonly FoundCgroup[]): FoundTarget[] {
  const isFreezer = ({ hierarchy }: FoundCgroup): boolean => hierarchy.hasFreezer;
  const freezers = new Map(found.filter(isFreezer).map((each) => [each.path, each]));
  const paired = new Set<FoundCgroup>();
  const targets = found.map((each): FoundTarget => {
    const twin = each.hierarchy.version === "v2" ? freezers.get(each.path) : undefined;
    if (twin === undefined) return [each];
    paired.add(twin);
    return [each, twin];
  });
  return targets.filter(([first]) => !paired.has(first));
}

function ambiguous(pattern: string, targets: readonly FoundTarget[]): AmbiguousNameError {
  return new AmbiguousNameError(
    `${pattern}: ${targets.length} cgroups match`,
    "give one of the paths, or --all for every one of them",
    targets.map(([{ name, label }]) => ({ path: name, label })),
  );
}

/** With --all, what is not one target is two. */
async function splitIfApart(
  sys: Sys,
  hierarchies: readonly Hierarchy[],
  target: FoundTarget,
  pace: Pace,
): Promise<readonly FoundTarget[]> {
  const [first, second] = target;
  if (second === undefined) return [target];
  try {
    closeTarget(sys, await openFound(sys, hierarchies, target, pace));
    return [target];
  } catch (error) {
    if (error instanceof AmbiguousNameError) return [[first], [second]];
    // It is reported when it is opened.
    return [target];
  }
}

function toMatched(target: FoundTarget): Matched {
  const [{ name, path }, twin] = target;
  return {
    name: twin === undefined ? name : path,
    open: async (sys, hierarchies, pace = {}) => await openFound(sys, hierarchies, target, pace),
  };
}

async function openFound(
  sys: Sys,
  hierarchies: readonly Hierarchy[],
  [{ name, path }, second]: FoundTarget,
  pace: Pace,
): Promise<Target> {
  const cgroup = openIfThere(sys, hierarchies, name);
  const twin = second === undefined ? undefined : openIfThere(sys, hierarchies, second.name);
  if (cgroup !== undefined && twin !== undefined) return await pairTwins(sys, [cgroup, twin], pace);
  const only = cgroup ?? twin;
  // It was there when it was found: if it is not now, it has vanished.
  if (only === undefined) throw new VanishedError({ path, name, hierarchy: null });
  return alone(only);
}

function openIfThere(sys: Sys, hierarchies: readonly Hierarchy[], name: string): Cgroup | undefined {
  try {
    return openCgroup(sys, hierarchies, name);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
