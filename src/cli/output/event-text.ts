// Events as sentences, for the default log level: no fields, no event names.

import type { Commands } from "../../advice.ts";
import type { EventKind, Fields } from "../../kill/events.ts";
import { sanitize } from "../text/sanitize.ts";
import { plural } from "../text/units.ts";

/** Those of an event of a kill, or of another message. */
export type LoggedFields = Readonly<Record<string, Fields[string] | Commands>>;

/** The value of a field, sanitized. */
type Field = (name: string) => string;

/** Every event that is shown at the default level. */
const SENTENCES: Readonly<Partial<Record<EventKind, (field: Field, fields: LoggedFields) => string>>> = {
  "moved-aside": (field, { from }) =>
    `moved pid ${field("pid")} out of ${field(from === null ? "cgroup" : "from")} to ${field("to")}`,
  "not-spared-to": (field) => `pid ${field("pid")} cannot be moved to --spare-to: ${field("reason")}`,
  "grace-denied": (field) => `${field("cgroup")}: may not send SIG${field("signal")} to any member: no grace period`,
  "no-kernel-kill": (field) => `${field("cgroup")}: cgroup.kill is not available: killing by pid`,
  "trap-stale": (field) => `removing the trap ${field("trap")} left behind by a killed cgkill`,
  "trap-left": (field) => `could not remove the trap ${field("trap")}: ${field("error")}`,
  "fence-left": (field) => `could not remove the fork fence: write ${field("before")} to ${field("path")}`,
  "moved-to-die": (field, { pids }) =>
    `moved ${plural((pids as readonly number[]).length, "killed process")} out of the frozen ${field("from")} to ` +
    `${field("to")}, to die there`,
  "ancestor-thawed": (field) => `thawed the frozen ancestor ${field("ancestor")} for the duration of the kill`,
  "ancestors-frozen": (field) => `froze the ancestors of ${field("below")} again`,
  "ancestor-left": (field) => `could not freeze the ancestor ${field("path")} again: ${field("error")}`,
  "not-moved-back": (field) => `could not move pid ${field("pid")} back into ${field("cgroup")}: ${field("error")}`,
  "not-thawed": (field) => `could not thaw ${field("path")}: ${field("error")}`,
  unproven: (field) => `${field("cgroup")}: kept, but not proven empty: ${field("reason")}`,
};

/** @param kind  `undefined` for a message that is not an event: it is shown as it is, with its reason */
export function renderEvent(kind: EventKind | undefined, message: string, fields: LoggedFields): string {
  const field: Field = (name) => sanitize(String(fields[name] ?? "?").replace(/^[A-Z]\w*Error: /, ""));
  const own = kind === undefined ? undefined : SENTENCES[kind];
  if (own !== undefined) return own(field, fields);
  const reason = ["reason", "error"].find((name) => fields[name] !== undefined);
  const place = fields["cgroup"] === undefined ? "" : `${field("cgroup")}: `;
  return `${place}${sanitize(message)}${reason === undefined ? "" : `: ${field(reason)}`}`;
}
