// The one table of options, from which the parser, --help, the completions and the man page are made.

import { LEVELS } from "../../kill/events.ts";
import { SIGNALS } from "../../kill/signal-names.ts";
import { COLORS, LOG_FORMATS, METHODS, SORT_KEYS } from "./choices.ts";
import type { CommandName } from "./commands.ts";

export type OptionGroup = "Which cgroup" | "How to kill" | "What may die" | "What to list" | "Output";

export interface OptionSpec {
  readonly long: string;
  readonly short?: string;
  /** The name of its value; without it the option is a switch. */
  readonly value?: string;
  /** The value may be left out; it is given as --long=VALUE only. */
  readonly isOptional?: boolean;
  /** What the value may be, where that is a few words. */
  readonly choices?: readonly string[];
  readonly group: OptionGroup;
  readonly help: string;
  /** What it means for one command, where that is not the same for all. */
  readonly helpFor?: Readonly<Partial<Record<CommandName, string>>>;
  readonly commands: readonly CommandName[];
}

/** The explanation of an option on the page of one command. */
export const helpOf = ({ help, helpFor }: OptionSpec, command: CommandName): string => helpFor?.[command] ?? help;

const KILL: readonly CommandName[] = ["kill"];
const LIST: readonly CommandName[] = ["list"];
const KILL_SHOW: readonly CommandName[] = ["kill", "show"];
const SWITCHES: readonly CommandName[] = ["kill", "show", "freeze"];
const TARGETS: readonly CommandName[] = ["kill", "show", "freeze", "thaw", "signal"];
const REPORTS: readonly CommandName[] = [...TARGETS, "list"];
/** The same words for each of these commands. */
const forEach = (commands: readonly CommandName[], help: string): Partial<Record<CommandName, string>> =>
  Object.fromEntries(commands.map((name) => [name, help]));
const EVERY: readonly CommandName[] = [...REPORTS, "completion", "help"];

