// What is being typed: a command, an option, the value of one, or a name. Unlike words.ts it takes a line that is not
// finished, and one with mistakes. Pure.

import { type CommandName, RESERVED_WORDS } from "../args/commands.ts";
import { OPTIONS, type OptionSpec } from "../args/options.ts";

export interface Candidate {
  readonly text: string;
  readonly help?: string;
}

export interface Asked {
  /** The command; `undefined` as long as the word being typed may become one. */
  readonly command: CommandName | undefined;
  /** After `--`: neither an option nor a command. */
  readonly isOperand: boolean;
  /** The option whose value is being typed. */
  readonly option: OptionSpec | undefined;
  /** What of the word stands before that which is completed: `--method=`, `-m`, `1,2,`. */
  readonly before: string;
  readonly word: string;
  /** As `--hierarchy` has it earlier in the line. */
  readonly hierarchy: string | undefined;
}

interface Valued {
  readonly option: OptionSpec;
  /** Where in the word its value begins; `undefined`: in the next word. */
  readonly at: number | undefined;
}

/** The option with a value that a word is, or ends with. */
function valuedIn(word: string): Valued | undefined {
  if (word.startsWith("--")) {
    const equals = word.indexOf("=");
    const name = equals < 0 ? word.slice(2) : word.slice(2, equals);
    const option = OPTIONS.find(({ long }) => long === name);
    if (option?.value === undefined || (option.isOptional && equals < 0)) return undefined;
    return { option, at: equals < 0 ? undefined : equals + 1 };
  }
  if (!word.startsWith("-")) return undefined;
  for (let at = 1; at < word.length; at++) {
    const option = OPTIONS.find(({ short }) => short === word[at]);
    if (option?.value !== undefined && !option.isOptional)
      return { option, at: at + 1 < word.length ? at + 1 : undefined };
  }
  return undefined;
}

/** Several values in one word: the last one is being typed. */
const LISTS: readonly string[] = ["pid", "spare"];

/** @param words  those after `cgkill`, at least one: the last is being typed */
export function readLine(words: readonly string[]): Asked {
  const typed = words.at(-1) ?? "";
  let command: CommandName | undefined;
  let isOperand = false;
  let hierarchy: string | undefined;
  let pending: OptionSpec | undefined;
  for (const word of words.slice(0, -1)) {
    const valued = pending === undefined && !isOperand ? valuedIn(word) : undefined;
    const option: OptionSpec | undefined = pending ?? valued?.option;
    if (option?.long === "hierarchy" && (pending ?? valued?.at) !== undefined)
      hierarchy = pending === undefined ? word.slice(valued?.at) : word;
    if (pending !== undefined) pending = undefined;
    else if (valued !== undefined) pending = valued.at === undefined ? valued.option : undefined;
    else if (isOperand || word === "-") command ??= "kill";
    else if (word === "--") isOperand = true;
    else if (!word.startsWith("-")) command ??= RESERVED_WORDS.includes(word) ? (word as CommandName) : "kill";
  }
  const attached = pending === undefined && !isOperand ? valuedIn(typed) : undefined;
  const option = pending ?? (attached?.at === undefined ? undefined : attached.option);
  let at = pending === undefined ? (attached?.at ?? 0) : 0;
  if (option !== undefined && LISTS.includes(option.long)) at = Math.max(at, typed.lastIndexOf(",") + 1);
  return { command, isOperand, option, before: typed.slice(0, at), word: typed.slice(at), hierarchy };
}

export function optionsOf(command: CommandName): Candidate[] {
  return OPTIONS.filter(({ commands }) => commands.includes(command)).flatMap(({ long, short, help }) => [
    { text: `--${long}`, help },
    ...(short === undefined ? [] : [{ text: `-${short}`, help }]),
  ]);
}
