// Runs one call of cgkill: parses its arguments, resolves the targets, acts on each, and returns the exit status.

import { createGuardedCache } from "../kill/plan/guarded-cache.ts";
import { executeTarget } from "../kill/twins/kill-twins.ts";
import type { KillControl, KillPlan, Started } from "../kill/types.ts";
import { SysError } from "../sys/errno.ts";
import type { Sys } from "../sys/sys.ts";
import type { Command, TargetCommand } from "./args/command.ts";
import { errorStyleOf } from "./args/given-options.ts";
import { parseArgs } from "./args/parse.ts";
import { noTargetError } from "./args/target-command.ts";
import { type Call, callOf, type CliContext } from "./cli-context.ts";
import { EXIT_CODES, exitCodeOf, type Status } from "./exit-codes.ts";
import { eventSink, reportFallback } from "./output/log.ts";
import type { AnyOutcome } from "./output/outcome-text.ts";
import { reportOutcome, reportProblem, resultOrBug } from "./output/report.ts";
import { withProgress } from "./progress/with-progress.ts";
import { withTargets } from "./targets/check-call.ts";
import type { SingleTarget } from "./targets/expand.ts";
import { STDIN } from "./targets/resolve.ts";
import { withTarget } from "./with-target.ts";

/** @returns the exit status */
export async function runCgkill(argv: readonly string[], cli: CliContext): Promise<number> {
  const { sys, io, abort } = cli;
  try {
    if (argv[0] === "__complete") {
      await (await import("./completion/complete.ts")).runComplete(argv.slice(1), cli);
      await io.flush(abort);
      return 0;
    }
    const command = parseArgs(argv);
    const status = await run(command, cli);
    await io.flush(abort);
    for (const message of io.dropped()) {
      eventSink(io, { ...errorStyleOf(argv), level: "error" }, sys)({ level: "error", message, fields: {} });
    }
    if (status !== 0 || !READ_ONLY_COMMANDS.includes(command.kind)) return status;
    if (io.hasUnwrittenOutput()) return exitCodeOf(["interrupted"], String(abort.reason));
    // A reader that closed the pipe is not a failure.
    const errno = io.outErrno();
    if (errno === undefined || errno === "EPIPE") return 0;
    throw new SysError("write", "standard output", errno);
  } catch (error) {
    const style = errorStyleOf(argv);
    const { outcome, error: problem } = resultOrBug(error, style, cli);
    await reportProblem({ cgroup: null, error: problem }, style, cli);
    await io.flush(abort);
    if (outcome !== "usage") return exitCodeOf([outcome], String(abort.reason));
    const { parseLine } = await import("./completion/unfinished-line.ts");
    return parseLine([...argv, ""]).command === "run" ? FAILED_TO_RUN : EXIT_CODES.usage;
  }
}

/** The exit status of `cgkill run` for its own failures. No command is expected to have it. */
const FAILED_TO_RUN = 125;

/** Commands that only produce output: if it cannot be written, the command has failed. */
const READ_ONLY_COMMANDS: readonly Command["kind"][] = ["list", "show", "help", "version", "licenses", "completion"];

/** Commands are imported on demand, so that a kill loads no other code. */
async function run(command: Command, cli: CliContext): Promise<number> {
  switch (command.kind) {
    case "help": {
      const { renderHelp, renderCommandHelp } = await import("./commands/help.ts");
      const { topic } = command;
      const { columns } = cli.io.size("out");
      cli.io.writeOut(topic === undefined ? renderHelp(columns) : renderCommandHelp(topic, columns));
      return 0;
    }
    case "version":
      cli.io.writeOut((await import("./commands/version.ts")).renderVersion(cli.sys));
      return 0;
    case "licenses":
      cli.io.writeOut(await (await import("./commands/version.ts")).readLicenses());
      return 0;
    case "completion":
      cli.io.writeOut((await import("./completion/scripts.ts")).SCRIPTS[command.shell]);
      return 0;
    case "list":
      return await (await import("./commands/list.ts")).runList(command, cli);
    case "run":
      return await (await import("./commands/run.ts")).runRun(command, cli);
    default:
      if (command.kind !== "show") reportFallback(cli, command.output);
      if (!command.interactive && command.targets.length > 0) return await runTargets(command, cli);
      if (!command.interactive && !cli.io.isTerminal("out")) throw noTargetError();
      return await (await import("./interactive/interactive.ts")).runInteractive(command, cli);
  }
}

/** Try all targets. After an interruption, each remaining one is reported as interrupted and not touched. */
async function runTargets(command: TargetCommand, cli: CliContext): Promise<number> {
  const call: Call = { ...callOf(command, cli), readGuarded: createGuardedCache().read };
  return await withTargets(call, async (entries) => {
    const outcomes = new Set<Status>();
    const reported = new Set<string>();
    const runTarget = async (single: SingleTarget, its: Call): Promise<void> => {
      const isFirst = outcomes.size === 0;
      outcomes.add(await withTarget(single, its, (plan, started) => execute(plan, started, its, reported, isFirst)));
    };
    for (const entry of entries) {
      // Between two, as in resolveTargets. Regression: quick targets left no time for the handlers of signals.
      if (entry !== entries[0]) await cli.sys.turn();
      if (entry !== STDIN) await runTarget(entry, call);
      else await (await import("./commands/standby.ts")).runStdin(call, runTarget);
    }
    return exitCodeOf([...outcomes], String(cli.abort.reason));
  });
}

/** @param reported  the parents of earlier targets, as for `reportOutcome` */
async function execute(
  plan: KillPlan,
  started: Started,
  call: Call,
  reported: Set<string>,
  isFirst: boolean,
): Promise<Status> {
  const { sys, io, command } = call;
  if (command.kind === "show") {
    if (!isFirst && !command.output.json && !command.output.quiet) io.writeOut("\n");
    return await (await import("./commands/show.ts")).runShow(plan, call);
  }
  const progress = { ...command, startedAt: started.monotonicMs };
  const act = command.kind === "kill" ? executeTarget : await loadAction(command);
  const done = await withProgress<AnyOutcome>(plan.cgroup, progress, call, (ctx) => act(sys, plan, ctx));
  // The target may have vanished while it was acted on.
  const isForgiven = done.outcome === "not-found" && command.ignoreMissing;
  const outcome = isForgiven ? { ...done, outcome: "missing" as const, error: null } : done;
  await reportOutcome(outcome, command, call, reported);
  return outcome.outcome;
}

type Action = (sys: Sys, plan: KillPlan, ctx: KillControl) => Promise<AnyOutcome>;

async function loadAction({ kind, sentSignal }: TargetCommand): Promise<Action> {
  if (kind === "signal") {
    const { executeSignal } = await import("../signal/send-signal.ts");
    return (sys, plan, ctx) => executeSignal(sys, plan, sentSignal, ctx);
  }
  const { freezeTarget, thawTarget } = await import("../freeze/freeze-twins.ts");
  return kind === "freeze" ? freezeTarget : thawTarget;
}
