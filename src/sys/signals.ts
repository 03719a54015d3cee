// Handles the signals that end this process and those that stop it. This file only notes them: in response, callers
// abort the work, or thaw and call `stop`.
//
// Not handled: SEGV, BUS, FPE, ILL, TRAP, SYS and ABRT report our own faults, and a handler in JavaScript would loop.
// PIPE and XFSZ stay ignored: the write fails, and a closed pipe or a full disk does not stop a kill. The engine uses
// PWR itself and swallows it. For the rest see `Sys.ignoreUndeliverable`.

import { PROC } from "./dir.ts";
import { readOr } from "./errno.ts";
import { fieldsAfterName, isDead, readStat, wordAfter } from "./proc.ts";
import { SIGNALS } from "./signal-names.ts";
import type { Host, Millis, Sys } from "./sys.ts";

/** Signals that end a process and that the runtime can deliver to a handler. */
type Deadly = "INT" | "TERM" | "HUP" | "QUIT" | "USR1" | "USR2" | "ALRM" | "XCPU" | "VTALRM" | "PROF" | "IO";
export type DeadlySignal = `SIG${Deadly}`;

export const DEADLY: Readonly<Record<DeadlySignal, number>> = {
  SIGINT: SIGNALS.INT,
  SIGTERM: SIGNALS.TERM,
  SIGHUP: SIGNALS.HUP,
  SIGQUIT: SIGNALS.QUIT,
  SIGUSR1: SIGNALS.USR1,
  SIGUSR2: SIGNALS.USR2,
  SIGALRM: SIGNALS.ALRM,
  SIGXCPU: SIGNALS.XCPU,
  SIGVTALRM: SIGNALS.VTALRM,
  SIGPROF: SIGNALS.PROF,
  SIGIO: SIGNALS.IO,
};

/** Signals that stop a process until SIGCONT. */
type StoppingSignal = "SIGTSTP" | "SIGTTIN" | "SIGTTOU";
const STOPPING: Readonly<Record<StoppingSignal, number>> = {
  SIGTSTP: SIGNALS.TSTP,
  SIGTTIN: SIGNALS.TTIN,
  SIGTTOU: SIGNALS.TTOU,
};

/**
 * The runtime changes these at its start. The first instructions of the binary (scripts/build/ignored-signals.ts) block
 * those that were ignored, and note them in a variable: bit N for signal N of this list.
 */
export const NOTED_SIGNALS: readonly number[] = [SIGNALS.INT, SIGNALS.TERM, SIGNALS.PIPE];
export const IGNORED_VARIABLE = "CGKILL_IGNORED";

/** @param mask  signal N is bit N - 1 */
const isIn = (mask: number, signal: number): boolean => ((mask >>> (signal - 1)) & 1) === 1;

/** Read /proc/self/status; "" if it cannot be read. */
export const readOwnStatus = (sys: Sys): string => readOr("", () => sys.readRecord(PROC, "self/status"));
const maskAfter = (label: string, status: string): number =>
  Number.parseInt(wordAfter(status, label).slice(-8) || "0", 16);

/** @returns the signals that this process ignores, in a mask in which signal N is bit N - 1; 0 if /proc cannot be read */
export const readIgnoredSignals = (sys: Sys): number => maskAfter("SigIgn:", readOwnStatus(sys));

/** @returns those of the signals that the runtime changes that were ignored when this process started */
export function readNotedSignals(): number[] {
  const noted = Number(process.env[IGNORED_VARIABLE] ?? 0);
  return NOTED_SIGNALS.filter((_, index) => ((noted >>> index) & 1) === 1);
}

/**
 * Keep the signals ignored that were ignored when this process started, by `nohup` or by a shell for a background job.
 *
 * @returns these signals, in a mask as above
 */
