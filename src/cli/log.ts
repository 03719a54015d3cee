// Events as they happen, on standard error: text for people, or one JSON object a line.

import { isHeard, type KillEvent, type Level } from "../kill/events.ts";
import type { LogFormat } from "./args.ts";
import type { Io } from "./io.ts";
import { toJson } from "./json.ts";
import { sanitize } from "./sanitize.ts";

type FieldValue = KillEvent["fields"][string];

function renderValue(value: FieldValue): string {
  const text = sanitize(Array.isArray(value) ? value.join(",") : String(value));
  return /[\s"=]/.test(text) || text === "" ? `"${text.replaceAll('"', '\\"')}"` : text;
}

/** What is logged: an event of a kill, or another message. */
export type Logged = Omit<KillEvent, "kind">;

function renderText({ level, message, fields }: Logged): string {
  const pairs = Object.entries(fields).map(([key, value]) => `${key}=${renderValue(value)}`);
  return `cgkill: ${level}: ${[sanitize(message), ...pairs].join(" ")}\n`;
}

function renderJson({ level, message, fields }: Logged, time: Date): string {
  return `${toJson({ time: time.toISOString(), level, message, ...fields })}\n`;
}

/** A sink for events of `level` and worse. */
export function eventSink(io: Io, level: Level, format: LogFormat, clock: () => number): (event: Logged) => void {
  return (event) => {
    if (!isHeard(event.level, level)) return;
    io.writeErr(format === "json" ? renderJson(event, new Date(clock())) : renderText(event));
  };
}
