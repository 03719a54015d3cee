// Reads and parses /proc/PID. Unless documented otherwise, a process that is gone reads as `undefined`, and every other
// failure throws. Only reading a command line may block (see `readArgs`); files that block during an exec are not read
// then (see `isInExec`).

import { dirIn, PROC } from "./dir.ts";
import { isGone, readOr } from "./errno.ts";
import type { Pid, Sys } from "./sys.ts";

/** The kernel truncates the name of a process to this many bytes. */
export const MAX_COMM = 15;

/**
 * The first word after `name`, which starts a line, as in /proc/PID/status; "" if there is none. No regular expression:
 * the first one that a process runs costs as much as reading five of these files.
 */
export function wordAfter(text: string, name: string): string {
  let at = 0;
  if (!text.startsWith(name)) {
    at = text.indexOf(`\n${name}`) + 1;
    if (at === 0) return "";
  }
  let start = at + name.length;
  while (text[start] === "\t" || text[start] === " ") start++;
  let end = start;
  while (end < text.length && !BLANK.includes(text[end] as string)) end++;
  return text.slice(start, end);
}

const BLANK = "\t \n";

/** What `read` returns; `undefined` if the process or cgroup is gone. */
export const ifAlive = <T>(read: () => T): T | undefined => readOr(undefined, read, isGone);

export interface ProcessStat {
  readonly comm: string;
  readonly state: string;
  readonly ppid: Pid;
  readonly isKernelThread: boolean;
  /** It is exiting or dead; on v1 its cgroup is then shown as the root. */
  readonly isExiting: boolean;
  /** SIGKILL ends it, or has ended it. Shown from Linux 5.17 on, and only to those who may trace it. */
  readonly isEndedBySigkill: boolean;
  /** SIGKILL has been sent to this thread, or to all of its process, and is not handled yet. */
  readonly isSigkillPending: boolean;
  /** User plus system time, in clock ticks of 10 ms. */
  readonly cpuTicks: number;
  readonly threads: number;
  /** Start time, in clock ticks of 10 ms after boot; `undefined` during an exec. */
  readonly startTicks: number | undefined;
}

/** In a set of signals. */
const SIGKILL_BIT = 0x100;
const PF_EXITING = 0x4;
const PF_KTHREAD = 0x200000;
const DEAD: readonly string[] = ["Z", "X"];
const SIGKILL = 9;
/** Fields are counted from 1. */
const PENDING = 31;
const EXIT_STATUS = 52;

/** Parse /proc/PID/stat. The name is in parentheses and may itself contain any character, even parentheses. */
export function parseStat(text: string): ProcessStat {
  const open = text.indexOf("(");
  const close = text.lastIndexOf(")");
  const fields = text.slice(close + 2).split(" ", EXIT_STATUS - 2);
  const number = (field: number): number => Number(fields[field - 3]);
  return {
    comm: text.slice(open + 1, close),
    state: fields[0] ?? "?",
    ppid: number(4),
    isKernelThread: (number(9) & PF_KTHREAD) !== 0,
    isExiting: (number(9) & PF_EXITING) !== 0 || DEAD.includes(fields[0] ?? ""),
    cpuTicks: number(14) + number(15),
    threads: number(20),
    startTicks: number(22),
    isEndedBySigkill: (number(EXIT_STATUS) & 0x7f) === SIGKILL,
    isSigkillPending: (number(PENDING) & SIGKILL_BIT) !== 0,
  };
}

/** The fields of /proc/PID/stat after the name: state, parent, process group, session, terminal and so on. */
export const fieldsAfterName = (text: string): string[] => text.slice(text.lastIndexOf(")") + 2).split(" ");

/** Is this process in the foreground of a terminal? Then a shell waits for it, and sees when it stops. */
export function isForegroundJob(sys: Sys): boolean {
  const [, , group, , terminal, foreground] = fieldsAfterName(sys.readRecord(PROC, "self/stat"));
  return terminal !== "0" && group === foreground;
}

