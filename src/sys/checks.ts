// Every number is checked before it becomes a pid, a signal or a descriptor of a system call.

import { SysError } from "./errno.ts";
import type { Fd, Pid } from "./sys.ts";

/** The largest pid that a kernel can be set to hand out (PID_MAX_LIMIT). */
export const PID_MAX = 0x400000;
const SIGNAL_MAX = 64;

/** A number that is to be a pid to be signalled: one process, not init, not us, never a group. */
export function checkedPid(operation: string, pid: Pid): Pid {
  if (Number.isInteger(pid) && pid > 1 && pid <= PID_MAX && pid !== process.pid) return pid;
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
