// Shared by the questions of the interactive mode: the session, the result of a menu, and how the work between two
// questions is shown.

import type { Cgroup } from "../../cgroup/types.ts";
import type { Release } from "../../freeze/guardian.ts";
import type { KillControl, KillPlan } from "../../kill/types.ts";
import type { TargetCommand } from "../args/command.ts";
import type { CliContext } from "../cli-context.ts";
import type { Status } from "../exit-codes.ts";
import { withProgress } from "../progress/with-progress.ts";
import type { Prompts } from "../questions/prompts.ts";

export interface Session {
  readonly command: TargetCommand;
  readonly cli: CliContext;
  readonly prompts: Prompts;
  /** Starts a guardian, which thaws a cgroup if this process dies. @throws Error  why it cannot be started */
  readonly guard: (cgroup: Cgroup) => Promise<Release>;
}

/** The status of a target, and whether its last question was cancelled, which ends the interactive mode. */
export interface MenuResult {
  readonly status: Status;
  readonly isCancelled?: boolean;
}

/** Run work with its progress shown at once, and at the priority of a kill without questions. */
export async function withUrgentProgress<T>(
  kind: "kill" | "freeze" | "thaw",
  plan: KillPlan,
  { command, cli }: Session,
  work: (ctx: KillControl) => Promise<T>,
): Promise<T> {
  cli.sys.setUrgent(true);
  try {
    return await withProgress(plan.cgroup, { ...command, kind, isInteractive: true }, cli, work);
  } finally {
    cli.sys.setUrgent(false);
  }
}