export const OPTIONS: readonly OptionSpec[] = [
  {
    long: "pid",
    value: "PID,...",
    group: "Which cgroup",
    commands: TARGETS,
    help: "the cgroup that each of these processes is in",
  },
  {
    long: "name",
    value: "PATTERN",
    group: "Which cgroup",
    commands: TARGETS,
    help: "the one whose last component, unit, container, pod or job matches this glob, or whose id begins so",
  },
  {
    long: "all",
    short: "a",
    group: "Which cgroup",
    commands: [...TARGETS, "list"],
    help: "with --name: every match; with list: empty ones too",
    helpFor: { ...forEach(TARGETS, "with --name: every match"), list: "empty ones too" },
  },
  {
    long: "hierarchy",
    value: "NAME",
    group: "Which cgroup",
    commands: REPORTS,
    help: "look only in v1, v2, or the v1 hierarchy of a controller",
  },
  {
    long: "null",
    short: "0",
    group: "Which cgroup",
    commands: TARGETS,
    help: "names on standard input end with NUL, not with newline",
  },
  {
    long: "ignore-missing",
    group: "Which cgroup",
    commands: TARGETS,
    help: "a missing cgroup is not an error",
  },
  { long: "dry-run", short: "n", group: "How to kill", commands: KILL, help: "only show, as the command show does" },
  {
    long: "interactive",
    short: "i",
    group: "How to kill",
    commands: KILL,
    help: "look at each first, and ask; needs a terminal",
  },
  {
    long: "timeout",
    short: "t",
    value: "DURATION",
    group: "How to kill",
    commands: TARGETS,
    help: "deadline for freeze, kill, wait and remove, counted after the grace period: 500ms, 5s, 2m; 0: kill, check once, report (default 10s)",
    helpFor: forEach(["freeze", "thaw", "signal"], "deadline: 500ms, 5s, 2m; 0: check once, report (default 10s)"),
  },
  {
    long: "grace",
    short: "g",
    value: "DURATION",
    group: "How to kill",
    commands: KILL_SHOW,
    help: "send --signal first and wait this long before SIGKILL; not counted in --timeout (default 0: SIGKILL at once)",
  },
  {
    long: "signal",
    short: "s",
    value: "NAME",
    choices: Object.keys(SIGNALS),
    group: "How to kill",
    commands: KILL_SHOW,
    help: "the signal of the grace period (default TERM)",
  },
  {
    long: "method",
    short: "m",
    value: "METHOD",
    choices: METHODS,
    group: "How to kill",
    commands: KILL_SHOW,
    help: "auto, kill, freezer or sweep (default auto)",
  },
  {
    long: "remove",
    short: "r",
    group: "How to kill",
    commands: KILL_SHOW,
    help: "remove the emptied cgroup and those below it (default on v1)",
  },
  { long: "keep", group: "How to kill", commands: KILL_SHOW, help: "leave the emptied cgroup (default on v2)" },
  {
    long: "all-hierarchies",
    group: "How to kill",
    commands: KILL_SHOW,
    help: "v1: remove the directories of that path in the other hierarchies too",
  },
  {
    long: "spare",
    value: "PID,...",
    group: "What may die",
    commands: SWITCHES,
    help: "move these out of the cgroup first, each of which must be in it; cgkill itself always is",
  },
  {
    long: "spare-to",
    value: "CGROUP",
    group: "What may die",
    commands: SWITCHES,
    help: "where they are moved (default: a place outside that takes them)",
  },
  {
    long: "allow-ancestors",
    group: "What may die",
    commands: [...SWITCHES, "signal"],
    help: "let the shell, session or agent that started cgkill die too",
    helpFor: {
      freeze: "freeze the shell, session or agent that started cgkill too",
      signal: "send it to the shell, session or agent that started cgkill too",
    },
  },
  {
    long: "thaw-ancestors",
    group: "What may die",
    commands: KILL_SHOW,
    help: "v1: thaw a frozen ancestor meanwhile, if the dead cannot be moved out",
  },
  { long: "frozen", group: "What to list", commands: LIST, help: "only those that are frozen, and by whom" },
  { long: "flat", group: "What to list", commands: LIST, help: "full paths, no tree" },
  { long: "procs", group: "What to list", commands: LIST, help: "each process under its cgroup, with its command" },
  {
    long: "sort",
    value: "KEY",
    choices: SORT_KEYS,
    group: "What to list",
    commands: LIST,
    help: "name, procs, memory, cpu or age (default name)",
  },
  { long: "depth", value: "N", group: "What to list", commands: LIST, help: "so many levels at most" },
  {
    long: "watch",
    short: "w",
    value: "INTERVAL",
    isOptional: true,
    group: "What to list",
    commands: LIST,
    help: "again and again, each two seconds or --watch=INTERVAL, of 100ms at least",
  },
  { long: "json", group: "Output", commands: REPORTS, help: "one JSON document a cgroup, one a line" },
  {
    long: "quiet",
    short: "q",
    group: "Output",
    commands: REPORTS,
    help: "only errors; with list: only the paths",
    helpFor: { ...forEach(TARGETS, "only errors"), list: "only the paths" },
  },
  {
    long: "verbose",
    short: "v",
    group: "Output",
    commands: TARGETS,
    help: "more detail: the steps of a kill with their times; -vv traces every step",
    helpFor: forEach(["freeze", "thaw", "signal"], "more detail; -vv traces every step"),
  },
  {
    long: "log-level",
    value: "LEVEL",
    choices: LEVELS,
    group: "Output",
    commands: TARGETS,
    help: "error, warn, info, debug or trace (default info)",
  },
  {
    long: "log-format",
    value: "FORMAT",
    choices: LOG_FORMATS,
    group: "Output",
    commands: TARGETS,
    help: "text or json (default text)",
  },
  {
    long: "color",
    value: "WHEN",
    choices: COLORS,
    group: "Output",
    commands: REPORTS,
    help: "auto, always or never (default auto)",
  },
  {
    long: "help",
    short: "h",
    group: "Output",
    commands: EVERY,
    help: "this text; after a command, only its page",
    helpFor: forEach(EVERY, "this text"),
  },
  {
    long: "version",
    short: "V",
    group: "Output",
    commands: EVERY,
    help: "show version, build and what this host offers",
  },
];
