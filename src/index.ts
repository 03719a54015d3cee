// The library: a group killer for a task executor, in the two-call form of the original design. It runs the same code
// as the command line and makes no decisions of its own.

import { isMissing, NotFoundError } from "./cgroup/errors.ts";
import { findHierarchies } from "./cgroup/open/hierarchy.ts";
import type { Fields, KillEvent } from "./kill/events.ts";
import { executeTarget, planTarget } from "./kill/twins/kill-twins.ts";
import { closeTarget, openTarget, type Target } from "./kill/twins/open-twins.ts";
import { DEFAULT_OPTIONS, type KillOptions, type KillOutcome } from "./kill/types.ts";
import { hostSys } from "./sys/host.ts";
import type { Millis, Pid, Sys } from "./sys/sys.ts";

export type { KillEvent } from "./kill/events.ts";
export type { KillOptions, KillOutcome } from "./kill/types.ts";

/** A logger with a `trace` level. The other levels are used if it has them. */
export interface Logger {
  trace(message: string, fields: Fields): void;
  debug?(message: string, fields: Fields): void;
  info?(message: string, fields: Fields): void;
  warn?(message: string, fields: Fields): void;
  error?(message: string, fields: Fields): void;
}

export interface GroupKiller {
  /**
   * Kill every process in a cgroup and below it, except the executor, and then remove the cgroup (v1) or keep it (v2).
   *
   * @param cgroup  `path` as on the command line: a directory in a cgroup mount, or a path as in /proc/PID/cgroup
   * @returns the outcome; a kill that failed, was refused or left survivors is an outcome too, not an exception
   * @throws NotFoundError  `missing cgroup`: none was given, its path is empty, or it does not exist
   * @throws Error  any other error of `openCgroups`
   */
  killGroup(cgroup: { readonly path: string } | null | undefined): Promise<KillOutcome>;
}

/** The options of `cgkill kill`, with the same defaults. */
export interface GroupKillerOptions extends Partial<KillOptions> {
  /** The deadline of a kill, in milliseconds. The default is 10,000. */
  readonly timeoutMs?: number;
  readonly abort?: AbortSignal;
}

const DEFAULT_TIMEOUT_MS = 10_000;

/**
 * Make a group killer.
 *
 * @param log          its errors are ignored
 * @param executorPid  must survive: if it is inside a target, it is moved out first
 * @throws RangeError  `timeoutMs` or `graceMs` is not a number of milliseconds
 */
export function createGroupKiller(log: Logger, executorPid: Pid, options: GroupKillerOptions = {}): GroupKiller {
  const sys = hostSys();
  const { fallback } = sys;
  if (fallback !== null) (log.warn ?? log.trace).call(log, "using Node's API for system calls", { reason: fallback });
  return groupKillerOn(sys, log, executorPid, options);
}

/** The same on a given kernel, real or modelled. */
export function groupKillerOn(sys: Sys, log: Logger, executorPid: Pid, options: GroupKillerOptions = {}): GroupKiller {
  const { timeoutMs = DEFAULT_TIMEOUT_MS, abort = new AbortController().signal, ...given } = options;
  checkMillis("timeoutMs", timeoutMs);
  checkMillis("graceMs", given.graceMs ?? DEFAULT_OPTIONS.graceMs);
  const killOptions: KillOptions = {
    ...DEFAULT_OPTIONS,
    ...withoutUndefined(given),
    spare: [...(given.spare ?? []), executorPid],
  };
  const onEvent = ({ level, message, fields }: KillEvent): void => {
    const write = log[level] ?? log.trace;
    try {
      write.call(log, message, { ...fields, executor_pid: executorPid });
    } catch {
      // Neither a kill nor the undo of a freeze depends on a log.
    }
  };
  return {
    async killGroup(cgroup) {
      if (cgroup == null || cgroup.path === "") throw new NotFoundError("cgroup", "missing cgroup");
      const deadline = sys.now() + timeoutMs;
      const target = await openNamed(sys, cgroup.path);
      try {
        const plan = await planTarget(sys, target, () => killOptions);
        return await executeTarget(sys, plan, { deadline, abort, onEvent });
      } finally {
        closeTarget(sys, target);
      }
    },
  };
}

/** JavaScript may pass anything. A deadline that is not a number would never come. */
function checkMillis(name: string, value: Millis): void {
  if (typeof value !== "number" || !(value >= 0)) {
    throw new RangeError(`${name}: ${String(value)} is not a number of milliseconds`);
  }
}

const withoutUndefined = <T extends object>(options: T): Partial<T> =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<T>;

async function openNamed(sys: Sys, path: string): Promise<Target> {
  try {
    return await openTarget(sys, findHierarchies(sys), path);
  } catch (error) {
    if (!(error instanceof NotFoundError && isMissing(error))) throw error;
    throw new NotFoundError("cgroup", `missing cgroup: ${error.message}`, error.hint, error.commands);
  }
}
