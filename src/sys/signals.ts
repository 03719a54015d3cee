// The signals that reach this process: those that ask it to end, and those that ask it to stop. What is done about
// them is decided elsewhere: the work is aborted, or thaws and calls `stop`.
//
// Not handled: SEGV, BUS, FPE, ILL, TRAP, SYS and ABRT are our own faults, and a handler in JavaScript would loop on
// them. PIPE and XFSZ stay ignored: a write that cannot be done fails, and a closed pipe or a full disk stops no kill.
// PWR belongs to the engine, which swallows it. For the rest see `Sys.ignoreUndeliverable`.

import { wordAfter } from "./proc.ts";
import { type Host, type Millis, type Pause, PROC, type Sys } from "./sys.ts";

/** Signals that end a process, and that the runtime delivers. */
export const DEADLY = {
  SIGINT: 2,
  SIGTERM: 15,
  SIGHUP: 1,
  SIGQUIT: 3,
  SIGUSR1: 10,
  SIGUSR2: 12,
  SIGALRM: 14,
  SIGXCPU: 24,
  SIGVTALRM: 26,
  SIGPROF: 27,
  SIGIO: 29,
} as const;

export type DeadlySignal = keyof typeof DEADLY;

/** Signals that stop a process until SIGCONT. */
const STOPPING = { SIGTSTP: 20, SIGTTIN: 21, SIGTTOU: 22 } as const;
type StoppingSignal = keyof typeof STOPPING;

type NamesOf<T> = readonly (keyof T & NodeJS.Signals)[];

/** @param mask  signal N is bit N - 1 */
const isIn = (mask: number, signal: number): boolean => ((mask >>> (signal - 1)) & 1) === 1;

/**
 * Which signals were ignored when this process was started, by `nohup` or by a shell for a job in the background:
 * signal N is bit N - 1. None if /proc does not say.
 */
export function ignoredSignals(sys: Sys): number {
  try {
    return Number.parseInt(wordAfter(sys.readRecord(PROC, "self/status"), "SigIgn:").slice(-8) || "0", 16);
  } catch {
    return 0;
  }
}

/** Hear of each deadly signal, but for those that our parent ignored, as `nohup` does. */
export function onDeadlySignal(ignored: number, hear: (signal: DeadlySignal) => void): void {
  for (const signal of Object.keys(DEADLY) as NamesOf<typeof DEADLY>) {
    if (!isIn(ignored, DEADLY[signal])) process.on(signal, () => hear(signal));
  }
}

/** Give a signal its default action and send it to ourselves: it ends or stops us, unless the kernel has reasons. */
export function raise(signal: DeadlySignal | StoppingSignal): void {
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
}

/**
 * Stop requests while there is work.
 *
 * They are handled only then: outside of work the default action does no harm, and a handler would. A terminal answers a
 * read or write from the background by such a signal, again and again for as long as the call is restarted.
 *
 * @param ignored  signals that our parent ignored: they stop nothing
 * @param abort    an interruption goes before a stop request
 */
export function createPause(sys: Host, ignored: number, abort: AbortSignal): Pause {
  let requested: StoppingSignal | undefined;
  let handled: StoppingSignal[] = [];
  const request = (signal: NodeJS.Signals): void => void (requested = signal as StoppingSignal);
  const goOn = (): void => void (requested = undefined);
  const listen = (signal: StoppingSignal): boolean => {
    process.on(signal, request);
    if (signal === "SIGTSTP" || sys.makeInterrupting(STOPPING[signal])) return true;
    process.removeListener(signal, request);
    return false;
  };
  const stopBy = (signal: StoppingSignal): void => {
    requested = undefined;
    raise(signal);
  };
  return {
    begin() {
      const names = Object.keys(STOPPING) as NamesOf<typeof STOPPING>;
      handled = names.filter((signal) => !isIn(ignored, STOPPING[signal]) && listen(signal));
      // A request that is withdrawn before it was obeyed must not stop us: nothing would wake us again.
      process.on("SIGCONT", goOn);
      return {
        [Symbol.dispose]() {
          process.removeListener("SIGCONT", goOn);
          for (const signal of handled) process.removeListener(signal, request);
          handled = [];
          if (requested !== undefined && !abort.aborted) stopBy(requested);
          requested = undefined;
        },
      };
    },
    get isRequested() {
      return requested !== undefined && !abort.aborted;
    },
    async stop(): Promise<Millis> {
      await sys.turn();
      if (requested === undefined || abort.aborted) return 0;
      const signal = requested;
      const start = sys.now();
      stopBy(signal);
      const stoppedMs = sys.now() - start;
      if (handled.includes(signal)) listen(signal);
      // An interruption that came while we were stopped is to be seen before anything is frozen again.
      await sys.turn();
      return stoppedMs;
    },
  };
}
