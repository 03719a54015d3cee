// Stepping aside from the second of twins before the first is killed: a kill that is refused because a process cannot be
// moved out of the second must not have killed anything in the first.

import { SysError } from "../../sys/errno.ts";
import type { Sys } from "../../sys/sys.ts";
import { closeContext, newContext } from "../context.ts";
import { stepAside } from "../moves/step-aside.ts";
import type { KillControl, KillPlan, Spared } from "../types.ts";

interface SteppedAside {
  readonly spared: readonly Spared[];
  /** Move them back, if the first kill is refused. */
  readonly undo: () => void;
}

const NOTHING: SteppedAside = { spared: [], undo: () => {} };

/**
 * Move cgkill itself and the spared processes out of the second cgroup. Any other error than a refusal is left for its
 * kill, which meets it again; what has been moved by then stays outside.
 *
 * @throws RefusedError  as `stepAside`
 */
export async function stepAsideAhead(sys: Sys, plan: KillPlan, control: KillControl): Promise<SteppedAside> {
  if (plan.refusal !== null) return NOTHING;
  const ctx = newContext(sys, plan, control);
  const { spared } = ctx.record;
  try {
    return { undo: await stepAside(ctx), spared };
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    return { ...NOTHING, spared };
  } finally {
    closeContext(ctx);
  }
}
