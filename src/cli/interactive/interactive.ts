// The interactive mode: choose targets, then ask about each in turn. It supplies targets and confirmations; the work is
// done by the same code as on the command line.

import { HELP } from "../../advice.ts";
import { findHierarchies } from "../../cgroup/open/hierarchy.ts";
import { startGuardian } from "../../freeze/guardian.ts";
import type { TargetCommand } from "../args/command.ts";
import { UsageError } from "../args/usage-error.ts";
import { type Call, callOf, type CliContext } from "../cli-context.ts";
import { exitCodeOf, type Status } from "../exit-codes.ts";
import { withTargets } from "../targets/check-call.ts";
import type { SingleTarget } from "../targets/expand.ts";
import { stdinTargets } from "../targets/from-stdin.ts";
import { STDIN } from "../targets/resolve.ts";
import { withTarget } from "../with-target.ts";
import { pickTargets } from "./pick-cgroups.ts";
import type { Session } from "./session.ts";
import { runTargetMenu } from "./target-menu.ts";

/**
 * @throws UsageError  there is no terminal to ask on
 * @throws AdvisedError, SysError, InterruptedError  the cgroups cannot be listed
 */
export async function runInteractive(command: TargetCommand, cli: CliContext): Promise<number> {
  const { sys, io, abort } = cli;
  requireTerminal(cli);
  // The package reads this variable once, when it is loaded, to decide whether it may draw more than ASCII.
  if (!io.isUtf8()) process.env["TERM"] = "linux";
  const { createPrompts, RESTORE } = await import("../questions/prompts.ts");
  cli.expectRawMode?.();
  const prompts = await createPrompts(io, abort, command.output.color);
  const session: Session = { command, cli, prompts, guard: (cgroup) => startGuardian(sys, cgroup) };
  const outcomes: Status[] = [];
  const isGiven = command.targets.length > 0;
  if (isGiven) sys.setUrgent(false);
  try {
    for (;;) {
      const targets = isGiven ? command.targets : await pickTargets(session);
      if (targets === undefined) break;
      const call = newCall({ ...command, targets }, cli);
      const isGoingOn = await withTargets(call, async (entries) =>
        runAll(await singlesOf(entries, call), outcomes, session),
      );
      if (typeof isGoingOn === "number") return isGoingOn;
      if (!isGoingOn || isGiven) break;
      if (abort.aborted || (await prompts.choose("What now?", NEXT)) !== "again") break;
    }
  } finally {
    io.writeOut(RESTORE);
  }
  return exitCodeOf(outcomes.length === 0 ? ["interrupted"] : outcomes, String(abort.reason));
}

/** Mounts may change while a question waits for its answer. */
const newCall = (command: TargetCommand, cli: CliContext): Call => ({
  ...callOf(command, cli),
  hierarchies: () => findHierarchies(cli.sys),
});

/** Names on standard input are read to the end before the first question. */
async function singlesOf(entries: readonly SingleTarget[], call: Call): Promise<SingleTarget[]> {
  const singles: SingleTarget[] = [];
  for (const entry of entries) {
    if (entry !== STDIN) singles.push(entry);
    else for await (const single of stdinTargets(call)) singles.push(single);
  }
  return singles;
}

/** @returns `false` if a question was cancelled; the remaining targets are then not asked about */
async function runAll(targets: readonly SingleTarget[], outcomes: Status[], session: Session): Promise<boolean> {
  const call = newCall(session.command, session.cli);
  for (const [nth, single] of targets.entries()) {
    const done = await withTarget(single, call, (plan) => runTargetMenu(plan, session));
    outcomes.push(typeof done === "string" ? done : done.status);
    if (typeof done === "string" || !done.isCancelled) continue;
    if (nth + 1 < targets.length) outcomes.push("interrupted");
    return false;
  }
  return true;
}

function requireTerminal({ io }: CliContext): void {
  const names = { in: "standard input", out: "standard output", err: "standard error" } as const;
  const redirected = (["in", "out", "err"] as const).filter((stream) => !io.isTerminal(stream));
  const problems = [
    redirected.length > 0 &&
      `needs a terminal; not a terminal: ${redirected.map((stream) => names[stream]).join(", ")}`,
    process.env["TERM"] === "dumb" && "cannot draw on this terminal: TERM is dumb",
    process.env["CI"] && "needs an operator to answer, and the variable CI says that there is none",
  ];
  const problem = problems.find(Boolean);
  if (!problem) return;
  throw new UsageError(`the interactive mode ${problem}`, "the commands list, show and kill ask nothing", [HELP]);
}

const NEXT = [
  { value: "done", label: "Done" },
  { value: "again", label: "Back to the list" },
] as const;
