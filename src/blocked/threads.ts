// Where in the kernel the threads of a process are blocked. Reads nothing that may hang: see `isInExec`.

import { PROC } from "../sys/dir.ts";
import { readOr } from "../sys/errno.ts";
import { isInExec, listThreads, readStat, readStatus, readWchan } from "../sys/proc.ts";
import type { Pid, Sys } from "../sys/sys.ts";

export interface BlockedThread {
  readonly tid: Pid;
  /** Kernel functions, innermost first: the whole stack if it can be read, otherwise only the one it sleeps in. */
  readonly functions: readonly string[];
  /** The arguments of its system call that may be descriptors. */
  readonly descriptors: readonly number[];
  readonly isInExec: boolean;
  /** Whether it was sent SIGKILL or is exiting. */
  readonly isKilled: boolean;
}

/** A process may have thousands of threads, but one blocked thread is enough. */
export const MAX_THREADS = 256;
const MAX_FD = 1 << 20;

/**
 * Whether a thread in this kernel function waits for a FUSE server. It does so in state S until the request has been
 * interrupted, which the server may ignore.
 */
export const isFuseWait = (name: string): boolean => /^(request_wait_answer|fuse_(?!dev)|__fuse)/.test(name);

/** Find threads in state D, in an exec, or waiting for a FUSE server; the last come first. */
export function findBlockedThreads(sys: Sys, pid: Pid): BlockedThread[] {
  const tids = listThreads(sys, pid).slice(0, MAX_THREADS);
  const threads = tids.flatMap((tid) => readOr([], () => readThread(sys, tid) ?? []));
  const rank = ({ functions }: BlockedThread): number => (functions.some(isFuseWait) ? 0 : 1);
  return threads.sort((a, b) => rank(a) - rank(b));
}

function readThread(sys: Sys, tid: Pid): BlockedThread | undefined {
  const inExec = isInExec(sys, tid);
  const stat = readStat(sys, tid);
  if (stat === undefined || stat.isKernelThread) return undefined;
  const wchan = inExec ? null : readWchan(sys, tid);
  const isWaiting = stat.state === "D" || inExec || (wchan !== null && isFuseWait(wchan));
  if (!isWaiting) return undefined;
  const isKilled = stat.isExiting || readStatus(sys, tid)?.sigkillPending === true;
  const isSafe = isKilled && !inExec;
  const stack = isSafe ? readStack(sys, tid) : [];
  return {
    tid,
    functions: stack.length > 0 ? stack : wchan === null ? [] : [wchan],
    descriptors: isSafe ? readDescriptors(sys, tid) : [],
    isInExec: inExec,
    isKilled,
  };
}

/**
 * The functions on the kernel stack of a blocked thread. Needs CAP_SYS_ADMIN.
 *
 * Only for a thread that was sent SIGKILL: any other may begin an exec, and this read would block.
 */
function readStack(sys: Sys, tid: Pid): string[] {
  const text = readOr("", () => sys.readFile(PROC, `${tid}/stack`));
  return text.split("\n").flatMap((line) => /\] ([^+\s]+)/.exec(line)?.[1] ?? []);
}

/**
 * The arguments of a blocked thread's system call that may be descriptors, from `NUMBER ARGUMENT… STACK PC`. Needs
 * CAP_SYS_PTRACE; only for a thread that was sent SIGKILL, as above.
 */
function readDescriptors(sys: Sys, tid: Pid): number[] {
  const text = readOr("", () => sys.readRecord(PROC, `${tid}/syscall`));
  const fds = text.trim().split(" ").slice(1, 7).map(Number);
  return fds.filter((fd) => Number.isInteger(fd) && fd >= 0 && fd < MAX_FD);
}
