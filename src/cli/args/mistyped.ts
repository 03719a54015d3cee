// Recognises mistyped commands and commands of other programs (`cgkill ls web`). A typing error never kills: if such a
// word is not the name of a cgroup and other operands follow, the call is a usage error that suggests the right command.

import { cgkillCommand, type Commands, HELP, helpPage } from "../../advice.ts";
import { lazy } from "../../lazy.ts";
import { distance, nearest } from "../text/nearest.ts";
import { SHELLS } from "./command.ts";
import { COMMAND_NAMES, type CommandName, isCommandName } from "./commands.ts";
import { UsageError } from "./usage-error.ts";
import { isSendable } from "./values.ts";

/** The words of systemctl, docker, kubectl, ps, rm, git and other programs for the same actions. */
const HABITS: Readonly<Partial<Record<CommandName, string>>> = {
  list: "ls ll dir ps top tree get lsof list-units stats find search watch",
  show: "status info inspect describe cat stat view log logs diff check dry-run is-active",
  freeze: "pause suspend hold lock",
  thaw: "unfreeze resume unpause continue cont unlock wake release",
  kill:
    "stop rm rmi rmdir del delete remove destroy terminate killall pkill end down shutdown drain evict purge prune " +
    "clean reset-failed abort quit exit",
  help: "man usage",
};

const habitTable = lazy(
  (): ReadonlyMap<string, CommandName> =>
    new Map(
      Object.entries(HABITS).flatMap(([command, words]) =>
        words.split(" ").map((word) => [word, command as CommandName] as const),
      ),
    ),
);

/** Changing one letter of a shorter word often makes another valid word. */
const MIN_MISTYPED_LENGTH = 5;

/** Find the command that a word probably meant. */
export function findMeantCommand(word: string): CommandName | undefined {
  const typed = word.toLowerCase();
  const habits = habitTable();
  const known = habits.get(typed);
  if (known !== undefined) return known;
  const near = nearest(typed, COMMAND_NAMES);
  if (near !== undefined) return near as CommandName;
  if (typed.length < MIN_MISTYPED_LENGTH) return undefined;
  // "stauts" is one step from both "stats" and "status", of which "status" has the same length.
  const habit = [...habits.keys()]
    .filter((each) => each.length >= MIN_MISTYPED_LENGTH && distance(typed, each) === 1)
    .sort((a, b) => Math.abs(a.length - typed.length) - Math.abs(b.length - typed.length))[0];
  return habit === undefined ? undefined : habits.get(habit);
}

/** Whether the word has letters and hyphens only, as every command has. */
export const looksLikeCommand = (word: string): boolean => /^[\p{L}-]+$/u.test(word);

/** A suggested call repeats up to this many operands. */
export const MAX_REPEATED = 8;

/**
 * Build the error for `cgkill ls web` if there is no cgroup `ls`.
 *
 * @param others      the operands that follow the word, at least one
 * @param optionsFor  the options of the call that a command also has; `undefined` if the command would do more without
 *                    the rest of them
 */
export function typingError(
  word: string,
  others: readonly string[],
  optionsFor: (command: CommandName) => readonly string[] | undefined,
): UsageError {
  const meant = findMeantCommand(word);
  const problem = `there is no "${word}" command, and no cgroup of that name; nothing was touched`;
  if (meant === undefined) {
    const call = toCalls("kill", [word, ...others], optionsFor("kill"));
    return new UsageError(problem, "to kill those that exist, write the word kill before them", [...call, HELP]);
  }
  const calls = toCalls(meant, others, optionsFor(meant));
  // The operands do not fit the command: show how it is called.
  const commands = calls.length === 0 && others.length <= MAX_REPEATED ? [helpPage(meant)] : calls;
  return new UsageError(problem, `did you mean the command ${meant}?`, commands);
}

/** @returns valid calls that together have every operand; none if there are too many operands, or no such call */
function toCalls(name: CommandName, operands: readonly string[], options: readonly string[] | undefined): Commands {
  if (operands.length > MAX_REPEATED || options === undefined) return [];
  const [first = "", ...more] = operands;
  switch (name) {
    case "help":
      return [isCommandName(first) && more.length === 0 ? helpPage(first) : cgkillCommand(["help"])];
    case "completion":
      return SHELLS.some((shell) => shell === first) && more.length === 0 ? [cgkillCommand([name, first])] : [];
    case "list":
      // `list` takes only one cgroup.
      return operands.map((operand) => cgkillCommand([name, ...options], operand));
    case "signal":
      return isSendable(first) && more.length > 0 ? [cgkillCommand([name, first, ...options], ...more)] : [];
    default:
      return [cgkillCommand([name, ...options], ...operands)];
  }
}
