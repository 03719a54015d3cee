// From the words of the command line to a command. Pure: nothing is opened, read or looked up.

import { helpPage } from "../../advice.ts";
import type { Millis } from "../../sys/sys.ts";
import { SHELLS, SORT_KEYS } from "./choices.ts";
import type { Command, ListCommand } from "./command.ts";
import { type CommandName, RESERVED_WORDS } from "./commands.ts";
import { type Given, reading, readOutput } from "./given-options.ts";
import { commandMeantBy } from "./mistyped.ts";
import { OPTIONS } from "./options.ts";
import { readTargetCommand } from "./target-command.ts";
import { splitWords } from "./tokenize.ts";
import { UsageError } from "./usage-error.ts";
import { isDuration, parseChoice, parseCount, parseDuration } from "./values.ts";

const DEFAULT_WATCH_MS = 2000;
/** As with watch(1): a faster one would show no more, and keep a core busy. */
const MIN_WATCH_MS = 100;

/** @throws UsageError */
export function parseArgs(argv: readonly string[]): Command {
  const { given: values, names, mayBeCommand } = splitWords(argv);
  const [first] = names;
  const name = mayBeCommand && first !== undefined && RESERVED_WORDS.includes(first) ? (first as CommandName) : "kill";
  const isCommandGiven = mayBeCommand && first === name;
  const rest = isCommandGiven ? names.slice(1) : names;
  if (values.has("help") && name !== "help") return { kind: "help", topic: isCommandGiven ? name : undefined };
  if (values.has("version")) return { kind: "version" };
  refuseStrangers(name, values);
  const given = reading(values);
  switch (name) {
    case "help":
      return readHelp(rest);
    case "completion":
      return readCompletion(rest);
    case "list":
      return readList(rest, given);
    default:
      return readTargetCommand(name, rest, given, { isCommandGiven, mayBeCommand });
  }
}

function refuseStrangers(name: CommandName, given: ReadonlyMap<string, readonly string[]>): void {
  for (const { long, commands } of OPTIONS) {
    if (given.has(long) && !commands.includes(name)) {
      throw new UsageError(`cgkill ${name} has no option --${long}`, null, [helpPage(name)]);
    }
  }
}

function readHelp(names: readonly string[]): Command {
  const [topic, ...more] = names;
  if (topic === undefined) return { kind: "help", topic };
  if (more.length > 0) throw new UsageError("help: takes one command at most", null, [helpPage(topic)]);
  if (RESERVED_WORDS.includes(topic)) return { kind: "help", topic: topic as CommandName };
  const meant = commandMeantBy(topic);
  const problem = `help ${topic}: there is no such command`;
  if (meant === undefined) throw new UsageError(problem, `commands: ${RESERVED_WORDS.join(", ")}`);
  throw new UsageError(problem, `did you mean ${meant}?`, [helpPage(meant)]);
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
  refuseDetachedInterval(names, given);
  const [top, ...more] = names;
  if (more.length > 0) throw new UsageError(`${more[0]}: list takes one cgroup at most`, null, [helpPage("list")]);
  const watch = given.last("watch");
  return {
    kind: "list",
    top,
    output: readOutput(given),
    hierarchy: given.last("hierarchy"),
    all: given.has("all"),
    frozen: given.has("frozen"),
    flat: given.has("flat"),
    procs: given.has("procs"),
    sort: given.read("sort", "name", (name, text) => parseChoice(name, text, SORT_KEYS)),
    depth: given.read("depth", Number.POSITIVE_INFINITY, parseCount),
    watchMs: watch === undefined ? undefined : readInterval(watch),
  };
}

/** `-w 1` reads as a cgroup called 1, which is rarely meant. */
function refuseDetachedInterval(names: readonly string[], given: Given): void {
  const interval = given.last("watch") === "" ? names.find((name) => isDuration(name)) : undefined;
  if (interval === undefined) return;
  throw new UsageError(
    `--watch ${interval}: the interval must be attached`,
    `write --watch=${interval} or -w${interval}; a cgroup called ${interval} is written /${interval}`,
  );
}

function readInterval(text: string): Millis {
  return text === "" ? DEFAULT_WATCH_MS : Math.max(MIN_WATCH_MS, parseDuration("watch", text));
}
