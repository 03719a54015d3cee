// From the words of the command line to a command. Pure: nothing is opened, read or looked up.

import { type Level, LEVELS } from "../kill/events.ts";
import type { KillMethod, SignalName } from "../kill/types.ts";
import type { Millis, Pid } from "../sys/sys.ts";
import { UsageError } from "./errors.ts";
import {
  COLORS,
  type CommandName,
  COMMANDS,
  LOG_FORMATS,
  METHODS,
  OPTIONS,
  RESERVED_WORDS,
  SHELLS,
  SORT_KEYS,
} from "./options.ts";
import { nearest } from "./suggest.ts";
import { parseChoice, parseCount, parseDuration, parsePid, parseSignal } from "./values.ts";
import { splitWords } from "./words.ts";

export type Target =
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "pid"; readonly pid: Pid }
  | { readonly kind: "pattern"; readonly pattern: string }
  /** Names from standard input. */
  | { readonly kind: "stdin" };

export type ColorWhen = (typeof COLORS)[number];
export type LogFormat = (typeof LOG_FORMATS)[number];
export type SortKey = (typeof SORT_KEYS)[number];
export type Shell = (typeof SHELLS)[number];

export interface OutputOptions {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly level: Level;
  readonly logFormat: LogFormat;
  readonly color: ColorWhen;
}

/** What a kill, its preview, a freeze and a thaw are asked for. */
export interface TargetCommand {
  readonly kind: "kill" | "show" | "freeze" | "thaw";
  /** None: the interactive mode, where there is a terminal. */
  readonly targets: readonly Target[];
  readonly interactive: boolean;
  readonly output: OutputOptions;
  readonly hierarchy: string | undefined;
  /** Every match of a pattern, where one is asked for otherwise. */
  readonly all: boolean;
  readonly nullSeparated: boolean;
  readonly ignoreMissing: boolean;
  readonly timeoutMs: Millis;
  readonly method: KillMethod | "auto";
  readonly remove: boolean | undefined;
  readonly graceMs: Millis;
  readonly graceSignal: SignalName;
  readonly spare: readonly Pid[];
  readonly spareTo: string | undefined;
  readonly allowAncestors: boolean;
  readonly thawAncestors: boolean;
  readonly allHierarchies: boolean;
}

export interface ListCommand {
  readonly kind: "list";
  readonly top: string | undefined;
  readonly output: OutputOptions;
  readonly hierarchy: string | undefined;
  /** Empty ones too. */
  readonly all: boolean;
  readonly frozen: boolean;
  readonly flat: boolean;
  readonly sort: SortKey;
  readonly depth: number;
  /** `undefined`: once. */
  readonly watchMs: Millis | undefined;
}

export type Command =
  | { readonly kind: "help" }
  | { readonly kind: "version" }
  | { readonly kind: "completion"; readonly shell: Shell }
  | ListCommand
  | TargetCommand;

const DEFAULT_TIMEOUT_MS = 10_000;
const DEFAULT_WATCH_MS = 2000;
/** As with watch(1): a faster one would show no more, and keep a core busy. */
const LEAST_WATCH_MS = 100;

/** What was given, with the readers of it: the last one given counts, as everywhere. */
interface Given {
  readonly has: (name: string) => boolean;
  readonly every: (name: string) => readonly string[];
  readonly last: (name: string) => string | undefined;
  readonly read: <T>(name: string, otherwise: T, parse: (name: string, text: string) => T) => T;
}

/** @throws UsageError */
export function parseArgs(argv: readonly string[]): Command {
  const { given: values, names, mayBeCommand } = splitWords(argv);
  if (values.has("help")) return { kind: "help" };
  if (values.has("version")) return { kind: "version" };
  const [first] = names;
  const name = mayBeCommand && first !== undefined && RESERVED_WORDS.includes(first) ? (first as CommandName) : "kill";
  const rest = name === "kill" ? names : names.slice(1);
  refuseStrangers(name, values);
  const given = reading(values);
  switch (name) {
    case "help":
      return { kind: "help" };
    case "completion":
      return readCompletion(rest);
    case "list":
      return readList(rest, given);
    default:
      return readTargetCommand(name, rest, given);
  }
}

function reading(values: ReadonlyMap<string, readonly string[]>): Given {
  const last = (name: string): string | undefined => values.get(name)?.at(-1);
  return {
    has: (name) => values.has(name),
    every: (name) => values.get(name) ?? [],
    last,
    read(name, otherwise, parse) {
      const text = last(name);
      return text === undefined ? otherwise : parse(name, text);
    },
  };
}

function refuseStrangers(name: CommandName, given: ReadonlyMap<string, readonly string[]>): void {
  for (const { long, commands } of OPTIONS) {
    if (given.has(long) && !commands.includes(name)) {
      throw new UsageError(`--${long}: is no option of cgkill ${name}`, "see cgkill --help");
    }
  }
}

