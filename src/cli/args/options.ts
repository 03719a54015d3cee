// The table of options. The parser, --help, the completions and the man page all come from it.

import { LEVELS } from "../../kill/events.ts";
import { lazy } from "../../lazy.ts";
import { SIGNALS } from "../../sys/signal-names.ts";
import { COLORS, LOG_FORMATS, METHODS, SORT_KEYS } from "./command.ts";
import type { CommandName } from "./commands.ts";
import { type OptionSpec, RUN_OPTIONS } from "./option-spec.ts";

const KILL: readonly CommandName[] = ["kill"];
const LIST: readonly CommandName[] = ["list"];
const KILL_SHOW: readonly CommandName[] = ["kill", "show"];
const MOVE_PROCESSES: readonly CommandName[] = ["kill", "show", "freeze"];
const TARGETS: readonly CommandName[] = ["kill", "show", "freeze", "thaw", "signal"];
const REPORTS: readonly CommandName[] = [...TARGETS, "list"];
const LOGS: readonly CommandName[] = [...TARGETS, "run"];
const sameHelp = (commands: readonly CommandName[], help: string): Partial<Record<CommandName, string>> =>
  Object.fromEntries(commands.map((name) => [name, help]));
const EVERY: readonly CommandName[] = [...REPORTS, "run", "completion", "help"];

