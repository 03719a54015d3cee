// Finds the call that an option of another program means: `-9` and `-HUP` of kill and pkill, `-f` and `--force` of rm,
// kubectl and others. Pure: the call is only suggested.

import { HELP } from "../../../advice.ts";
import { readOr } from "../../../sys/errno.ts";
import { shortSignalName, SIGNALS } from "../../../sys/signal-names.ts";
import type { Command, TargetCommand } from "../command.ts";
import { sameCall } from "../to-words.ts";
import { type HabitError, UsageError } from "../usage-error.ts";
import { findSignalNumber } from "../values.ts";
import { findMeaning, withGraceOf } from "./words.ts";

type Parse = (argv: readonly string[]) => Command;

/** A call on cgroups without that option: the command that is meant, and the options and targets. */
type MeantCall = readonly [name: TargetCommand["kind"], command: TargetCommand];

/**
 * Add the right call to the error about such an option.
 *
 * @param parse  parses the command line without it
 */
export function explainHabit(error: HabitError, argv: readonly string[], parse: Parse): UsageError {
  const { message, word, signal, rest } = error;
  const others = argv.toSpliced(argv.indexOf(word), 1, ...(rest === undefined ? [] : [rest]));
  const firstWord = others.find((each) => each === "--" || !each.startsWith("-"));
  const isSignalCommand = signal !== undefined && firstWord === "signal";
  const meant = findMeantCall(isSignalCommand ? others.toSpliced(others.indexOf("signal"), 1) : others, parse);
  if (meant === undefined) return error;
  if (signal !== undefined) return explainSignal(error, signal, meant, isSignalCommand);
  const calls = sameCall(...meant);
  const hint = "cgkill never asks unless -i is given: leave this option out";
  return new UsageError(message, hint, calls.length > 0 ? calls : [HELP]);
}

/** @param isSignalCommand  `cgkill signal -HUP web` */
function explainSignal(error: HabitError, signal: number, meant: MeantCall, isSignalCommand: boolean): UsageError {
  const [name, command] = meant;
  const { message } = error;
  if (name !== "kill" && name !== "show") return error;
  if (signal === SIGNALS.KILL) {
    const calls = sameCall("kill", command);
    return new UsageError(message, calls.length > 0 ? "cgkill kill sends SIGKILL" : "write cgkill kill CGROUP", calls);
  }
  const sent = shortSignalName(signal);
  const calls = sameCall("signal", { ...command, sentSignal: signal });
  if (isSignalCommand) return new UsageError(message, `write ${sent} without the hyphen`, calls);
  const call = calls.length > 0 ? "cgkill signal" : `cgkill signal ${sent} CGROUP`;
  const toKill = sent === String(signal) ? "" : `; to kill afterwards, use -g 10s -s ${sent} instead`;
  return new UsageError(message, `to send only ${sent}, use ${call}${toKill}`, calls);
}

/** @returns `undefined` if the words are no valid call on cgroups */
function findMeantCall(argv: readonly string[], parse: Parse): MeantCall | undefined {
  const isInvalid = (error: unknown): boolean => error instanceof UsageError;
  const command = readOr(undefined, () => parse(argv), isInvalid);
  if (command === undefined || !("targets" in command)) return undefined;
  const { kind: name, mistyped } = command;
  if (mistyped === undefined) return [name, command];
  const meaning = findMeaning(mistyped);
  if (meaning === undefined) return [name, command];
  // `rm -f web`, `pkill -9 web`: the word is not a name.
  const meant = ACTING.find((each) => each === meaning.command);
  const sentSignal = findSignalNumber(meaning.signal ?? "") ?? 0;
  if (meant === undefined && sentSignal === 0) return undefined;
  const targets = command.targets.slice(1);
  return [meant ?? "signal", withGraceOf(mistyped, { ...command, sentSignal, targets })];
}

const ACTING = ["kill", "show", "freeze", "thaw"] as const;
