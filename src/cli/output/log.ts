// Events on standard error as they happen: sentences by default, text with every field with -v, or JSON lines.

import { isLevelEnabled, type KillEvent } from "../../kill/events.ts";
import type { Sys } from "../../sys/sys.ts";
import type { OutputOptions } from "../args/command.ts";
import type { Io } from "../streams/streams.ts";
import { sanitize } from "../text/sanitize.ts";
import { type LoggedFields, renderEvent } from "./event-text.ts";
import { toJson } from "./json.ts";
import { writeWrapped } from "./wrap.ts";

function renderValue(value: LoggedFields[string]): string {
  const text = sanitize(Array.isArray(value) ? value.join(",") : String(value));
  return /[\s"=]/.test(text) || text === "" ? `"${text.replaceAll('"', '\\"')}"` : text;
}

/** The streams, and the kernel: for the time of an event, and for what may start a target again. */
export interface Destination {
  readonly sys: Sys;
  readonly io: Io;
}

/** An event of a kill, or another message. */
export interface Logged extends Pick<KillEvent, "level" | "message">, Partial<Pick<KillEvent, "kind">> {
  readonly fields: LoggedFields;
}

/** Only errors and warnings show their level. */
function renderSentence({ kind, level, message, fields }: Logged): string {
  return `cgkill: ${level === "info" ? "" : `${level}: `}${renderEvent(kind, message, fields)}\n`;
}

function renderText({ level, message, fields }: Logged): string {
  const pairs = Object.entries(fields).map(([key, value]) => `${key}=${renderValue(value)}`);
  return `cgkill: ${level}: ${[sanitize(message), ...pairs].join(" ")}\n`;
}

/** @returns a function that writes events at `level` and more severe ones */
export function eventSink(
  io: Io,
  { level, logFormat }: Pick<OutputOptions, "level" | "logFormat">,
  sys: Pick<Sys, "wallClock">,
): (event: Logged) => void {
  const render = isLevelEnabled("debug", level) ? renderText : renderSentence;
  return (event) => {
    if (!isLevelEnabled(event.level, level)) return;
    if (logFormat === "text") return writeWrapped(render(event), "err", io);
    const { message, fields } = event;
    const time = new Date(sys.wallClock()).toISOString();
    io.writeErr(`${toJson({ time, level: event.level, message, ...fields })}\n`);
  };
}

/** System calls cannot be made through libc. */
export const FALLBACK = "system calls go through Node's API (slower, and without pidfds)";

/** Warn of it, before the first target: kills work, but more slowly and less exactly. */
export function reportFallback({ sys, io }: Destination, output: OutputOptions): void {
  if (sys.fallback === null) return;
  eventSink(io, output, sys)({ level: "warn", message: FALLBACK, fields: { reason: sys.fallback } });
}
