// Explains a name that is not the path of a cgroup: the name of a unit, container or job, a pid, or a glob. Called only
// after the path was not found.

import { type Advice, cgkillCommand, type Command, LIST_ALL } from "../../advice.ts";
import { RefusedNameError } from "../../cgroup/errors.ts";
import { findByName, type FoundCgroup } from "../../inspect/find.ts";
import { isDenied, readOr } from "../../sys/errno.ts";
import { readComm } from "../../sys/proc.ts";
import { shortSignalName } from "../../sys/signal-names.ts";
import type { Sys } from "../../sys/sys.ts";
import type { TargetCommand } from "../args/command.ts";
import { callWords } from "../args/to-words.ts";
import { isBundle, pairByPath } from "./by-pattern.ts";
import { type Search, suggestForPath } from "./did-you-mean.ts";

/**
 * @param search  limits the time; what was not found by then is not suggested
 * @returns a hint with the command to run; `undefined` if nothing is near
 */
export async function explainName(
  sys: Sys,
  name: string,
  command: TargetCommand,
  search: Search,
): Promise<Advice | undefined> {
  const last = name.slice(name.lastIndexOf("/") + 1);
  if (isGlob(last)) {
    if (last !== name) return explainPathGlob(name.slice(0, -last.length - 1));
    return toAdvice("use --name for a glob, and quote it", repeat(command, ["--name", name]));
  }
  const found = [
    name.includes("/") ? undefined : await explainByName(sys, name, command, search),
    explainByPid(sys, name, command),
  ].filter((advice) => advice !== undefined);
  if (found.length === 0) return await suggestForPath(sys, name, search);
  return { hint: found.map(({ hint }) => hint).join("; or "), commands: found.flatMap(({ commands }) => commands) };
}

const isGlob = (text: string): boolean => /[*?[{]/.test(text);

/**
 * Never suggest the last component to --name: that matches everywhere, and for `batch/*` every cgroup of the host.
 * Nothing that is quoted for a shell is what was meant, so the command shows what is there.
 */
function explainPathGlob(parent: string): Advice {
  const hint =
    "a path is taken literally, and --name matches in every directory: " +
    "let the shell expand the full path, below the mount point";
  return toAdvice(hint, parent === "" || isGlob(parent) ? LIST_ALL : cgkillCommand(["list", "--all"], parent));
}

const toAdvice = (hint: string, command: Command): Advice => ({ hint, commands: [command] });

/** Repeat the call with other words for the cgroup. */
function repeat(command: TargetCommand, words: readonly string[]): Command {
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
  const matches = pairByPath(await findMatches(sys, name, search));
  const [match] = matches;
  if (match === undefined) return undefined;
  const [{ path, label }] = match;
  if (isBundle(matches)) return toAdvice(`--name finds ${match[0].bundle}`, repeat(command, ["--name", name]));
  if (matches.length > 1) {
    const show: TargetCommand = { ...command, kind: "show", all: true };
    return toAdvice(`--name matches ${matches.length} cgroups`, repeat(show, ["--name", name]));
  }
  return toAdvice(`--name finds ${label ?? path}`, repeat(command, ["--name", name]));
}

async function findMatches(sys: Sys, name: string, search: Search): Promise<readonly FoundCgroup[]> {
  try {
    return await findByName(sys, search.hierarchies, name, search.only, search);
  } catch (error) {
    if (error instanceof RefusedNameError) return [];
    throw error;
  }
}

function explainByPid(sys: Sys, name: string, command: TargetCommand): Advice | undefined {
  if (!/^[1-9]\d{0,6}$/.test(name)) return undefined;
  const comm = readOr("", () => readComm(sys, Number(name)), isDenied);
  if (comm === undefined) return undefined;
  // Who types `cgkill PID` may mean that one process.
  const hint = `${name} is a process${comm === "" ? "" : ` (${comm})`}: --pid means the whole cgroup that it is in`;
  return toAdvice(hint, repeat(command, ["--pid", name]));
}
