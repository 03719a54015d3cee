// Validates every number before it is passed to a system call as a pid, a signal or a descriptor.

import { SysError } from "./errno.ts";
import type { Fd, Pid } from "./sys.ts";

/** The first process of a pid namespace. */
export const INIT: Pid = 1;
/** The largest pid of any configuration (PID_MAX_LIMIT). */
export const PID_MAX = 0x400000;
const SIGNAL_MAX = 64;

/** Validate a pid before signalling it: never 0, a process group, init or ourselves. */
export function checkedPid(operation: string, pid: Pid): Pid {
  if (Number.isInteger(pid) && pid > INIT && pid <= PID_MAX && pid !== process.pid) return pid;
  throw new SysError(operation, `pid ${pid}`, "EINVAL");
}

export function checkedSignal(operation: string, signal: number): number {
  if (Number.isInteger(signal) && signal >= 0 && signal <= SIGNAL_MAX) return signal;
  throw new SysError(operation, `signal ${signal}`, "EINVAL");
}

export function checkedFd(operation: string, fd: Fd): Fd {
  if (Number.isInteger(fd) && fd >= 0) return fd;
  throw new SysError(operation, `descriptor ${fd}`, "EBADF");
}
