// From the words of the command line to a command. Pure: nothing is opened, read or looked up.

import type { KillMethod, Level, SignalName } from "../kill/types.ts";
import type { Millis, Pid } from "../sys/sys.ts";
import { UsageError } from "./errors.ts";
import { type CommandName, COMMANDS, OPTIONS, RESERVED_WORDS } from "./options.ts";
import { parseChoice, parseDuration, parsePid, parseSignal } from "./values.ts";
import { splitWords } from "./words.ts";

export type Target =
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "pid"; readonly pid: Pid }
  /** Names from standard input. */
  | { readonly kind: "stdin" };

export type ColorWhen = "auto" | "always" | "never";
export type LogFormat = "text" | "json";

export interface OutputOptions {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly level: Level;
  readonly logFormat: LogFormat;
  readonly color: ColorWhen;
}

/** What a kill and its preview are asked for. */
export interface TargetCommand {
  readonly kind: "kill" | "show";
  readonly targets: readonly Target[];
  readonly output: OutputOptions;
  readonly hierarchy: string | undefined;
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

export type Command = { readonly kind: "help" } | { readonly kind: "version" } | TargetCommand;

const LEVELS = ["error", "warn", "info", "debug", "trace"] as const;
const METHODS = ["auto", "kill", "freezer", "sweep"] as const;
const DEFAULT_TIMEOUT_MS = 10_000;

/** @throws UsageError */
export function parseArgs(argv: readonly string[]): Command {
  const { given, names, mayBeCommand } = splitWords(argv);
  if (given.has("help")) return { kind: "help" };
  if (given.has("version")) return { kind: "version" };
  const [first] = names;
  const word = mayBeCommand && first !== undefined && RESERVED_WORDS.includes(first) ? first : undefined;
  if (word === "help") return { kind: "help" };
  const name = commandNamed(word);
  refuseStrangers(name, given);
  const targets = readTargets(given, word === undefined ? names : names.slice(1));
  if (targets.length === 0) throw noTarget(argv);
  return readTargetCommand(name === "show" || given.has("dry-run") ? "show" : "kill", targets, given);
}

function commandNamed(word: string | undefined): CommandName {
  if (word === undefined) return "kill";
  const command = COMMANDS.find(({ name }) => name === word);
  if (command !== undefined) return command.name;
  throw new UsageError(
    `${word}: this command is not in this version of cgkill`,
    `for a cgroup of that name write ./${word} or /${word}`,
  );
}

function refuseStrangers(name: CommandName, given: ReadonlyMap<string, readonly string[]>): void {
  for (const { long, commands } of OPTIONS) {
    if (given.has(long) && !commands.includes(name)) {
      throw new UsageError(`--${long}: is no option of cgkill ${name}`, "see cgkill --help");
    }
  }
}

function readTargets(given: ReadonlyMap<string, readonly string[]>, names: readonly string[]): Target[] {
  const pids = (given.get("pid") ?? []).map((text): Target => ({ kind: "pid", pid: parsePid("pid", text) }));
  return [...names.map((name): Target => (name === "-" ? { kind: "stdin" } : { kind: "name", name })), ...pids];
}

function noTarget(argv: readonly string[]): UsageError {
  const message = argv.length === 0 ? "no cgroup was named" : "no cgroup was named, only options";
  return new UsageError(
    message,
    "cgkill CGROUP, cgkill --pid PID, or cgkill - for names on standard input; see cgkill --help",
  );
}

function readTargetCommand(
  kind: "kill" | "show",
  targets: readonly Target[],
  given: ReadonlyMap<string, readonly string[]>,
): TargetCommand {
  // The last one given counts, as everywhere.
  const last = (name: string): string | undefined => given.get(name)?.at(-1);
  const read = <T>(name: string, otherwise: T, parse: (name: string, text: string) => T): T => {
    const text = last(name);
    return text === undefined ? otherwise : parse(name, text);
  };
  if (given.has("remove") && given.has("keep")) {
    throw new UsageError("--remove and --keep: one contradicts the other", "give one of them");
  }
  return {
    kind,
    targets,
    output: readOutput(given, last),
    hierarchy: last("hierarchy"),
    nullSeparated: given.has("null"),
    ignoreMissing: given.has("ignore-missing"),
    timeoutMs: read("timeout", DEFAULT_TIMEOUT_MS, parseDuration),
    method: read("method", "auto", (name, text) => parseChoice(name, text, METHODS)),
    remove: given.has("remove") ? true : given.has("keep") ? false : undefined,
    graceMs: read("grace", 0, parseDuration),
    graceSignal: read("signal", "TERM", parseSignal),
    spare: (given.get("spare") ?? []).flatMap((list) => list.split(",").map((text) => parsePid("spare", text))),
    spareTo: last("spare-to"),
    allowAncestors: given.has("allow-ancestors"),
    thawAncestors: given.has("thaw-ancestors"),
    allHierarchies: given.has("all-hierarchies"),
  };
}

function readOutput(
  given: ReadonlyMap<string, readonly string[]>,
  last: (name: string) => string | undefined,
): OutputOptions {
  const level = last("log-level");
  const verbosity = given.get("verbose")?.length ?? 0;
  const byVerbosity: Level = verbosity === 0 ? "info" : verbosity === 1 ? "debug" : "trace";
  const quiet = given.has("quiet");
  return {
    json: given.has("json"),
    quiet,
    level: level !== undefined ? parseChoice("log-level", level, LEVELS) : quiet ? "error" : byVerbosity,
    logFormat: parseChoice("log-format", last("log-format") ?? "text", ["text", "json"]),
    color: parseChoice("color", last("color") ?? "auto", ["auto", "always", "never"]),
  };
}
