// Reads that may fail because a process or a cgroup disappears meanwhile, or because the kernel denies them.

import { SysError } from "../sys/errno.ts";

/**
 * Read something whose absence is not an error.
 *
 * @param isExpected  which errors mean that there is no value; by default every failed system call
 * @returns `undefined` after an expected error
 * @throws every other error
 */
export function attemptRead<T>(
  read: () => T,
  isExpected: (error: unknown) => boolean = (error) => error instanceof SysError,
): T | undefined {
  try {
    return read();
  } catch (error) {
    if (isExpected(error)) return undefined;
    throw error;
  }
}
