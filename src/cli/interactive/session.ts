// What the questions of the interactive mode share: who asks and is asked, how an answer ends, and how the work between
// two questions is shown.

import type { KillControl, KillPlan } from "../../kill/types.ts";
import type { TargetCommand } from "../args/command.ts";
import type { Edge } from "../cli-context.ts";
import type { Status } from "../exit-codes.ts";
import { watched } from "../progress/with-progress.ts";
import type { Prompts } from "./prompts.ts";

export interface Session {
  readonly command: TargetCommand;
  readonly edge: Edge;
  readonly prompts: Prompts;
}

/** What became of a target; and where its last question was cancelled, that is the end of all questions. */
export interface Decided {
  readonly status: Status;
  readonly isCancelled: boolean;
}

export const decided = (status: Status): Decided => ({ status, isCancelled: false });

/** Shown from its first moment on, and as urgent as without questions. */
export async function watching<T>(
  plan: KillPlan,
  { command, edge }: Session,
  work: (ctx: KillControl) => Promise<T>,
  isStepwise = false,
): Promise<T> {
  edge.sys.setUrgent(true);
  try {
    return await watched(plan.cgroup, { ...command, quietMs: 0, isStepwise }, edge, work);
  } finally {
    edge.sys.setUrgent(false);
  }
}
