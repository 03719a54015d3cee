// Opens one target, plans, and lets a command act on it: the same for the command line and the interactive mode. A failure
// is reported, and does not affect the next target.

import type { Cgroup } from "../cgroup/types.ts";
import { InterruptedError } from "../kill/errors.ts";
import type { Started } from "../kill/outcome.ts";
import type { GuardedReader } from "../kill/plan/guarded.ts";
import { planTarget } from "../kill/twins/kill-twins.ts";
import { cgroupsOf } from "../kill/twins/open-twins.ts";
import type { KillPlan } from "../kill/types.ts";
import type { TargetCommand } from "./args/command.ts";
import { type CliContext, paceOf } from "./cli-context.ts";
import type { Status } from "./exit-codes.ts";
import type { SingleTarget, Source } from "./targets/expand.ts";
import { killOptions } from "./targets/kill-options.ts";

/** What all targets of a call share. */
export interface Shared {
  readonly hierarchiesNow: Source["hierarchies"];
  readonly readGuarded?: GuardedReader | undefined;
}

/**
 * Open and plan a target, and hold it open while `act` works on it.
 *
 * @returns what `act` returns, or the status of the failure that was reported
 */
export async function withTarget<T>(
  { name, open, suggest }: SingleTarget,
  { hierarchiesNow, readGuarded }: Shared,
  command: TargetCommand,
  cli: CliContext,
  act: (plan: KillPlan, started: Started) => Promise<T>,
): Promise<T | Status> {
  const { sys } = cli;
  const started: Started = { wallMs: sys.wallClock(), monotonicMs: sys.now() };
  const opened: Cgroup[] = [];
  let cgroups: readonly Cgroup[] = [];
  let plan: KillPlan | null = null;
  try {
    if (cli.abort.aborted) throw new InterruptedError();
    const hierarchies = hierarchiesNow();
    const target = await open(sys, hierarchies, paceOf(cli));
    cgroups = cgroupsOf(target);
    opened.push(...cgroups);
    plan = await planTarget(sys, target, killOptions(sys, hierarchies, command, opened), paceOf(cli), readGuarded);
    return await act(plan, started);
  } catch (error) {
    const { reportError } = await import("./targets/report-failure.ts");
    return await reportError(error, { name, started, cgroups, plan, suggest }, command, cli);
  } finally {
    for (const { fd } of opened) sys.close(fd);
  }
}
