// Reports targets that were not acted on: missing, vanished, refused, or stopped by a bug.

import { isMissing, NotFoundError, OptionError } from "../../cgroup/errors.ts";
import { hierarchyName } from "../../cgroup/open/hierarchy.ts";
import { isRemoved } from "../../cgroup/subtree.ts";
import type { Cgroup } from "../../cgroup/types.ts";
import { InterruptedError, MethodError } from "../../kill/errors.ts";
import { blankOutcome, type FailedResult, failure, type KillResult, targetOutcome } from "../../kill/outcome.ts";
import type { KillPlan, Started } from "../../kill/types.ts";
import { isGone, SysError } from "../../sys/errno.ts";
import type { Sys } from "../../sys/sys.ts";
import type { TargetCommand } from "../args/command.ts";
import { type NamedCgroup, VanishedError } from "../args/usage-error.ts";
import type { Call } from "../cli-context.ts";
import type { Status } from "../exit-codes.ts";
import type { AnyOutcome } from "../output/outcome-text.ts";
import { reportOutcome, resultOrBug } from "../output/report.ts";
import type { SingleTarget } from "./expand.ts";

/** What is known about a target when an error ends it. */
export interface Attempt {
  /** As it was given on the command line. */
  readonly name: string;
  readonly started: Started;
  /** The opened cgroups, not yet closed. Absent if none was opened. */
  readonly cgroups?: readonly Cgroup[];
  readonly plan?: KillPlan | null;
  readonly suggest?: SingleTarget["suggest"];
}

/** Report a target that an error ended. Also catches bugs in cgkill, so that the next target is still acted on. */
export async function reportError(error: unknown, attempt: Attempt, call: Call): Promise<Status> {
  const { command } = call;
  const vanished = vanishedOf(error, attempt, call.sys);
  if (vanished !== undefined) return await reportVanished(vanished, attempt, call);
  if (command.ignoreMissing && isMissing(error) && !hasBlanksAround(attempt.name))
    return await reportResult(MISSING, attempt, call);
  const explained = error instanceof NotFoundError && wantsHint(command) ? await withHint(error, attempt) : error;
  return await reportResult(resultOrBug(explained, command.output, call), attempt, call);
}

/** A carriage return, a byte order mark or a blank came from the file with the names, and the cgroup without it may exist. */
const hasBlanksAround = (name: string): boolean => name !== name.trim();

/** Finding a suggestion takes time: skip it if it would not be shown. JSON has it even with -q. */
const wantsHint = ({ output, ignoreMissing }: TargetCommand): boolean =>
  (output.json || !output.quiet) && !ignoreMissing;

/** Add a suggestion. If looking for one fails, the error stays as it is. */
export async function withHint(error: NotFoundError, { suggest }: Pick<Attempt, "suggest">): Promise<NotFoundError> {
  try {
    const advice = await suggest?.();
    if (advice === undefined) return error;
    return new NotFoundError(error.code, error.message, advice.hint, advice.commands);
  } catch (suggestError) {
    if ([SysError, OptionError, InterruptedError].some((kind) => suggestError instanceof kind)) return error;
    throw suggestError;
  }
}

/** Recognise an error that only says that the cgroup was removed meanwhile: its files or its method are gone. */
function vanishedOf(error: unknown, { cgroups = [] }: Attempt, sys: Sys): NamedCgroup | undefined {
  if (error instanceof VanishedError) return error.cgroup;
  const mayBeGone = isGone(error) || error instanceof MethodError;
  const [cgroup] = cgroups;
  return mayBeGone && cgroups.every((each) => isRemoved(sys, each)) ? cgroup : undefined;
}

const MISSING: FailedResult = { outcome: "missing", error: null };

/** For a kill, a vanished cgroup is empty: success. For other commands it is missing. */
async function reportVanished(vanished: NamedCgroup, attempt: Attempt, call: Call): Promise<Status> {
  const { command } = call;
  const { path, name, hierarchy } = vanished;
  if (command.kind === "kill") {
    const blank = blankOutcome(path, null, attempt.started, call.sys.now(), { outcome: "empty", error: null });
    const place = { path: name, hierarchy: hierarchyName(hierarchy) };
    await reportOutcome({ ...blank, ...place, removed: true, proven: true }, command, call);
    return "empty";
  }
  const gone: FailedResult = { outcome: "not-found", error: failure("not-found", `${path}: no longer exists`) };
  return await reportResult(command.ignoreMissing ? MISSING : gone, attempt, call);
}

/** Report a target that was not touched, in the shape of its command; a failed `show` has the shape of a `kill`. */
export async function reportResult(result: FailedResult, attempt: Attempt, call: Call): Promise<Status> {
  const { name, plan = null, started } = attempt;
  const { kind, sentSignal } = call.command;
  const now = call.sys.now();
  let outcome: AnyOutcome;
  if (kind === "kill" || kind === "show") {
    outcome = blankOutcome(name, plan, started, now, result satisfies KillResult);
  } else if (kind === "signal") {
    const { blankSignal } = await import("../../signal/send-signal.ts");
    outcome = blankSignal(targetOutcome(name, plan, started, now, result), sentSignal, plan?.twin ?? null);
  } else {
    const { blankFreeze } = await import("../../freeze/freeze-thaw.ts");
    outcome = blankFreeze(targetOutcome(name, plan, started, now, result));
  }
  await reportOutcome(outcome, call.command, call);
  return result.outcome;
}
