// Work on a cgroup as people see it: with its deadline, its events written as they come, and a live line while it lasts.

import type { Cgroup } from "../cgroup/types.ts";
import type { KillContext } from "../kill/types.ts";
import type { Millis } from "../sys/sys.ts";
import type { OutputOptions } from "./args.ts";
import type { Edge } from "./edge.ts";
import { liveLine } from "./live.ts";
import { eventSink } from "./log.ts";

export interface Watch {
  readonly timeoutMs: Millis;
  readonly output: OutputOptions;
  /** On the clock of `Sys.now`; now by default. */
  readonly startedAt?: Millis;
  /** From when on the live line is shown. */
  readonly quietMs?: Millis;
}

export async function watched<T>(
  cgroup: Cgroup,
  { timeoutMs, output, startedAt, quietMs }: Watch,
  { sys, io, abort }: Edge,
  work: (ctx: KillContext) => Promise<T>,
): Promise<T> {
  const live = liveLine(sys, io, cgroup.path, !output.quiet, quietMs);
  const writeErr = (text: string): void => {
    live.clear();
    io.writeErr(text);
  };
  const onEvent = eventSink({ ...io, writeErr }, output.level, output.logFormat, sys.wallClock);
  const deadline = (startedAt ?? sys.now()) + timeoutMs;
  try {
    return await work({ deadline, abort, onEvent, onProgress: live.onProgress });
  } finally {
    live.clear();
  }
}
