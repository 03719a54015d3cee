// The failures that a test has ordered: each operation on a matching path throws until the fault is used up.

import { SysError } from "../../../src/sys/errno.ts";

interface Fault {
  readonly operation: string;
  readonly path: RegExp;
  readonly errno: string;
  left: number;
}

export class Faults {
  private readonly ordered: Fault[] = [];

  add(operation: string, path: RegExp, errno: string, times: number): void {
    this.ordered.push({ operation, path, errno, left: times });
  }

  /** @throws SysError  the first fault that matches */
  check(operation: string, path: string): void {
    for (const fault of this.ordered) {
      if (fault.left <= 0 || fault.operation !== operation || !fault.path.test(path)) continue;
      fault.left--;
      throw new SysError(operation, path, fault.errno);
    }
  }
}

/** What `ask` answers; `false` if it fails with one of the given errnos. */
export function unless(errnos: readonly string[], ask: () => boolean): boolean {
  try {
    return ask();
  } catch (error) {
    if (error instanceof SysError && errnos.includes(error.errno)) return false;
    throw error;
  }
}
