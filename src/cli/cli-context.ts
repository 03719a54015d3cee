// What a command needs from its process: the kernel, the streams, and stop requests.

import type { Pace } from "../cgroup/subtree.ts";
import { InterruptedError } from "../kill/errors.ts";
import type { Pause } from "../sys/signals.ts";
import type { Sys } from "../sys/sys.ts";
import type { Io } from "./streams/streams.ts";

export interface CliContext {
  readonly sys: Sys;
  readonly io: Io;
  /** Aborted by a signal that asks cgkill to end; the reason is its name. */
  readonly abort: AbortSignal;
  /** Defers Ctrl-Z (TSTP, TTIN, TTOU) until nothing is left frozen. */
  readonly pause?: Pause;
}

/** The pace of walks outside a kill. A signal ends them with an InterruptedError. */
export function paceOf({ sys, abort }: Pick<CliContext, "sys" | "abort">): Pace {
  return {
    async yieldToSignals() {
      await sys.turn();
      if (abort.aborted) throw new InterruptedError();
    },
  };
}
