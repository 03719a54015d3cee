// The system calls of `cgkill run`, by libc: start a command with our caller's settings, hold signals, wait for a
// child.

import { O_CLOEXEC, O_NOCTTY, O_NOFOLLOW, O_NONBLOCK, O_WRONLY, type Result } from "../calls/calls.ts";
import {
  addressOf,
  type C,
  fixedBytes,
  type Libc,
  openLibc,
  openSpawnC,
  pointersTo,
  RLIMIT_NOFILE,
  SIG_BLOCK,
  SIGSET_BYTES,
  type SpawnC,
} from "../calls/libc.ts";
import { HIGHEST_NICE, PRIO_PROCESS, REALTIME, SCHED_RESET_ON_FORK } from "../calls/priority-calls.ts";
import { SIGNALS } from "../signal-names.ts";

/** A set of signals: signal N is bit N - 1. */
export type SignalSet = bigint;

export interface HeldSignal {
  readonly signal: number;
  /** `si_code` of siginfo: how it was sent. */
  readonly code: number;
}

export interface ChildState {
  readonly pid: number;
  /** In the format of wait(2). */
  readonly status: number;
}

export interface SpawnCalls {
  /** Block signals from now on. @returns a descriptor that is readable while one of them is pending */
  holdSignals(signals: SignalSet): Result;
  takeSignal(fd: number): HeldSignal | undefined;
  /**
   * Start a program, found by PATH, in our process group, with our descriptors.
   *
   * It gets the signal mask from before `holdSignals` and the priority that we would have without cgkill.
   *
   * @param argv, env     each word ends with NUL
   * @param defaulted     signals that the runtime ignores but the program must not
   * @param maxFiles      its soft limit of open files
   */
  spawn(argv: Uint8Array, env: Uint8Array, defaulted: SignalSet, maxFiles: bigint): Result;
  /** A child of ours that has ended or stopped since it was last asked. */
  nextChange(): ChildState | undefined;
  groupOf(pid: number): Result;
  fileLimits(): readonly [soft: bigint, hard: bigint] | undefined;
  /** Create or empty a file. A symbolic link as the last component is ELOOP. */
  createFile(path: Uint8Array): Result;
}

/** `sigset_t` of C libraries is longer than the kernel's. */
const LIBRARY_SIGSET_BYTES = 128;
const SFD_NONBLOCK = 0o4000;
const SFD_CLOEXEC = 0o2000000;
/** @see signalfd(2): ssi_signo and ssi_code, in words of 32 bits */
const SIGINFO_BYTES = 128;
const SSI_CODE = 2;

/** glibc and musl have 336 bytes of it. */
const SPAWNATTR_BYTES = 1024;
const POSIX_SPAWN_SETSIGDEF = 0x04;
const POSIX_SPAWN_SETSIGMASK = 0x08;

const WNOHANG = 1;
const WUNTRACED = 2;
const ANY_CHILD = -1;

const O_CREAT = 0o100;
const O_TRUNC = 0o1000;
const NEW_FILE_MODE = 0o666;

function sigset(signals: SignalSet): BigUint64Array {
  const set = new BigUint64Array(LIBRARY_SIGSET_BYTES / 8);
  set[0] = signals;
  return set;
}

/** @throws Error  as `openLibc` */
export function spawnCalls(): SpawnCalls {
  const libc = openLibc();
  const { c, machine, result } = libc;
  const own = openSpawnC();
  const before = new BigUint64Array(1);
  const info = new Int32Array(new ArrayBuffer(SIGINFO_BYTES));
  const state = new Int32Array(1);
  const limits = new BigUint64Array(2);
  return {
    holdSignals(signals) {
      // An ignored SIGCHLD would take the exit status of the command with it.
      own.signal(SIGNALS.CHLD, null);
      const set = sigset(signals);
      const at = addressOf(set);
      const failed = result(c.syscall(machine.rt_sigprocmask, SIG_BLOCK, at, addressOf(before), SIGSET_BYTES, 0));
      return failed < 0 ? failed : result(own.signalfd(-1, set, SFD_NONBLOCK | SFD_CLOEXEC));
    },
    takeSignal(fd) {
      if (c.read(fd, info, SIGINFO_BYTES) !== SIGINFO_BYTES) return undefined;
      return { signal: info[0] as number, code: info[SSI_CODE] as number };
    },
    spawn(argv, env, defaulted, maxFiles) {
      const attributes = fixedBytes(SPAWNATTR_BYTES);
      own.posix_spawnattr_init(attributes);
      own.posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
      own.posix_spawnattr_setsigmask(attributes, sigset(before[0] as bigint));
      own.posix_spawnattr_setsigdefault(attributes, sigset(defaulted));
      using _ = withFileLimit(c, limits, maxFiles);
      leaveUrgency(libc, own);
      const pid = new Int32Array(1);
      const failed = own.posix_spawnp(pid, argv, null, attributes, pointersTo(argv), pointersTo(env));
      return failed === 0 ? (pid[0] as number) : -failed;
    },
    nextChange() {
      const pid = c.waitpid(ANY_CHILD, state, WNOHANG | WUNTRACED);
      return pid > 0 ? { pid, status: state[0] as number } : undefined;
    },
    groupOf: (pid) => result(own.getpgid(pid)),
    fileLimits() {
      if (c.getrlimit(RLIMIT_NOFILE, limits) < 0) return undefined;
      return [limits[0] as bigint, limits[1] as bigint];
    },
    createFile(path) {
      const flags = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
      return result(own.open(path, flags, NEW_FILE_MODE));
    },
  };
}

/** Lower the soft limit while a command is started. */
function withFileLimit(c: C, limits: BigUint64Array, soft: bigint): Disposable {
  if (c.getrlimit(RLIMIT_NOFILE, limits) < 0) return { [Symbol.dispose]() {} };
  const ours = limits.slice();
  c.setrlimit(RLIMIT_NOFILE, new BigUint64Array([soft, limits[1] as bigint]));
  return { [Symbol.dispose]: () => void c.setrlimit(RLIMIT_NOFILE, ours) };
}

const SCHED_OTHER = 0;

/**
 * Give up the priority that the first instructions of cgkill asked for (scripts/build/entry.ts), so that the command gets
 * the one our caller had. The kernel has kept our nice value, unless we replaced it: then take that of our parent.
 */
function leaveUrgency({ c, machine }: Libc, own: SpawnC): void {
  const policy = c.syscall(machine.sched_getscheduler, 0, 0, 0, 0, 0);
  const zero = new Int32Array(1);
  const schedule = (wanted: number): boolean =>
    c.syscall(machine.sched_setscheduler, 0, wanted, addressOf(zero), 0, 0) === 0;
  // Without CAP_SYS_NICE the flag cannot be taken back. It then costs the command a negative nice value.
  if (policy === REALTIME) void (schedule(SCHED_OTHER) || schedule(SCHED_OTHER | SCHED_RESET_ON_FORK));
  else if (own.getpriority(PRIO_PROCESS, 0) === HIGHEST_NICE)
    c.setpriority(PRIO_PROCESS, 0, own.getpriority(PRIO_PROCESS, process.ppid));
}
