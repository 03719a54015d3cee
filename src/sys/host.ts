// Makes the real `Sys` for callers that do not start through main.ts: the library and the tests.

import { libcCalls } from "./calls/libc-calls.ts";
import { nodeCalls } from "./calls/node-calls.ts";
import { firstLineOf } from "./errno.ts";
import { linuxSys } from "./linux.ts";
import type { Host } from "./sys.ts";

let host: Host | undefined;

/** The same for every caller: it saves and restores what belongs to the process, such as the actions of signals. */
export function hostSys(): Host {
  return (host ??= makeHost());
}

function makeHost(): Host {
  try {
    return linuxSys(libcCalls());
  } catch (error) {
    return linuxSys(nodeCalls(), firstLineOf(error));
  }
}
