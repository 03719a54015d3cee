// The one table of commands and options, from which the parser, --help and (later) completions and man page are made.

export type CommandName = "kill" | "show" | "help";

/** First words that are commands, now or in a later version: a cgroup of that name is written ./list or /list. */
export const RESERVED_WORDS: readonly string[] = ["list", "show", "freeze", "thaw", "completion", "help"];

export interface CommandSpec {
  readonly name: CommandName;
  readonly usage: string;
  readonly help: string;
}

export const COMMANDS: readonly CommandSpec[] = [
  { name: "kill", usage: "cgkill [options] CGROUP...", help: "kill every process in each CGROUP and below it" },
  {
    name: "show",
    usage: "cgkill show [options] CGROUP...",
    help: "show what a kill would do, and to whom; changes nothing",
  },
  { name: "help", usage: "cgkill --help | --version", help: "show this text, or the version" },
];

export type OptionGroup = "Which cgroup" | "How to kill" | "What may die" | "Output";

export interface OptionSpec {
  readonly long: string;
  readonly short?: string;
  /** The name of its value; without it the option is a switch. */
  readonly value?: string;
  readonly group: OptionGroup;
  readonly help: string;
  readonly commands: readonly CommandName[];
}

const KILL: readonly CommandName[] = ["kill"];
const BOTH: readonly CommandName[] = ["kill", "show"];

export const OPTIONS: readonly OptionSpec[] = [
  { long: "pid", value: "PID", group: "Which cgroup", commands: BOTH, help: "the cgroup that this process is in" },
  {
    long: "hierarchy",
    value: "NAME",
    group: "Which cgroup",
    commands: BOTH,
    help: "look only in v1, v2, or the v1 hierarchy of a controller",
  },
  {
    long: "null",
    short: "0",
    group: "Which cgroup",
    commands: BOTH,
    help: "names on standard input end with NUL, not with newline",
  },
  {
    long: "ignore-missing",
    group: "Which cgroup",
    commands: BOTH,
    help: "a cgroup that is not there counts as killed",
  },
  { long: "dry-run", short: "n", group: "How to kill", commands: KILL, help: "only show, as the command show does" },
  {
    long: "timeout",
    short: "t",
    value: "DURATION",
    group: "How to kill",
    commands: BOTH,
    help: "deadline for all of it: 500ms, 5s, 2m; 0 is one look (default 10s)",
  },
  {
    long: "grace",
    short: "g",
    value: "DURATION",
    group: "How to kill",
    commands: BOTH,
    help: "first send --signal and wait so long (default 0: SIGKILL at once)",
  },
  {
    long: "signal",
    short: "s",
    value: "NAME",
    group: "How to kill",
    commands: BOTH,
    help: "the signal of the grace period (default TERM)",
  },
  {
    long: "method",
    short: "m",
    value: "METHOD",
    group: "How to kill",
    commands: BOTH,
    help: "auto, kill, freezer or sweep (default auto)",
  },
  {
    long: "remove",
    short: "r",
    group: "How to kill",
    commands: BOTH,
    help: "remove the emptied cgroup and those below it (default on v1)",
  },
  { long: "keep", group: "How to kill", commands: BOTH, help: "leave the emptied cgroup (default on v2)" },
  {
    long: "all-hierarchies",
    group: "How to kill",
    commands: BOTH,
    help: "v1: remove the directories of that path in the other hierarchies too",
  },
  {
    long: "spare",
    value: "PID,...",
    group: "What may die",
    commands: BOTH,
    help: "move these out of the cgroup first; cgkill itself always is",
  },
  {
    long: "spare-to",
    value: "CGROUP",
    group: "What may die",
    commands: BOTH,
    help: "where they are moved (default: a place outside that takes them)",
  },
  {
    long: "allow-ancestors",
    group: "What may die",
    commands: BOTH,
    help: "let the shell, session or agent that started cgkill die too",
  },
  {
    long: "thaw-ancestors",
    group: "What may die",
    commands: BOTH,
    help: "v1: thaw a frozen ancestor meanwhile, if the dead cannot be moved out",
  },
  { long: "json", group: "Output", commands: BOTH, help: "one JSON document a cgroup, one a line" },
  { long: "quiet", short: "q", group: "Output", commands: BOTH, help: "only errors" },
  { long: "verbose", short: "v", group: "Output", commands: BOTH, help: "tell more; -vv tells every step" },
  {
    long: "log-level",
    value: "LEVEL",
    group: "Output",
    commands: BOTH,
    help: "error, warn, info, debug or trace (default info)",
  },
  { long: "log-format", value: "FORMAT", group: "Output", commands: BOTH, help: "text or json (default text)" },
  { long: "color", value: "WHEN", group: "Output", commands: BOTH, help: "auto, always or never (default auto)" },
  { long: "help", short: "h", group: "Output", commands: BOTH, help: "show this text" },
  {
    long: "version",
    short: "V",
    group: "Output",
    commands: BOTH,
    help: "show version, build and what this host offers",
  },
];
