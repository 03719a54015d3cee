// The table of options. The parser, --help, the completions and the man page all come from it.

import { LEVELS } from "../../kill/events.ts";
import { lazy } from "../../lazy.ts";
import { SIGNALS } from "../../sys/signal-names.ts";
import { COLORS, LOG_FORMATS, METHODS, SORT_KEYS } from "./command.ts";
import type { CommandName } from "./commands.ts";

export interface OptionSpec {
  /** As the help shows it: its names, with the placeholder for its value. */
  readonly usage: string;
  readonly long: string;
  readonly short: string | undefined;
  /** The placeholder for its value; without one the option is a switch. */
  readonly value: string | undefined;
  /** The value may be left out. If given, it must be attached: --long=VALUE. */
  readonly isValueOptional: boolean;
  /** The allowed values, if they are a few words. */
  readonly choices?: readonly string[];
  readonly help: string;
  /** Other texts, each for the pages of these commands. */
  readonly helpFor?: Readonly<Record<string, readonly CommandName[]>>;
  readonly commands: readonly CommandName[];
}

/** The text for the page of a single command. */
export const helpOf = ({ help, helpFor = {} }: OptionSpec, command: CommandName): string =>
  Object.entries(helpFor).find(([, commands]) => commands.includes(command))?.[0] ?? help;

const KILL: readonly CommandName[] = ["kill"];
const LIST: readonly CommandName[] = ["list"];
const RUN: readonly CommandName[] = ["run"];
const NOT_KILLING: readonly CommandName[] = ["freeze", "thaw", "signal"];
const KILL_SHOW: readonly CommandName[] = ["kill", "show"];
const MOVE_PROCESSES: readonly CommandName[] = ["kill", "show", "freeze"];
const TARGETS: readonly CommandName[] = ["kill", "show", "freeze", "thaw", "signal"];
const REPORTS: readonly CommandName[] = [...TARGETS, "list"];
const LOGS: readonly CommandName[] = [...TARGETS, "run"];
const EVERY: readonly CommandName[] = [...REPORTS, "run", "completion", "help"];

/** An option as the help shows it: `-x, --long VALUE`, or `[=VALUE]` if the value may be left out. */
type Row = readonly [commands: readonly CommandName[], help: string, more?: Pick<OptionSpec, "choices" | "helpFor">];

function toSpecs(rows: Readonly<Record<string, Row>>): OptionSpec[] {
  const specs: OptionSpec[] = [];
  for (const [usage, [commands, help, more]] of Object.entries(rows)) {
    const [, short, long = "", optional, value = optional] =
      /^(?:-(.), )?--([a-z-]+)(?:\[=(.+)\]| (.+))?$/.exec(usage) ?? [];
    specs.push({ usage, long, short, value, isValueOptional: optional !== undefined, commands, help, ...more });
  }
  return specs;
}

