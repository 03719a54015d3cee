// Words that people type for a command of cgkill: mistyped, or from the habits of other programs. A typing error never
// kills: where such a word is no cgroup and others follow, the call is a usage error that says what to type.

import { cgkillCommand, type Commands, HELP, helpPage } from "../../advice.ts";
import { distance, nearest } from "../text/nearest.ts";
import { SHELLS } from "./choices.ts";
import { type CommandName, RESERVED_WORDS } from "./commands.ts";
import { UsageError } from "./usage-error.ts";
import { isSentSignal } from "./values.ts";

/** What systemctl, docker, kubectl, ps, rm, git and the like call it. */
const HABITS: Readonly<Partial<Record<CommandName, readonly string[]>>> = {
  list: ["ls", "ll", "dir", "ps", "top", "tree", "get", "lsof", "list-units", "stats", "find", "search", "watch"],
  show: [
    "status",
    "info",
    "inspect",
    "describe",
    "cat",
    "stat",
    "view",
    "log",
    "logs",
    "diff",
    "check",
    "dry-run",
    "is-active",
  ],
  freeze: ["pause", "suspend", "hold", "lock"],
  thaw: ["unfreeze", "resume", "unpause", "continue", "cont", "unlock", "wake", "release"],
  kill: [
    "stop",
    "rm",
    "rmi",
    "rmdir",
    "del",
    "delete",
    "remove",
    "destroy",
    "terminate",
    "killall",
    "pkill",
    "end",
    "down",
  ],
  help: ["man", "usage"],
};
// Of the same kind, and longer than a line has room for.
const MORE_KILLS: readonly string[] = [
  "shutdown",
  "drain",
  "evict",
  "purge",
  "prune",
  "clean",
  "reset-failed",
  "abort",
  "quit",
  "exit",
];

const WORDS: ReadonlyMap<string, CommandName> = new Map([
  ...Object.entries(HABITS).flatMap(([command, words]) => words.map((word) => [word, command as CommandName] as const)),
  ...MORE_KILLS.map((word) => [word, "kill"] as const),
]);

/** In a shorter word one letter makes another word. */
const MIN_MISTYPED_LENGTH = 5;

/** The command that a word may have meant; `undefined` if none is near. */
export function commandMeantBy(word: string): CommandName | undefined {
  const typed = word.toLowerCase();
  const known = WORDS.get(typed);
  if (known !== undefined) return known;
  const near = nearest(typed, RESERVED_WORDS);
  if (near !== undefined) return near as CommandName;
  if (typed.length < MIN_MISTYPED_LENGTH) return undefined;
  // "stauts" is one letter from "stats", and nearer to "status".
  const habit = [...WORDS.keys()]
    .filter((each) => each.length >= MIN_MISTYPED_LENGTH && distance(typed, each) === 1)
    .sort((a, b) => Math.abs(a.length - typed.length) - Math.abs(b.length - typed.length))[0];
  return habit === undefined ? undefined : WORDS.get(habit);
}

/** Could this word be a command that was mistyped? No command has a slash, a dot or a digit. */
export const looksLikeCommand = (word: string): boolean => /^[\p{L}-]+$/u.test(word);

/** More operands are not repeated in an answer. */
export const MAX_REPEATED = 8;

/**
 * The answer to `cgkill ls web` where no cgroup is called `ls`.
 *
 * @param others      the operands that follow it, at least one
 * @param optionsFor  the options of the call that a command takes; `undefined` if without the others it would do more
 */
export function typingError(
  word: string,
  others: readonly string[],
  optionsFor: (command: CommandName) => readonly string[] | undefined,
): UsageError {
  const meant = commandMeantBy(word);
  const problem = `there is no "${word}" command, and no cgroup of that name; nothing was touched`;
  if (meant === undefined) {
    const call = callsOf("kill", [word, ...others], optionsFor("kill"));
    return new UsageError(problem, "to kill each of them that is there, write kill before them", [...call, HELP]);
  }
  const calls = callsOf(meant, others, optionsFor(meant));
  // What was typed is no call of it.
  const commands = calls.length === 0 && others.length <= MAX_REPEATED ? [helpPage(meant)] : calls;
  return new UsageError(problem, `did you mean the command ${meant}?`, commands);
}

/** With every operand, in calls that are valid; none where there are too many, or no such call. */
function callsOf(name: CommandName, operands: readonly string[], options: readonly string[] | undefined): Commands {
  if (operands.length > MAX_REPEATED || options === undefined) return [];
  const [first = "", ...more] = operands;
  switch (name) {
    case "help":
      return [RESERVED_WORDS.includes(first) && more.length === 0 ? helpPage(first) : cgkillCommand(["help"])];
    case "completion":
      return SHELLS.some((shell) => shell === first) && more.length === 0 ? [cgkillCommand([name, first])] : [];
    case "list":
      // It takes one cgroup.
      return operands.map((operand) => cgkillCommand([name, ...options], operand));
    case "signal":
      return isSentSignal(first) && more.length > 0 ? [cgkillCommand([name, first, ...options], ...more)] : [];
    default:
      return [cgkillCommand([name, ...options], ...operands)];
  }
}
