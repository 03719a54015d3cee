// Reads of /proc/PID, as values. A process that is gone gives `undefined`; everything else throws.
// Reading a command line may hang (`readArgs` says when); nothing else here does.

import { isGone, SysError } from "./errno.ts";
import { type Millis, type Pid, PROC, type Sys } from "./sys.ts";

/**
 * The first word behind `name` at the start of a line, as /proc/PID/status has it; "" where there is none. By hand: the
 * first regular expression of a process costs as much as five of these files.
 */
export function wordAfter(text: string, name: string): string {
  const at = `\n${text}`.indexOf(`\n${name}`);
  if (at < 0) return "";
  const end = text.indexOf("\n", at);
  const rest = text.slice(at + name.length, end < 0 ? undefined : end);
  return rest.replaceAll("\t", " ").trim().split(" ", 1)[0] ?? "";
}

/** `undefined` where what is to be read is gone: a process, or a cgroup. */
export function ifAlive<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

export interface ProcessStat {
  readonly comm: string;
  readonly state: string;
  readonly ppid: Pid;
  readonly isKernelThread: boolean;
  /** It has begun to exit, or is dead: on v1 its cgroup is then said to be the root. */
  readonly isExiting: boolean;
  /** User and system time, in clock ticks of 10 ms. */
  readonly cpuTicks: number;
  readonly threads: number;
  /** Clock ticks after boot. */
  readonly startTicks: number;
}

const PF_EXITING = 0x4;
const PF_KTHREAD = 0x200000;
const DEAD: readonly string[] = ["Z", "X"];
/** Of some fifty, counted from 1. */
const LAST_FIELD = 22;

/** /proc/PID/stat; the name stands in parentheses and may itself hold any character, parentheses included. */
export function parseStat(text: string): ProcessStat {
  const open = text.indexOf("(");
  const close = text.lastIndexOf(")");
  const fields = text.slice(close + 2).split(" ", LAST_FIELD - 2);
  const number = (field: number): number => Number(fields[field - 3]);
  return {
    comm: text.slice(open + 1, close),
    state: fields[0] ?? "?",
    ppid: number(4),
    isKernelThread: (number(9) & PF_KTHREAD) !== 0,
    isExiting: (number(9) & PF_EXITING) !== 0 || DEAD.includes(fields[0] ?? ""),
    cpuTicks: number(14) + number(15),
    threads: number(20),
    startTicks: number(LAST_FIELD),
  };
}

/** A line that was cut off tells of nobody. */
export function readStat(sys: Sys, pid: Pid | "self"): ProcessStat | undefined {
  const stat = ifAlive(() => parseStat(sys.readRecord(PROC, `${pid}/stat`)));
  return Number.isNaN(stat?.startTicks) ? undefined : stat;
}

/** Dead, and perhaps not reaped yet. A leader that has exited before its other threads is a zombie, and its process lives. */
export const isDead = ({ state, threads }: ProcessStat): boolean => state === "X" || (state === "Z" && threads <= 1);

const TICK_MS = 10;

/** Milliseconds since the epoch. */
export function readBootTime(sys: Sys): Millis | null {
  try {
    const btime = wordAfter(sys.readFile(PROC, "stat"), "btime ");
    // Hidden from a container, it is an empty file.
    return btime === "" ? null : Number(btime) * 1000;
  } catch (error) {
    // With `subset=pid` there is nothing in /proc but processes.
    if (error instanceof SysError) return null;
    throw error;
  }
}

/** When a process was started, as ISO 8601; `bootedAt` as `readBootTime` gives it. */
export function startTime(stat: ProcessStat, bootedAt: Millis | null): string | null {
  if (bootedAt === null) return null;
  return new Date(bootedAt + stat.startTicks * TICK_MS).toISOString();
}

export interface ProcessStatus {
  readonly tgid: Pid;
  readonly uid: number;
  readonly tracerPid: Pid;
  readonly sigkillPending: boolean;
  /** Since Linux 4.15; it dies when the dump is written. */
  readonly isDumpingCore: boolean;
  /** Resident memory; 0 for one that has none, such as a zombie. */
  readonly rssBytes: number;
}

const SIGKILL_BIT = 0x100;

