// Starts a command with the settings that our caller had, and waits for it: what `cgkill run` needs besides `Sys`.

import { encodeText } from "../bytes.ts";
import { ERRNO, O } from "../calls/calls.ts";
import { libcCalls } from "../calls/libc-calls.ts";
import {
  addressOf,
  fixedBytes,
  type Libc,
  openLibc,
  openSpawnC,
  pointersTo,
  SIG_BLOCK,
  SIG_UNBLOCK,
  SIGSET_BYTES,
} from "../calls/libc.ts";
import { protectFromOomKiller } from "../calls/memory.ts";
import { orThrow } from "../errno.ts";
import { SIGNALS } from "../signal-names.ts";
import { readNotedSignals } from "../signals.ts";
import type { Fd, Pid, Sys } from "../sys.ts";
import { leaveUrgency, readEnvironment, withCallersFileLimit } from "./callers-settings.ts";

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
   * @returns a descriptor that is readable while a signal is pending
   */
  holdSignals(ignored: number): Fd;
  /** The next pending signal. */
  takeSignal(fd: Fd): Arrived | undefined;
  /** Hold CONT no longer: from now on its handlers run. */
  releaseContinue(): void;
  /**
   * Start a command, found by PATH, in our process group and session, with our descriptors and working directory. It gets
   * the environment, signal mask, priority and limits that our caller had.
   *
   * @throws SysError  ENOENT: not found; EACCES, ENOEXEC and others: not executable; EAGAIN, ENOMEM: no process left;
   *                   of the operation clone3: no process can be made here
   */
  start(words: readonly string[]): Pid;
  /** Exempt ourselves from the OOM killer. Call it after the start: a command would inherit the exemption. */
  protect(): void;
  /**
   * The change of a child since the last call; also reaps children that we inherited.
   *
   * @throws SysError  waitpid(2) is denied
   */
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
/** Signal N is bit N - 1. */
const bit = (signal: number): bigint => 1n << BigInt(signal - 1);
const EVERY_SIGNAL = 0xffffffffffffffffn;

/**
 * The runtime ignores PIPE and XFSZ, and posix_spawn of glibc ignores 32 and 33. The command gets the default actions,
 * but keeps what our caller ignored.
 */
const DEFAULTED: bigint = bit(13) | bit(25) | bit(32) | bit(33);

/** `sigset_t` of C libraries is longer than the kernel's. */
const LIBRARY_SIGSET_BYTES = 128;
const SFD_NONBLOCK = 0o4000;
const SFD_CLOEXEC = 0o2000000;
/** @see signalfd(2): ssi_signo and ssi_code, in words of 32 bits */
const SIGINFO_BYTES = 128;
const SSI_CODE = 2;
/** The code in siginfo of a signal that the kernel itself sends, such as those of the terminal driver. */
const SI_KERNEL = 0x80;

/** glibc and musl have 336 bytes of it. */
const SPAWNATTR_BYTES = 1024;
const POSIX_SPAWN_SETSIGDEF = 0x04;
const POSIX_SPAWN_SETSIGMASK = 0x08;

const WNOHANG = 1;
const WUNTRACED = 2;
const ANY_CHILD = -1;

const NEW_FILE_FLAGS: number = O.WRONLY | O.CREAT | O.TRUNC | O.NOFOLLOW | O.NONBLOCK | O.NOCTTY | O.CLOEXEC;
const NEW_FILE_MODE = 0o666;

function sigset(signals: bigint): BigUint64Array {
  const set = new BigUint64Array(LIBRARY_SIGSET_BYTES / 8);
  set[0] = signals;
  return set;
}

