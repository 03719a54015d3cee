// Resolves the names of a call and checks it as a whole, for the interactive mode too: if anything is wrong with it, no
// target is touched. Operands that are cgroup interface files are skipped.

import { createSpareCheck } from "../../kill/plan/spare-check.ts";
import type { Call } from "../cli-context.ts";
import { isFile, isUsageFailure, type ResolvedTarget, resolveTargets } from "./resolve.ts";

/**
 * @returns what `act` returns; or the exit status, if the call is invalid or refused and that was reported
 * @throws UsageError  no target is left, or the first operand is a mistyped command
 */
export async function withTargets<T>(
  call: Call,
  act: (entries: readonly ResolvedTarget[]) => Promise<T>,
): Promise<T | number> {
  const spare = createSpareCheck(call.sys, call.command.spare);
  const entries: ResolvedTarget[] = [];
  // Not `using`: the first one that is executed takes 0.08 ms.
  try {
    await resolveTargets(call, spare.lookIn, entries);
    const refusal = spare.refusal();
    let isRight = refusal === null && call.command.mistyped === undefined;
    for (const entry of entries) isRight &&= !isUsageFailure(entry.failure) && !isFile(entry);
    const checked = isRight ? entries : await (await import("./untouched.ts")).explainCall(entries, refusal, call);
    return typeof checked === "number" ? checked : await act(checked);
  } finally {
    for (const entry of entries) entry.close();
  }
}
