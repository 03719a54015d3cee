// The commands that act on cgroups, from options and operands: kill, show, freeze, thaw and signal. Pure.

import type { Pid } from "../../sys/sys.ts";
import { METHODS } from "./choices.ts";
import type { Target, TargetCommand } from "./command.ts";
import { type Given, readOutput } from "./given-options.ts";
import { looksLikeCommand } from "./mistyped.ts";
import { UsageError } from "./usage-error.ts";
import { noSignal, parseChoice, parseDuration, parsePid, parseSentSignal, parseSignal } from "./values.ts";

const DEFAULT_TIMEOUT_MS = 10_000;

function readTargets(given: Given, names: readonly string[]): Target[] {
  return [
    ...names.map((name): Target => (name === "-" ? { kind: "stdin" } : { kind: "name", name })),
    ...readPids("pid", given.every("pid")).map((pid): Target => ({ kind: "pid", pid })),
    ...given.every("name").map((pattern): Target => ({ kind: "pattern", pattern })),
  ];
}

/**
 * @param call     what the operands belong behind
 * @param command  the command that was given; without one a terminal would be asked
 */
export function noTarget(call = "cgkill", command?: string): UsageError {
  const more =
    command === undefined ? "on a terminal, cgkill alone asks; see cgkill --help" : `see cgkill help ${command}`;
  return new UsageError(
    "no cgroup given",
    `${call} CGROUP, --pid PID, --name PATTERN, or - for standard input; ${more}`,
  );
}

export function readTargetCommand(
  name: TargetCommand["kind"],
  operands: readonly string[],
  given: Given,
  { isCommandGiven, mayBeCommand }: { readonly isCommandGiven: boolean; readonly mayBeCommand: boolean },
): TargetCommand {
  const [signal, ...afterSignal] = name === "signal" ? operands : [];
  const sentSignal = name === "signal" ? readSignal(signal) : 0;
  const targets = readTargets(given, name === "signal" ? afterSignal : operands);
  const interactive = given.has("interactive");
  const needsTarget = (isCommandGiven && !interactive) || given.has("json") || given.has("dry-run");
  if (targets.length === 0 && needsTarget) {
    throw isCommandGiven ? noTarget(["cgkill", name, ...operands].join(" "), name) : noTarget();
  }
  refuseUseless(given, targets);
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
  return {
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
}

function readSignal(text: string | undefined): number {
  if (text === undefined) throw noSignal();
  return parseSentSignal(text);
}

/**
 * The first operand, where only a command could have been meant by it if it is no cgroup: others follow, and the caller
 * does not name cgroups that may be missing, or in another way.
 */
function findMistyped(targets: readonly Target[], given: Given): string | undefined {
  const [first, second] = targets;
  if (first?.kind !== "name" || second === undefined || given.has("ignore-missing")) return undefined;
  return targets.every(({ kind }) => kind === "name") && looksLikeCommand(first.name) ? first.name : undefined;
}

/** Options that would have no effect, where that is not what was meant. */
function refuseUseless(given: Given, targets: readonly Target[]): void {
  if (given.has("signal") && !given.has("grace")) {
    const signal = given.read("signal", "TERM", parseSignal);
    throw new UsageError(
      "--signal: is the signal of the grace period, and needs --grace",
      `to kill: add --grace 10s; to send ${signal} and nothing else: cgkill signal ${signal} CGROUP`,
    );
  }
  if (given.has("spare") && targets.some(({ kind }) => kind === "stdin")) {
    throw new UsageError(
      "--spare: cannot be used with names from standard input",
      "give the cgroups as operands: --spare is checked against all of them before the first is killed",
    );
  }
}

function readPids(name: string, lists: readonly string[]): Pid[] {
  const pids: Pid[] = [];
  for (const list of lists) {
    for (const text of list.split(",")) pids.push(parsePid(name, text));
  }
  return pids;
}
