// What a command line asks for, as values: the commands with their targets and options.

import type { Level } from "../../kill/events.ts";
import type { SignalName } from "../../kill/signal-names.ts";
import type { KillMethod } from "../../kill/types.ts";
import type { Millis, Pid } from "../../sys/sys.ts";
import type { COLORS, LOG_FORMATS, SHELLS, SORT_KEYS } from "./choices.ts";
import type { CommandName } from "./commands.ts";

export type TargetSpec =
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "pid"; readonly pid: Pid }
  | { readonly kind: "pattern"; readonly pattern: string }
  /** Names from standard input. */
  | { readonly kind: "stdin" };

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

/** What a kill, its preview, a freeze, a thaw and a signal are asked for. */
export interface TargetCommand {
  readonly kind: "kill" | "show" | "freeze" | "thaw" | "signal";
  /** None: the interactive mode, where there is a terminal. */
  readonly targets: readonly TargetSpec[];
  readonly interactive: boolean;
  /** The first operand, if it may be a command that was mistyped: it must then be the name of a cgroup. */
  readonly mistyped: string | undefined;
  readonly output: OutputOptions;
  readonly hierarchy: string | undefined;
  /** Every match of a pattern, where one is asked for otherwise. */
  readonly all: boolean;
  readonly nullSeparated: boolean;
  readonly ignoreMissing: boolean;
  readonly timeoutMs: Millis;
  readonly method: KillMethod | "auto";
  readonly remove: boolean | undefined;
  readonly graceMs: Millis;
  readonly graceSignal: SignalName;
  /** What `cgkill signal` sends, from 1 to 64; 0 for the other commands. */
  readonly sentSignal: number;
  readonly spare: readonly Pid[];
  readonly spareTo: string | undefined;
  readonly allowAncestors: boolean;
  readonly thawAncestors: boolean;
  readonly allHierarchies: boolean;
}

export interface ListCommand {
  readonly kind: "list";
  readonly top: string | undefined;
  readonly output: OutputOptions;
  readonly hierarchy: string | undefined;
  /** Empty ones too. */
  readonly all: boolean;
  readonly frozen: boolean;
  readonly flat: boolean;
  /** Each process under its cgroup. */
  readonly procs: boolean;
  readonly sort: SortKey;
  readonly depth: number;
  /** `undefined`: once. */
  readonly watchMs: Millis | undefined;
}

export type Command =
  /** The page of one command, or of all. */
  | { readonly kind: "help"; readonly topic: CommandName | undefined }
  | { readonly kind: "version" }
  | { readonly kind: "completion"; readonly shell: Shell }
  | ListCommand
  | TargetCommand;