function readCompletion(names: readonly string[]): Command {
  const [shell, ...more] = names;
  if (shell === undefined || more.length > 0) {
    throw new UsageError("completion: takes the name of one shell", `cgkill completion ${SHELLS.join("|")}`);
  }
  const known = SHELLS.find((name) => name === shell);
  if (known === undefined) {
    throw new UsageError(`completion ${shell}: there is no script for this shell`, `choose ${SHELLS.join(", ")}`);
  }
  return { kind: "completion", shell: known };
}

function readList(names: readonly string[], given: Given): ListCommand {
  const [top, ...more] = names;
  if (more.length > 0) throw new UsageError(`${more[0]}: list takes one cgroup at most`, "cgkill list CGROUP");
  const watch = given.last("watch");
  return {
    kind: "list",
    top,
    output: readOutput(given),
    hierarchy: given.last("hierarchy"),
    all: given.has("all"),
    frozen: given.has("frozen"),
    flat: given.has("flat"),
    sort: given.read("sort", "name", (name, text) => parseChoice(name, text, SORT_KEYS)),
    depth: given.read("depth", Number.POSITIVE_INFINITY, parseCount),
    watchMs: watch === undefined ? undefined : readInterval(watch),
  };
}

function readInterval(text: string): Millis {
  return text === "" ? DEFAULT_WATCH_MS : Math.max(LEAST_WATCH_MS, parseDuration("watch", text));
}

function readTargets(given: Given, names: readonly string[]): Target[] {
  return [
    ...names.map((name): Target => (name === "-" ? { kind: "stdin" } : { kind: "name", name })),
    ...given.every("pid").map((text): Target => ({ kind: "pid", pid: parsePid("pid", text) })),
    ...given.every("name").map((pattern): Target => ({ kind: "pattern", pattern })),
  ];
}

export function noTarget(): UsageError {
  return new UsageError(
    "no cgroup was named",
    "cgkill CGROUP, --pid PID, --name PATTERN, or - for standard input; on a terminal, cgkill alone asks; see cgkill --help",
  );
}

function readTargetCommand(
  name: "kill" | "show" | "freeze" | "thaw",
  names: readonly string[],
  given: Given,
): TargetCommand {
  const targets = readTargets(given, names);
  const interactive = given.has("interactive");
  const json = given.has("json");
  if (targets.length === 0 && (name !== "kill" || json || given.has("dry-run"))) throw noTarget();
  const contradictions = [
    ["remove", "keep"],
    ["interactive", "json"],
    ["interactive", "dry-run"],
  ];
  for (const [one = "", other = ""] of contradictions) {
    if (given.has(one) && given.has(other)) {
      throw new UsageError(`--${one} and --${other}: one contradicts the other`, "give one of them");
    }
  }
  return {
    kind: given.has("dry-run") ? "show" : name,
    targets,
    interactive,
    output: readOutput(given),
    hierarchy: given.last("hierarchy"),
    all: given.has("all"),
    nullSeparated: given.has("null"),
    ignoreMissing: given.has("ignore-missing"),
    timeoutMs: given.read("timeout", DEFAULT_TIMEOUT_MS, parseDuration),
    method: given.read("method", "auto", (option, text) => parseChoice(option, text, METHODS)),
    remove: given.has("remove") ? true : given.has("keep") ? false : undefined,
    graceMs: given.read("grace", 0, parseDuration),
    graceSignal: given.read("signal", "TERM", parseSignal),
    spare: readPids("spare", given.every("spare")),
    spareTo: given.last("spare-to"),
    allowAncestors: given.has("allow-ancestors"),
    thawAncestors: given.has("thaw-ancestors"),
    allHierarchies: given.has("all-hierarchies"),
  };
}

function readPids(name: string, lists: readonly string[]): Pid[] {
  const pids: Pid[] = [];
  for (const list of lists) {
    for (const text of list.split(",")) pids.push(parsePid(name, text));
  }
  return pids;
}

function readOutput(given: Given): OutputOptions {
  const verbosity = given.every("verbose").length;
  const byVerbosity: Level = verbosity === 0 ? "info" : verbosity === 1 ? "debug" : "trace";
  const quiet = given.has("quiet");
  return {
    json: given.has("json"),
    quiet,
    level: given.read("log-level", quiet ? "error" : byVerbosity, (name, text) => parseChoice(name, text, LEVELS)),
    logFormat: given.read("log-format", "text", (name, text) => parseChoice(name, text, LOG_FORMATS)),
    color: given.read("color", "auto", (name, text) => parseChoice(name, text, COLORS)),
  };
}

/** The command that a mistyped first word may have meant, for a cgroup that is not there. */
export function nearestCommand(word: string): string | undefined {
  return nearest(
    word,
    COMMANDS.map(({ name }) => name).filter((name) => RESERVED_WORDS.includes(name)),
  );
}