/**
 * Whether a process is in the part of an exec during which `stat`, `wchan`, `syscall`, `stack` and every link of /proc
 * (`exe`, `cwd`, `fd/*`, `ns/*`) cannot be read: the reader would sleep until the exec goes on. The exec closes
 * descriptors meanwhile, so one that is open on a dead FUSE file system makes that last for ever, in spite of SIGKILL.
 *
 * Its new memory has no program text yet, which every other process with memory has. A process that is not stuck may
 * begin an exec after this was read; a killed one does not.
 *
 * @see linux: fs/exec.c, begin_new_exec: exec_update_lock
 */
export function isInExec(sys: Sys, pid: Pid): boolean {
  const [size, , , text] = sys.readRecord(PROC, `${pid}/statm`).split(" ", 4);
  return text === "0" && size !== "0";
}

/** Read /proc/PID/stat; `undefined` also for a truncated line. During an exec, what /proc/PID/status has of it. */
export function readStat(sys: Sys, pid: Pid | "self"): ProcessStat | undefined {
  return ifAlive(() => {
    if (pid !== "self" && isInExec(sys, pid)) return statFromStatus(sys.readRecord(PROC, `${pid}/status`));
    const stat = parseStat(sys.readRecord(PROC, `${pid}/stat`));
    return Number.isNaN(stat.startTicks) ? undefined : stat;
  });
}

function statFromStatus(text: string): ProcessStat {
  return {
    ...parseSummary(text),
    isKernelThread: false,
    isExiting: false,
    isEndedBySigkill: false,
    cpuTicks: 0,
    startTicks: undefined,
    isSigkillPending: isSigkillIn(text, "SigPnd:"),
  };
}

/** What is needed to climb from a process to its ancestors. */
export type ProcessSummary = Pick<ProcessStat, "comm" | "state" | "ppid" | "threads">;

function parseSummary(text: string): ProcessSummary {
  return {
    comm: unescapeName(lineAfter(text, "Name:\t")),
    state: wordAfter(text, "State:"),
    ppid: Number(wordAfter(text, "PPid:")),
    threads: Number(wordAfter(text, "Threads:")),
  };
}

/** Read the summary from /proc/PID/status, which never blocks: `stat` would need a look at `statm` first. */
export function readSummary(sys: Sys, pid: Pid | "self"): ProcessSummary | undefined {
  return ifAlive(() => parseSummary(sys.readRecord(PROC, `${pid}/status`)));
}

const lineAfter = (text: string, name: string): string =>
  text.startsWith(name) ? text.slice(name.length, text.indexOf("\n")) : "";

/** In a name, `status` escapes newline and backslash. */
const unescapeName = (name: string): string =>
  !name.includes("\\") ? name : name.replace(/\\([\\n])/g, (_, escaped: string) => (escaped === "n" ? "\n" : escaped));

/** Is it dead, reaped or not? A leader that exited before its other threads is a zombie, but not dead. */
export const isDead = ({ state, threads }: ProcessStat): boolean => state === "X" || (state === "Z" && threads <= 1);

export interface ProcessStatus {
  readonly tgid: Pid;
  readonly uid: number;
  readonly tracerPid: Pid;
  readonly sigkillPending: boolean;
  /** It dies when the dump is written. Known since Linux 4.15. */
  readonly isDumpingCore: boolean;
  /** Resident memory; 0 for a process without memory, such as a zombie. */
  readonly rssBytes: number;
}

/** Sets of signals in /proc/PID/status are 16 hexadecimal digits; the last three contain the bit. */
const isSigkillIn = (text: string, name: string): boolean =>
  (Number.parseInt(wordAfter(text, name).slice(-3), 16) & SIGKILL_BIT) !== 0;

