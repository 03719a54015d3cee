// The library edge: the group killer of a task executor, in the two-call form of the original design.
// It runs the same code as the command line and decides nothing of its own.

import { NotFoundError } from "./cgroup/errors.ts";
import { findHierarchies } from "./cgroup/open/hierarchy.ts";
import type { Fields, KillEvent } from "./kill/events.ts";
import { executeTarget, planTarget } from "./kill/twins/kill-twins.ts";
import { closeTarget, openTarget } from "./kill/twins/open-twins.ts";
import { DEFAULT_OPTIONS, type KillOptions, type KillOutcome } from "./kill/types.ts";
import { hostSys } from "./sys/host.ts";
import type { Pid, Sys } from "./sys/sys.ts";

export type { KillEvent } from "./kill/events.ts";
export type { KillOptions, KillOutcome } from "./kill/types.ts";

/** Whatever has a `trace` level; the other levels are used where there are any. */
export interface Logger {
  trace(message: string, fields: Fields): void;
  debug?(message: string, fields: Fields): void;
  info?(message: string, fields: Fields): void;
  warn?(message: string, fields: Fields): void;
  error?(message: string, fields: Fields): void;
}

export interface GroupKiller {
  /**
   * Kill every process in the cgroup and below it, the executor excepted, and remove it (v1) or keep it (v2).
   *
   * @param cgroup  `path` as the command line takes it: a directory of a cgroup mount, or as /proc/PID/cgroup prints it
   * @returns what became of it; a kill that failed, was refused or left survivors is an outcome too, not an exception
   * @throws Error  `missing cgroup`: none was given, or its path is empty; `NotFoundError` and its like: no such cgroup
   */
  killGroup(cgroup: { readonly path: string } | null | undefined): Promise<KillOutcome>;
}

/** What the command line calls options; the defaults are its defaults. */
export interface GroupKillerOptions extends Partial<KillOptions> {
  /** One deadline for the whole of a kill, in milliseconds. */
  readonly timeoutMs?: number;
  readonly abort?: AbortSignal;
}

const DEFAULT_TIMEOUT_MS = 10_000;

/**
 * Make a group killer from a logger and the pid of the executor, which must survive: it is moved out of the target
 * first if it is inside.
 */
export function createGroupKiller(log: Logger, executorPid: Pid, options: GroupKillerOptions = {}): GroupKiller {
  const sys = hostSys();
  const { fallback } = sys;
  if (fallback !== null) (log.warn ?? log.trace).call(log, "system calls go by Node's API", { reason: fallback });
  return groupKillerOn(sys, log, executorPid, options);
}

/** The same on a given kernel: the real one, or a model of one. */
export function groupKillerOn(sys: Sys, log: Logger, executorPid: Pid, options: GroupKillerOptions = {}): GroupKiller {
  const { timeoutMs = DEFAULT_TIMEOUT_MS, abort = new AbortController().signal, ...given } = options;
  const spare = [...(given.spare ?? []), executorPid];
  const onEvent = ({ level, message, fields }: KillEvent): void => {
    const write = log[level] ?? log.trace;
    write.call(log, message, { ...fields, executor_pid: executorPid });
  };
  return {
    async killGroup(cgroup) {
      if (cgroup == null || cgroup.path === "") throw new NotFoundError("cgroup", "missing cgroup");
      const deadline = sys.now() + timeoutMs;
      const target = await openTarget(sys, findHierarchies(sys), cgroup.path);
      try {
        const plan = await planTarget(sys, target, () => ({ ...DEFAULT_OPTIONS, ...given, spare }));
        return await executeTarget(sys, plan, { deadline, abort, onEvent });
      } finally {
        closeTarget(sys, target);
      }
    },
  };
}
