// What a person may run next, as argument vectors. Quoting them for a shell is the command line's, where they are printed.

/** The program, then each argument exactly as the program is to get it. */
export type Command = readonly string[];
export type Commands = readonly Command[];

/** Prose, and the commands that it is about. No name stands in the prose to be pasted. */
export interface Advice {
  readonly hint: string | null;
  readonly commands: Commands;
}

/** A call of cgkill. `--` keeps an operand with a leading hyphen from being an option; a lone `-` is standard input. */
export function cgkillCommand(words: readonly string[], ...operands: readonly string[]): Command {
  const hasHyphen = operands.some((operand) => operand.startsWith("-") && operand !== "-");
  return ["cgkill", ...words, ...(hasHyphen ? ["--"] : []), ...operands];
}

export const LIST_ALL: Command = ["cgkill", "list", "--all"];
export const HELP: Command = ["cgkill", "--help"];
export const helpPage = (command: string): Command => ["cgkill", "help", command];

/** Something to read, in our own words: `LIST_ALL`, `HELP` or a help page. Such a command holds no name from outside. */
export function isReference([, verb, word, ...more]: Command): boolean {
  if (more.length > 0) return false;
  return word === undefined ? verb === "--help" : verb === "help" || (verb === "list" && word === "--all");
}
