// The interactive mode: find the targets, and ask about one after another. It supplies targets and a yes; what is done
// then is what the command line does.

import { HELP } from "../../advice.ts";
import { findHierarchies } from "../../cgroup/open/hierarchy.ts";
import type { Cgroup } from "../../cgroup/types.ts";
import type { Started } from "../../kill/outcome.ts";
import { createSpareCheck } from "../../kill/plan/spare-check.ts";
import { planTarget } from "../../kill/twins/kill-twins.ts";
import { cgroupsOf, closeTarget } from "../../kill/twins/open-twins.ts";
import type { KillPlan, Refusal } from "../../kill/types.ts";
import type { TargetCommand } from "../args/command.ts";
import { UsageError } from "../args/usage-error.ts";
import { type Edge, paceOf } from "../cli-context.ts";
import { exitCodeOf, type Status } from "../exit-codes.ts";
import { expandTarget, type SingleTarget, sourceOf } from "../targets/expand.ts";
import { stdinTargets } from "../targets/from-stdin.ts";
import { killOptions } from "../targets/kill-options.ts";
import { tellError } from "../targets/report-failure.ts";
import { tellRefused } from "../targets/untouched.ts";
import { pickTargets } from "./pick-cgroups.ts";
import { type Decided, decided, type Session } from "./session.ts";
import { lookAndDecide } from "./target-menu.ts";

/** @throws UsageError  there is nobody to ask */
export async function runInteractive(command: TargetCommand, edge: Edge): Promise<number> {
  const { sys, io, abort } = edge;
  requireTerminal(edge);
  // The package decides by this variable, and only when it is loaded, whether it may draw more than ASCII.
  if (!io.isUtf8()) process.env["TERM"] = "linux";
  const { createPrompts, RESTORE } = await import("./prompts.ts");
  const session = {
    command,
    edge,
    prompts: createPrompts(abort, io.size("out").columns, io.isUtf8(), () => io.flush(abort)),
  };
  const outcomes: Status[] = [];
  // From here on mostly a person is waited for.
  sys.setUrgent(false);
  try {
    for (;;) {
      const targets = await targetsOf(session);
      if (targets === undefined) break;
      const refusal = await refusalOfSpare(targets, session);
      if (refusal !== null) {
        return await tellRefused(refusal, targets, command, edge);
      }
      if (!(await runAll(targets, outcomes, session)) || command.targets.length > 0) break;
      if (abort.aborted || !(await wantsMore(session))) break;
    }
  } finally {
    io.writeOut(RESTORE);
  }
  return exitCodeOf(outcomes.length === 0 ? ["interrupted"] : outcomes, String(abort.reason));
}

/** One that cannot be opened says so at its turn. */
async function refusalOfSpare(targets: readonly SingleTarget[], { command, edge }: Session): Promise<Refusal | null> {
  const { sys } = edge;
  const check = createSpareCheck(sys, command.spare);
  if (command.spare.length === 0) return null;
  const hierarchies = findHierarchies(sys);
  for (const { open } of targets) {
    const target = await open(sys, hierarchies).catch(() => undefined);
    if (target === undefined) continue;
    try {
      await check.lookIn(target.cgroup);
    } finally {
      closeTarget(sys, target);
    }
  }
  return check.refusal();
}

/** @returns `false` where one was cancelled: the others are then not asked about either */
async function runAll(targets: readonly SingleTarget[], outcomes: Status[], session: Session): Promise<boolean> {
  for (const [nth, single] of targets.entries()) {
    const { status, isCancelled } = await runOne(single, session);
    outcomes.push(status);
    if (!isCancelled) continue;
    if (nth + 1 < targets.length) outcomes.push("interrupted");
    return false;
  }
  return true;
}

/** Each of the three is drawn on or read from. */
const STREAMS = [
  ["in", "standard input"],
  ["out", "standard output"],
  ["err", "standard error"],
] as const;

function requireTerminal({ io }: Edge): void {
  const redirected = STREAMS.filter(([stream]) => !io.isTerminal(stream)).map(([, name]) => name);
  const problem =
    redirected.length > 0
      ? `needs a terminal, and this is none: ${redirected.join(", ")}`
      : process.env["TERM"] === "dumb"
        ? "cannot draw on this terminal: TERM is dumb"
        : (process.env["CI"] ?? "") !== ""
          ? "asks a person, and the variable CI says that there is none"
          : undefined;
  if (problem === undefined) return;
  throw new UsageError(`the interactive mode ${problem}`, "the commands list, show and kill ask nothing", [HELP]);
}

async function targetsOf({ command, edge, prompts }: Session): Promise<readonly SingleTarget[] | undefined> {
  if (command.targets.length === 0) return await pickTargets(command, edge, prompts);
  const source = sourceOf(edge);
  const singles: SingleTarget[] = [];
  for (const target of command.targets) {
    if (target.kind !== "stdin") singles.push(...(await expandTarget(target, command, source)));
    else for await (const single of stdinTargets(command, source)) singles.push(single);
  }
  return singles;
}

async function wantsMore({ prompts }: Session): Promise<boolean> {
  const answer = await prompts.choose("What now?", [
    { value: "done", label: "Done" },
    { value: "again", label: "Back to the list" },
  ]);
  return answer === "again";
}

async function runOne({ name, open, suggest }: SingleTarget, session: Session): Promise<Decided> {
  const { command, edge } = session;
  const { sys } = edge;
  const started: Started = { wallMs: sys.wallClock(), monotonicMs: sys.now() };
  const opened: Cgroup[] = [];
  let cgroups: readonly Cgroup[] = [];
  let plan: KillPlan | null = null;
  try {
    const hierarchies = findHierarchies(sys);
    const target = await open(sys, hierarchies, paceOf(edge));
    cgroups = cgroupsOf(target);
    opened.push(...cgroups);
    plan = await planTarget(sys, target, killOptions(sys, hierarchies, command, opened), paceOf(edge));
    return await lookAndDecide(plan, session);
  } catch (error) {
    return decided(await tellError(error, { name, started, cgroups, plan, suggest }, command, edge));
  } finally {
    for (const { fd } of opened) sys.close(fd);
  }
}
