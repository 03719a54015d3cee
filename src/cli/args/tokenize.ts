// Splits a command line into options and operands by the usual rules: --name VALUE, --name=VALUE, -xyz, -xVALUE,
// -x VALUE, a lone -, and -- before operands. Loading parseArgs of node:util instead would take a tenth of the start-up
// time (2.3 of 22 ms when measured), and cgkill must start fast on hosts that are out of resources.

import { beginsWithOtherDash, HELP, helpPage } from "../../advice.ts";
import { distance, nearest } from "../text/nearest.ts";
import { isCommandName } from "./commands.ts";
import { findMeaning, findMeantCommand, findOptionHint } from "./habits/words.ts";
import { findOption, type OptionSpec, optionTable } from "./options.ts";
import { HabitError, UsageError } from "./usage-error.ts";
import { findSignalNumber, isDuration } from "./values.ts";

export interface Words {
  /** The values of each option by its long name, in order; "" for a switch. */
  readonly given: ReadonlyMap<string, readonly string[]>;
  readonly operands: readonly string[];
  /** The first operand came before `--`. */
  readonly mayBeCommand: boolean;
}

/** @throws UsageError  an unknown option, a missing value, or a value for a switch */
export function splitWords(argv: readonly string[]): Words {
  const given = new Map<string, string[]>();
  const operands: string[] = [];
  const give = ({ long, value: placeholder, isValueOptional }: OptionSpec, value: string): void => {
    // An unset variable of a script.
    if (value === "" && placeholder !== undefined && !isValueOptional) {
      throw new UsageError(`--${long}: the value is empty`, `write --${long} ${placeholder}`);
    }
    given.set(long, [...(given.get(long) ?? []), value]);
  };
  const rest = [...argv];
  // One by one: as arguments of one call, 700,000 words would not fit on the stack.
  const takeRest = (): void => {
    for (const word of rest.splice(0)) operands.push(word);
  };
  let mayBeCommand = false;
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === "--") {
      takeRest();
    } else if (word.startsWith("-") && word !== "-") {
      const [first = ""] = mayBeCommand ? operands : [];
      const read = word.startsWith("--") ? readLong : readShort;
      read(word, rest, give, first);
    } else if (beginsWithOtherDash(word)) {
      throw otherDashError(word, mayBeCommand ? (operands[0] ?? "") : "");
    } else {
      mayBeCommand ||= operands.length === 0;
      operands.push(word);
      // Everything after the command to run belongs to that command.
      if (mayBeCommand && operands[0] === "run" && operands.length > 1) takeRest();
    }
  }
  return { given, operands, mayBeCommand };
}

type Give = (spec: OptionSpec, value: string) => void;

/** @param first  the first operand, if it comes before the word */
function readLong(word: string, rest: string[], give: Give, first: string): void {
  const equals = word.indexOf("=");
  const name = equals < 0 ? word.slice(2) : word.slice(2, equals);
  const attached = equals < 0 ? undefined : word.slice(equals + 1);
  const spec = findOption("long", name);
  if (spec === undefined) throw unknownOption(`--${name}`, word, first);
  if (spec.isValueOptional) return give(spec, attached ?? "");
  if (spec.value !== undefined) return give(spec, attached ?? rest.shift() ?? missingValue(`--${name}`, spec));
  if (attached !== undefined) throw new UsageError(`--${name} takes no value`, `write --${name} alone`);
  give(spec, "");
}

/** Read `-xyz`: switches, of which the last may be an option with its value attached or in the next word. */
function readShort(word: string, rest: string[], give: Give, first: string): void {
  // No signal is also a valid group of switches. A single switch is not looked up, which would delay every kill.
  const mayBeSignal = word.length > 2 || (word >= "-1" && word <= "-9");
  const signal = mayBeSignal ? findSignalNumber(word.slice(1)) : undefined;
  if (signal !== undefined) throw new HabitError(noOption(word, first), word, signal);
  if ((word === "-it" || word === "-ti") && !isDuration(rest[0] ?? "")) refuseTerminal(word, first);
  for (let at = 1; at < word.length; at++) {
    const name = `-${word[at]}`;
    const spec = findOption("short", word.charAt(at));
    if (spec === undefined) throw unknownOption(name, word, first);
    if (spec.value !== undefined && !spec.isValueOptional) {
      const attached = word.slice(at + 1);
      return give(spec, attached !== "" ? attached : (rest.shift() ?? missingValue(name, spec)));
    }
    const value = spec.isValueOptional ? word.slice(at + 1) : "";
    // An optional value starts with a digit; anything else that is attached is another switch.
    if (/^\d/.test(value)) return give(spec, value);
    give(spec, "");
  }
}

