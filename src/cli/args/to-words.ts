// Turns a command back into words, leaving out options that have their default value.

import { cgkillCommand, type Commands } from "../../advice.ts";
import { shortSignalName } from "../../sys/signal-names.ts";
import type { Millis } from "../../sys/sys.ts";
import type { TargetCommand } from "./command.ts";
import type { CommandName } from "./commands.ts";
import { findOption } from "./options.ts";

/** An option in its usual spelling, with its value. */
type OptionWords = readonly [option: string, ...value: readonly string[]];

const onlyGiven = (words: ReadonlyArray<OptionWords | false>): OptionWords[] => words.filter((word) => word !== false);

const toDuration = (ms: Millis): string => (ms > 0 && ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`);

/** The options of the groups "How to kill" and "What may die". */
export function howWords(command: TargetCommand): OptionWords[] {
  const { timeoutMs, graceMs, graceSignal, method, remove, allHierarchies } = command;
  const { spare, spareTo, allowAncestors, thawAncestors, abortFuse } = command;
  return onlyGiven([
    timeoutMs !== 10_000 && ["-t", toDuration(timeoutMs)],
    graceMs !== 0 && ["-g", toDuration(graceMs)],
    graceMs !== 0 && graceSignal !== "TERM" && ["-s", graceSignal],
    method !== "auto" && ["-m", method],
    remove !== undefined && [remove ? "--remove" : "--keep"],
    allHierarchies && ["--all-hierarchies"],
    spare.length > 0 && ["--spare", spare.join(",")],
    spareTo !== undefined && ["--spare-to", spareTo],
    allowAncestors && ["--allow-ancestors"],
    thawAncestors && ["--thaw-ancestors"],
    abortFuse && ["--abort-fuse"],
  ]);
}

/** All other options, without those that name targets. */
function otherWords(command: TargetCommand): OptionWords[] {
  const { kind, interactive, hierarchy, all, nullSeparated, ignoreMissing, output } = command;
  return onlyGiven([
    hierarchy !== undefined && ["--hierarchy", hierarchy],
    // `sameCall` drops it again for commands that do not have it, such as `show` itself.
    kind === "show" && ["--dry-run"],
    interactive && ["--interactive"],
    all && ["--all"],
    nullSeparated && ["-0"],
    ignoreMissing && ["--ignore-missing"],
    output.json && ["--json"],
    output.quiet && ["-q"],
    output.level !== (output.quiet ? "error" : "info") && ["--log-level", output.level],
    output.logFormat !== "text" && ["--log-format", output.logFormat],
    output.color !== "auto" && ["--color", output.color],
  ]);
}

const takes = (name: CommandName, option: string): boolean =>
  (findOption("long", option.slice(2)) ?? findOption("short", option.slice(1)))?.commands.includes(name) === true;

/** Options that make a call harmless, or let an operator decide. */
const CAUTIOUS = ["--dry-run", "--interactive"];
const WRITING: readonly CommandName[] = ["freeze", "thaw", "signal"];

/** A suggested call repeats up to this many operands. */
export const MAX_REPEATED = 8;

/**
 * Build a call with the same targets and options but another command, which has only some of the options.
 *
 * @param words  operands that come before the options
 * @returns no call if there is no target, or more than `MAX_REPEATED`, or if the given call has a safeguard that the command
 *          lacks: it would act at once
 */
export function sameCall(
  name: CommandName,
  command: TargetCommand,
  words: readonly string[] = name === "signal" ? [shortSignalName(command.sentSignal)] : [],
): Commands {
  const { targets } = command;
  if (targets.length === 0 || targets.length > MAX_REPEATED) return [];
  const others = otherWords(command);
  if (WRITING.includes(name) && others.some(([option]) => CAUTIOUS.includes(option))) return [];
  const options = [...others, ...howWords(command)].filter(([option]) => takes(name, option)).flat();
  const operands: string[] = [];
  for (const target of targets) {
    if (target.kind === "name") operands.push(target.name);
    else if (target.kind === "stdin") operands.push("-");
    else if (target.kind === "pid") options.push("--pid", String(target.pid));
    else options.push("--name", target.pattern);
  }
  return [cgkillCommand([name, ...words, ...options], ...operands)];
}
