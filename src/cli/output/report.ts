// Reporting the result for a target: as a line and its problem, or as a JSON document. Colours are loaded only here,
// after the work is done, because loading them may fail on a host that has run out of resources.

import { isLevelEnabled } from "../../kill/events.ts";
import { type FailedResult, failure, resultOfError } from "../../kill/outcome.ts";
import type { KillOutcome } from "../../kill/types.ts";
import { findRestarter, type Restarter } from "../../restart/restarter.ts";
import type { OutputOptions, TargetCommand } from "../args/command.ts";
import { UsageError } from "../args/usage-error.ts";
import type { Paint } from "../streams/streams.ts";
import { quote } from "../text/quote.ts";
import { renderCommand } from "../text/render-advice.ts";
import { sanitize, sanitizeLines } from "../text/sanitize.ts";
import { failedViewToJson, type NamedProblem, outcomeToJson, problemToJson, stopToJson } from "./json.ts";
import { type Destination, eventSink } from "./log.ts";
import {
  type AnyOutcome,
  isProblem,
  renderFreezeLine,
  renderOutcomeLine,
  renderPhases,
  renderProblem,
  renderSignalLine,
} from "./outcome-text.ts";
import { writeWrapped } from "./wrap.ts";

/** How to report; `kind` is the command. */
export interface ReportStyle {
  readonly kind: TargetCommand["kind"] | "list";
  readonly output: OutputOptions;
}

/** @param reported  the parents that this call has named already; that of this kill is added */
export async function reportOutcome(
  outcome: AnyOutcome,
  { kind, output }: ReportStyle,
  to: Destination,
  reported: Set<string> = new Set(),
): Promise<void> {
  const { io } = to;
  const isKill = "phases" in outcome;
  if (output.json) {
    const isView = isKill && (kind === "show" || kind === "list");
    io.writeOut(`${isView ? failedViewToJson(kind, outcome) : outcomeToJson(kind, outcome)}\n`);
  } else {
    if (!output.quiet) writeWrapped(renderLine(outcome, await io.paint("out", output.color)), "out", io);
    const { cgroup, error, matches } = outcome;
    await reportProblem(isKill ? outcome : { cgroup, error, matches }, output, to);
  }
  if (!isKill) return;
  if (isVerboseText(output)) writeWrapped(renderPhases(outcome.phases), "err", io);
  if (outcome.outcome === "killed") await warnOfRestart(outcome, output, to, reported);
}

function renderLine(outcome: AnyOutcome, paint: Paint): string {
  if ("phases" in outcome) return renderOutcomeLine(outcome, paint);
  return "signal" in outcome ? renderSignalLine(outcome, paint) : renderFreezeLine(outcome, paint);
}

/** Whether `-v` was given, and the output is text. JSON has all of it anyway. */
export const isVerboseText = ({ json, quiet, level, logFormat }: OutputOptions): boolean =>
  !json && !quiet && logFormat === "text" && isLevelEnabled("debug", level);

/** Write what went wrong, if anything, to standard error. */
export async function reportProblem(
  problem: NamedProblem,
  { logFormat, color }: Pick<OutputOptions, "logFormat" | "color">,
  { sys, io }: Destination,
): Promise<void> {
  if (!isProblem(problem)) return;
  if (logFormat === "json") return io.writeErr(`${problemToJson(problem, sys.wallClock())}\n`);
  writeWrapped(renderProblem(problem, await io.paint("err", color)), "err", io);
}

/** What an error means. The stack trace of a bug goes to standard error. */
export function resultOrBug(
  error: unknown,
  { logFormat }: Pick<OutputOptions, "logFormat">,
  { sys, io }: Destination,
): FailedResult {
  if (error instanceof UsageError) {
    return { outcome: "usage", error: failure("usage", error.message, error.hint, error.commands) };
  }
  try {
    return resultOfError(error);
  } catch (bug) {
    const { message, stack = message } = bug instanceof Error ? bug : { message: String(bug) };
    const report = eventSink(io, { logFormat, level: "error" }, sys);
    if (logFormat === "text") io.writeErr(`cgkill: ${sanitizeLines(stack).trimStart()}`);
    else report({ level: "error", message: "a bug in cgkill", fields: { stack } });
    return { outcome: "internal", error: failure("internal", `a bug in cgkill: ${message}`) };
  }
}

const MAX_REPORTED = 1000;

/** Warn if a program may start again what was killed. Only after the kill, which finding that out must not delay. */
async function warnOfRestart(
  { cgroup, starter }: KillOutcome,
  output: OutputOptions,
  { sys, io }: Destination,
  reported: Set<string>,
): Promise<void> {
  const { level, logFormat, quiet } = output;
  if (quiet || !isLevelEnabled("warn", level)) return;
  const restarter = await findRestarter(sys, cgroup, starter);
  const severity = restarter?.isSupervisor === true ? "warn" : "info";
  if (restarter === null || !isLevelEnabled(severity, level)) return;
  const { name, pid, stop } = restarter;
  // Once per call, for a parent that started thousands of targets.
  const key = `${pid} ${quote(stop ?? [])}`;
  if (pid !== null && reported.has(key)) return;
  // A standby never ends, and each name may have another parent.
  if (reported.size >= MAX_REPORTED) reported.clear();
  reported.add(key);
  if (logFormat === "json") {
    const known = pid !== null && { supervisor_pid: pid };
    const fields = { cgroup, supervisor: name, ...known, ...stopToJson(stop) };
    return eventSink(io, output, sys)({ level: severity, message: "may be started again", fields });
  }
  // On a line of its own, so that the command can be pasted.
  const command = stop === null ? "\n" : `; to stop it:\n${renderCommand(stop)}`;
  const prefix = severity === "warn" ? "warn: " : "";
  writeWrapped(`cgkill: ${prefix}${sanitize(cgroup)}: ${renderRestarter(restarter)}${command}`, "err", io);
}

/** `systemd may start it again`, `started by make (pid 812), which may start it again` */
export function renderRestarter({ name, pid, isSupervisor }: Pick<Restarter, "name" | "pid" | "isSupervisor">): string {
  const named = `${sanitize(name)}${pid === null ? "" : ` (pid ${pid})`}`;
  // Of the names, only that of a supervisor is not chosen by an attacker, and may begin a line.
  return isSupervisor ? `${named} may start it again` : `started by ${named}, which may start it again`;
}
