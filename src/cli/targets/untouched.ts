// Explains calls with a part that is wrong, so that no target may be touched: a typing error, an ambiguous name, an option
// that does not fit a target, a --spare process that is in no target. Operands that are cgroup interface files, as in
// `cgkill /sys/fs/cgroup/g/*`, are only skipped, with one note for all of them.

import { NotFoundError, RefusedNameError } from "../../cgroup/errors.ts";
import { type FailedResult, failure, resultOfError } from "../../kill/outcome.ts";
import type { Refusal } from "../../kill/types.ts";
import type { TargetCommand } from "../args/command.ts";
import { typingError } from "../args/mistyped.ts";
import { sameCall } from "../args/to-words.ts";
import { UsageError } from "../args/usage-error.ts";
import type { Call } from "../cli-context.ts";
import { EXIT_CODES } from "../exit-codes.ts";
import { eventSink } from "../output/log.ts";
import { plural } from "../text/units.ts";
import { reportResult } from "./report-failure.ts";
import { isFile, isUsageFailure, type ResolvedTarget } from "./resolve.ts";

/**
 * @returns the targets, if nothing is wrong but cgroup interface files among them; otherwise the exit status, after each
 *          wrong name was reported with its error, and all others as left alone
 * @throws UsageError  no target is left, or the first operand is a mistyped command
 */
export async function explainCall(
  resolved: readonly ResolvedTarget[],
  refusal: Refusal | null,
  call: Call,
): Promise<readonly ResolvedTarget[] | number> {
  const { command, sys } = call;
  const [first] = resolved;
  if (command.mistyped !== undefined && isNotFound(first?.failure)) throw typingError(command.mistyped, command);
  const entries = withoutFiles(resolved, call);
  const isWrong = entries.some((entry) => isUsageFailure(entry.failure));
  if (!isWrong && refusal === null) return entries;
  for (const { name, failure: error } of entries) {
    const started = { wallMs: sys.wallClock(), monotonicMs: sys.now() };
    const result = isUsageFailure(error) ? resultOfError(error) : leftAlone(name, isWrong ? null : refusal);
    await reportResult(result, { name, started }, call);
  }
  return EXIT_CODES[isWrong ? "usage" : "refused"];
}

/** @param refusal  of the whole call; `null` if another part of it is wrong */
function leftAlone(name: string, refusal: Refusal | null): FailedResult {
  if (refusal === null) {
    const message = `${name}: not touched, because another name or option of this call is wrong`;
    return { outcome: "usage", error: failure("left-alone", message) };
  }
  const { code, message, hint, commands } = refusal;
  return { outcome: "refused", error: failure(code, `${message}; nothing was touched`, hint, commands) };
}

/** Also if it may be in a hierarchy that is not mounted here, or hidden: it is a mistyped command all the same. */
const isNotFound = (error: unknown): boolean =>
  error instanceof NotFoundError || (error instanceof RefusedNameError && error.code === "not-mounted");

function withoutFiles(entries: readonly ResolvedTarget[], { sys, io, command }: Call): readonly ResolvedTarget[] {
  const left = entries.filter((entry) => !isFile(entry));
  const names = entries.filter(isFile).map(({ name }) => name);
  const [first] = names;
  if (first === undefined) return entries;
  if (left.length === 0) throw onlyFilesError(first, names, command);
  const message = `skipped ${plural(names.length, "cgroup interface file")}, such as ${first}`;
  eventSink(io, command.output, sys)({ level: "info", message, fields: {} });
  return left;
}

function onlyFilesError(first: string, names: readonly string[], command: TargetCommand): UsageError {
  const what =
    names.length === 1
      ? `${first} is a cgroup interface file, not a cgroup`
      : `${first} and ${names.length - 1} more: cgroup interface files, not cgroups`;
  const directories = new Set(names.map((name) => name.slice(0, Math.max(0, name.lastIndexOf("/")))));
  directories.delete("");
  const targets = [...directories].map((name) => ({ kind: "name" as const, name }));
  // Suggest a preview: the directory was not what was typed.
  const kind = command.kind === "kill" && !command.interactive ? "show" : command.kind;
  const hint = directories.size === 1 ? "name the directory" : "name the directories";
  return new UsageError(what, hint, sameCall(kind, { ...command, targets }));
}
