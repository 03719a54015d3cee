// Recognises mistyped commands and commands of other programs (`cgkill ls web`). A typing error never kills: if such a
// word is not the name of a cgroup and other operands follow, the call is a usage error that suggests the right command.

import { cgkillCommand, type Commands, HELP, helpPage } from "../../advice.ts";
import { SHELLS, type TargetCommand } from "./command.ts";
import { type CommandName, isCommandName } from "./commands.ts";
import { findMeaning, withGraceOf } from "./habits/words.ts";
import { MAX_REPEATED, sameCall } from "./to-words.ts";
import { UsageError } from "./usage-error.ts";
import { isSendable } from "./values.ts";

/**
 * Build the error for `cgkill ls web` if there is no cgroup `ls`.
 *
 * @param word     the first target; all others are names too
 * @param command  has at least two targets
 */
export function typingError(word: string, command: TargetCommand): UsageError {
  const problem = `there is no "${word}" command, and no cgroup of that name; nothing was touched`;
  const meaning = findMeaning(word);
  if (meaning === undefined) {
    const [, second] = command.targets;
    // `systemctl stop web`: as names, the words would kill web.
    if (second?.kind === "name" && (isCommandName(second.name) || findMeaning(second.name) !== undefined)) {
      return new UsageError(problem, "write cgkill kill before names of cgroups, or cgkill run before a command", [
        HELP,
      ]);
    }
    const calls = [...sameCall("kill", command), HELP];
    return new UsageError(problem, "to kill those that exist, write the word kill before them", calls);
  }
  if (meaning.command === undefined) {
    return new UsageError(problem, meaning.hint, [meaning.page === undefined ? HELP : helpPage(meaning.page)]);
  }
  const { command: meant, signal } = meaning;
  const targets = command.targets.slice(1);
  const calls = toCalls(meant, withGraceOf(word, { ...command, targets }), word, signal);
  // The operands do not fit the command: show how it is called.
  const commands = calls.length === 0 && targets.length <= MAX_REPEATED ? [helpPage(meant)] : calls;
  return new UsageError(problem, `did you mean the command ${meant}?`, commands);
}

/** @returns valid calls that together have every operand; none if there are too many operands, or no such call */
function toCalls(name: CommandName, command: TargetCommand, word: string, signal: string | undefined): Commands {
  const [target, ...more] = command.targets;
  const first = target?.kind === "name" ? target.name : "";
  switch (name) {
    case "help":
      return [isCommandName(first) && more.length === 0 ? helpPage(first) : cgkillCommand(["help"])];
    case "completion":
      return SHELLS.some((shell) => shell === first) && more.length === 0 ? [cgkillCommand([name, first])] : [];
    case "list":
      // `list` takes only one cgroup.
      if (command.targets.length > MAX_REPEATED) return [];
      return command.targets.flatMap((each) =>
        sameCall(name, { ...command, targets: [each] }, word === "watch" ? ["--watch"] : []),
      );
    case "signal":
      if (signal !== undefined) return sameCall(name, command, [signal]);
      return isSendable(first) ? sameCall(name, { ...command, targets: more }, [first]) : [];
    default:
      return sameCall(name, command);
  }
}