export const optionTable: () => readonly OptionSpec[] = lazy((): readonly OptionSpec[] => [
  {
    long: "pid",
    value: "PID,...",
    group: "Which cgroup",
    commands: TARGETS,
    help: "the cgroup of each of these processes",
  },
  {
    long: "name",
    value: "PATTERN",
    group: "Which cgroup",
    commands: TARGETS,
    help: "the cgroup whose last component, unit, container, pod or job name matches this glob, or whose container id starts with it",
  },
  {
    long: "all",
    short: "a",
    group: "Which cgroup",
    commands: [...TARGETS, "list"],
    help: "with --name: every match; with list: empty cgroups too",
    helpFor: { ...sameHelp(TARGETS, "with --name: every match"), list: "include empty cgroups" },
  },
  {
    long: "hierarchy",
    value: "NAME",
    group: "Which cgroup",
    commands: [...REPORTS, "run"],
    help: "look only in this hierarchy: v1, v2, or a v1 controller",
    helpFor: { run: "make the cgroup in v1 or v2 (default v2, or v1 if v2 is not possible)" },
  },
  {
    long: "null",
    short: "0",
    group: "Which cgroup",
    commands: TARGETS,
    help: "names on standard input end with NUL instead of newline",
  },
  { long: "ignore-missing", group: "Which cgroup", commands: TARGETS, help: "treat a missing cgroup as success" },
  {
    long: "dry-run",
    short: "n",
    group: "How to kill",
    commands: KILL,
    help: "change nothing: the same as cgkill show",
  },
  {
    long: "interactive",
    short: "i",
    group: "How to kill",
    commands: KILL,
    help: "preview each cgroup and ask before killing it; needs a terminal",
  },
  {
    long: "timeout",
    short: "t",
    value: "DURATION",
    group: "How to kill",
    commands: LOGS,
    help: "deadline for freeze, kill, wait and remove, counted after the grace period; examples: 500ms, 5s, 2m; 0: kill, check once, report (default 10s)",
    helpFor: {
      ...sameHelp(
        ["freeze", "thaw", "signal"],
        "deadline, such as 500ms, 5s or 2m; 0: check once, report (default 10s)",
      ),
      run: "deadline for the kill at the end, counted after the grace period (default 10s)",
    },
  },
  {
    long: "grace",
    short: "g",
    value: "DURATION",
    group: "How to kill",
    commands: [...KILL_SHOW, "run"],
    help: "send --signal first and wait this long before SIGKILL; not part of --timeout (default 0: SIGKILL at once)",
  },
  {
    long: "signal",
    short: "s",
    value: "NAME",
    choices: Object.keys(SIGNALS),
    group: "How to kill",
    commands: [...KILL_SHOW, "run"],
    help: "the signal to send first with --grace (default TERM)",
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
  { long: "keep", group: "How to kill", commands: KILL_SHOW, help: "keep the emptied cgroup (default on v2)" },
  {
    long: "all-hierarchies",
    group: "How to kill",
    commands: KILL_SHOW,
    help: "v1: also remove the same path in the other v1 hierarchies",
  },
  {
    long: "spare",
    value: "PID,...",
    group: "What may die",
    commands: MOVE_PROCESSES,
    help: "move these processes out of the cgroup first; each must be inside; cgkill always moves itself out",
  },
  {
    long: "spare-to",
    value: "CGROUP",
    group: "What may die",
    commands: MOVE_PROCESSES,
    help: "cgroup to move them to (default: one outside that accepts them)",
  },
  {
    long: "allow-ancestors",
    group: "What may die",
    commands: [...MOVE_PROCESSES, "signal"],
    help: "allow a cgroup that contains the shell, session or agent that started cgkill; it is not spared",
  },
  {
    long: "thaw-ancestors",
    group: "What may die",
    commands: KILL_SHOW,
    help: "v1: thaw a frozen ancestor during the kill, if killed processes cannot be moved out of it to die",
  },
  {
    long: "abort-fuse",
    group: "What may die",
    commands: KILL_SHOW,
    help: "abort FUSE connections that survivors wait in, if their server is dead, stopped, frozen or inside the cgroup; their users lose the file system",
  },
  ...RUN_OPTIONS,
  { long: "frozen", group: "What to list", commands: LIST, help: "only frozen cgroups, and what froze them" },
  { long: "stuck", group: "What to list", commands: LIST, help: "only processes stuck in the kernel, and on what" },
  { long: "flat", group: "What to list", commands: LIST, help: "full paths instead of a tree" },
  { long: "procs", group: "What to list", commands: LIST, help: "each process below its cgroup, with its command" },
  {
    long: "sort",
    value: "KEY",
    choices: SORT_KEYS,
    group: "What to list",
    commands: LIST,
    help: "sort by name, procs, memory, cpu or age (default name)",
  },
  { long: "depth", value: "N", group: "What to list", commands: LIST, help: "show at most N levels" },
  {
    long: "watch",
    short: "w",
    value: "INTERVAL",
    isValueOptional: true,
    group: "What to list",
    commands: LIST,
    help: "refresh every INTERVAL (default 2s, minimum 100ms)",
  },
  { long: "json", group: "Output", commands: REPORTS, help: "print one JSON document per cgroup, one per line" },
  {
    long: "quiet",
    short: "q",
    group: "Output",
    commands: [...REPORTS, "run"],
    help: "print only errors; with list: only paths",
    helpFor: { ...sameHelp(LOGS, "print only errors"), list: "print only paths" },
  },
  {
    long: "verbose",
    short: "v",
    group: "Output",
    commands: LOGS,
    help: "more detail: the steps of a kill with their times; -vv traces every step",
    helpFor: {
      ...sameHelp(["freeze", "thaw", "signal"], "more detail; -vv traces every step"),
      run: "what was killed at the end; -vv traces every step",
    },
  },
  {
    long: "log-level",
    value: "LEVEL",
    choices: LEVELS,
    group: "Output",
    commands: LOGS,
    help: "lowest level to log: error, warn, info, debug or trace (default info)",
  },
  {
    long: "log-format",
    value: "FORMAT",
    choices: LOG_FORMATS,
    group: "Output",
    commands: LOGS,
    help: "log as text or json (default text)",
  },
  {
    long: "color",
    value: "WHEN",
    choices: COLORS,
    group: "Output",
    commands: [...REPORTS, "run"],
    help: "use color: auto, always or never (default auto)",
  },
  {
    long: "help",
    short: "h",
    group: "Output",
    commands: EVERY,
    help: "show this text; after a command, show its page",
    helpFor: sameHelp(EVERY, "show this text"),
  },
  {
    long: "version",
    short: "V",
    group: "Output",
    commands: EVERY,
    help: "show version, build and what this host supports",
  },
  {
    long: "licenses",
    group: "Output",
    commands: EVERY,
    help: "show the licences of cgkill and of everything bundled in its file",
  },
]);
