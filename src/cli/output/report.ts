// Reporting the result for a target: as a line and its problem, or as a JSON document. Colours are loaded only here,
// after the work is done, because loading them may fail on a host that has run out of resources.

import type { FreezeOutcome } from "../../freeze/freeze-outcome.ts";
import { isLevelEnabled } from "../../kill/events.ts";
import type { KillOutcome } from "../../kill/types.ts";
import { labelOf } from "../../label/label.ts";
import type { SignalOutcome } from "../../signal/send-signal.ts";
import type { OutputOptions, TargetCommand } from "../args/command.ts";
import type { Io, Paint } from "../streams/streams.ts";
import { quote } from "../text/quote.ts";
import { renderCommand } from "../text/render-advice.ts";
import { sanitize } from "../text/sanitize.ts";
import { freezeToJson, outcomeToJson, signalToJson } from "./json.ts";
import { eventSink } from "./log.ts";
import { renderFreezeLine, renderOutcomeLine, renderPhases, renderProblem, renderSignalLine } from "./outcome-text.ts";
import { wrapped } from "./wrap.ts";

/** How to report; `kind` is the command. */
export interface ReportStyle {
  readonly kind: TargetCommand["kind"] | "list";
  readonly output: OutputOptions;
}

export async function reportKill(outcome: KillOutcome, { kind, output }: ReportStyle, io: Io): Promise<void> {
  await writeReport(output, io, {
    json: () => outcomeToJson(kind, outcome),
    line: (paint) => renderOutcomeLine(outcome, paint),
    problem: (paint) => renderProblem(outcome, paint),
  });
  if (wantsPhases(output)) io.writeErr(wrapped(renderPhases(outcome.phases), "err", io));
  if (outcome.outcome === "killed") warnOfRestart(outcome.cgroup, output, io);
}

/** JSON has them anyway. */
const wantsPhases = ({ json, quiet, level, logFormat }: OutputOptions): boolean =>
  !json && !quiet && logFormat === "text" && isLevelEnabled("debug", level);

export async function reportFreeze(outcome: FreezeOutcome, { kind, output }: ReportStyle, io: Io): Promise<void> {
  await writeReport(output, io, {
    json: () => freezeToJson(kind, outcome),
    line: (paint) => renderFreezeLine(outcome, paint),
    problem: (paint) => renderProblem({ ...outcome, survivors: [], leftFrozen: [] }, paint),
  });
}

export async function reportSignal(outcome: SignalOutcome, output: OutputOptions, io: Io): Promise<void> {
  await writeReport(output, io, {
    json: () => signalToJson(outcome),
    line: (paint) => renderSignalLine(outcome, paint),
    problem: (paint) => renderProblem({ ...outcome, survivors: [], leftFrozen: [] }, paint),
  });
}

type Painted = (paint: Paint) => string;

interface Report {
  readonly json: () => string;
  readonly line: Painted;
  readonly problem: Painted;
}

async function writeReport(output: OutputOptions, io: Io, { json, line, problem }: Report): Promise<void> {
  if (output.json) return io.writeOut(`${json()}\n`);
  if (!output.quiet) io.writeOut(wrapped(line(await io.paint("out", output.color)), "out", io));
  const text = problem(await io.paint("err", output.color));
  if (text !== "") io.writeErr(wrapped(text, "err", io));
}

/** Warn if a supervisor may restart what was killed. Only after the kill, which reading the label must not delay. */
function warnOfRestart(cgroup: string, { level, logFormat, quiet }: OutputOptions, io: Io): void {
  if (quiet || level === "error") return;
  const supervisor = labelOf(cgroup)?.supervisor();
  if (supervisor?.mayRestart !== true) return;
  const { name, stop } = supervisor;
  if (logFormat === "json") {
    const fields = { cgroup, supervisor: name, stop: (stop && quote(stop)) ?? null };
    eventSink(io, level, logFormat, Date.now)({ level: "warn", message: "may be started again", fields });
    return;
  }
  // On a line of its own, so that the command can be pasted.
  const command = stop === null ? "\n" : `; to stop it:\n${renderCommand(stop)}`;
  const text = `cgkill: warn: ${sanitize(cgroup)}: ${sanitize(name)} may start it again${command}`;
  io.writeErr(wrapped(text, "err", io));
}
