// The warning that system calls cannot be made through libc: kills work, but more slowly and less exactly.

import type { Sys } from "../../sys/sys.ts";
import type { OutputOptions } from "../args/command.ts";
import type { Io } from "../streams/streams.ts";
import { eventSink } from "./log.ts";

export const FALLBACK = "system calls go through Node's API (slower, and without pidfds)";

/** Warn once per call, before the first target. */
export function reportFallback(sys: Sys, io: Io, output: OutputOptions): void {
  if (sys.fallback === null) return;
  eventSink(io, output, sys)({ level: "warn", message: FALLBACK, fields: { reason: sys.fallback } });
}
