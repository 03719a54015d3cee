// The commands that act on cgroups, from options and operands: kill, show, freeze, thaw and signal. Pure.

import { HELP, helpPage } from "../../advice.ts";
import { SIGNALS } from "../../kill/signal-names.ts";
import type { Pid } from "../../sys/sys.ts";
import { METHODS } from "./choices.ts";
import type { TargetCommand, TargetSpec } from "./command.ts";
import { type Given, readOutput } from "./given-options.ts";
import { looksLikeCommand } from "./mistyped.ts";
import { sameCall } from "./to-words.ts";
import { UsageError } from "./usage-error.ts";
import { noSignal, parseChoice, parseDuration, parsePid, parseSentSignal, parseSignal } from "./values.ts";

const DEFAULT_TIMEOUT_MS = 10_000;

function readTargets(given: Given, names: readonly string[]): TargetSpec[] {
  return [
    ...names.map((name): TargetSpec => (name === "-" ? { kind: "stdin" } : { kind: "name", name })),
    ...readPids("pid", given.every("pid")).map((pid): TargetSpec => ({ kind: "pid", pid })),
    ...given.every("name").map((pattern): TargetSpec => ({ kind: "pattern", pattern })),
  ];
}

/**
 * @param call     what the operands belong behind
 * @param command  the command that was given; without one a terminal would be asked
 */
export function noTarget(call = "cgkill", command?: string): UsageError {
  const ways = `${call} CGROUP, --pid PID, --name PATTERN, or - for standard input`;
  return command === undefined
    ? new UsageError("no cgroup given", `${ways}; on a terminal, cgkill alone asks`, [HELP])
    : new UsageError("no cgroup given", ways, [helpPage(command)]);
}

export function readTargetCommand(
  name: TargetCommand["kind"],
  operands: readonly string[],
  given: Given,
  { isCommandGiven, mayBeCommand }: { readonly isCommandGiven: boolean; readonly mayBeCommand: boolean },
): TargetCommand {
  const [signal, ...afterSignal] = name === "signal" ? operands : [];
  const sentSignal = name === "signal" ? readSignal(signal) : 0;
  const isSigkill = sentSignal === SIGNALS.KILL;
  const targets = readTargets(given, name === "signal" ? afterSignal : operands);
  const interactive = given.has("interactive");
  const needsTarget = (isCommandGiven && !interactive) || given.has("json") || given.has("dry-run");
  if (targets.length === 0 && needsTarget && !isSigkill) {
    throw isCommandGiven ? noTarget(["cgkill", name, ...operands].join(" "), name) : noTarget();
  }
  const contradictions = [
    ["remove", "keep"],
    ["interactive", "json"],
    ["interactive", "dry-run"],
  ];
  for (const [one = "", other = ""] of contradictions) {
    if (given.has(one) && given.has(other)) {
      throw new UsageError(`--${one} and --${other}: one contradicts the other`, "give one of them");
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
  };
  if (isSigkill) throw neverSigkill(command, signal ?? "");
  refuseUseless(given, command);
  return command;
}

function readSignal(text: string | undefined): number {
  if (text === undefined) throw noSignal();
  return parseSentSignal(text);
}

/**
 * The first operand, where only a command could have been meant by it if it is no cgroup: others follow, and the caller
 * does not name cgroups that may be missing, or in another way.
 */
function findMistyped(targets: readonly TargetSpec[], given: Given): string | undefined {
  const [first, second] = targets;
  if (first?.kind !== "name" || second === undefined || given.has("ignore-missing")) return undefined;
  return targets.every(({ kind }) => kind === "name") && looksLikeCommand(first.name) ? first.name : undefined;
}

/** Options that would have no effect, where that is not what was meant. */
function refuseUseless(given: Given, command: TargetCommand): void {
  if (given.has("signal") && !given.has("grace")) {
    throw signalWithoutGrace(command);
  }
  if (given.has("spare") && command.targets.some(({ kind }) => kind === "stdin")) {
    throw new UsageError(
      "--spare: cannot be used with names from standard input",
      "give the cgroups as operands: --spare is checked against all of them before the first is killed",
    );
  }
}

/** Never a command that would do more than what was typed. */
function signalWithoutGrace(command: TargetCommand): UsageError {
  const { kind, interactive, graceSignal: signal } = command;
  const isKill = kind === "kill" && !interactive && signal !== "KILL";
  const commands = isKill ? sameCall("signal", [signal], command) : [];
  return new UsageError(
    "--signal: is the signal of the grace period, and needs --grace",
    `to kill: add --grace 10s; to send ${signal} and nothing else${commands.length > 0 ? "" : `: cgkill signal ${signal} CGROUP`}`,
    commands,
  );
}

function neverSigkill(command: TargetCommand, signal: string): UsageError {
  const commands = sameCall("kill", [], command);
  const way = "to kill every process, and prove it";
  return new UsageError(
    `signal ${signal}: cgkill signal never sends SIGKILL, because it proves no death`,
    commands.length > 0 ? way : `${way}: cgkill kill CGROUP`,
    commands,
  );
}

function readPids(name: string, lists: readonly string[]): Pid[] {
  const pids: Pid[] = [];
  for (const list of lists) {
    for (const text of list.split(",")) pids.push(parsePid(name, text));
  }
  return pids;
}