export function parseStatus(text: string): ProcessStatus {
  const field = (name: string): string => wordAfter(text, `${name}:`);
  return {
    tgid: Number(field("Tgid")),
    uid: Number(field("Uid")),
    tracerPid: Number(field("TracerPid")),
    sigkillPending: isSigkillIn(text, "SigPnd:") || isSigkillIn(text, "ShdPnd:"),
    isDumpingCore: field("CoreDumping") === "1",
    rssBytes: Number(field("VmRSS") || 0) * 1024,
  };
}

export const readStatus = (sys: Sys, pid: Pid): ProcessStatus | undefined =>
  ifAlive(() => parseStatus(sys.readRecord(PROC, `${pid}/status`)));

const withoutLast = (character: string, text: string): string => (text.endsWith(character) ? text.slice(0, -1) : text);

export const readComm = (sys: Sys, pid: Pid): string | undefined =>
  ifAlive(() => withoutLast("\n", sys.readRecord(PROC, `${pid}/comm`)));

/**
 * Read the command line; `null` if the process has none (a kernel thread, a zombie) or it is hidden from us.
 *
 * The kernel reads it from the memory of the process, so this blocks while a thread of the process is stuck in a page
 * fault.
 */
export function readArgs(sys: Sys, pid: Pid): string[] | null {
  const text = readOr("", () => sys.readFile(PROC, `${pid}/cmdline`));
  return text === "" ? null : withoutLast("\0", text).split("\0");
}

/** Read the kernel function that a process sleeps in; `null` if the kernel does not show it, or during an exec. */
export function readWchan(sys: Sys, pid: Pid): string | null {
  const wchan = readOr("", () => (isInExec(sys, pid) ? "" : sys.readRecord(PROC, `${pid}/wchan`).trim()));
  return wchan === "" || wchan === "0" ? null : wchan;
}

/** List the thread ids of a process; none if it is gone. */
export function listThreads(sys: Sys, pid: Pid | "self"): Pid[] {
  const tids: Pid[] = [];
  for (const { name } of ifAlive(() => sys.readSubdirs(dirIn(PROC, `${pid}/task`))) ?? []) tids.push(Number(name));
  return tids;
}

/** Whether this process has one thread. `false` if /proc does not show it. */
export const isSingleThreaded = (sys: Sys): boolean =>
  readOr("", () => wordAfter(sys.readRecord(PROC, "self/status"), "Threads:")) === "1";

/** The inode of the initial pid namespace is the same on every kernel (PROC_PID_INIT_INO). */
const INITIAL_PID_NAMESPACE = "pid:[4026531836]";

/** Whether processes may exist that have no pid here. `false` if /proc does not show our pid namespace. */
export const isInPidNamespace = (sys: Sys): boolean =>
  readOr(false, () => sys.readLink(PROC, "self/ns/pid") !== INITIAL_PID_NAMESPACE);

/** With hidepid, /proc shows only what we may trace. PID 1 has all capabilities, so if it is visible, all processes are. */
export const showsOthers = (sys: Sys): boolean => readOr(false, () => sys.exists(PROC, "1/status"));

/** Whether /proc shows every process, also those without a pid here. */
export const showsAllProcesses = (sys: Sys): boolean => !isInPidNamespace(sys) && showsOthers(sys);

/** What /proc says of this process. */
interface Self {
  /** 0 for a parent outside our pid namespace. */
  readonly ppid: Pid;
  /**
   * /proc belongs to another pid namespace, as after `unshare --pid` without `--mount-proc`: its numbers are then those
   * of other processes here.
   */
  readonly isProcForeign: boolean;
}

/** `NSpid` lists our pid in each namespace, from that of /proc down to our own. In a namespace beside it we have none. */
export function readSelf(sys: Sys): Self {
  const text = ifAlive(() => sys.readRecord(PROC, "self/status"));
  if (text === undefined) return { ppid: 0, isProcForeign: true };
  const start = text.indexOf(NSPID);
  const pids = start < 0 ? "" : text.slice(start + NSPID.length, text.indexOf("\n", start + 1));
  return { ppid: Number(wordAfter(text, "PPid:")), isProcForeign: pids.includes("\t") };
}

const NSPID = "\nNSpid:\t";
