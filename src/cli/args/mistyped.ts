// Words that people type for a command of cgkill: mistyped, or from the habits of other programs. A typing error never
// kills: where such a word is no cgroup and others follow, the call is a usage error that says what to type.

import { cgkillCommand } from "../../advice.ts";
import { distance, nearest } from "../text/nearest.ts";
import { type CommandName, RESERVED_WORDS } from "./commands.ts";
import { UsageError } from "./usage-error.ts";

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
const MAX_SHOWN = 8;

/** The words of the options of a call. */
export interface CallWords {
  /** Those of a kill, and of every command that takes a cgroup. */
  readonly where: readonly string[];
  /** Those of a kill only. */
  readonly how: readonly string[];
}

const takesCgroup = (command: CommandName): boolean => command !== "help" && command !== "completion";

/**
 * The answer to `cgkill ls web` where no cgroup is called `ls`.
 *
 * @param others  the operands that follow it, at least one
 */
export function typingError(
  word: string,
  others: readonly string[],
  { where, how }: CallWords = { where: [], how: [] },
): UsageError {
  const command = commandMeantBy(word);
  // `cgkill list` takes one cgroup, and `cgkill help` none.
  const named = command === "help" ? [] : command === "list" ? others.slice(0, 1) : others;
  const operands = command === undefined ? [word, ...others] : named;
  const hint =
    command === undefined
      ? "to kill each of them that is there, write cgkill kill; for all commands, see cgkill --help"
      : `did you mean the command ${command}?`;
  const words =
    command === undefined || command === "kill"
      ? ["kill", ...where, ...how]
      : [command, ...(takesCgroup(command) ? where : [])];
  const commands = operands.length > MAX_SHOWN ? [] : [cgkillCommand(words, ...operands)];
  return new UsageError(
    `there is no "${word}" command, and no cgroup of that name; nothing was touched`,
    hint,
    commands,
  );
}
