// The settings that our caller had, for a command that we start: the runtime and cgkill have changed ours.

import { encodeText } from "../bytes.ts";
import { addressOf, type C, type Libc, RLIMIT_NOFILE, type SpawnC } from "../calls/libc.ts";
import { HIGHEST_NICE, PRIO_PROCESS, REALTIME, SCHED_RESET_ON_FORK } from "../calls/priority-calls.ts";
import { PROC } from "../dir.ts";
import { readOr } from "../errno.ts";
import type { Sys } from "../sys.ts";

/**
 * The environment that our caller passed, as NUL-terminated words.
 *
 * @throws SysError  it cannot be read: a command is never started with another environment
 */
export function readEnvironment(sys: Sys): Uint8Array {
  const text = sys.readFile(PROC, "self/environ");
  return encodeText(text === "" || text.endsWith("\0") ? text : `${text}\0`);
}

/** The soft limit of a process that no program has changed. */
const USUAL_FILES = 1024n;

/**
 * The soft limit of open files that our caller has. The runtime raised ours before we could read it.
 *
 * It is our parent's, if that has the same hard limit. Otherwise systemd or sudo has set the limits, and the soft limit
 * is the usual one, or the hard one if that is lower.
 */
function callersFileLimit(sys: Sys, hard: bigint): bigint {
  const usual = hard < USUAL_FILES ? hard : USUAL_FILES;
  const text = readOr("", () => sys.readFile(PROC, `${process.ppid}/limits`));
  const line = /^Max open files +(\d+) +(\d+)/m.exec(text);
  return line !== null && BigInt(line[2] as string) === hard ? BigInt(line[1] as string) : usual;
}

/** Set the soft limit of open files to that of our caller until disposed. */
export function withCallersFileLimit(sys: Sys, c: C): Disposable {
  const ours = new BigUint64Array(2);
  if (c.getrlimit(RLIMIT_NOFILE, ours) < 0) return { [Symbol.dispose]() {} };
  const hard = ours[1] as bigint;
  c.setrlimit(RLIMIT_NOFILE, new BigUint64Array([callersFileLimit(sys, hard), hard]));
  return { [Symbol.dispose]: () => void c.setrlimit(RLIMIT_NOFILE, ours) };
}

const SCHED_OTHER = 0;

/**
 * Give up the priority that the first instructions of cgkill asked for (scripts/build/entry.ts), so that the command gets
 * the one our caller had. The kernel has kept our nice value, unless we replaced it: then take that of our parent.
 */
export function leaveUrgency({ c, machine }: Libc, own: SpawnC): void {
  const policy = c.syscall(machine.sched_getscheduler, 0, 0, 0, 0, 0);
  const zero = new Int32Array(1);
  const schedule = (wanted: number): boolean =>
    c.syscall(machine.sched_setscheduler, 0, wanted, addressOf(zero), 0, 0) === 0;
  // Without CAP_SYS_NICE the flag cannot be taken back. It then costs the command a negative nice value.
  if (policy === REALTIME) void (schedule(SCHED_OTHER) || schedule(SCHED_OTHER | SCHED_RESET_ON_FORK));
  else if (own.getpriority(PRIO_PROCESS, 0) === HIGHEST_NICE)
    c.setpriority(PRIO_PROCESS, 0, own.getpriority(PRIO_PROCESS, process.ppid));
}
