// One call of cgkill: from words to targets, from each target to an outcome, from outcomes to an exit status.

import { findHierarchies } from "../cgroup/hierarchy.ts";
import { openCgroup, openCgroupOf } from "../cgroup/path.ts";
import type { Cgroup, Hierarchy } from "../cgroup/types.ts";
import { InterruptedError } from "../kill/errors.ts";
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
import type { Io } from "./io.ts";
import { outcomeToJson, previewToJson } from "./json.ts";
import { liveLine } from "./live.ts";
import { eventSink } from "./log.ts";
import { renderFailure, renderOutcomeLine, renderProblem } from "./render.ts";
import { renderPreview } from "./show.ts";

export interface Edge {
  readonly sys: Sys;
  readonly io: Io;
  /** Aborted with the name of the signal that asks us to stop. */
  readonly abort: AbortSignal;
}

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

/** All of them are tried; after an interruption each that is left is reported as such, and not touched. */
async function runTargets(command: TargetCommand, edge: Edge): Promise<number> {
  const outcomes: Outcome[] = [];
  for (const target of command.targets) {
    if (target.kind === "stdin") outcomes.push(...(await runNamesFromInput(command, edge)));
    else outcomes.push(await runTarget(target, command, edge));
  }
  return exitCodeOf(outcomes, String(edge.abort.reason));
}

type Named = Exclude<Target, { kind: "stdin" }>;

/** `-` stands for the names on standard input, read when its turn comes. */
async function runNamesFromInput(command: TargetCommand, edge: Edge): Promise<Outcome[]> {
  const { sys, io, abort } = edge;
  const started = startNow(sys);
  let names: string[];
  try {
    names = decodeBytes(await io.readIn(abort)).split(command.nullSeparated ? "\0" : "\n");
    if (abort.aborted) throw new InterruptedError("interrupted");
  } catch (error) {
    const ending = endingOf(error);
    await tell(blankOutcome("-", null, started, sys.now(), ending), command, edge);
    return [ending.outcome];
  }
  const outcomes: Outcome[] = [];
  for (const name of names) if (name !== "") outcomes.push(await runTarget({ kind: "name", name }, command, edge));
  return outcomes;
}

const startNow = (sys: Sys): Started => ({ wallMs: sys.wallClock(), monotonicMs: sys.now() });

/** One target, from its name to its report. What fails is reported, and does not keep the next one from its turn. */
async function runTarget(target: Named, command: TargetCommand, edge: Edge): Promise<Outcome> {
  const { sys } = edge;
  const started = startNow(sys);
  const name = target.kind === "name" ? target.name : `pid ${target.pid}`;
  const opened: Cgroup[] = [];
  let plan: KillPlan | null = null;
  try {
    if (edge.abort.aborted) throw new InterruptedError("interrupted");
    const hierarchies = findHierarchies(sys);
    const cgroup = openTarget(sys, hierarchies, target, command);
    opened.push(cgroup);
    const options = killOptions(sys, hierarchies, command, opened);
    plan = planKill(sys, cgroup, options);
    return await (command.kind === "show" ? show(plan, command, edge) : kill(plan, started, command, edge));
  } catch (error) {
    const ending = forgiving(endingOf(error), command);
    await tell(blankOutcome(name, plan, started, sys.now(), ending), command, edge);
    return ending.outcome;
  } finally {
    for (const { fd } of opened) sys.close(fd);
  }
}

function openTarget(sys: Sys, hierarchies: readonly Hierarchy[], target: Named, { hierarchy }: TargetCommand): Cgroup {
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
  const { method, remove, graceMs, graceSignal, spare, allowAncestors, thawAncestors, allHierarchies } = command;
  let spareTo: Cgroup | undefined;
  if (command.spareTo !== undefined) {
    const only = opened[0]?.hierarchy;
    spareTo = openCgroup(sys, only === undefined ? hierarchies : [only], command.spareTo);
    opened.push(spareTo);
  }
  return { method, remove, graceMs, graceSignal, spare, spareTo, allowAncestors, thawAncestors, allHierarchies };
}

function forgiving(ending: Ending, { ignoreMissing }: TargetCommand): Ending {
  return ignoreMissing && ending.outcome === "not-found" ? { outcome: "missing", error: null } : ending;
}

/** A dry run that was done is a success, also when it says that the kill would be refused. */
async function show(plan: KillPlan, { output }: TargetCommand, { sys, io }: Edge): Promise<Outcome> {
  const preview = readPreview(sys, plan);
  if (output.json) {
    io.writeOut(`${previewToJson(preview)}\n`);
  } else {
    const paint = await io.paint("out", output.color);
    io.writeOut(renderPreview(preview, { paint, columns: io.columns("out"), now: new Date(sys.wallClock()) }));
  }
  return "empty";
}

async function kill(plan: KillPlan, started: Started, command: TargetCommand, edge: Edge): Promise<Outcome> {
  const { sys, io, abort } = edge;
  const { level, logFormat } = command.output;
  const deadline = started.monotonicMs + command.timeoutMs;
  const live = liveLine(sys, io, plan.cgroup.path, !command.output.quiet);
  const writeErr = (text: string): void => {
    live.clear();
    io.writeErr(text);
  };
  const onEvent = eventSink({ ...io, writeErr }, level, logFormat, sys.wallClock);
  const outcome = await executeKill(sys, plan, { deadline, abort, onEvent, onProgress: live.onProgress });
  live.clear();
  await tell(outcome, command, edge);
  return outcome.outcome;
}

/** Colour is asked for only now, after the kill: getting it may fail on a host that has nothing left. */
async function tell(outcome: KillOutcome, { kind, output }: TargetCommand, { io }: Edge): Promise<void> {
  if (output.json) return io.writeOut(`${outcomeToJson(kind, outcome)}\n`);
  if (!output.quiet) io.writeOut(renderOutcomeLine(outcome, await io.paint("out", output.color)));
  const problem = renderProblem(outcome, await io.paint("err", output.color));
  if (problem !== "") io.writeErr(problem);
}
