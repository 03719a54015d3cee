// The parsed command line: a command with its targets and options.

import type { Level } from "../../kill/events.ts";
import type { KillOptions } from "../../kill/types.ts";
import type { RunOptions } from "../../run/run-in-cgroup.ts";
import type { Millis, Pid } from "../../sys/sys.ts";
import type { CommandName } from "./commands.ts";

// The values of options that take one of a few words.
export const SHELLS = ["bash", "zsh", "fish"] as const;
export const METHODS = ["auto", "kill", "freezer", "sweep"] as const;
export const LOG_FORMATS = ["text", "json"] as const;
export const COLORS = ["auto", "always", "never"] as const;
export const SORT_KEYS = ["name", "procs", "memory", "cpu", "age"] as const;

/** What the command line itself names. */
export type NamedSpec =
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "pid"; readonly pid: Pid }
  | { readonly kind: "pattern"; readonly pattern: string };

/** The other kind: names from standard input. */
export type TargetSpec = NamedSpec | { readonly kind: "stdin" };

export function readsStdin(targets: readonly TargetSpec[]): boolean {
  for (const { kind } of targets) if (kind === "stdin") return true;
  return false;
}

export type ColorWhen = (typeof COLORS)[number];
export type LogFormat = (typeof LOG_FORMATS)[number];
export type SortKey = (typeof SORT_KEYS)[number];
export type Shell = (typeof SHELLS)[number];

export interface OutputOptions {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly level: Level;
  readonly logFormat: LogFormat;
  readonly color: ColorWhen;
}

/** A command that acts on cgroups, with the options of a kill that are used as they are given. */
export interface TargetCommand extends Omit<KillOptions, "spareTo" | "mayStepAside" | "mayBeRenamed"> {
  readonly kind: "kill" | "show" | "freeze" | "thaw" | "signal";
  /** Empty for the interactive mode. */
  readonly targets: readonly TargetSpec[];
  readonly interactive: boolean;
  /** The first operand, if it may be a mistyped command. It must then be the name of a cgroup. */
  readonly mistyped: string | undefined;
  readonly output: OutputOptions;
  readonly hierarchy: string | undefined;
  /** Take every match of a pattern; otherwise several matches are an error. */
  readonly all: boolean;
  readonly nullSeparated: boolean;
  readonly ignoreMissing: boolean;
  readonly timeoutMs: Millis;
  /** The signal that `cgkill signal` sends, 1 to 64; 0 for other commands. */
  readonly sentSignal: number;
  readonly spareTo: string | undefined;
}

export interface ListCommand {
  readonly kind: "list";
  readonly top: string | undefined;
  readonly output: OutputOptions;
  readonly hierarchy: string | undefined;
  /** Include empty cgroups. */
  readonly all: boolean;
  readonly frozen: boolean;
  /** Only processes that are stuck in the kernel, and their cgroups. */
  readonly stuck: boolean;
  readonly flat: boolean;
  /** Show the processes of each cgroup. */
  readonly procs: boolean;
  readonly sort: SortKey;
  readonly depth: number;
  /** `undefined`: list once. */
  readonly watchMs: Millis | undefined;
}

export interface RunCommand extends RunOptions {
  readonly kind: "run";
  /** A file, or `-` for standard error. */
  readonly report: string | undefined;
  readonly output: OutputOptions;
}

export type Command =
  /** The help of one command, or of all if `topic` is `undefined`. */
  | { readonly kind: "help"; readonly topic: CommandName | undefined }
  | { readonly kind: "version" }
  | { readonly kind: "licenses" }
  | { readonly kind: "completion"; readonly shell: Shell }
  | ListCommand
  | RunCommand
  | TargetCommand;
