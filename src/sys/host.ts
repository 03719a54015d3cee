// The kernel for who does not start as the command does: the library edge, and tests.

import { libcCalls } from "./calls-libc.ts";
import { nodeCalls } from "./calls-node.ts";
import type { Calls } from "./calls.ts";
import { linuxSys } from "./linux.ts";
import type { Sys } from "./sys.ts";

function anyCalls(): Calls {
  try {
    return libcCalls();
  } catch {
    return nodeCalls();
  }
}

export const hostSys = (): Sys => linuxSys(anyCalls());
