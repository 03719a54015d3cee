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
