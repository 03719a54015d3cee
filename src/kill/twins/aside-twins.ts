// Stepping aside from the second of twins before the first is killed: a kill that is refused because a process cannot be
// moved out of the second must not have killed anything in the first.

import { SysError } from "../../sys/errno.ts";
import type { Sys } from "../../sys/sys.ts";
import { closeContext, newContext } from "../context.ts";
import { RefusedError } from "../errors.ts";
import { findToSpare, stepAside } from "../moves/step-aside.ts";
import type { KillControl, KillPlan, Spared } from "../types.ts";

export interface SteppedAside {
  readonly spared: readonly Spared[];
  /** Move them back, if the first kill is refused. */
  readonly undo: () => void;
}

const NOTHING: SteppedAside = { spared: [], undo: () => {} };

/**
 * Move cgkill itself and the spared processes out of the second cgroup. Any other error than a refusal is left for its
 * kill, which meets it again.
 *
 * @throws RefusedError  as `stepAside`
 */
export async function stepAsideAhead(sys: Sys, plan: KillPlan, control: KillControl): Promise<SteppedAside> {
  if (plan.refusal !== null) return NOTHING;
  const ctx = newContext(sys, plan, control);
  try {
    if ((await findToSpare(sys, plan.cgroup, plan.options)).length === 0) return NOTHING;
    control.begin?.();
    const undo = await stepAside(ctx);
    return { spared: [...ctx.record.spared], undo };
  } catch (error) {
    if (error instanceof RefusedError || !(error instanceof SysError)) throw error;
    return NOTHING;
  } finally {
    closeContext(ctx);
  }
}
