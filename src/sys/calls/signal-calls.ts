// Sets signal actions through libc, where the runtime has no call for it.

import { SIGNALS } from "../signal-names.ts";
import type { Calls } from "./calls.ts";
import { addressOf, type Libc, plus, SIG_BLOCK, SIG_SETMASK, SIG_UNBLOCK, SIGSET_BYTES } from "./libc.ts";

const SIGSTKFLT = SIGNALS.STKFLT;
const FIRST_REALTIME = 32;
/** glibc handles 33 itself, and drops it unless glibc sent it. */
const USED_BY_GLIBC = 33;
const SIGNAL_MAX = 64;

/** The signals that end a process and that `process.on` cannot handle. */
function listUndeliverable(): number[] {
  const signals: number[] = [SIGSTKFLT];
  for (let signal = FIRST_REALTIME; signal <= SIGNAL_MAX; signal++) if (signal !== USED_BY_GLIBC) signals.push(signal);
  return signals;
}

/** @see linux: struct kernel_sigaction (handler, flags, restorer, mask), the same on x86-64 and arm64 */
const ACTION_BYTES = 32;
const ACTION_WORDS = ACTION_BYTES / 8;
const FLAGS = 1;
const SIG_IGN = 1n;
const SA_RESTART = 0x10000000n;
const NS_PER_MS = 1e6;

/** @see sigset_t of the kernel */
const toSet = (signals: readonly number[]): bigint =>
  signals.reduce((set, signal) => set | (1n << BigInt(signal - 1)), 0n);

type SignalCalls = Pick<Calls, "ignoreUndeliverable" | "ignore" | "makeInterrupting" | "holdSignals">;

export function signalCalls({ c, machine, errno, result }: Libc): SignalCalls {
  const sigaction = (signal: number, action: number, old: number): boolean =>
    c.syscall(machine.rt_sigaction, signal, action, old, SIGSET_BYTES, 0) === 0;
  /** At 0 an action that ignores; at N the previous action of signal N. */
  let before: BigUint64Array | undefined;
  return {
    ignoreUndeliverable(isIgnored) {
      before ??= new BigUint64Array(new ArrayBuffer((SIGNAL_MAX + 1) * ACTION_BYTES));
      before[0] = SIG_IGN;
      const ignore = addressOf(before);
      for (const signal of listUndeliverable()) {
        const saved = plus(ignore, signal * ACTION_BYTES);
        if (isIgnored) sigaction(signal, ignore, saved);
        else sigaction(signal, saved, 0);
      }
    },
    ignore(signals) {
      const words = new BigUint64Array(ACTION_WORDS + 1);
      words.set([SIG_IGN, 0n, 0n, 0n, toSet(signals)]);
      const at = addressOf(words);
      for (const signal of signals) sigaction(signal, at, 0);
      c.syscall(machine.rt_sigprocmask, SIG_UNBLOCK, plus(at, ACTION_BYTES), 0, SIGSET_BYTES, 0);
    },
    holdSignals(signals) {
      const words = new BigUint64Array(new ArrayBuffer(4 * SIGSET_BYTES));
      words[0] = toSet(signals);
      const held = addressOf(words);
      const [before, time] = [plus(held, SIGSET_BYTES), plus(held, 2 * SIGSET_BYTES)];
      if (c.syscall(machine.rt_sigprocmask, SIG_BLOCK, held, before, SIGSET_BYTES, 0) !== 0) return -errno();
      return {
        poll(fds, timeoutMs) {
          words[2] = BigInt(Math.floor(timeoutMs / 1000));
          words[3] = BigInt((timeoutMs % 1000) * NS_PER_MS);
          return result(c.syscall(machine.ppoll, addressOf(fds), fds.length / 2, time, before, SIGSET_BYTES));
        },
        release: () => void c.syscall(machine.rt_sigprocmask, SIG_SETMASK, before, 0, SIGSET_BYTES, 0),
      };
    },
    makeInterrupting(signal) {
      const action = new BigUint64Array(ACTION_WORDS);
      const at = addressOf(action);
      if (!sigaction(signal, 0, at)) return false;
      action[FLAGS] = (action[FLAGS] as bigint) & ~SA_RESTART;
      return sigaction(signal, at, 0);
    },
  };
}

/** Make `Sys.ignoreUndeliverable`. Uses may overlap: the first ignores the signals, and the last restores them. */
export function undeliverableIgnorer(calls: Pick<Calls, "ignoreUndeliverable">): () => Disposable {
  let holds = 0;
  return () => {
    if (holds++ === 0) calls.ignoreUndeliverable?.(true);
    let isHeld = true;
    return {
      [Symbol.dispose]() {
        if (isHeld && --holds === 0) calls.ignoreUndeliverable?.(false);
        isHeld = false;
      },
    };
  };
}
