// Runs a confirmed kill: again if the operator wants to wait for survivors. Prints the non-interactive equivalent at the
// end.

import { cgkillCommand, type Command } from "../../advice.ts";
import { executeTarget } from "../../kill/twins/kill-twins.ts";
import type { KillOutcome, KillPlan, Outcome, Survivor } from "../../kill/types.ts";
import type { TargetCommand } from "../args/command.ts";
import { howWords } from "../args/to-words.ts";
import { reportOutcome } from "../output/report.ts";
import { renderCommand } from "../text/render-advice.ts";
import { type MenuResult, type Session, withUrgentProgress } from "./session.ts";
import { askAboutSurvivors } from "./survivors-menu.ts";

export async function killConfirmed(plan: KillPlan, session: Session): Promise<MenuResult> {
  const { command, cli } = session;
  const { sys, io, abort } = cli;
  let earlier: readonly Survivor[] = [];
  for (;;) {
    const tried = await withUrgentProgress("kill", plan, session, (ctx) => executeTarget(sys, plan, ctx));
    const outcome = withLateDead(tried, earlier);
    earlier = outcome.survivors;
    await reportOutcome(outcome, command, cli);
    const isAsked = outcome.outcome === "survivors" && !abort.aborted;
    const answer = isAsked ? await askAboutSurvivors(outcome, session) : "leave";
    if (answer === "again") continue;
    // A kill that did nothing has no equivalent worth printing.
    if (COMPLETE.includes(outcome.outcome) && (outcome.outcome !== "empty" || plan.remove)) {
      io.writeOut(`\n  non-interactive equivalent:\n${renderCommand(equivalentOf(plan, command))}\n`);
    }
    return { status: outcome.outcome, isCancelled: answer === undefined };
  }
}

/** Outcomes of a kill that has checked every process: one that it no longer reports is dead. */
const COMPLETE: readonly Outcome[] = ["killed", "empty", "survivors", "not-removed"];

/** A survivor of an earlier try that is gone now died of the signal of that try: report it as killed. */
function withLateDead(outcome: KillOutcome, earlier: readonly Survivor[]): KillOutcome {
  if (earlier.length === 0 || !COMPLETE.includes(outcome.outcome)) return outcome;
  const reported = new Set([...outcome.killed, ...outcome.survivors].map(({ pid }) => pid));
  const late = earlier.filter(({ pid, reason }) => pid > 0 && reason !== "not-permitted" && !reported.has(pid));
  const killed = [...outcome.killed, ...late.map(({ pid, comm }) => ({ pid, comm }))];
  const verdict = outcome.outcome === "empty" ? "killed" : outcome.outcome;
  return { ...outcome, outcome: verdict, killed, killedCount: killed.length };
}

/** The same kill as a command, to be pasted into a runbook. */
export function equivalentOf({ cgroup, twin, options: { remove } }: KillPlan, command: TargetCommand): Command {
  // The directory would name only one of the twins.
  return cgkillCommand(["kill", ...howWords({ ...command, remove }).flat()], twin === null ? cgroup.name : cgroup.path);
}
