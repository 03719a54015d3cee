// Splits the words of a command line into options and names, by the table of options and the usual rules: --name VALUE,
// --name=VALUE, -xyz, -xVALUE, -x VALUE, a lone -, and -- before names. Not parseArgs of node:util: loading that takes
// a tenth of the whole start-up (2.3 of 22 ms where it was measured), and this runs on hosts that are dying.

import { HELP, helpPage } from "../../advice.ts";
import { distance, nearest } from "../text/nearest.ts";
import { RESERVED_WORDS } from "./commands.ts";
import { OPTIONS, type OptionSpec } from "./options.ts";
import { UsageError } from "./usage-error.ts";

export interface Words {
  /** Every value given to an option, in order; a switch gives "". */
  readonly given: ReadonlyMap<string, readonly string[]>;
  readonly names: readonly string[];
  /** The first name stands before `--`, so it may be a command. */
  readonly mayBeCommand: boolean;
}

/** @throws UsageError  an option that does not exist, lacks its value, or takes none */
export function splitWords(argv: readonly string[]): Words {
  const given = new Map<string, string[]>();
  const names: string[] = [];
  const give = ({ long }: OptionSpec, value: string): void => {
    given.set(long, [...(given.get(long) ?? []), value]);
  };
  const rest = [...argv];
  let mayBeCommand = false;
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === "--") {
      names.push(...rest.splice(0));
    } else if (word.startsWith("--")) {
      readLong(word, rest, give);
    } else if (word.startsWith("-") && word !== "-") {
      readShort(word, rest, give);
    } else {
      mayBeCommand ||= names.length === 0;
      names.push(word);
    }
  }
  return { given, names, mayBeCommand };
}

type Give = (spec: OptionSpec, value: string) => void;

function readLong(word: string, rest: string[], give: Give): void {
  const equals = word.indexOf("=");
  const name = equals < 0 ? word.slice(2) : word.slice(2, equals);
  const attached = equals < 0 ? undefined : word.slice(equals + 1);
  const spec = OPTIONS.find(({ long }) => long === name);
  if (spec === undefined) throw unknown(`--${name}`);
  if (spec.isOptional) return give(spec, attached ?? "");
  if (spec.value !== undefined) return give(spec, attached ?? rest.shift() ?? missingValue(`--${name}`, spec));
  if (attached !== undefined) throw new UsageError(`--${name}: takes no value`, `write --${name} alone`);
  give(spec, "");
}

/** A bundle: switches, and as its last an option with a value, attached or in the next word. */
function readShort(word: string, rest: string[], give: Give): void {
  for (let at = 1; at < word.length; at++) {
    const name = `-${word[at]}`;
    const spec = OPTIONS.find(({ short }) => short === word[at]);
    if (spec === undefined) throw unknown(name);
    if (spec.value !== undefined && !spec.isOptional) {
      const attached = word.slice(at + 1);
      return give(spec, attached !== "" ? attached : (rest.shift() ?? missingValue(name, spec)));
    }
    const value = spec.isOptional ? word.slice(at + 1) : "";
    // The value of one that may be left out begins with a digit: what else is attached are further switches.
    if (/^\d/.test(value)) return give(spec, value);
    give(spec, "");
  }
}

function missingValue(name: string, { long, value }: OptionSpec): never {
  throw new UsageError(`${name}: needs a value`, `write --${long} ${value}`);
}

/** They widen what dies: only a slip of one letter may have meant them. */
const WIDENING: readonly string[] = ["all", "all-hierarchies", "allow-ancestors", "thaw-ancestors", "remove"];

function unknown(name: string): UsageError {
  const word = name.replace(/^-+/, "");
  if (RESERVED_WORDS.includes(word)) {
    return new UsageError(`${name}: no such option`, `${word} is a command`, [helpPage(word)]);
  }
  const near = name.startsWith("--")
    ? nearest(
        word,
        OPTIONS.map(({ long }) => long).filter((long) => !WIDENING.includes(long) || distance(word, long) === 1),
      )
    : undefined;
  const problem = `${name}: no such option`;
  return near === undefined
    ? new UsageError(problem, null, [HELP])
    : new UsageError(problem, `did you mean --${near}?`);
}
