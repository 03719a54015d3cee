// Finds the targets that match a --name pattern, with twins as one target. Several are an error that lists them.

import { cgkillCommand, LIST_ALL } from "../../advice.ts";
import { AmbiguousNameError, isMissing, NotFoundError, OptionError } from "../../cgroup/errors.ts";
import { openCgroup } from "../../cgroup/open/open.ts";
import type { Pace } from "../../cgroup/subtree.ts";
import type { Cgroup, Hierarchy } from "../../cgroup/types.ts";
import { findByName, type FoundCgroup } from "../../inspect/find.ts";
import { closeTarget, pairTwins, singleTarget, type Target } from "../../kill/twins/open-twins.ts";
import { SLURM_PREFIX } from "../../label/jobs.ts";
import { readOr } from "../../sys/errno.ts";
import type { Sys } from "../../sys/sys.ts";
import type { TargetCommand } from "../args/command.ts";
import { VanishedError } from "../args/usage-error.ts";
import { type CliContext, paceOf } from "../cli-context.ts";

/** One match: a cgroup, or twins. */
export type FoundTarget = readonly [FoundCgroup] | readonly [v2: FoundCgroup, freezer: FoundCgroup];

export interface Matched {
  readonly name: string;
  readonly open: (sys: Sys, hierarchies: readonly Hierarchy[], pace?: Pace) => Promise<Target>;
}

/**
 * @throws NotFoundError       nothing matches
 * @throws OptionError         nothing matches, and the pattern is a path
 * @throws AmbiguousNameError  several match, and --all was not given
 */
export async function findMatching(
  pattern: string,
  { all, hierarchy }: Pick<TargetCommand, "all" | "hierarchy">,
  { sys, abort, hierarchies }: Pick<CliContext, "sys" | "abort"> & { readonly hierarchies: () => readonly Hierarchy[] },
): Promise<Matched[]> {
  const pace = paceOf({ sys, abort });
  const found = await findByName(sys, hierarchies(), pattern, hierarchy, pace);
  if (found.length === 0) {
    // Not missing, which --ignore-missing would take for success. The job of a Slurm name may have ended, though.
    if (pattern.includes("/") && !pattern.startsWith(SLURM_PREFIX)) {
      const hint = "--name takes a name, and finds it in every directory; write a path without --name";
      throw new OptionError("not-a-name", `--name ${pattern}: this is a path`, hint, [
        cgkillCommand(["show"], pattern),
      ]);
    }
    const message = `${pattern}: no cgroup, unit, container, pod or job matches`;
    throw new NotFoundError("cgroup", message, null, [LIST_ALL]);
  }
  const targets = pairByPath(found);
  if (targets.length > 1 && !all && !isBundle(targets)) throw ambiguous(pattern, targets);
  if (!all) return targets.map(toMatched);
  const split = [];
  for (const target of targets) split.push(...(await splitIfApart(sys, hierarchies(), target, pace)));
  return split.map(toMatched);
}

/** Pair cgroups that have the same path in v2 and in the v1 freezer, in the order of the v2 ones. */
export function pairByPath(found: readonly FoundCgroup[]): FoundTarget[] {
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

/** The parts of one thing, such as the steps of a Slurm job, are all meant by its name. */
export function isBundle([first, ...others]: readonly FoundTarget[]): boolean {
  const bundle = first?.[0].bundle ?? null;
  return bundle !== null && others.every(([other]) => other.bundle === bundle);
}

function ambiguous(pattern: string, targets: readonly FoundTarget[]): AmbiguousNameError {
  return new AmbiguousNameError(
    `${pattern}: ${targets.length} cgroups match`,
    "give one of the paths, or add --all to take all of them",
    targets.map(([{ name, label }]) => ({ path: name, label })),
  );
}

/** With --all, twins that do not have the same processes are two targets. */
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
    // `open` meets the same error and reports it.
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
  const cgroup = openIfPresent(sys, hierarchies, name);
  const twin = second === undefined ? undefined : openIfPresent(sys, hierarchies, second.name);
  if (cgroup !== undefined && twin !== undefined) return await pairTwins(sys, [cgroup, twin], pace);
  const only = cgroup ?? twin;
  // It existed when it was found, so it counts as dead, not as missing.
  if (only === undefined) throw new VanishedError({ path, name, hierarchy: null });
  return singleTarget(only);
}

function openIfPresent(sys: Sys, hierarchies: readonly Hierarchy[], name: string): Cgroup | undefined {
  return readOr(undefined, () => openCgroup(sys, hierarchies, name), isMissing);
}
