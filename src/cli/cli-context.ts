// What a command is given of the world, from main.ts.

import type { Pace } from "../cgroup/subtree.ts";
import { InterruptedError } from "../kill/errors.ts";
import type { Pause, Sys } from "../sys/sys.ts";
import type { Io } from "./streams/streams.ts";

export interface CliContext {
  readonly sys: Sys;
  readonly io: Io;
  /** Aborted with the name of the signal that asks us to stop. */
  readonly abort: AbortSignal;
  /** Stop requests. Without it they are not heard of. */
  readonly pause?: Pause;
}

/** For walks that are not part of a kill: a signal ends them. */
export function paceOf({ sys, abort }: Pick<CliContext, "sys" | "abort">): Pace {
  return {
    async yieldToSignals() {
      await sys.turn();
      if (abort.aborted) throw new InterruptedError();
    },
  };
}
