// The table of commands. The parser, --help, the completions and the man page all come from it.

/** A cgroup with such a name is written ./list or /list. */
export const COMMAND_NAMES = ["kill", "list", "show", "freeze", "thaw", "signal", "run", "completion", "help"] as const;

export type CommandName = (typeof COMMAND_NAMES)[number];

export const isCommandName = (word: string): word is CommandName => (COMMAND_NAMES as readonly string[]).includes(word);

/** In the order of COMMAND_NAMES. In a usage, at least two blanks separate a call from its explanation. */
export const COMMANDS: Readonly<Record<CommandName, readonly [help: string, ...usages: string[]]>> = {
  kill: [
    "kill every process in each CGROUP and below it",
    "cgkill                                      on a terminal: choose interactively",
    "cgkill [kill] [options] CGROUP...",
  ],
  list: ["list the cgroups that have processes, as a tree", "cgkill list [options] [CGROUP]"],
  show: ["show what a kill would do, without changing anything", "cgkill show [options] CGROUP..."],
  freeze: ["freeze each CGROUP and wait until it is frozen", "cgkill freeze [options] CGROUP..."],
  thaw: ["thaw each CGROUP and everything below it", "cgkill thaw [options] CGROUP..."],
  signal: [
    "send a signal such as HUP to every process once; never SIGKILL",
    "cgkill signal [options] SIGNAL CGROUP...",
  ],
  run: [
    "run a command in a cgroup of its own, and kill what it leaves behind",
    "cgkill run [options] [--] COMMAND [ARGUMENT...]",
  ],
  completion: ["print a completion script for a shell", "cgkill completion bash|zsh|fish"],
  help: ["show the help of all commands, or of one", "cgkill help [COMMAND]", "cgkill --version"],
};
