// Starts a command with the settings that our caller had, and waits for it: what `cgkill run` needs besides `Sys`.

import { encodeText } from "../bytes.ts";
import { libcCalls } from "../calls/libc-calls.ts";
import { errnoName, readOr, SysError } from "../errno.ts";
import { protectFromOomKiller } from "../memory.ts";
import { SIGNALS } from "../signal-names.ts";
import { readWords, SINGLE_THREADED } from "../start.ts";
import { type Fd, type Pid, PROC, type Sys } from "../sys.ts";
import { type SignalSet, spawnCalls } from "./spawn-calls.ts";

/** A signal that arrived while signals were held. */
export interface Arrived {
  readonly signal: number;
  /** Sent by the terminal, to every process of its foreground group. */
  readonly isFromTerminal: boolean;
}

export type Change =
  | { readonly is: "stopped" }
  | { readonly is: "exited"; readonly code: number }
  | { readonly is: "killed"; readonly signal: number };

export interface Spawner {
  /**
   * Hold every signal that would end us, from now on until this process ends.
   *
   * @param ignored  those that our parent ignored stay ignored: signal N is bit N - 1
   * @returns a descriptor that is readable while one is pending
   */
  holdSignals(ignored: number): Fd;
  /** The next pending signal. */
  takeSignal(fd: Fd): Arrived | undefined;
  /**
   * Start a command, found by PATH, in our process group and session, with our descriptors and working directory. It gets
   * the environment, signal mask, priority and limits that our caller had.
   *
   * @throws SysError  ENOENT: not found; EACCES, ENOEXEC and others: not executable; EAGAIN, ENOMEM: no process left
   */
  start(words: readonly string[]): Pid;
  /** Exempt ourselves from the OOM killer. Call it after the start: a command would inherit the exemption. */
  protect(): void;
  /** The change of a child since the last call; also reaps children that we inherited. */
  changeOf(pid: Pid): Change | undefined;
  /** Whether a process is in our process group, which the terminal signals as a whole. */
  isInOurGroup(pid: Pid): boolean;
  /** @throws SysError  ELOOP: its last component is a symbolic link */
  createFile(path: string): Fd;
  /** Write all of it. @throws SysError  ENOSPC, EPIPE, or EAGAIN for a pipe that is full; a part may be written */
  write(fd: Fd, text: string, shown: string): void;
}

/**
 * All signals are held except KILL and STOP, those that stop (they must stop us as they stop the command), our own
 * faults, PIPE and XFSZ (ignored), URG and WINCH (without effect), PWR (used by the engine), SYS, and 32 and 33 (used
 * by libc).
 */
const NOT_HELD = [4, 5, 6, 7, 8, 9, 11, 13, 19, 20, 21, 22, 23, 25, 28, 30, 31, 32, 33] as const;
const EVERY_SIGNAL: SignalSet = 0xffffffffffffffffn;
const bit = (signal: number): SignalSet => 1n << BigInt(signal - 1);

/** The runtime ignores PIPE and XFSZ, and posix_spawn of glibc ignores 32 and 33. */
const DEFAULTED: SignalSet = bit(13) | bit(25) | bit(32) | bit(33);

/** The code in siginfo of a signal that the kernel itself sends: the terminal driver does. */
const SI_KERNEL = 0x80;

/** The soft limit of a process that no program has changed. */
const USUAL_FILES = 1024n;

/** @throws Error  libc cannot be used here */
export function openSpawner(sys: Sys): Spawner {
  const calls = libcCalls();
  const own = spawnCalls();
  const orThrow = (result: number, operation: string, object: string): number => {
    if (result < 0) throw new SysError(operation, object, errnoName(-result));
    return result;
  };
  const changes = new Map<Pid, number>();
  return {
    holdSignals(ignored) {
      let signals = EVERY_SIGNAL & ~BigInt(ignored >>> 0);
      for (const signal of NOT_HELD) signals &= ~bit(signal);
      return orThrow(own.holdSignals(signals | bit(SIGNALS.CHLD)), "signalfd", "signals");
    },
    takeSignal(fd) {
      const held = own.takeSignal(fd);
      return held && { signal: held.signal, isFromTerminal: held.code === SI_KERNEL };
    },
    start(words) {
      const env = withoutOurs(readWords(calls, "/proc/self/environ") ?? new Uint8Array());
      const argv = encodeText(`${words.join("\0")}\0`);
      return orThrow(own.spawn(argv, env, DEFAULTED, callersFileLimit(sys, own.fileLimits())), "start", words[0] ?? "");
    },
    protect: () => protectFromOomKiller(calls),
    changeOf(pid) {
      for (let next = own.nextChange(); next !== undefined; next = own.nextChange()) {
        if (next.pid === pid) changes.set(pid, next.status);
      }
      const status = changes.get(pid);
      changes.delete(pid);
      return status === undefined ? undefined : toChange(status);
    },
    isInOurGroup: (pid) => own.groupOf(pid) === own.groupOf(0),
    createFile: (path) => orThrow(own.createFile(encodeText(`${path}\0`)), "open", path),
    write(fd, text, shown) {
      for (let rest = encodeText(text); rest.length > 0;) {
        rest = rest.subarray(orThrow(calls.write(fd, rest), "write", shown));
      }
    },
  };
}

/** @see wait(2) */
function toChange(status: number): Change {
  const signal = status & 0x7f;
  if (signal === 0x7f) return { is: "stopped" };
  return signal === 0 ? { is: "exited", code: (status >> 8) & 0xff } : { is: "killed", signal };
}

/** The settings that start.ts appended for this process. */
function withoutOurs(env: Uint8Array): Uint8Array {
  const ours = encodeText(`${SINGLE_THREADED.join("\0")}\0`);
  const at = env.length - ours.length;
  if (at < 0) return env;
  return ours.every((byte, index) => env[at + index] === byte) ? env.subarray(0, at) : env;
}

/**
 * The soft limit of open files that our caller has. The runtime raised ours before we could read it.
 *
 * It is our parent's, if that has the same hard limit. Otherwise systemd or sudo has set the limits, and the soft limit
 * is the usual one, or the hard one if that is lower.
 */
function callersFileLimit(sys: Sys, limits: readonly [bigint, bigint] | undefined): bigint {
  const [, hard] = limits ?? [USUAL_FILES, USUAL_FILES];
  const usual = hard < USUAL_FILES ? hard : USUAL_FILES;
  const text = readOr("", () => sys.readFile(PROC, `${process.ppid}/limits`));
  const line = /^Max open files +(\d+) +(\d+)/m.exec(text);
  return line !== null && BigInt(line[2] as string) === hard ? BigInt(line[1] as string) : usual;
}
