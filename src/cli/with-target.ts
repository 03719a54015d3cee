// Opens one target, plans, and lets a command act on it: the same for the command line and the interactive mode. A failure
// is reported, and does not affect the next target.

import type { Cgroup } from "../cgroup/types.ts";
import { InterruptedError } from "../kill/errors.ts";
import { planTarget } from "../kill/twins/kill-twins.ts";
import { cgroupsOf } from "../kill/twins/open-twins.ts";
import type { KillOptions, KillPlan, Started } from "../kill/types.ts";
import { readsStdin } from "./args/command.ts";
import { type Call, paceOf } from "./cli-context.ts";
import type { Status } from "./exit-codes.ts";
import type { SingleTarget } from "./targets/expand.ts";
import { openSpareTo } from "./targets/resolve.ts";

/**
 * Open and plan a target, and hold it open while `act` works on it.
 *
 * @returns what `act` returns, or the status of the failure that was reported
 */
export async function withTarget<T>(
  { name, open, suggest }: SingleTarget,
  call: Call,
  act: (plan: KillPlan, started: Started) => Promise<T>,
): Promise<T | Status> {
  const { sys, command } = call;
  const { kind, thawAncestors } = command;
  const started: Started = { wallMs: sys.wallClock(), monotonicMs: sys.now() };
  const opened: Cgroup[] = [];
  let cgroups: readonly Cgroup[] = [];
  let plan: KillPlan | null = null;
  const optionsFor = ({ hierarchy }: Cgroup): KillOptions => {
    const spareTo = openSpareTo(call, hierarchy);
    if (spareTo !== undefined) opened.push(spareTo);
    return {
      ...command,
      spareTo,
      mayStepAside: kind === "signal" || !readsStdin(command.targets),
      // A freeze or a signal below a frozen ancestor is only delayed: nothing has to be moved out to die.
      thawAncestors: thawAncestors || (kind !== "kill" && kind !== "show"),
      mayBeRenamed: false,
    };
  };
  try {
    if (call.abort.aborted) throw new InterruptedError();
    const target = await open();
    cgroups = cgroupsOf(target);
    opened.push(...cgroups);
    plan = await planTarget(sys, target, optionsFor, paceOf(call), call.readGuarded);
    // Our session leader may be one of these ancestors.
    if (kind === "kill" && command.allowAncestors) call.expectHangup?.();
    return await act(plan, started);
  } catch (error) {
    const { reportError } = await import("./targets/report-failure.ts");
    return await reportError(error, { name, started, cgroups, plan, suggest }, call);
  } finally {
    for (const { fd } of opened) sys.close(fd);
  }
}
