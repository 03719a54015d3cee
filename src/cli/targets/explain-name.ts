// What may have been meant by a name that is no path of a cgroup: one that people have for it, the number of a process, a
// glob. Looked for only once it is known that there is no such path.

import { type Advice, cgkillCommand, type Command } from "../../advice.ts";
import { RefusedNameError } from "../../cgroup/errors.ts";
import { findByName, type FoundCgroup } from "../../inspect/find.ts";
import { shortSignalName } from "../../kill/signal-names.ts";
import { isDenied } from "../../sys/errno.ts";
import { readComm } from "../../sys/proc.ts";
import type { Sys } from "../../sys/sys.ts";
import type { TargetCommand } from "../args/command.ts";
import { callWords } from "../args/to-words.ts";
import { inPairs } from "./by-pattern.ts";
import { nearName, type Search } from "./did-you-mean.ts";

/**
 * @param search  bounds it in time: what was not seen by then is not named
 * @returns what to type; `undefined` if nothing is near
 */
export async function explainName(
  sys: Sys,
  name: string,
  command: TargetCommand,
  search: Search,
): Promise<Advice | undefined> {
  const last = name.slice(name.lastIndexOf("/") + 1);
  if (/[*?[{]/.test(last)) return adviceOf("a glob is for --name, and in quotes", again(command, ["--name", last]));
  const found = [
    name.includes("/") ? undefined : await explainByName(sys, name, command, search),
    explainByPid(sys, name, command),
  ].filter((advice) => advice !== undefined);
  if (found.length === 0) return await nearName(sys, name, search);
  return { hint: found.map(({ hint }) => hint).join("; or "), commands: found.flatMap(({ commands }) => commands) };
}

const adviceOf = (hint: string, command: Command): Advice => ({ hint, commands: [command] });

/** The same call with other words for the cgroup. */
function again(command: TargetCommand, words: readonly string[]): Command {
  const { kind, sentSignal } = command;
  const verb = kind === "signal" ? [kind, shortSignalName(sentSignal)] : [kind];
  return cgkillCommand([...verb, ...callWords(kind, command), ...words]);
}

async function explainByName(
  sys: Sys,
  name: string,
  command: TargetCommand,
  search: Search,
): Promise<Advice | undefined> {
  const matches = inPairs(await findIfSeen(sys, name, search));
  const [match] = matches;
  if (match === undefined) return undefined;
  const [{ path, label }] = match;
  if (matches.length > 1) {
    const show: TargetCommand = { ...command, kind: "show", all: true };
    return adviceOf(`--name matches ${matches.length} cgroups`, again(show, ["--name", name]));
  }
  return adviceOf(`--name finds ${label ?? path}`, again(command, ["--name", name]));
}

async function findIfSeen(sys: Sys, name: string, search: Search): Promise<readonly FoundCgroup[]> {
  try {
    return await findByName(sys, search.hierarchies, name, search.only, search);
  } catch (error) {
    if (error instanceof RefusedNameError) return [];
    throw error;
  }
}

function explainByPid(sys: Sys, name: string, command: TargetCommand): Advice | undefined {
  if (!/^[1-9]\d{0,6}$/.test(name)) return undefined;
  const comm = readCommIfLet(sys, Number(name));
  if (comm === undefined) return undefined;
  return adviceOf(`${name} is a process${comm === "" ? "" : ` (${comm})`}`, again(command, ["--pid", name]));
}

function readCommIfLet(sys: Sys, pid: number): string | undefined {
  try {
    return readComm(sys, pid);
  } catch (error) {
    if (isDenied(error)) return "";
    throw error;
  }
}
