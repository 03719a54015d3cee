// An operation on a cgroup with its deadline, its events written as they happen, and a live line on a terminal.

import type { Cgroup } from "../../cgroup/types.ts";
import type { KillEvent } from "../../kill/events.ts";
import type { KillControl } from "../../kill/types.ts";
import type { Millis } from "../../sys/sys.ts";
import type { TargetCommand } from "../args/command.ts";
import type { CliContext } from "../cli-context.ts";
import { eventSink } from "../output/log.ts";
import { liveLine } from "./live-line.ts";
import { stepLines } from "./step-lines.ts";

export interface ProgressOptions extends Pick<TargetCommand, "kind" | "timeoutMs" | "output"> {
  /** When the deadline begins to count, on the clock of `Sys.now`; now by default. */
  readonly startedAt?: Millis;
  /** An operator waits: show the live line at once, and write each step of a kill when it happens. */
  readonly isInteractive?: boolean;
}

/** Run an operation and show its progress. The live line is gone when it ends. */
export async function withProgress<T>(
  cgroup: Cgroup,
  { kind, timeoutMs, output, startedAt, isInteractive = false }: ProgressOptions,
  { sys, io, abort, pause }: CliContext,
  work: (ctx: KillControl) => Promise<T>,
): Promise<T> {
  const live = liveLine(sys, io, cgroup.path, !output.quiet, kind, isInteractive ? 0 : undefined);
  const writeErr = (text: string): void => {
    live.clear();
    io.writeErr(text);
  };
  const logged = eventSink({ ...io, writeErr }, output, sys);
  const start = sys.now();
  const isVerbose = output.level === "debug" && output.logFormat === "text";
  // At the trace level the log has every step.
  const showsSteps = kind === "kill" && (isInteractive || isVerbose) && !output.quiet && output.level !== "trace";
  const steps = showsSteps ? stepLines(() => sys.now() - start, writeErr) : undefined;
  const onEvent = (event: KillEvent): void => {
    steps?.onEvent(event);
    logged(event);
  };
  // It costs a dozen system calls, which a kill that needs no freeze avoids.
  let pausable: Disposable | undefined;
  const begin = (): void => {
    if (pausable !== undefined) return;
    pausable = pause?.begin();
    // To the end of cgkill, since to restore their actions takes as long as to ignore them.
    sys.ignoreUndeliverable();
  };
  if (kind !== "kill") begin();
  try {
    const level = showsSteps ? "trace" : output.level;
    return await work({
      deadline: (startedAt ?? start) + timeoutMs,
      abort,
      onEvent,
      level,
      onProgress: live.onProgress,
      begin,
      pause,
    });
  } finally {
    steps?.flush();
    live.clear();
    pausable?.[Symbol.dispose]();
  }
}