/** `docker run -it web sh`, `docker exec -it web sh`. The other commands have no -i, and say so. */
function refuseTerminal(word: string, first: string): void {
  if (first === "run")
    throw new UsageError(noOption(word, first), "the command has this terminal without it", [helpPage(first)]);
  if (isCommandName(first) && first !== "kill") return;
  const { hint, page } = findMeaning(first) ?? {};
  if (hint !== undefined)
    throw new UsageError(`there is no "${first}" command`, hint, [page === undefined ? HELP : helpPage(page)]);
  const problem = `${word}: -t is --timeout here, and needs a duration`;
  throw new UsageError(problem, "to preview each cgroup and be asked, write -i alone", [HELP]);
}

function missingValue(name: string, { long, value }: OptionSpec): never {
  throw new UsageError(`${name} needs a value`, `write --${long} ${value}`);
}

/** Options that make a kill reach further: suggested only for a word that is one letter away. */
const WIDENING: readonly string[] = ["all", "all-hierarchies", "allow-ancestors", "thaw-ancestors", "remove"];

/** The options of rm, kubectl, apt and others that ask for no confirmation. */
const FORCE: readonly string[] = ["-f", "-y", "--force", "--yes", "--assume-yes"];

const noOption = (name: string, first: string): string =>
  `cgkill${isCommandName(first) ? ` ${first}` : ""} has no option ${name}`;

/** The error about `–dry-run`: as the name of a missing cgroup it would be harmless, and the kill beside it would not. */
function otherDashError(word: string, first: string): UsageError {
  const name = word.replace(/^[\p{P}\p{Sm}]+/u, "").replace(/=.*/s, "");
  const option = findOption("long", name) ?? findOption("short", name);
  const meant = option === undefined ? "" : `did you mean --${option.long}? `;
  const rule = "an option begins with a plain hyphen; write -- before a name that begins with a dash";
  return new UsageError(noOption(word, first), `${meant}${rule}`);
}

/** Find the option that `--time` shortens, as programs that use getopt_long allow. */
function shortened(word: string, longs: readonly string[]): string | undefined {
  const [found, ...others] = longs.filter((long) => long.startsWith(word) && !WIDENING.includes(long));
  return others.length === 0 ? found : undefined;
}

/** @param given  the whole word, which may have other switches */
function unknownOption(name: string, given: string, first: string): UsageError {
  const problem = noOption(name, first);
  if (FORCE.includes(name)) {
    const others = name.startsWith("--") ? "" : given.slice(1).replaceAll(name.slice(1), "");
    return new HabitError(problem, given, undefined, others === "" ? undefined : `-${others}`);
  }
  const word = name.replace(/^-+/, "");
  if (isCommandName(word)) return new UsageError(problem, `${word} is a command`, [helpPage(word)]);
  const longs = optionTable()
    .filter(({ commands }) => !isCommandName(first) || commands.includes(first))
    .map(({ long }) => long);
  // As Go and Java programs write them: -json.
  const withOneHyphen = /^-(\w[\w-]*)/.exec(given)?.[1] ?? "";
  const near = name.startsWith("--")
    ? (nearest(
        word,
        longs.filter((long) => !WIDENING.includes(long) || distance(word, long) === 1),
      ) ?? shortened(word, longs))
    : longs.find((long) => long === withOneHyphen || (long === "pid" && name === "-p"));
  if (near !== undefined) return new UsageError(problem, `did you mean --${near}?`);
  const hint = findOptionHint(name, longs);
  if (isCommandName(first)) return new UsageError(problem, hint, [helpPage(first)]);
  // `ps -ef`, `ls -l`
  const meant = findMeantCommand(first);
  return meant === undefined
    ? new UsageError(problem, hint, [HELP])
    : new UsageError(problem, `did you mean the command ${meant}?`, [helpPage(meant)]);
}
