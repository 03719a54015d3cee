// Parses the commands that act on cgroups: kill, show, freeze, thaw and signal. Pure.

import { HELP, helpPage, LIST_ALL } from "../../advice.ts";
import { SIGNALS } from "../../sys/signal-names.ts";
import type { Pid } from "../../sys/sys.ts";
import { METHODS, readsStdin, type TargetCommand, type TargetSpec } from "./command.ts";
import { type GivenOptions, readOutput } from "./given-options.ts";
import { findMeantCommand } from "./habits/words.ts";
import { sameCall } from "./to-words.ts";
import { UsageError } from "./usage-error.ts";
import {
  findSignalNumber,
  isSendable,
  parseChoice,
  parseDuration,
  parsePid,
  parseSentSignal,
  parseSignal,
} from "./values.ts";

export const DEFAULT_TIMEOUT_MS = 10_000;

function readTargets(given: GivenOptions, operands: readonly string[]): TargetSpec[] {
  const targets: TargetSpec[] = [];
  for (const name of operands) targets.push(name === "-" ? { kind: "stdin" } : { kind: "name", name });
  for (const pid of readPids("pid", given.every("pid"))) targets.push({ kind: "pid", pid });
  for (const pattern of given.every("name")) targets.push({ kind: "pattern", pattern });
  return targets;
}

/**
 * @param call     the words that the operands would follow
 * @param command  the given command; without one, a terminal would start the interactive mode
 */
export function noTargetError(call = "cgkill", command?: string): UsageError {
  const ways = `write ${call} CGROUP, --pid PID, --name PATTERN, or - for standard input`;
  return command === undefined
    ? new UsageError("no cgroup given", `${ways}; on a terminal, cgkill alone is interactive`, [HELP])
    : new UsageError("no cgroup given", ways, [helpPage(command)]);
}

export function readTargetCommand(
  name: TargetCommand["kind"],
  operands: readonly string[],
  given: GivenOptions,
  { isCommandGiven, mayBeCommand }: { readonly isCommandGiven: boolean; readonly mayBeCommand: boolean },
): TargetCommand {
  if (name === "signal") {
    refuseSignalLast(operands, (words) => readTargetCommand(name, words, given, { isCommandGiven, mayBeCommand }));
  }
  const [signal, ...afterSignal] = name === "signal" ? operands : [];
  const sentSignal = name === "signal" ? parseSentSignal(signal) : 0;
  const isSigkill = sentSignal === SIGNALS.KILL;
  const targets = readTargets(given, name === "signal" ? afterSignal : operands);
  const interactive = given.has("interactive");
  const contradictions = [
    ["remove", "keep"],
    ["all-hierarchies", "keep"],
    ["interactive", "json"],
    ["interactive", "dry-run"],
  ];
  for (const [one = "", other = ""] of contradictions) {
    if (given.has(one) && given.has(other)) {
      throw new UsageError(`--${one} cannot be used with --${other}`, "use one of them");
    }
  }
  const command: TargetCommand = {
    kind: given.has("dry-run") ? "show" : name,
    targets,
    interactive,
    mistyped: isCommandGiven || !mayBeCommand ? undefined : findMistyped(targets, given),
    output: readOutput(given),
    hierarchy: given.last("hierarchy"),
    all: given.has("all"),
    nullSeparated: given.has("null"),
    ignoreMissing: given.has("ignore-missing"),
    timeoutMs: given.read("timeout", DEFAULT_TIMEOUT_MS, parseDuration),
    method: given.read("method", "auto", (option, text) => parseChoice(option, text, METHODS)),
    remove: given.has("remove") ? true : given.has("keep") ? false : undefined,
    graceMs: given.read("grace", 0, parseDuration),
    graceSignal: given.read("signal", "TERM", parseSignal),
    sentSignal,
    spare: readPids("spare", given.every("spare")),
    spareTo: given.last("spare-to"),
    allowAncestors: given.has("allow-ancestors"),
    thawAncestors: given.has("thaw-ancestors"),
    allHierarchies: given.has("all-hierarchies"),
    abortFuse: given.has("abort-fuse"),
  };
  // Only after reading the values: in `cgkill kill --spare web` the option took the name.
  const needsTarget = (isCommandGiven && !interactive) || given.has("json") || given.has("dry-run");
  if (targets.length === 0 && needsTarget && !isSigkill) {
    throw isCommandGiven ? noTargetError(["cgkill", name, ...operands].join(" "), name) : noTargetError();
  }
  refuseIneffective(given, command);
  if (isSigkill) throw sigkillError(command);
  return command;
}

