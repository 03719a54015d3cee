// What a command needs from its process: the kernel, the streams, and stop requests; and what the targets of a call share.

import { findHierarchies } from "../cgroup/open/hierarchy.ts";
import type { Pace } from "../cgroup/subtree.ts";
import type { Hierarchy } from "../cgroup/types.ts";
import { InterruptedError } from "../kill/errors.ts";
import type { GuardedReader } from "../kill/plan/guarded-processes.ts";
import { lazy } from "../lazy.ts";
import type { Pause } from "../sys/signals.ts";
import type { Millis, Sys } from "../sys/sys.ts";
import type { TargetCommand } from "./args/command.ts";
import type { Io } from "./streams/streams.ts";

export interface CliContext {
  readonly sys: Sys;
  readonly io: Io;
  /** Aborted by a signal that asks cgkill to end; the reason is its name. */
  readonly abort: AbortSignal;
  /** Defers Ctrl-Z (TSTP, TTIN, TTOU) until nothing is left frozen. */
  readonly pause?: Pause;
  /** From now on the SIGHUP that follows the death of our session leader does not end the call. */
  readonly expectHangup?: () => void;
  /** From now on the terminal may be in raw mode: it is given back, at the end, the settings that it had at our start. */
  readonly expectRawMode?: () => void;
}

/** A call of a command that acts on cgroups. */
export interface Call extends CliContext {
  readonly command: TargetCommand;
  /** The mounted hierarchies: read once, unless mounts may change before the last target is opened. */
  readonly hierarchies: () => readonly Hierarchy[];
  readonly readGuarded?: GuardedReader;
  /** The remaining time for all suggestions. */
  readonly suggesting: { leftMs: Millis };
}

/** An operator waits for suggestions, and scripts do not need them. */
const SUGGEST_MS = 50;

export const callOf = (command: TargetCommand, cli: CliContext): Call => ({
  ...cli,
  command,
  hierarchies: lazy(() => findHierarchies(cli.sys)),
  suggesting: { leftMs: SUGGEST_MS },
});

/** The pace of walks outside a kill. A signal ends them with an InterruptedError. */
export function paceOf({ sys, abort }: Pick<CliContext, "sys" | "abort">): Pace {
  return {
    async yieldToSignals() {
      await sys.turn();
      if (abort.aborted) throw new InterruptedError();
    },
  };
}
