// Recognises mistyped commands and commands of other programs (`cgkill ls web`). A typing error never kills: if such a
// word is not the name of a cgroup and other operands follow, the call is a usage error that suggests the right command.

import { cgkillCommand, type Commands, HELP, helpPage } from "../../advice.ts";
import { SHELLS } from "./command.ts";
import { type CommandName, isCommandName } from "./commands.ts";
import { findMeaning } from "./habits/words.ts";
import { UsageError } from "./usage-error.ts";
import { isSendable } from "./values.ts";

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
  const problem = `there is no "${word}" command, and no cgroup of that name; nothing was touched`;
  const meaning = findMeaning(word);
  if (meaning === undefined) {
    const call = toCalls("kill", [word, ...others], optionsFor("kill"));
    return new UsageError(problem, "to kill those that exist, write the word kill before them", [...call, HELP]);
  }
  if (meaning.command === undefined) {
    return new UsageError(problem, meaning.hint, [meaning.page === undefined ? HELP : helpPage(meaning.page)]);
  }
  const { command: meant, signal } = meaning;
  const operands = signal === undefined ? others : [signal, ...others];
  const calls = toCalls(meant, operands, optionsFor(meant));
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