/**
 * Refuse `cgkill signal web HUP`.
 *
 * @param read  reads the operands in the right order
 */
function refuseSignalLast(operands: readonly string[], read: (operands: readonly string[]) => TargetCommand): void {
  const [first = "", ...others] = operands;
  const signal = others.pop() ?? "";
  if (findSignalNumber(first) !== undefined || !isSendable(signal)) return;
  const commands = sameCall("signal", read([signal, first, ...others]));
  throw new UsageError(`signal ${first}: not a signal`, "write the signal before the cgroups", commands);
}

/**
 * Find the first operand if it has only letters and hyphens, as every command has, and can only be a mistyped command
 * unless it names a cgroup: other operands follow, missing cgroups are not allowed, and every target is an operand.
 */
function findMistyped(targets: readonly TargetSpec[], given: GivenOptions): string | undefined {
  const [first, second] = targets;
  if (first?.kind !== "name" || second === undefined || given.has("ignore-missing")) return undefined;
  return targets.every(({ kind }) => kind === "name") && /^[\p{L}-]+$/u.test(first.name) ? first.name : undefined;
}

/** Refuse an option that would silently have no effect. */
function refuseIneffective(given: GivenOptions, command: TargetCommand): void {
  if (command.all && !command.targets.some(({ kind }) => kind === "pattern")) throw allWithoutNameError(command);
  if (given.has("signal") && !given.has("grace")) throw signalWithoutGraceError(command);
  if (given.has("null") && !readsStdin(command.targets)) {
    throw new UsageError(
      "-0 (--null) is about names on standard input, and needs the operand -",
      "cgkill show CGROUP shows whether it exists, and what is in it",
      command.kind === "kill" ? sameCall("show", { ...command, nullSeparated: false }) : [helpPage(command.kind)],
    );
  }
  if (given.has("spare") && readsStdin(command.targets)) {
    const hint =
      "name the cgroups as operands, so that --spare can be checked against all of them before the first is killed";
    throw new UsageError("--spare cannot be used with names from standard input", hint);
  }
}

/** `cgkill ps -a` is how other programs list. */
function allWithoutNameError({ kind, targets: [first] }: TargetCommand): UsageError {
  const problem = "--all (-a) takes every match of --name, and needs it";
  const isList = kind === "kill" && first?.kind === "name" && findMeantCommand(first.name) === "list";
  return isList
    ? new UsageError(problem, "did you mean the command list?", [LIST_ALL])
    : new UsageError(problem, "leave it out: the cgroups below a CGROUP are always included");
}

/** Suggests no command that would do more than the given one. */
function signalWithoutGraceError(command: TargetCommand): UsageError {
  const { graceSignal: signal } = command;
  const problem = "--signal needs --grace: it is the signal of the grace period";
  if (signal === "KILL") return new UsageError(problem, "SIGKILL is sent without it: leave --signal out");
  const commands = sameCall("signal", { ...command, sentSignal: SIGNALS[signal] });
  const call = commands.length > 0 ? "cgkill signal" : `cgkill signal ${signal} CGROUP`;
  return new UsageError(problem, `to kill, add --grace 10s; to send only ${signal}, use ${call}`, commands);
}

function sigkillError(command: TargetCommand): UsageError {
  const commands = sameCall("kill", command);
  const hint = `to kill every process and prove it, use cgkill kill${commands.length > 0 ? "" : " CGROUP"}`;
  return new UsageError("cgkill signal never sends SIGKILL, which alone proves nothing", hint, commands);
}

function readPids(name: string, lists: readonly string[]): Pid[] {
  const pids: Pid[] = [];
  for (const list of lists) {
    const texts = list.split(",");
    if (texts.includes("")) throw new UsageError(`--${name} ${list}: a process id is empty`, "write them as 12,34");
    for (const text of texts) pids.push(parsePid(name, text));
  }
  return pids;
}