/** The options by the heading that the help has for them. */
export const optionGroups: () => Readonly<Record<string, readonly OptionSpec[]>> = lazy(() => ({
  "Which cgroup": toSpecs({
    "--pid PID,...": [TARGETS, "the cgroup of each of these processes"],
    "--name PATTERN": [
      TARGETS,
      "the cgroup whose last component, unit, container, pod or job name matches this glob, or whose container id starts with it",
    ],
    "-a, --all": [
      REPORTS,
      "with --name: every match; with list: empty cgroups too",
      { helpFor: { "with --name: every match": TARGETS, "include empty cgroups": LIST } },
    ],
    "--hierarchy NAME": [
      [...REPORTS, "run"],
      "look only in this hierarchy: v1, v2, or a v1 controller",
      { helpFor: { "make the cgroup in v1 or v2 (default v2, or v1 if v2 is not possible)": RUN } },
    ],
    "-0, --null": [TARGETS, "names on standard input end with NUL instead of newline"],
    "--ignore-missing": [TARGETS, "treat a missing cgroup as success"],
  }),
  "How to kill": toSpecs({
    "-n, --dry-run": [KILL, "change nothing: the same as cgkill show"],
    "-i, --interactive": [KILL, "preview each cgroup and ask before killing it; needs a terminal"],
    "-t, --timeout DURATION": [
      LOGS,
      "deadline for freeze, kill, wait and remove, counted after the grace period; examples: 500ms, 5s or 5, 2m; 0: kill, check once, report (default 10s)",
      {
        helpFor: {
          "deadline, such as 500ms, 5s or 2m; 0: check once, report (default 10s)": NOT_KILLING,
          "deadline for the kill at the end, counted after the grace period (default 10s)": RUN,
        },
      },
    ],
    "-g, --grace DURATION": [
      [...KILL_SHOW, "run"],
      "send --signal first and wait this long before SIGKILL; not part of --timeout (default 0: SIGKILL at once)",
    ],
    "-s, --signal NAME": [
      [...KILL_SHOW, "run"],
      "the signal to send first with --grace (default TERM)",
      { choices: Object.keys(SIGNALS) },
    ],
    "-m, --method METHOD": [KILL_SHOW, "auto, kill, freezer or sweep (default auto)", { choices: METHODS }],
    "-r, --remove": [KILL_SHOW, "remove the emptied cgroup and those below it (default on v1)"],
    "--keep": [KILL_SHOW, "keep the emptied cgroup (default on v2)"],
    "--all-hierarchies": [KILL_SHOW, "v1: also remove the same path in the other v1 hierarchies"],
  }),
  "What may die": toSpecs({
    "--spare PID,...": [
      MOVE_PROCESSES,
      "move these processes out of the cgroup first; each must be inside; cgkill always moves itself out",
    ],
    "--spare-to CGROUP": [MOVE_PROCESSES, "cgroup to move them to (default: one outside that accepts them)"],
    "--allow-ancestors": [
      [...MOVE_PROCESSES, "signal"],
      "allow a cgroup that contains the shell, session or agent that started cgkill; it is not spared",
    ],
    "--thaw-ancestors": [
      KILL_SHOW,
      "v1: thaw a frozen ancestor during the kill, if killed processes cannot be moved out of it to die",
    ],
    "--abort-fuse": [
      KILL_SHOW,
      "abort FUSE connections that survivors wait in, if their server is dead, stopped, frozen or inside the cgroup; their users lose the file system",
    ],
  }),
  "How to run": toSpecs({
    "--in CGROUP": [RUN, "create the new cgroup in this one (default: in the cgroup of cgkill itself)"],
    "--as NAME": [RUN, "the name of the new cgroup; it must not exist"],
    "--limit DURATION": [RUN, "kill everything after this time, such as 90s or 1h30m, and exit with status 124"],
    "--report FILE": [RUN, "write a JSON report of the result to this file; - is standard error"],
  }),
  "What to list": toSpecs({
    "--frozen": [LIST, "only frozen cgroups, and what froze them"],
    "--stuck": [LIST, "only processes stuck in the kernel, and on what"],
    "--flat": [LIST, "full paths instead of a tree"],
    "--procs": [LIST, "each process below its cgroup, with its command"],
    "--sort KEY": [LIST, "sort by name, procs, memory, cpu or age (default name)", { choices: SORT_KEYS }],
    "--depth N": [LIST, "show at most N levels"],
    "-w, --watch[=INTERVAL]": [LIST, "refresh every INTERVAL (default 2s, minimum 100ms)"],
  }),
  Output: toSpecs({
    "--json": [REPORTS, "print one JSON document per cgroup, one per line"],
    "-q, --quiet": [
      [...REPORTS, "run"],
      "print only errors; with list: only paths",
      { helpFor: { "print only errors": LOGS, "print only paths": LIST } },
    ],
    "-v, --verbose": [
      LOGS,
      "more detail: the steps of a kill with their times; -vv traces every step",
      {
        helpFor: {
          "more detail; -vv traces every step": NOT_KILLING,
          "what was killed at the end; -vv traces every step": RUN,
        },
      },
    ],
    "--log-level LEVEL": [
      LOGS,
      "lowest level to log: error, warn, info, debug or trace (default info)",
      { choices: LEVELS },
    ],
    "--log-format FORMAT": [LOGS, "log as text or json (default text)", { choices: LOG_FORMATS }],
    "--color WHEN": [[...REPORTS, "run"], "use colours: auto, always or never (default auto)", { choices: COLORS }],
    "-h, --help": [
      EVERY,
      "show the help; after a command, only that of the command",
      { helpFor: { "show this help": EVERY } },
    ],
    "-V, --version": [EVERY, "show version, build and what this host supports"],
    "--licenses": [EVERY, "show the licences of cgkill and of everything bundled in its file"],
  }),
}));

export const optionTable: () => readonly OptionSpec[] = lazy(() => Object.values(optionGroups()).flat());

export function findOption(by: "long" | "short", name: string): OptionSpec | undefined {
  for (const spec of optionTable()) if (spec[by] === name) return spec;
  return undefined;
}
