// Checks a call as a whole after its names are resolved, for the interactive mode too: if anything is wrong with it, no
// target is touched. Operands that are cgroup interface files are skipped.

import type { SpareCheck } from "../../kill/plan/spare-check.ts";
import type { TargetCommand } from "../args/command.ts";
import type { CliContext } from "../cli-context.ts";
import { type Entry, isFile, isUsageFailure } from "./resolve.ts";

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
  if (command.mistyped !== undefined) (await import("./untouched.ts")).refuseTypingError(command, resolved);
  let hasFiles = false;
  for (const entry of resolved) hasFiles ||= isFile(entry);
  const entries = hasFiles ? (await import("./skipped-files.ts")).withoutFiles(resolved, command, cli) : resolved;
  for (const entry of entries) {
    if (entry === "stdin" || !isUsageFailure(entry.failure)) continue;
    return await (await import("./untouched.ts")).reportUntouched(entries, command, cli);
  }
  const refusal = spare.refusal();
  if (refusal === null) return entries;
  return await (await import("./untouched.ts")).reportRefused(refusal, entries, command, cli);
}
