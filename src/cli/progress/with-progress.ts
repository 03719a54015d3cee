// Work on a cgroup as people see it: with its deadline, its events written as they come, and a live line while it lasts.

import type { Cgroup } from "../../cgroup/types.ts";
import type { KillEvent } from "../../kill/events.ts";
import type { KillControl } from "../../kill/types.ts";
import type { Millis } from "../../sys/sys.ts";
import type { OutputOptions, TargetCommand } from "../args/command.ts";
import type { CliContext } from "../cli-context.ts";
import { eventSink } from "../output/log.ts";
import { liveLine } from "./live-line.ts";
import { phaseLines } from "./step-lines.ts";

export interface Watch {
  /** What is done; a kill by default. */
  readonly kind?: TargetCommand["kind"];
  readonly timeoutMs: Millis;
  readonly output: OutputOptions;
  /** On the clock of `Sys.now`; now by default. */
  readonly startedAt?: Millis;
  /** From when on the live line is shown. */
  readonly quietMs?: Millis;
  /** Each step is told when it happens. */
  readonly isStepwise?: boolean;
}

export async function withProgress<T>(
  cgroup: Cgroup,
  { kind = "kill", timeoutMs, output, startedAt, quietMs, isStepwise = false }: Watch,
  { sys, io, abort, pause }: CliContext,
  work: (ctx: KillControl) => Promise<T>,
): Promise<T> {
  const live = liveLine(sys, io, cgroup.path, !output.quiet, quietMs, kind === "kill");
  const writeErr = (text: string): void => {
    live.clear();
    io.writeErr(text);
  };
  const logged = eventSink({ ...io, writeErr }, output.level, output.logFormat, sys.wallClock);
  const start = startedAt ?? sys.now();
  const isVerbose = kind === "kill" && output.level === "debug" && output.logFormat === "text";
  // A log of every step tells more than the steps.
  const isTold = ((isStepwise && !output.json) || isVerbose) && !output.quiet && output.level !== "trace";
  const phases = isTold ? phaseLines(() => sys.now() - start, writeErr) : undefined;
  const onEvent = (event: KillEvent): void => {
    phases?.onEvent(event);
    logged(event);
  };
  // A dozen system calls: a kill that finds its target empty does without.
  let noted: Disposable | undefined;
  const begin = (): void => void (noted ??= pause?.begin());
  if (kind !== "kill") begin();
  try {
    const level = isTold ? "trace" : output.level;
    return await work({
      deadline: start + timeoutMs,
      abort,
      onEvent,
      level,
      onProgress: live.onProgress,
      begin,
      pause,
    });
  } finally {
    phases?.flush();
    live.clear();
    noted?.[Symbol.dispose]();
  }
}