export function keepIgnored(sys: Host): number {
  const status = readOwnStatus(sys);
  const ignored = maskAfter("SigIgn:", status);
  const blocked = maskAfter("SigBlk:", status);
  if (!NOTED_SIGNALS.some((signal) => isIn(blocked, signal))) return ignored;
  const noted = readNotedSignals();
  sys.ignore(noted);
  return noted.reduce((mask, signal) => mask | (1 << (signal - 1)), ignored);
}

/** Handle each deadly signal, but keep ignoring those that our parent ignored, as `nohup` asks. */
export function onDeadlySignal(ignored: number, handle: (signal: DeadlySignal) => void): void {
  for (const signal of Object.keys(DEADLY) as DeadlySignal[]) {
    if (!isIn(ignored, DEADLY[signal])) process.on(signal, () => handle(signal));
  }
}

/** Is the leader of our session dying or dead? The kernel then sends SIGHUP to the foreground group of its terminal. */
export function isSessionLeaderDying(sys: Sys): boolean {
  const session = readOr(0, () => Number(fieldsAfterName(sys.readRecord(PROC, "self/stat"))[SESSION]));
  const leader = readOr(undefined, () => readStat(sys, session));
  return session > 0 && (leader === undefined || leader.isExiting || isDead(leader));
}

/** The field of /proc/PID/stat, counted from 0 after the name. */
const SESSION = 3;

/** Restore the default action of a signal and send it to ourselves. As PID 1 of a namespace we survive this. */
export function raise(signal: DeadlySignal | StoppingSignal): void {
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
}

/** Ignore stop requests until disposed, as a question does with Ctrl-Z: whatever is frozen would stay so while we stop. */
export function ignoreStopRequests(): Disposable {
  const ignore = (): void => {};
  process.on("SIGTSTP", ignore);
  return { [Symbol.dispose]: () => void process.removeListener("SIGTSTP", ignore) };
}

/** Defers Ctrl-Z and other stop requests (TSTP, TTIN, TTOU) until nothing is frozen or fenced. */
export interface Pause {
  /**
   * Defer requests until disposed; one that is still pending then stops the process. At other times a request stops it at
   * once.
   */
  begin(): Disposable;
  /** Whether the caller should thaw, call `stop`, and resume. Never after an interruption. */
  readonly isRequested: boolean;
  /**
   * Stop the process until SIGCONT, if the request is still pending.
   *
   * @returns how long it was stopped, in milliseconds
   */
  stop(): Promise<Millis>;
}

/**
 * Make the `Pause` that defers stop requests while there is work.
 *
 * Outside of work the default action is harmless and a handler is not: a terminal sends such a signal for each read or
 * write from the background, endlessly if the call is restarted.
 *
 * @param ignored  mask of the signals that our parent ignored; these stay ignored
 * @param abort    takes precedence over a stop request
 */
export function createPause(sys: Host, ignored: number, abort: AbortSignal): Pause {
  let requested: StoppingSignal | undefined;
  let handled: StoppingSignal[] = [];
  let isContinued = false;
  const request = (signal: NodeJS.Signals): void => {
    if (!isContinued) requested = signal as StoppingSignal;
  };
  const withdraw = (): void => {
    requested = undefined;
    // Until the next turn: right after a request, SIGCONT interrupts the runtime before that has noted the request, and so
    // comes first here.
    isContinued = true;
    void sys.turn().then(() => (isContinued = false));
  };
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
      const names = Object.keys(STOPPING) as StoppingSignal[];
      for (const signal of names) if (!isIn(ignored, STOPPING[signal]) && listen(signal)) handled.push(signal);
      // SIGCONT withdraws a pending request: if we stopped after it, nothing would continue us.
      process.on("SIGCONT", withdraw);
      return {
        [Symbol.dispose]() {
          process.removeListener("SIGCONT", withdraw);
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
      // Deliver an interruption that arrived while we were stopped before the caller freezes again.
      await sys.turn();
      return stoppedMs;
    },
  };
}
