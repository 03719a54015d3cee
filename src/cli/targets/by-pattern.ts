// Finds the targets that match a --name pattern, with twins as one target. Several are an error that lists them.

import { cgkillCommand, LIST_ALL } from "../../advice.ts";
import { AmbiguousNameError, isMissing, NotFoundError, OptionError } from "../../cgroup/errors.ts";
import { optionFor } from "../../cgroup/open/hierarchy.ts";
import { openCgroup } from "../../cgroup/open/open.ts";
import type { Cgroup } from "../../cgroup/types.ts";
import { findByName, type FoundCgroup } from "../../inspect/find.ts";
import { closeTarget, pairTwins, singleTarget, type Target } from "../../kill/twins/open-twins.ts";
import { SLURM_PREFIX } from "../../label/jobs.ts";
import { readOr } from "../../sys/errno.ts";
import { VanishedError } from "../args/usage-error.ts";
import { type Call, paceOf } from "../cli-context.ts";

export interface Matched {
  readonly name: string;
  readonly open: () => Promise<Target>;
}

/** One match: a cgroup, or twins. */
export type FoundTarget = readonly [FoundCgroup] | readonly [v2: FoundCgroup, freezer: FoundCgroup];

/**
 * @throws NotFoundError       nothing matches
 * @throws OptionError         nothing matches, and the pattern is a path
 * @throws AmbiguousNameError  several match, and --all was not given
 */
export async function findMatching(pattern: string, call: Call): Promise<readonly Matched[]> {
  const { all, hierarchy: only } = call.command;
  const found = await findByName(pattern, { ...paceOf(call), sys: call.sys, hierarchies: call.hierarchies(), only });
  if (found.length === 0) {
    // Not missing, which --ignore-missing would take for success. The job of a Slurm name may have ended, though.
    if (pattern.includes("/") && !pattern.startsWith(SLURM_PREFIX)) {
      const hint = "--name takes a name, and finds it in every directory; write a path without --name";
      const show = cgkillCommand(["show"], pattern);
      throw new OptionError("not-a-name", `--name ${pattern}: this is a path`, hint, [show]);
    }
    const message = `${pattern}: no cgroup, unit, container, pod or job matches`;
    throw new NotFoundError("cgroup", message, null, [LIST_ALL]);
  }
  const targets = pairByPath(found);
  if (targets.length > 1 && !all && !isBundle(targets)) {
    const matches = targets.map(([{ name, label }]) => ({ path: name, label }));
    const hint = "give one of the paths, or add --all to take all of them";
    throw new AmbiguousNameError(`${pattern}: ${targets.length} cgroups match`, hint, matches);
  }
  const singles: Matched[] = [];
  for (const target of targets) {
    const parts = all ? await splitIfApart(target, call) : [target];
    for (const part of parts) {
      const [{ name, path }, twin] = part;
      singles.push({ name: twin === undefined ? name : path, open: () => openFound(part, call) });
    }
  }
  return singles;
}

/** Pair cgroups that have the same path in v2 and in the v1 freezer, in the order of the v2 ones. */
export function pairByPath(found: readonly FoundCgroup[]): FoundTarget[] {
  const v2 = new Set(found.filter(({ hierarchy }) => hierarchy.version === "v2").map(({ path }) => path));
  const twins = found.filter(({ hierarchy, path }) => hierarchy.hasFreezer && v2.has(path));
  const twinOf = new Map(twins.map((each) => [each.path, each]));
  const others = found.filter((each) => twinOf.get(each.path) !== each);
  return others.map((each) => {
    const twin = twinOf.get(each.path);
    return twin === undefined ? [each] : [each, twin];
  });
}

/** The parts of one thing, such as the steps of a Slurm job, are all meant by its name. */
export function isBundle([first, ...others]: readonly FoundTarget[]): boolean {
  const bundle = first?.[0].bundle ?? null;
  return bundle !== null && others.every(([other]) => other.bundle === bundle);
}

/** With --all, twins that do not have the same processes are two targets. */
async function splitIfApart(target: FoundTarget, call: Call): Promise<readonly FoundTarget[]> {
  const [first, second] = target;
  if (second === undefined) return [target];
  try {
    closeTarget(call.sys, await openFound(target, call));
    return [target];
  } catch (error) {
    if (error instanceof AmbiguousNameError) return [[first], [second]];
    // `open` meets the same error and reports it.
    return [target];
  }
}

async function openFound([first, second]: FoundTarget, call: Call): Promise<Target> {
  // In its own hierarchy: another may be mounted over it, and have a cgroup of the same directory.
  const openIfPresent = ({ name, hierarchy }: FoundCgroup): Cgroup | undefined => {
    const only = { hierarchy: optionFor(hierarchy) };
    return readOr(undefined, () => openCgroup(call.sys, call.hierarchies(), name, only), isMissing);
  };
  const cgroup = openIfPresent(first);
  const twin = second && openIfPresent(second);
  if (cgroup !== undefined && twin !== undefined) return await pairTwins(call.sys, [cgroup, twin], paceOf(call));
  const only = cgroup ?? twin;
  // It existed when it was found, so it counts as dead, not as missing.
  if (only === undefined) throw new VanishedError(first);
  return singleTarget(only);
}
