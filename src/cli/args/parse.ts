// Parses the command line into a command. Pure: opens, reads and looks up nothing.

import { helpPage } from "../../advice.ts";
import type { Millis } from "../../sys/sys.ts";
import { type Command, type ListCommand, type RunCommand, SHELLS, SORT_KEYS } from "./command.ts";
import { COMMAND_NAMES, type CommandName, isCommandName } from "./commands.ts";
import { type GivenOptions, readOutput, toGivenOptions } from "./given-options.ts";
import { explainHabit } from "./habits/options.ts";
import { findMeaning } from "./habits/words.ts";
import { optionTable } from "./options.ts";
import { DEFAULT_TIMEOUT_MS, readTargetCommand } from "./target-command.ts";
import { splitWords } from "./tokenize.ts";
import { HabitError, UsageError } from "./usage-error.ts";
import { isDuration, parseChoice, parseCount, parseDuration, parseSignal } from "./values.ts";

const DEFAULT_WATCH_MS = 2000;
/** That of watch(1). Refreshing faster would show no more and keep a core busy. */
const MIN_WATCH_MS = 100;

/** @throws UsageError */
export function parseArgs(argv: readonly string[]): Command {
  try {
    return parseWords(argv);
  } catch (error) {
    throw error instanceof HabitError ? explainHabit(error, argv, parseWords) : error;
  }
}

function parseWords(argv: readonly string[]): Command {
  const { given: values, operands, mayBeCommand } = splitWords(argv);
  const [first] = operands;
  const isCommandGiven = mayBeCommand && first !== undefined && isCommandName(first);
  const name = isCommandGiven ? first : "kill";
  const rest = isCommandGiven ? operands.slice(1) : operands;
  if (values.has("help") && name !== "help") return { kind: "help", topic: isCommandGiven ? name : undefined };
  if (values.has("version")) return { kind: "version" };
  if (values.has("licenses")) return { kind: "licenses" };
  refuseForeignOptions(name, values);
  const given = toGivenOptions(values);
  switch (name) {
    case "help":
      return readHelp(rest);
    case "completion":
      return readCompletion(rest);
    case "list":
      return readList(rest, given);
    case "run":
      return readRun(rest, given, argv[0] === "run");
    default:
      return readTargetCommand(name, rest, given, { isCommandGiven, mayBeCommand });
  }
}

function refuseForeignOptions(name: CommandName, given: ReadonlyMap<string, readonly string[]>): void {
  // Without options the table is not needed.
  if (given.size === 0) return;
  for (const { long, short, commands } of optionTable()) {
    if (given.has(long) && !commands.includes(name)) {
      // Which of the two was typed is not kept.
      const option = short === undefined ? `--${long}` : `-${short}, --${long}`;
      const hint = INSTEAD[`${name} ${long}`] ?? null;
      throw new UsageError(`cgkill ${name} has no option ${option}`, hint, [helpPage(name)]);
    }
  }
}

/** What a command has instead of an option that others have, by command and option. */
const INSTEAD: Readonly<Record<string, string>> = {
  "signal signal": "write cgkill signal HUP CGROUP",
  "run json": "--report FILE writes the JSON document",
  "run name": "--as NAME names the new cgroup",
  "list name": "cgkill show --name PATTERN --all finds by name",
  "list pid": "cgkill show --pid PID shows the cgroup of a process",
};

function readHelp(operands: readonly string[]): Command {
  const [topic, ...more] = operands;
  if (topic === undefined) return { kind: "help", topic };
  if (more.length > 0) throw new UsageError("cgkill help takes at most one command", null, [helpPage("help")]);
  if (isCommandName(topic)) return { kind: "help", topic };
  const { command, hint = `the commands are ${COMMAND_NAMES.join(", ")}`, page } = findMeaning(topic) ?? {};
  const problem = `there is no "${topic}" command`;
  if (command === undefined) throw new UsageError(problem, hint, page === undefined ? [] : [helpPage(page)]);
  throw new UsageError(problem, `did you mean ${command}?`, [helpPage(command)]);
}

