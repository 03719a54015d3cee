// The menu after a kill with survivors: show where they are blocked, or thaw the cgroup that keeps them frozen. Trying
// again is left to the caller.

import { findHierarchies } from "../../cgroup/open/hierarchy.ts";
import { openInHierarchy } from "../../cgroup/open/open-path.ts";
import { openCgroup } from "../../cgroup/open/open.ts";
import { executeThaw } from "../../freeze/freeze-thaw.ts";
import { resultOfError } from "../../kill/outcome.ts";
import { planKill } from "../../kill/plan/plan.ts";
import { DEFAULT_OPTIONS, type KillOutcome, type Survivor } from "../../kill/types.ts";
import { PROC } from "../../sys/dir.ts";
import { isInExec } from "../../sys/proc.ts";
import type { CliContext } from "../cli-context.ts";
import { reportOutcome, reportProblem } from "../output/report.ts";
import { sanitize, sanitizeLines } from "../text/sanitize.ts";
import { plural } from "../text/units.ts";
import { type Session, withUrgentProgress } from "./session.ts";

type SurvivorsAction = "leave" | "wait" | "stack" | "thaw";

/** Ask what to do about survivors. `undefined`: cancelled. */
export async function askAboutSurvivors(
  { survivors }: KillOutcome,
  session: Session,
): Promise<"again" | "leave" | undefined> {
  const { cli, prompts } = session;
  let frozenBy = survivors.find((survivor) => survivor.frozenBy !== null)?.frozenBy ?? null;
  const isOne = survivors.length === 1;
  const them = isOne ? "it" : "them";
  for (;;) {
    const action = await prompts.choose<SurvivorsAction>(`${plural(survivors.length, "survivor")}: what now?`, [
      { value: "leave", label: `Leave ${them}` },
      { value: "wait", label: `Try again, and wait for ${them}` },
      { value: "stack", label: `Show where ${isOne ? "it is" : "they are"} blocked in the kernel` },
      ...(frozenBy === null
        ? []
        : [{ value: "thaw" as const, label: `Thaw ${sanitize(frozenBy)}, which keeps ${them} frozen` }]),
    ]);
    if (action === undefined || action === "leave") return action;
    if (action === "wait") return "again";
    if (action === "stack") showStacks(survivors, cli);
    else if (frozenBy !== null && (frozenBy = await thawOther(frozenBy, session)) === null) return "again";
  }
}

function showStacks(survivors: readonly Survivor[], { sys, io }: CliContext): void {
  for (const { pid } of survivors.filter((survivor) => survivor.pid > 0)) {
    let stack: string;
    try {
      stack = isInExec(sys, pid)
        ? "in an exec that cannot go on: its stack could not be read without waiting for it\n"
        : sys.readFile(PROC, `${pid}/stack`);
    } catch (error) {
      stack = `${(error as Error).message}\n`;
    }
    io.writeOut(`\n  pid ${pid}:\n${sanitizeLines(stack)}`);
  }
}

/**
 * Thaw the cgroup that keeps survivors frozen, as the kernel reported it. A failure is printed and does not change the
 * outcome of the target.
 *
 * @returns the cgroup that keeps them frozen now, this one or an ancestor of it; `null` if none does
 */
async function thawOther(path: string, session: Session): Promise<string | null> {
  const { command, cli } = session;
  const { sys } = cli;
  try {
    using cgroup = openCgroup(sys, findHierarchies(sys), path);
    const plan = await planKill(sys, cgroup, DEFAULT_OPTIONS);
    const outcome = await withUrgentProgress("thaw", plan, session, (ctx) => executeThaw(sys, plan, ctx));
    await reportOutcome(outcome, command, cli);
    if (outcome.outcome === "thawed") return null;
    using holder = outcome.frozenBy === null ? undefined : openInHierarchy(sys, cgroup.hierarchy, outcome.frozenBy);
    return holder?.name ?? path;
  } catch (error) {
    await reportProblem({ cgroup: path, error: resultOfError(error).error }, command.output, cli);
    return path;
  }
}
