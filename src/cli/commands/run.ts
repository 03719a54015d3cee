// `cgkill run`: reports on a command in a cgroup of its own, and returns the exit status.

import { InterruptedError } from "../../kill/errors.ts";
import { blankOutcome, failure, type KillResult, resultOfError } from "../../kill/outcome.ts";
import type { KillOutcome } from "../../kill/types.ts";
import { RUN_STATUS, RunError } from "../../run/not-started.ts";
import { type RunEnd, runInCgroup, statusOf } from "../../run/run-in-cgroup.ts";
import { SysError, tryTo } from "../../sys/errno.ts";
import { openSpawner, type Spawner } from "../../sys/spawn/spawner.ts";
import type { Fd } from "../../sys/sys.ts";
import type { RunCommand } from "../args/command.ts";
import type { CliContext } from "../cli-context.ts";
import { exitCodeOf } from "../exit-codes.ts";
import { outcomeToJson } from "../output/json.ts";
import { eventSink } from "../output/log.ts";
import { renderOutcomeLine } from "../output/outcome-text.ts";
import { isVerboseText, reportProblem, resultOrBug } from "../output/report.ts";
import { writeWrapped } from "../output/wrap.ts";

/** @returns the exit status */
export async function runRun(command: RunCommand, cli: CliContext): Promise<number> {
  const { sys, io, abort } = cli;
  const { output } = command;
  const started = { wallMs: sys.wallClock(), monotonicMs: sys.now() };
  let report: Report | undefined;
  let pausable: Disposable | undefined;
  const begin = (): void => void (pausable ??= cli.pause?.begin());
  try {
    if (sys.fallback !== null) throw new RunError("cgkill run needs libc by FFI", sys.fallback);
    const spawner = openSpawner(sys);
    report = openReport(spawner, command, cli);
    const control = { onEvent: eventSink(io, output, sys), level: output.level, begin, pause: cli.pause };
    const done = await runInCgroup(sys, spawner, command, control, abort);
    // Whatever the command left behind is killed silently; -v reports it.
    const { outcome } = done;
    if (isVerboseText(output)) writeWrapped(renderOutcomeLine(outcome, await io.paint("err", output.color)), "err", io);
    await reportProblem(outcome, output, cli);
    const status = statusOf(done);
    await report?.(toJson(outcome, status, done));
    return status;
  } catch (error) {
    const isOurs = error instanceof RunError;
    const failed = isOurs ? error.status : RUN_STATUS.failed;
    const isStopped = error instanceof InterruptedError;
    const status = isStopped ? exitCodeOf(["interrupted"], String(abort.reason)) : failed;
    const result: KillResult = isOurs
      ? { outcome: "failed", error: failure("not-run", error.message, error.hint, error.commands) }
      : resultOrBug(error, output, cli);
    const outcome = blankOutcome(command.words.join(" "), null, started, sys.now(), result);
    await reportProblem({ ...outcome, cgroup: null }, output, cli);
    await report?.(toJson(outcome, status));
    return status;
  } finally {
    pausable?.[Symbol.dispose]();
  }
}

/** The JSON of the kill, with the keys that only a run has. */
function toJson(outcome: KillOutcome, status: number, done?: RunEnd): string {
  const { exit } = done ?? {};
  return `${outcomeToJson("run", outcome, {
    // Without a run, the outcome has the command there.
    cgroup: done === undefined ? null : outcome.cgroup,
    exit_status: status,
    ended_by: done?.end.by ?? null,
    command_status: exit?.is === "exited" ? exit.code : null,
    command_signal: exit?.is === "killed" ? exit.signal : null,
  })}\n`;
}

type Report = (json: string) => Promise<void>;

/**
 * Open the file before the command starts, so that it cannot be one that the command has put there.
 *
 * @returns a function that writes to it; `undefined` if no report is wanted
 */
function openReport(spawner: Spawner, { report: path, output }: RunCommand, cli: CliContext): Report | undefined {
  if (path === undefined) return undefined;
  if (path === "-") return async (json) => cli.io.writeErr(json);
  const fd = createReport(spawner, path);
  return async (json) => {
    const problem = tryTo(() => spawner.write(fd, json, path));
    if (problem !== undefined) await reportProblem({ cgroup: null, error: resultOfError(problem).error }, output, cli);
  };
}

function createReport(spawner: Spawner, path: string): Fd {
  try {
    return spawner.createFile(path);
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    const hint = error.errno === "ELOOP" ? "a symbolic link is never followed: name the file itself" : null;
    throw new RunError(`--report ${error.message.replace(/^open /, "")}`, hint);
  }
}