function readCompletion(operands: readonly string[]): Command {
  const [shell, ...more] = operands;
  if (shell === undefined || more.length > 0) {
    const hint = `write cgkill completion ${SHELLS.join("|")}`;
    throw new UsageError("cgkill completion takes the name of one shell", hint);
  }
  const known = SHELLS.find((name) => name === shell);
  if (known === undefined) {
    throw new UsageError(`there is no completion script for ${shell}`, `there are scripts for ${SHELLS.join(", ")}`);
  }
  return { kind: "completion", shell: known };
}

function readList(operands: readonly string[], given: GivenOptions): ListCommand {
  refuseDetachedInterval(operands, given);
  const [top, ...more] = operands;
  if (more.length > 0) throw new UsageError("cgkill list takes at most one cgroup", null, [helpPage("list")]);
  if (top === "-") {
    const hint = "name the cgroup, or leave it out to list all; a cgroup named - is written /-";
    throw new UsageError("cgkill list reads no names from standard input", hint);
  }
  return {
    kind: "list",
    top,
    output: readOutput(given),
    hierarchy: given.last("hierarchy"),
    all: given.has("all"),
    frozen: given.has("frozen"),
    stuck: given.has("stuck"),
    flat: given.has("flat"),
    procs: given.has("procs"),
    sort: given.read("sort", "name", (name, text) => parseChoice(name, text, SORT_KEYS)),
    depth: given.read("depth", Number.POSITIVE_INFINITY, parseCount),
    watchMs: given.read("watch", undefined, readInterval),
  };
}

/** Refuse `-w 1`, which would otherwise mean a cgroup named 1. */
function refuseDetachedInterval(operands: readonly string[], given: GivenOptions): void {
  const interval = given.last("watch") === "" ? operands.find((operand) => isDuration(operand)) : undefined;
  if (interval === undefined) return;
  const hint = `write --watch=${interval} or -w${interval}; a cgroup named ${interval} is written /${interval}`;
  throw new UsageError(`--watch ${interval}: the interval must be attached to the option`, hint);
}

function readInterval(option: string, text: string): Millis {
  if (text === "") return DEFAULT_WATCH_MS;
  const interval = parseDuration(option, text);
  if (interval >= MIN_WATCH_MS) return interval;
  throw new UsageError(`--watch ${text}: too short`, `the minimum is ${MIN_WATCH_MS}ms`);
}

function readRun(words: readonly string[], given: GivenOptions, isFirst: boolean): RunCommand {
  if (!isFirst) throw new UsageError("run: must be the first word", "write cgkill run [options] COMMAND");
  if (words.length === 0)
    throw new UsageError("no command given", "write cgkill run [options] COMMAND", [helpPage("run")]);
  if (words[0] === "") throw new UsageError("the command is an empty word", "in a script, check the variable");
  if (given.has("signal") && !given.has("grace")) {
    throw new UsageError("--signal needs --grace: it is the signal of the grace period", "add --grace 10s");
  }
  const limitMs = given.read("limit", undefined, parseDuration);
  if (limitMs === 0) throw new UsageError("--limit 0 leaves no time to run", "leave it out for no limit");
  const name = given.last("as");
  if (name !== undefined && (/[/\n]/.test(name) || [".", ".."].includes(name))) {
    throw new UsageError(`--as ${name}: not a cgroup name`, "write a name without slashes; --in says where");
  }
  return {
    kind: "run",
    words,
    parent: given.last("in"),
    name,
    hierarchy: given.last("hierarchy"),
    limitMs,
    report: given.last("report"),
    graceMs: given.read("grace", 0, parseDuration),
    graceSignal: given.read("signal", "TERM", parseSignal),
    timeoutMs: given.read("timeout", DEFAULT_TIMEOUT_MS, parseDuration),
    output: readOutput(given),
  };
}
