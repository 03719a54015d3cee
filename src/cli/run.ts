// One call of cgkill: from words to targets, from each target to an outcome, from outcomes to an exit status.

import { findHierarchies } from "../cgroup/hierarchy.ts";
import { openCgroup, openCgroupOf } from "../cgroup/path.ts";
import type { Cgroup, Hierarchy } from "../cgroup/types.ts";
import { executeKill } from "../kill/execute.ts";
import { blankOutcome, type Ending, endingOf, type Started } from "../kill/outcome.ts";
import { planKill } from "../kill/plan.ts";
import { readPreview } from "../kill/preview.ts";
import type { KillOptions, KillOutcome, KillPlan, Outcome } from "../kill/types.ts";
import { decodeBytes } from "../sys/bytes.ts";
import type { Sys } from "../sys/sys.ts";
import { type Command, parseArgs, type Target, type TargetCommand } from "./args.ts";
import { UsageError } from "./errors.ts";
import { EXIT_CODES, exitCodeOf } from "./exit.ts";
import type { Io, Paint } from "./io.ts";
import { outcomeToJson, previewToJson } from "./json.ts";
import { eventSink } from "./log.ts";
import { renderFailure, renderOutcomeLine, renderProblem } from "./render.ts";
import { renderPreview } from "./show.ts";

export interface Edge {
  readonly sys: Sys;
  readonly io: Io;
  /** Aborted with the name of the signal that asks us to stop. */
  readonly abort: AbortSignal;
}

/** The width of text that goes to no terminal we have measured. */
const COLUMNS = 80;

/** @returns the exit status; only a bug throws */
export async function runCgkill(argv: readonly string[], edge: Edge): Promise<number> {
  const { sys, io } = edge;
  let command: Command;
  try {
    command = parseArgs(argv);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    io.writeErr(renderFailure(error, await io.paint("err", "auto")));
    return EXIT_CODES.usage;
  }
  switch (command.kind) {
    case "help":
      io.writeOut((await import("./help.ts")).renderHelp());
      return 0;
    case "version":
      io.writeOut((await import("./version.ts")).renderVersion(sys));
      return 0;
    default:
      return await runTargets(command, edge);
  }
}

async function runTargets(command: TargetCommand, edge: Edge): Promise<number> {
  const { io } = edge;
  const report: Report = {
    command,
    edge,
    paintOut: await io.paint("out", command.output.color),
    paintErr: await io.paint("err", command.output.color),
  };
  const outcomes: Outcome[] = [];
  for (const target of expandTargets(command, io)) {
    outcomes.push(await runTarget(target, report));
    if (edge.abort.aborted) break;
  }
  return exitCodeOf(outcomes, String(edge.abort.reason));
}

interface Report {
  readonly command: TargetCommand;
  readonly edge: Edge;
  readonly paintOut: Paint;
  readonly paintErr: Paint;
}

/** `-` stands for the names on standard input, read when its turn comes. */
function* expandTargets(command: TargetCommand, io: Io): Generator<Exclude<Target, { kind: "stdin" }>> {
  for (const target of command.targets) {
    if (target.kind !== "stdin") {
      yield target;
      continue;
    }
    const names = decodeBytes(io.readIn()).split(command.nullSeparated ? "\0" : "\n");
    for (const name of names) if (name !== "") yield { kind: "name", name };
  }
}

/** One target, from its name to its report. What fails is reported, and does not keep the next one from its turn. */
async function runTarget(target: Exclude<Target, { kind: "stdin" }>, report: Report): Promise<Outcome> {
  const { command, edge } = report;
  const { sys } = edge;
  const started: Started = { wallMs: sys.wallClock(), monotonicMs: sys.now() };
  const name = target.kind === "name" ? target.name : `pid ${target.pid}`;
  const opened: Cgroup[] = [];
  let plan: KillPlan | null = null;
  try {
    const hierarchies = findHierarchies(sys);
    const cgroup = openTarget(sys, hierarchies, target, command);
    opened.push(cgroup);
    const options = killOptions(sys, hierarchies, command, opened);
    plan = planKill(sys, cgroup, options);
    return command.kind === "show" ? show(plan, report) : await kill(plan, started, report);
  } catch (error) {
    const ending = forgiving(endingOf(error), command);
    tell(blankOutcome(name, plan, started, sys.now(), ending), report);
    return ending.outcome;
  } finally {
    for (const { fd } of opened) sys.close(fd);
  }
}

function openTarget(
  sys: Sys,
  hierarchies: readonly Hierarchy[],
  target: Exclude<Target, { kind: "stdin" }>,
  { hierarchy }: TargetCommand,
): Cgroup {
  return target.kind === "pid"
    ? openCgroupOf(sys, hierarchies, target.pid, { hierarchy })
    : openCgroup(sys, hierarchies, target.name, { hierarchy });
}

function killOptions(
  sys: Sys,
  hierarchies: readonly Hierarchy[],
  command: TargetCommand,
  opened: Cgroup[],
): KillOptions {
  const { method, remove, graceMs, graceSignal, spare, allowAncestors } = command;
  let spareTo: Cgroup | undefined;
  if (command.spareTo !== undefined) {
    const only = opened[0]?.hierarchy;
    spareTo = openCgroup(sys, only === undefined ? hierarchies : [only], command.spareTo);
    opened.push(spareTo);
  }
  return { method, remove, graceMs, graceSignal, spare, spareTo, allowAncestors };
}

function forgiving(ending: Ending, { ignoreMissing }: TargetCommand): Ending {
  return ignoreMissing && ending.outcome === "not-found" ? { outcome: "missing", error: null } : ending;
}

/** A dry run that was done is a success, also when it says that the kill would be refused. */
function show(plan: KillPlan, { command, edge, paintOut }: Report): Outcome {
  const { sys, io } = edge;
  const preview = readPreview(sys, plan);
  const style = { paint: paintOut, columns: COLUMNS, now: new Date(sys.wallClock()) };
  io.writeOut(command.output.json ? `${previewToJson(preview)}\n` : renderPreview(preview, style));
  return "empty";
}

async function kill(plan: KillPlan, started: Started, report: Report): Promise<Outcome> {
  const { command, edge } = report;
  const { sys, io, abort } = edge;
  const { level, logFormat } = command.output;
  const deadline = started.monotonicMs + command.timeoutMs;
  const onEvent = eventSink(io, level, logFormat, sys.wallClock);
  const outcome = await executeKill(sys, plan, { deadline, abort, onEvent });
  tell(outcome, report);
  return outcome.outcome;
}

function tell(outcome: KillOutcome, { command, edge, paintOut, paintErr }: Report): void {
  const { json, quiet } = command.output;
  if (json) edge.io.writeOut(`${outcomeToJson(command.kind, outcome)}\n`);
  else if (!quiet) edge.io.writeOut(renderOutcomeLine(outcome, paintOut));
  if (!json) edge.io.writeErr(renderProblem(outcome, paintErr));
}
