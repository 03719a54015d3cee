// The fields of an option.

import type { CommandName } from "./commands.ts";

export interface OptionSpec {
  /** As the help shows it: its names, with the placeholder for its value. */
  readonly usage: string;
  readonly long: string;
  readonly short: string | undefined;
  /** The placeholder for its value; without one the option is a switch. */
  readonly value: string | undefined;
  /** The value may be left out. If given, it must be attached: --long=VALUE. */
  readonly isValueOptional: boolean;
  /** The allowed values, if they are a few words. */
  readonly choices?: readonly string[];
  readonly help: string;
  /** The text for the page of a single command, if it differs from `help`. */
  readonly helpFor?: Readonly<Partial<Record<CommandName, string>>>;
  readonly commands: readonly CommandName[];
}

export const helpOf = ({ help, helpFor }: OptionSpec, command: CommandName): string => helpFor?.[command] ?? help;
