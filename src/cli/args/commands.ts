// The one table of commands, from which the parser, --help, the completions and the man page are made.

export type CommandName = "kill" | "show" | "list" | "freeze" | "thaw" | "signal" | "completion" | "help";

/** First words that are commands: a cgroup of that name is written ./list or /list. */
export const RESERVED_WORDS: readonly string[] = [
  "kill",
  "list",
  "show",
  "freeze",
  "thaw",
  "signal",
  "completion",
  "help",
];

export interface CommandSpec {
  readonly name: CommandName;
  readonly usage: string;
  readonly help: string;
}

export const COMMANDS: readonly CommandSpec[] = [
  {
    name: "kill",
    usage: "cgkill [kill] [options] CGROUP...",
    help: "kill every process in each CGROUP and below it",
  },
  { name: "list", usage: "cgkill list [options] [CGROUP]", help: "the tree of cgroups that hold processes" },
  {
    name: "show",
    usage: "cgkill show [options] CGROUP...",
    help: "what a kill would do, and to whom; changes nothing",
  },
  { name: "freeze", usage: "cgkill freeze [options] CGROUP...", help: "freeze, and wait until frozen" },
  { name: "thaw", usage: "cgkill thaw [options] CGROUP...", help: "thaw, descendants included" },
  {
    name: "signal",
    usage: "cgkill signal [options] SIGNAL CGROUP...",
    help: "send a signal, such as HUP, to every member, once; never SIGKILL",
  },
  { name: "completion", usage: "cgkill completion bash|zsh|fish", help: "print a completion script" },
  {
    name: "help",
    usage: "cgkill help [COMMAND] | COMMAND --help | --version",
    help: "this text, the page of one command, or the version",
  },
];
