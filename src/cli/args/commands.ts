// The table of commands. The parser, --help, the completions and the man page all come from it.

import { lazy } from "../../lazy.ts";

/** A cgroup with such a name is written ./list or /list. */
export const COMMAND_NAMES = ["kill", "list", "show", "freeze", "thaw", "signal", "run", "completion", "help"] as const;

export type CommandName = (typeof COMMAND_NAMES)[number];

export const isCommandName = (word: string): word is CommandName => (COMMAND_NAMES as readonly string[]).includes(word);

export interface CommandSpec {
  readonly name: CommandName;
  /** At least two blanks separate a call from its explanation. */
  readonly usages: readonly string[];
  readonly help: string;
}

/** In the order of COMMAND_NAMES. */
export const commandTable: () => readonly CommandSpec[] = lazy((): readonly CommandSpec[] => [
  {
    name: "kill",
    usages: [
      "cgkill                                      on a terminal: choose interactively",
      "cgkill [kill] [options] CGROUP...",
    ],
    help: "kill every process in each CGROUP and below it",
  },
  { name: "list", usages: ["cgkill list [options] [CGROUP]"], help: "list the cgroups that have processes, as a tree" },
  {
    name: "show",
    usages: ["cgkill show [options] CGROUP..."],
    help: "show what a kill would do, without changing anything",
  },
  {
    name: "freeze",
    usages: ["cgkill freeze [options] CGROUP..."],
    help: "freeze each CGROUP and wait until it is frozen",
  },
  { name: "thaw", usages: ["cgkill thaw [options] CGROUP..."], help: "thaw each CGROUP and everything below it" },
  {
    name: "signal",
    usages: ["cgkill signal [options] SIGNAL CGROUP..."],
    help: "send a signal such as HUP to every process once; never SIGKILL",
  },
  {
    name: "run",
    usages: ["cgkill run [options] [--] COMMAND [ARGUMENT...]"],
    help: "run a command in a cgroup of its own, and kill what it leaves behind",
  },
  { name: "completion", usages: ["cgkill completion bash|zsh|fish"], help: "print a completion script for a shell" },
  {
    name: "help",
    usages: ["cgkill help [COMMAND]", "cgkill --version"],
    help: "show the help of all commands, or of one",
  },
]);
