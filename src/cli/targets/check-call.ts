// Checks a call as a whole after its names are resolved, for the interactive mode too: if anything is wrong with it, no
// target is touched. Operands that are cgroup interface files are skipped.

import type { SpareCheck } from "../../kill/plan/spare-check.ts";
import type { TargetCommand } from "../args/command.ts";
import type { CliContext } from "../cli-context.ts";
import { type Entry, isUsageFailure } from "./resolve.ts";
import { withoutFiles } from "./skipped-files.ts";
import { refuseTypingError, reportRefused, reportUntouched } from "./untouched.ts";

/**
 * @param spare  has already seen every resolved target
 * @returns the targets; or the exit status, if the call is invalid or refused and that was reported
 * @throws UsageError  no target is left, or the first operand is a mistyped command
 */
export async function checkCall(
  resolved: readonly Entry[],
  spare: SpareCheck,
  command: TargetCommand,
  cli: CliContext,
): Promise<readonly Entry[] | number> {
  refuseTypingError(command, resolved);
  const entries = withoutFiles(resolved, command, cli);
  const isInvalid = entries.some((entry) => entry !== "stdin" && isUsageFailure(entry.failure));
  if (isInvalid) return await reportUntouched(entries, command, cli);
  const refusal = spare.refusal();
  return refusal === null ? entries : await reportRefused(refusal, entries, command, cli);
}
