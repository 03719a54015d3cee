// The kill that was said yes to: tried until nobody is left, or whoever is left is let be. What it says last is how to
// have the same without questions.

import { cgkillCommand, type Command } from "../../advice.ts";
import { executeTarget } from "../../kill/twins/kill-twins.ts";
import type { KillOutcome, KillPlan, Outcome, Survivor } from "../../kill/types.ts";
import type { TargetCommand } from "../args/command.ts";
import { optionWords } from "../args/to-words.ts";
import { reportKill } from "../output/report.ts";
import { renderCommand } from "../text/render-advice.ts";
import { type MenuResult, type Session, withUrgentProgress } from "./session.ts";
import { askAboutSurvivors } from "./survivors-menu.ts";

export async function killConfirmed(plan: KillPlan, session: Session): Promise<MenuResult> {
  const { command, cli } = session;
  const { sys, io, abort } = cli;
  let earlier: readonly Survivor[] = [];
  for (;;) {
    const tried = await withUrgentProgress(plan, session, (ctx) => executeTarget(sys, plan, ctx), true);
    const outcome = withLateDead(tried, earlier);
    earlier = outcome.survivors;
    await reportKill(outcome, command, io);
    const isAsked = outcome.outcome === "survivors" && !abort.aborted;
    const answer = isAsked ? await askAboutSurvivors(outcome, session) : "leave";
    if (answer === "again") continue;
    if (hasDone(outcome, plan)) {
      io.writeOut(`\n  the same without questions:\n${renderCommand(equivalentOf(plan, command))}\n`);
    }
    return { status: outcome.outcome, isCancelled: answer === undefined };
  }
}

/** What did nothing does nothing without questions either. */
const hasDone = ({ outcome }: KillOutcome, { remove }: KillPlan): boolean =>
  outcome === "killed" || outcome === "survivors" || outcome === "not-removed" || (outcome === "empty" && remove);

/** What a kill tells that saw everybody: whom it does not name any more is dead. */
const COMPLETE: readonly Outcome[] = ["killed", "empty", "survivors", "not-removed"];

/** Who survived an earlier try and is gone by now has died of that one's signal: he is killed, not "already" gone. */
function withLateDead(outcome: KillOutcome, earlier: readonly Survivor[]): KillOutcome {
  if (earlier.length === 0 || !COMPLETE.includes(outcome.outcome)) return outcome;
  const told = new Set([...outcome.killed, ...outcome.survivors].map(({ pid }) => pid));
  const late = earlier.filter(({ pid, reason }) => pid > 0 && reason !== "not-permitted" && !told.has(pid));
  const killed = [...outcome.killed, ...late.map(({ pid, comm }) => ({ pid, comm }))];
  const verdict = outcome.outcome === "empty" ? "killed" : outcome.outcome;
  return { ...outcome, outcome: verdict, killed, killedCount: killed.length };
}

/** To be pasted into a runbook. */
export function equivalentOf({ cgroup, twin, options: { remove } }: KillPlan, command: TargetCommand): Command {
  // The directory would be one of twins only.
  return cgkillCommand(["kill", ...optionWords({ ...command, remove })], twin === null ? cgroup.name : cgroup.path);
}
