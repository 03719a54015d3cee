// What may have been meant by a name that is no path of a cgroup: one that people have for it, the number of a process, a
// glob. Looked for only once it is known that there is no such path.

import { RefusedNameError } from "../cgroup/errors.ts";
import { quoteWord } from "../cgroup/shell.ts";
import type { Pace } from "../cgroup/subtree.ts";
import type { Hierarchy } from "../cgroup/types.ts";
import { findByName, type FoundCgroup } from "../kill/search.ts";
import { isDenied } from "../sys/errno.ts";
import { readComm } from "../sys/proc.ts";
import type { Sys } from "../sys/sys.ts";
import type { TargetCommand } from "./args.ts";
import { killOptionWords } from "./command-line.ts";
import { nearName } from "./near.ts";
import { inPairs } from "./pattern-targets.ts";

/**
 * @param pace  bounds it in time: what was not seen by then is not named
 * @returns a hint that says what to type; `undefined` if nothing is near
 */
export async function explainName(
  sys: Sys,
  hierarchies: readonly Hierarchy[],
  name: string,
  command: TargetCommand,
  pace: Pace,
): Promise<string | undefined> {
  const last = name.slice(name.lastIndexOf("/") + 1);
  if (/[*?[{]/.test(last)) return `a glob is for --name, and in quotes: ${lineFor(command, ["--name", last])}`;
  const hints = [
    name.includes("/") ? undefined : await explainByName(sys, hierarchies, name, command, pace),
    explainByPid(sys, name, command),
  ].filter((hint) => hint !== undefined);
  return hints.length > 0 ? hints.join("; or ") : await nearName(sys, hierarchies, name, command.hierarchy, pace);
}

/** The same command line with other words for the cgroup. */
function lineFor(command: TargetCommand, words: readonly string[]): string {
  const { kind, hierarchy } = command;
  const verb = kind === "kill" ? [] : [kind];
  const where = hierarchy === undefined ? [] : ["--hierarchy", hierarchy];
  return ["cgkill", ...verb, ...killOptionWords(command), ...where, ...words].map(quoteWord).join(" ");
}

async function explainByName(
  sys: Sys,
  hierarchies: readonly Hierarchy[],
  name: string,
  command: TargetCommand,
  pace: Pace,
): Promise<string | undefined> {
  const matches = inPairs(await findIfSeen(sys, hierarchies, name, command.hierarchy, pace));
  const [match] = matches;
  if (match === undefined) return undefined;
  const [{ path, label }] = match;
  if (matches.length > 1) {
    const line = lineFor({ ...command, kind: "show" }, ["--all", "--name", name]);
    return `--name matches ${matches.length} cgroups: ${line}`;
  }
  return `--name finds ${label ?? path}: ${lineFor(command, ["--name", name])}`;
}

async function findIfSeen(
  sys: Sys,
  hierarchies: readonly Hierarchy[],
  name: string,
  only: string | undefined,
  pace: Pace,
): Promise<readonly FoundCgroup[]> {
  try {
    return await findByName(sys, hierarchies, name, only, pace);
  } catch (error) {
    if (error instanceof RefusedNameError) return [];
    throw error;
  }
}

function explainByPid(sys: Sys, name: string, command: TargetCommand): string | undefined {
  if (!/^[1-9]\d{0,6}$/.test(name)) return undefined;
  const comm = readCommIfLet(sys, Number(name));
  if (comm === undefined) return undefined;
  return `${name} is a process${comm === "" ? "" : ` (${comm})`}: ${lineFor(command, ["--pid", name])}`;
}

function readCommIfLet(sys: Sys, pid: number): string | undefined {
  try {
    return readComm(sys, pid);
  } catch (error) {
    if (isDenied(error)) return "";
    throw error;
  }
}
