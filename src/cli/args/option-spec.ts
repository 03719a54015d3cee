// The fields of an option, and the options that only `cgkill run` has.

import type { CommandName } from "./commands.ts";

export type OptionGroup = "Which cgroup" | "How to kill" | "What may die" | "How to run" | "What to list" | "Output";

export interface OptionSpec {
  readonly long: string;
  readonly short?: string;
  /** The placeholder for its value; without one the option is a switch. */
  readonly value?: string;
  /** The value may be left out. If given, it must be attached: --long=VALUE. */
  readonly isValueOptional?: boolean;
  /** The allowed values, if they are a few words. */
  readonly choices?: readonly string[];
  readonly group: OptionGroup;
  readonly help: string;
  /** The text for the page of a single command, if it differs from `help`. */
  readonly helpFor?: Readonly<Partial<Record<CommandName, string>>>;
  readonly commands: readonly CommandName[];
}

export const helpOf = ({ help, helpFor }: OptionSpec, command: CommandName): string => helpFor?.[command] ?? help;

const RUN: readonly CommandName[] = ["run"];

export const RUN_OPTIONS: readonly OptionSpec[] = [
  {
    long: "in",
    value: "CGROUP",
    group: "How to run",
    commands: RUN,
    help: "create the new cgroup in this one (default: in the cgroup of cgkill itself)",
  },
  {
    long: "as",
    value: "NAME",
    group: "How to run",
    commands: RUN,
    help: "the name of the new cgroup; it must not exist",
  },
  {
    long: "limit",
    value: "DURATION",
    group: "How to run",
    commands: RUN,
    help: "kill everything after this time, and exit with status 124",
  },
  {
    long: "report",
    value: "FILE",
    group: "How to run",
    commands: RUN,
    help: "write a JSON report of the result to this file; - is standard error",
  },
];
