// Reports calls of which no target may be touched because one part is wrong: a typing error, an ambiguous name, an option
// that does not fit a target, a --spare process that is in no target.

import { NotFoundError, RefusedNameError } from "../../cgroup/errors.ts";
import { type FailedResult, failure, resultOfError } from "../../kill/outcome.ts";
import type { Refusal } from "../../kill/types.ts";
import type { TargetCommand } from "../args/command.ts";
import { typingError } from "../args/mistyped.ts";
import { callWordsIfSafe } from "../args/to-words.ts";
import type { CliContext } from "../cli-context.ts";
import { EXIT_CODES } from "../exit-codes.ts";
import { reportResult } from "./report-failure.ts";
import { type Entry, isUsageFailure } from "./resolve.ts";

/** @throws UsageError  the first operand is neither a cgroup nor a command */
export function refuseTypingError(command: TargetCommand, entries: readonly Entry[]): void {
  const { mistyped } = command;
  const [first, ...others] = entries;
  if (mistyped === undefined || first === undefined || first === "stdin" || !isNotFound(first.failure)) return;
  throw typingError(
    mistyped,
    others.map((entry) => (entry === "stdin" ? "-" : entry.name)),
    (name) => callWordsIfSafe(name, command),
  );
}

/** Also if it may be in a hierarchy that is not mounted here, or hidden: it is a mistyped command all the same. */
const isNotFound = (error: unknown): boolean =>
  error instanceof NotFoundError || (error instanceof RefusedNameError && error.code === "not-mounted");

/** Report each wrong name with its error, and all others as left alone. @returns the exit status */
export async function reportUntouched(
  entries: readonly Entry[],
  command: TargetCommand,
  cli: CliContext,
): Promise<number> {
  return await reportAll(entries, "usage", command, cli, (name, error) =>
    isUsageFailure(error)
      ? resultOfError(error)
      : {
          outcome: "usage",
          error: failure("left-alone", `${name}: not touched, because another name or option of this call is wrong`),
        },
  );
}

/** Report every target as refused. @returns the exit status */
export async function reportRefused(
  { code, message, hint, commands }: Refusal,
  entries: readonly Entry[],
  command: TargetCommand,
  cli: CliContext,
): Promise<number> {
  return await reportAll(entries, "refused", command, cli, () => ({
    outcome: "refused",
    error: failure(code, `${message}; nothing was touched`, hint, commands),
  }));
}

async function reportAll(
  entries: readonly Entry[],
  status: "usage" | "refused",
  command: TargetCommand,
  cli: CliContext,
  resultFor: (name: string, failure: unknown) => FailedResult,
): Promise<number> {
  const { sys } = cli;
  for (const entry of entries) {
    const { name, failure } = entry === "stdin" ? { name: "-", failure: undefined } : entry;
    const started = { wallMs: sys.wallClock(), monotonicMs: sys.now() };
    await reportResult(resultFor(name, failure), { name, started }, command, cli);
  }
  return EXIT_CODES[status];
}
