// Waits for a command: forwards signals, stops when it stops, and says why the wait is over. Kills nothing.

import { readOr, tryTo } from "../sys/errno.ts";
import { isForegroundJob, readSummary } from "../sys/proc.ts";
import { SIGNALS } from "../sys/signal-names.ts";
import { type Change, type Spawner } from "../sys/spawn/spawner.ts";
import { type Fd, type Millis, type Pid, POLLIN, type Sys } from "../sys/sys.ts";

export type Exit = Exclude<Change, { readonly is: "stopped" }>;

/** Why the wait is over. */
export type End =
  | { readonly by: "itself"; readonly exit: Exit }
  | { readonly by: "limit" }
  /** HUP or TERM, which was forwarded unless `isForwarded` said no. */
  | { readonly by: "signal"; readonly signal: number }
  /** The wait cannot go on: a system call that it needs failed. */
  | { readonly by: "failure"; readonly error: unknown };

export interface Supervised {
  readonly pid: Pid;
  /** Readable while a signal is pending. */
  readonly signals: Fd;
  /** On the clock of `Sys.now`. */
  readonly until: Millis;
  /** Whether to forward a signal that ends the run. No, if the whole cgroup is sent the same signal next. */
  readonly isForwarded: (signal: number) => boolean;
  /**
   * Stop this process because the command has stopped; returns when we are continued. At once if no shell could do that:
   * the kernel ignores SIGTSTP in an orphaned process group.
   */
  readonly stopOurselves: () => void;
}

/** Wait until the command ends, the limit passes, or HUP or TERM arrives. Never throws: the command runs already. */
export function supervise(sys: Sys, spawner: Spawner, supervised: Supervised): End {
  const { pid, signals, until } = supervised;
  try {
    for (;;) {
      const left = until - sys.now();
      if (left <= 0) return { by: "limit" };
      sys.poll([{ fd: signals, events: POLLIN }], left);
      const signal = forwardAll(sys, spawner, supervised);
      const change = spawner.changeOf(pid);
      if (change !== undefined && change.is !== "stopped") return { by: "itself", exit: change };
      if (signal !== undefined) return { by: "signal", signal };
      if (change?.is === "stopped" && isForegroundJob(sys) && isStillStopped(sys, pid)) {
        // The shell waits for us, not for the command: it must see that the job has stopped. Its SIGCONT is forwarded.
        supervised.stopOurselves();
      }
    }
  } catch (error) {
    return { by: "failure", error };
  }
}

/**
 * Ctrl-Z stops us, too, perhaps after we have learnt that the command has stopped. When we run again, the shell has continued
 * both: to stop now would stop the job once more.
 */
const isStillStopped = (sys: Sys, pid: Pid): boolean =>
  ["T", "t", undefined].includes(readOr(undefined, () => readSummary(sys, pid))?.state);

/** @returns the signal that ends the run, if one is among them */
function forwardAll(sys: Sys, spawner: Spawner, { pid, signals, isForwarded }: Supervised): number | undefined {
  let ending: number | undefined;
  for (let next = spawner.takeSignal(signals); next !== undefined; next = spawner.takeSignal(signals)) {
    const { signal, isFromTerminal } = next;
    if (signal === SIGNALS.CHLD) continue;
    const isShared = (signal === SIGNALS.INT || signal === SIGNALS.QUIT) && isFromTerminal && spawner.isInOurGroup(pid);
    const isEnd = signal === SIGNALS.HUP || signal === SIGNALS.TERM;
    if (isEnd) ending ??= signal;
    if (!isShared && (!isEnd || isForwarded(signal))) send(sys, pid, signal);
  }
  return ending;
}

/**
 * The command is not reaped yet, so its pid is not recycled. Errors are ignored: we may not signal a set-uid command.
 */
const send = (sys: Sys, pid: Pid, signal: number): void => void tryTo(() => sys.kill(pid, signal));
