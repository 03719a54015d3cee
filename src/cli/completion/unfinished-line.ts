// Determines what is being typed: a command, an option, the value of an option, or a name. Unlike tokenize.ts it accepts
// incomplete and invalid lines. Pure.

import { type CommandName, isCommandName } from "../args/commands.ts";
import { findOption, helpOf, type OptionSpec, optionTable } from "../args/options.ts";

export interface Candidate {
  readonly text: string;
  readonly help?: string;
}

export interface Asked {
  /** `undefined` while the word being typed may still become the command. */
  readonly command: CommandName | undefined;
  /** The word comes after `--`: it is neither an option nor a command. */
  readonly isOperand: boolean;
  /** The option whose value is being typed. */
  readonly option: OptionSpec | undefined;
  /** The part of the typed word before the part to complete, such as `--method=`, `-m` or `1,2,`. */
  readonly before: string;
  /** The part to complete. */
  readonly word: string;
  /** The value of `--hierarchy` earlier in the line. */
  readonly hierarchy: string | undefined;
  /** The signal of `cgkill signal` is being typed. */
  readonly isSignal: boolean;
}

interface Valued {
  readonly option: OptionSpec;
  /** The offset of its value in the word; `undefined` if the value is the next word. */
  readonly at: number | undefined;
}

/** Find the option in a word that takes a value. */
function findValued(word: string): Valued | undefined {
  if (word.startsWith("--")) {
    const equals = word.indexOf("=");
    const name = equals < 0 ? word.slice(2) : word.slice(2, equals);
    const option = findOption("long", name);
    if (option?.value === undefined || (option.isValueOptional && equals < 0)) return undefined;
    return { option, at: equals < 0 ? undefined : equals + 1 };
  }
  if (!word.startsWith("-")) return undefined;
  for (let at = 1; at < word.length; at++) {
    const option = findOption("short", word.charAt(at));
    if (option?.value !== undefined && !option.isValueOptional)
      return { option, at: at + 1 < word.length ? at + 1 : undefined };
  }
  return undefined;
}

/** Options with comma-separated values, of which the last is being typed. */
const LISTS: readonly string[] = ["pid", "spare"];

/** @param words  the words after `cgkill`, at least one; the last is being typed */
export function parseLine(words: readonly string[]): Asked {
  const typed = words.at(-1) ?? "";
  let command: CommandName | undefined;
  let isOperand = false;
  let hierarchy: string | undefined;
  let pending: OptionSpec | undefined;
  let isSignal = false;
  const valueIn = (word: string): Valued | undefined => {
    if (pending !== undefined) return { option: pending, at: 0 };
    return isOperand ? undefined : findValued(word);
  };
  for (const word of words.slice(0, -1)) {
    const valued = valueIn(word);
    const isName = word === "-" || !word.startsWith("-");
    if (valued !== undefined) {
      pending = valued.at === undefined ? valued.option : undefined;
      if (valued.option.long === "hierarchy" && valued.at !== undefined) hierarchy = word.slice(valued.at);
    } else if (isSignal && (isOperand || isName)) isSignal = false;
    else if (isOperand || word === "-") command ??= "kill";
    else if (word === "--") isOperand = true;
    // Everything after the command to run belongs to that command.
    else if (isName && command === "run") isOperand = true;
    else if (isName && command === undefined) {
      command = isCommandName(word) ? word : "kill";
      isSignal = command === "signal";
    }
  }
  const valued = valueIn(typed);
  const option = valued?.at === undefined ? undefined : valued.option;
  let at = valued?.at ?? 0;
  if (option !== undefined && LISTS.includes(option.long)) at = Math.max(at, typed.lastIndexOf(",") + 1);
  return { command, isOperand, option, before: typed.slice(0, at), word: typed.slice(at), hierarchy, isSignal };
}

export function optionsOf(command: CommandName): Candidate[] {
  return optionTable().flatMap((option): Candidate[] => {
    const { long, short, commands } = option;
    if (!commands.includes(command)) return [];
    const help = helpOf(option, command);
    return [{ text: `--${long}`, help }, ...(short === undefined ? [] : [{ text: `-${short}`, help }])];
  });
}