/** @throws Error  libc cannot be used here */
export function openSpawner(sys: Sys): Spawner {
  const calls = libcCalls();
  const libc = openLibc();
  const { c, machine, result } = libc;
  const own = openSpawnC();
  /** The mask that our caller had. */
  const mask = new BigUint64Array(1);
  const info = new Int32Array(new ArrayBuffer(SIGINFO_BYTES));
  const status = new Int32Array(1);

  return {
    holdSignals(ignored) {
      let signals = EVERY_SIGNAL & ~BigInt(ignored >>> 0);
      for (const signal of NOT_HELD) signals &= ~bit(signal);
      // If SIGCHLD were ignored, the kernel would discard the exit status of the command.
      own.signal(SIGNALS.CHLD, null);
      const set = sigset(signals | bit(SIGNALS.CHLD));
      const blocked = c.syscall(machine.rt_sigprocmask, SIG_BLOCK, addressOf(set), addressOf(mask), SIGSET_BYTES, 0);
      orThrow(result(blocked), "sigprocmask", "signals");
      return orThrow(result(own.signalfd(-1, set, SFD_NONBLOCK | SFD_CLOEXEC)), "signalfd", "signals");
    },
    takeSignal(fd) {
      if (c.read(fd, info, SIGINFO_BYTES) !== SIGINFO_BYTES) return undefined;
      return { signal: info[0] as number, isFromTerminal: info[SSI_CODE] === SI_KERNEL };
    },
    releaseContinue() {
      const set = sigset(bit(SIGNALS.CONT));
      c.syscall(machine.rt_sigprocmask, SIG_UNBLOCK, addressOf(set), 0, SIGSET_BYTES, 0);
    },
    start(words) {
      const env = readEnvironment(sys);
      const argv = encodeText(`${words.join("\0")}\0`);
      const attributes = fixedBytes(SPAWNATTR_BYTES);
      own.posix_spawnattr_init(attributes);
      own.posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
      own.posix_spawnattr_setsigmask(attributes, sigset(mask[0] as bigint));
      own.posix_spawnattr_setsigdefault(
        attributes,
        sigset(readNotedSignals().reduce((set, signal) => set & ~bit(signal), DEFAULTED)),
      );
      using _ = withCallersFileLimit(sys, c);
      leaveUrgency(libc, own);
      const pid = new Int32Array(1);
      const errno = own.posix_spawnp(pid, argv, null, attributes, pointersTo(argv), pointersTo(env));
      const operation = errno === ERRNO.EPERM && !isCloneAllowed(libc) ? "clone3" : "start";
      return orThrow(errno === 0 ? (pid[0] as number) : -errno, operation, words[0] ?? "");
    },
    protect: () => protectFromOomKiller(calls),
    changeOf(pid) {
      let change: Change | undefined;
      for (;;) {
        const changed = result(own.waitpid(ANY_CHILD, status, WNOHANG | WUNTRACED));
        if (changed === 0 || changed === -ERRNO.ECHILD) return change;
        orThrow(changed, "waitpid", `pid ${pid}`);
        if (changed === pid) change = toChange(status[0] as number);
      }
    },
    isInOurGroup: (pid) => own.getpgid(pid) === own.getpgid(0),
    createFile: (path) =>
      orThrow(result(own.open(encodeText(`${path}\0`), NEW_FILE_FLAGS, NEW_FILE_MODE)), "open", path),
    write(fd, text, shown) {
      for (let rest = encodeText(text); rest.length > 0;) {
        rest = rest.subarray(orThrow(calls.write(fd, rest), "write", shown));
      }
    },
  };
}

/**
 * Whether the C library can create processes. It uses clone3, and clone only if the kernel lacks clone3 (ENOSYS). Under a
 * seccomp filter of an older container runtime clone3 fails with EPERM, although clone works.
 */
function isCloneAllowed({ c, machine, errno }: Libc): boolean {
  c.syscall(machine.clone3, 0, 0, 0, 0, 0);
  const failure = errno();
  return failure === ERRNO.EINVAL || failure === ERRNO.ENOSYS;
}

/** @param status  in the format of wait(2) */
function toChange(status: number): Change {
  const signal = status & 0x7f;
  if (signal === 0x7f) return { is: "stopped" };
  return signal === 0 ? { is: "exited", code: (status >> 8) & 0xff } : { is: "killed", signal };
}
