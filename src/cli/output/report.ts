// What became of a target, told: as a line and its problem, or as a document. Colour is asked for only here, after the
// work is done: getting it may fail on a host that has nothing left.

import type { FreezeOutcome } from "../../freeze/freeze-outcome.ts";
import { isHeard } from "../../kill/events.ts";
import type { KillOutcome } from "../../kill/types.ts";
import { labelOf } from "../../label/label.ts";
import type { SignalOutcome } from "../../signal/send-signal.ts";
import type { OutputOptions, TargetCommand } from "../args/command.ts";
import type { Io } from "../streams/streams.ts";
import { quote } from "../text/quote.ts";
import { renderCommand } from "../text/render-advice.ts";
import { sanitize } from "../text/sanitize.ts";
import { freezeToJson, outcomeToJson, signalToJson } from "./json.ts";
import { eventSink } from "./log.ts";
import { renderFreezeLine, renderOutcomeLine, renderPhases, renderProblem, renderSignalLine } from "./outcome-text.ts";
import { wrapped } from "./wrap.ts";

/** What is told of a target, and how; `kind` is the word of the command. */
export interface Telling {
  readonly kind: TargetCommand["kind"] | "list";
  readonly output: OutputOptions;
}

export async function reportKill(outcome: KillOutcome, { kind, output }: Telling, io: Io): Promise<void> {
  await tell(output, io, {
    json: () => outcomeToJson(kind, outcome),
    line: (paint) => renderOutcomeLine(outcome, paint),
    problem: (paint) => renderProblem(outcome, paint),
  });
  if (wantsPhases(output)) io.writeErr(wrapped(renderPhases(outcome.phases), "err", io));
  if (outcome.outcome === "killed") warnOfRestart(outcome.cgroup, output, io);
}

/** With -v, for people: JSON has them anyway. */
const wantsPhases = ({ json, quiet, level, logFormat }: OutputOptions): boolean =>
  !json && !quiet && logFormat === "text" && isHeard("debug", level);

export async function reportFreeze(outcome: FreezeOutcome, { kind, output }: Telling, io: Io): Promise<void> {
  await tell(output, io, {
    json: () => freezeToJson(kind, outcome),
    line: (paint) => renderFreezeLine(outcome, paint),
    problem: (paint) => renderProblem({ ...outcome, survivors: [], leftFrozen: [] }, paint),
  });
}

export async function reportSignal(outcome: SignalOutcome, output: OutputOptions, io: Io): Promise<void> {
  await tell(output, io, {
    json: () => signalToJson(outcome),
    line: (paint) => renderSignalLine(outcome, paint),
    problem: (paint) => renderProblem({ ...outcome, survivors: [], leftFrozen: [] }, paint),
  });
}

type Painted = (paint: Awaited<ReturnType<Io["paint"]>>) => string;

interface Report {
  readonly json: () => string;
  readonly line: Painted;
  readonly problem: Painted;
}

async function tell(output: OutputOptions, io: Io, { json, line, problem }: Report): Promise<void> {
  if (output.json) return io.writeOut(`${json()}\n`);
  if (!output.quiet) io.writeOut(wrapped(line(await io.paint("out", output.color)), "out", io));
  const text = problem(await io.paint("err", output.color));
  if (text !== "") io.writeErr(wrapped(text, "err", io));
}

/** After the kill: what its name says is only told, and must not delay it. */
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
  // Not as fields: the command is to be pasted as it stands.
  const way = stop === null ? "\n" : `; to stop it:\n${renderCommand(stop)}`;
  const text = `cgkill: warn: ${sanitize(cgroup)}: ${sanitize(name)} may start it again${way}`;
  io.writeErr(wrapped(text, "err", io));
}
