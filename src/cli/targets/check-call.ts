// A call as a whole, once all that it names is resolved: what is wrong with it leaves every target alone, and operands
// that are files of a cgroup are none. The same with questions and without.

import type { SpareCheck } from "../../kill/plan/spare-check.ts";
import type { TargetCommand } from "../args/command.ts";
import type { CliContext } from "../cli-context.ts";
import { type Entry, isWrongCall } from "./resolve.ts";
import { withoutFiles } from "./skipped-files.ts";
import { refuseTypingError, reportRefused, reportUntouched } from "./untouched.ts";

/**
 * @param resolved  looked into by `spare` already
 * @returns the targets; or the exit status, if the call is wrong or refused, and that was told
 * @throws UsageError  it names no target, or a command that there is not
 */
export async function checkCall(
  resolved: readonly Entry[],
  spare: SpareCheck,
  command: TargetCommand,
  cli: CliContext,
): Promise<readonly Entry[] | number> {
  refuseTypingError(command, resolved);
  const entries = withoutFiles(resolved, command, cli);
  const isWrong = entries.some((entry) => entry !== "stdin" && isWrongCall(entry.failure));
  if (isWrong) return await reportUntouched(entries, command, cli);
  const refusal = spare.refusal();
  return refusal === null ? entries : await reportRefused(refusal, entries, command, cli);
}