export function parseStatus(text: string): ProcessStatus {
  const field = (name: string): string => wordAfter(text, `${name}:`);
  // 16 hexadecimal digits; the last three hold the bit.
  const isPending = (name: string): boolean => (Number.parseInt(field(name).slice(-3), 16) & SIGKILL_BIT) !== 0;
  return {
    tgid: Number(field("Tgid")),
    uid: Number(field("Uid")),
    tracerPid: Number(field("TracerPid")),
    sigkillPending: isPending("SigPnd") || isPending("ShdPnd"),
    isDumpingCore: field("CoreDumping") === "1",
    rssBytes: Number(field("VmRSS") || 0) * 1024,
  };
}

export function readStatus(sys: Sys, pid: Pid): ProcessStatus | undefined {
  return ifAlive(() => parseStatus(sys.readRecord(PROC, `${pid}/status`)));
}

const withoutLast = (character: string, text: string): string => (text.endsWith(character) ? text.slice(0, -1) : text);

export function readComm(sys: Sys, pid: Pid): string | undefined {
  return ifAlive(() => withoutLast("\n", sys.readRecord(PROC, `${pid}/comm`)));
}

/**
 * The command line; `null` where the process has none (a kernel thread, a zombie) or does not let us see it.
 *
 * It is read from the process's own memory, and hangs with it while one of its threads is stuck in a page fault.
 */
export function readArgs(sys: Sys, pid: Pid): string[] | null {
  try {
    const text = sys.readFile(PROC, `${pid}/cmdline`);
    return text === "" ? null : withoutLast("\0", text).split("\0");
  } catch {
    return null;
  }
}

/** The kernel function that a process sleeps in; `null` where the kernel does not say. */
export function readWchan(sys: Sys, pid: Pid): string | null {
  try {
    const wchan = sys.readRecord(PROC, `${pid}/wchan`).trim();
    return wchan === "" || wchan === "0" ? null : wchan;
  } catch {
    return null;
  }
}

/** The thread ids of a process; none where it is gone. */
export function listThreads(sys: Sys, pid: Pid | "self"): Pid[] {
  const task = `${pid}/task`;
  return (
    ifAlive(() =>
      sys
        .readSubdirs({ through: `${PROC.through}/${task}`, shown: `${PROC.shown}/${task}` })
        .map(({ name }) => Number(name)),
    ) ?? []
  );
}

/** The inode of the initial pid namespace is the same on every kernel (PROC_PID_INIT_INO). */
const INITIAL_PID_NAMESPACE = "pid:[4026531836]";

/** Are there processes that have no number here? Where /proc does not say, we take it that there are none. */
export function isInPidNamespace(sys: Sys): boolean {
  try {
    return sys.readLink(PROC, "self/ns/pid") !== INITIAL_PID_NAMESPACE;
  } catch (error) {
    if (error instanceof SysError) return false;
    throw error;
  }
}

export interface CgroupLine {
  /** "" for v2. */
  readonly controllers: string;
  readonly path: string;
}

/** /proc/PID/cgroup: `ID:controllers:path`; the path is raw and may hold colons. What is no such line says nothing. */
export function parseCgroupLines(text: string): CgroupLine[] {
  const lines: CgroupLine[] = [];
  for (const line of text.split("\n")) {
    const first = line.indexOf(":");
    const second = line.indexOf(":", first + 1);
    if (first < 1 || second < 0 || line[second + 1] !== "/") continue;
    lines.push({ controllers: line.slice(first + 1, second), path: line.slice(second + 1) });
  }
  return lines;
}

/** The path in one hierarchy only: of thousands of processes this is asked one after another. */
export function findCgroupPath(text: string, controllers: string): string | undefined {
  const key = `:${controllers}:`;
  for (let at = 0; at < text.length;) {
    const colon = text.indexOf(":", at);
    const end = text.indexOf("\n", at);
    const lineEnd = end < 0 ? text.length : end;
    if (colon > at && text.startsWith(key, colon)) {
      const path = text.slice(colon + key.length, lineEnd);
      return path.startsWith("/") ? path : undefined;
    }
    at = lineEnd + 1;
  }
  return undefined;
}

export function readCgroupLines(sys: Sys, pid: Pid | "self"): CgroupLine[] | undefined {
  return ifAlive(() => parseCgroupLines(sys.readRecord(PROC, `${pid}/cgroup`)));
}
