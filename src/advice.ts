// Hints and the commands they suggest, as argument vectors. The command line quotes them for a shell when it prints them.

/** The program and its arguments, unquoted. */
export type Command = readonly string[];
export type Commands = readonly Command[];

/** A hint and its commands. Names that may need quoting are in the commands only. */
export interface Advice {
  readonly hint: string | null;
  readonly commands: Commands;
}

/** A call of cgkill, with `--` before operands that would look like options. A lone `-` is standard input. */
export function cgkillCommand(words: readonly string[], ...operands: readonly string[]): Command {
  const hasHyphen = operands.some((operand) => operand.startsWith("-") && operand !== "-");
  return ["cgkill", ...words, ...(hasHyphen ? ["--"] : []), ...operands];
}

export const LIST_ALL: Command = ["cgkill", "list", "--all"];
export const HELP: Command = ["cgkill", "--help"];
export const helpPage = (command: string): Command => ["cgkill", "help", command];

/** Is it `LIST_ALL`, `HELP` or a help page? Such a command only shows something, and contains no name from the host. */
export function isReference([, verb, word, ...more]: Command): boolean {
  if (more.length > 0) return false;
  return word === undefined ? verb === "--help" : verb === "help" || (verb === "list" && word === "--all");
}
