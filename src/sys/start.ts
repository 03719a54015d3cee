// Prepares this process before anything else is done: raises its priority, and exempts it from the OOM killer. The build
// gives it a single thread, so that it needs no other on a host with a full process table
// (scripts/build/engine-settings.ts).

import type { Calls } from "./calls/calls.ts";
import { libcCalls } from "./calls/libc-calls.ts";
import { protectFromOomKiller } from "./calls/memory.ts";
import { firstLineOf } from "./errno.ts";
import { linuxSys } from "./linux.ts";
import type { Host } from "./sys.ts";

/**
 * What the call is for.
 *
 * - `reading`  nothing is opened for writing, and neither priority nor OOM score is changed
 * - `working`  first among all processes
 * - `running`  nothing is changed that a command started by us would inherit
 */
export type Purpose = "reading" | "working" | "running";

/**
 * Prepare this process for an overloaded host: switch to real-time scheduling, because a fork bomb otherwise leaves us
 * about 1% of a core.
 *
 * @returns the kernel to work on; a promise only if another module has to be loaded
 */
export function getReady(purpose: Purpose): Host | Promise<Host> {
  const isUrgent = purpose === "working";
  let calls: Calls;
  try {
    calls = libcCalls();
  } catch (error) {
    return getReadyWithoutLibc(isUrgent, firstLineOf(error));
  }
  // In the binary, the first instructions have done this already (scripts/build/entry.ts).
  if (purpose !== "running") calls.setUrgent?.(isUrgent);
  if (isUrgent) protectFromOomKiller(calls);
  const sys = linuxSys(calls);
  return purpose === "running" ? keepingInherited(sys) : sys;
}

async function getReadyWithoutLibc(isUrgent: boolean, reason: string): Promise<Host> {
  const { nodeCalls } = await import("./calls/node-calls.ts");
  const calls = nodeCalls();
  if (isUrgent) protectFromOomKiller(calls);
  return linuxSys(calls, reason);
}

async function keepingInherited(sys: Host): Promise<Host> {
  (await import("./spawn/inherited.ts")).keepInherited(sys);
  return sys;
}
