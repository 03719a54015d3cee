// What a command is given of the world, from main.ts.

import type { Sys } from "../sys/sys.ts";
import type { Io } from "./io.ts";

export interface Edge {
  readonly sys: Sys;
  readonly io: Io;
  /** Aborted with the name of the signal that asks us to stop. */
  readonly abort: AbortSignal;
}
