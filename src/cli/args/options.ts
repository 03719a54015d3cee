// The table of options. The parser, --help, the completions and the man page all come from it.

import { LEVELS } from "../../kill/events.ts";
import { lazy } from "../../lazy.ts";
import { SIGNALS } from "../../sys/signal-names.ts";
import { COLORS, LOG_FORMATS, METHODS, SORT_KEYS } from "./command.ts";
import type { CommandName } from "./commands.ts";
import type { OptionSpec } from "./option-spec.ts";

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

/** The options by the heading that the help has for them. */
export const optionGroups: () => Readonly<Record<string, readonly OptionSpec[]>> = lazy(() => ({
  "Which cgroup": [
    { long: "pid", value: "PID,...", commands: TARGETS, help: "the cgroup of each of these processes" },
    {
      long: "name",
      value: "PATTERN",
      commands: TARGETS,
      help: "the cgroup whose last component, unit, container, pod or job name matches this glob, or whose container id starts with it",
    },
    {
      long: "all",
      short: "a",
      commands: [...TARGETS, "list"],
      help: "with --name: every match; with list: empty cgroups too",
      helpFor: { ...sameHelp(TARGETS, "with --name: every match"), list: "include empty cgroups" },
    },
    {
      long: "hierarchy",
      value: "NAME",
      commands: [...REPORTS, "run"],
      help: "look only in this hierarchy: v1, v2, or a v1 controller",
      helpFor: { run: "make the cgroup in v1 or v2 (default v2, or v1 if v2 is not possible)" },
    },
    { long: "null", short: "0", commands: TARGETS, help: "names on standard input end with NUL instead of newline" },
    { long: "ignore-missing", commands: TARGETS, help: "treat a missing cgroup as success" },
  ],
  "How to kill": [
    { long: "dry-run", short: "n", commands: KILL, help: "change nothing: the same as cgkill show" },
    {
      long: "interactive",
      short: "i",
      commands: KILL,
      help: "preview each cgroup and ask before killing it; needs a terminal",
    },
    {
      long: "timeout",
      short: "t",
      value: "DURATION",
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
      commands: [...KILL_SHOW, "run"],
      help: "send --signal first and wait this long before SIGKILL; not part of --timeout (default 0: SIGKILL at once)",
    },
    {
      long: "signal",
      short: "s",
      value: "NAME",
      choices: Object.keys(SIGNALS),
      commands: [...KILL_SHOW, "run"],
      help: "the signal to send first with --grace (default TERM)",
    },
    {
      long: "method",
      short: "m",
      value: "METHOD",
      choices: METHODS,
      commands: KILL_SHOW,
      help: "auto, kill, freezer or sweep (default auto)",
    },
    {
      long: "remove",
      short: "r",
      commands: KILL_SHOW,
      help: "remove the emptied cgroup and those below it (default on v1)",
    },
    { long: "keep", commands: KILL_SHOW, help: "keep the emptied cgroup (default on v2)" },
    { long: "all-hierarchies", commands: KILL_SHOW, help: "v1: also remove the same path in the other v1 hierarchies" },
  ],
  "What may die": [
    {
      long: "spare",
      value: "PID,...",
      commands: MOVE_PROCESSES,
      help: "move these processes out of the cgroup first; each must be inside; cgkill always moves itself out",
    },
    {
      long: "spare-to",
      value: "CGROUP",
      commands: MOVE_PROCESSES,
      help: "cgroup to move them to (default: one outside that accepts them)",
    },
    {
      long: "allow-ancestors",
      commands: [...MOVE_PROCESSES, "signal"],
      help: "allow a cgroup that contains the shell, session or agent that started cgkill; it is not spared",
    },
    {
      long: "thaw-ancestors",
      commands: KILL_SHOW,
      help: "v1: thaw a frozen ancestor during the kill, if killed processes cannot be moved out of it to die",
    },
    {
      long: "abort-fuse",
      commands: KILL_SHOW,
      help: "abort FUSE connections that survivors wait in, if their server is dead, stopped, frozen or inside the cgroup; their users lose the file system",
    },
  ],
  "How to run": [
    {
      long: "in",
      value: "CGROUP",
      commands: ["run"],
      help: "create the new cgroup in this one (default: in the cgroup of cgkill itself)",
    },
    { long: "as", value: "NAME", commands: ["run"], help: "the name of the new cgroup; it must not exist" },
    {
      long: "limit",
      value: "DURATION",
      commands: ["run"],
      help: "kill everything after this time, such as 90s or 1h30m, and exit with status 124",
    },
    {
      long: "report",
      value: "FILE",
      commands: ["run"],
      help: "write a JSON report of the result to this file; - is standard error",
    },
  ],
  "What to list": [
    { long: "frozen", commands: LIST, help: "only frozen cgroups, and what froze them" },
    { long: "stuck", commands: LIST, help: "only processes stuck in the kernel, and on what" },
    { long: "flat", commands: LIST, help: "full paths instead of a tree" },
    { long: "procs", commands: LIST, help: "each process below its cgroup, with its command" },
    {
      long: "sort",
      value: "KEY",
      choices: SORT_KEYS,
      commands: LIST,
      help: "sort by name, procs, memory, cpu or age (default name)",
    },
    { long: "depth", value: "N", commands: LIST, help: "show at most N levels" },
    {
      long: "watch",
      short: "w",
      value: "INTERVAL",
      isValueOptional: true,
      commands: LIST,
      help: "refresh every INTERVAL (default 2s, minimum 100ms)",
    },
  ],
  Output: [
    { long: "json", commands: REPORTS, help: "print one JSON document per cgroup, one per line" },
    {
      long: "quiet",
      short: "q",
      commands: [...REPORTS, "run"],
      help: "print only errors; with list: only paths",
      helpFor: { ...sameHelp(LOGS, "print only errors"), list: "print only paths" },
    },
    {
      long: "verbose",
      short: "v",
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
      commands: LOGS,
      help: "lowest level to log: error, warn, info, debug or trace (default info)",
    },
    {
      long: "log-format",
      value: "FORMAT",
      choices: LOG_FORMATS,
      commands: LOGS,
      help: "log as text or json (default text)",
    },
    {
      long: "color",
      value: "WHEN",
      choices: COLORS,
      commands: [...REPORTS, "run"],
      help: "use color: auto, always or never (default auto)",
    },
    {
      long: "help",
      short: "h",
      commands: EVERY,
      help: "show this text; after a command, show its page",
      helpFor: sameHelp(EVERY, "show this text"),
    },
    { long: "version", short: "V", commands: EVERY, help: "show version, build and what this host supports" },
    { long: "licenses", commands: EVERY, help: "show the licences of cgkill and of everything bundled in its file" },
  ],
}));

export const optionTable: () => readonly OptionSpec[] = lazy(() => Object.values(optionGroups()).flat());
