// The values that options take, from text. Pure; every error names the option, what was given, and what is taken.

import { type SignalName, SIGNALS } from "../../kill/signal-names.ts";
import type { Millis, Pid } from "../../sys/sys.ts";
import { UsageError } from "./usage-error.ts";

const UNITS: Readonly<Record<string, Millis>> = { "": 1000, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
/** About 24 days: what a timer of 31 bits of milliseconds holds. */
const MAX_DURATION_MS = 2_147_483_647;

const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/;

export const isDuration = (text: string): boolean => DURATION.test(text);

/** `500ms`, `5s`, `2m`, `1h`; a bare number is seconds. The only place where seconds exist. */
export function parseDuration(option: string, text: string): Millis {
  const [, digits, unit] = DURATION.exec(text) ?? [];
  const ms = Number(digits) * (UNITS[unit ?? ""] ?? Number.NaN);
  if (Number.isNaN(ms)) throw new UsageError(`--${option} ${text}: is not a duration`, "write 500ms, 5s, 2m or 0");
  if (ms > MAX_DURATION_MS) throw new UsageError(`--${option} ${text}: is too long`, "24 days are the most");
  return ms;
}

const PID_MAX = 0x400000;

export function parsePid(option: string, text: string): Pid {
  const pid = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (pid > 0 && pid <= PID_MAX) return pid;
  throw new UsageError(`--${option} ${text}: is not a process id`, `a process id is a number from 1 to ${PID_MAX}`);
}

export function parseSignal(option: string, text: string): SignalName {
  const name = text.toUpperCase().replace(/^SIG/, "");
  const found = Object.entries(SIGNALS).find(([known, number]) => known === name || String(number) === text);
  if (found !== undefined) return found[0] as SignalName;
  throw new UsageError(`--${option} ${text}: is not a signal`, "write TERM, INT, HUP, USR1, or a number from 1 to 31");
}

/** Of real-time signals there are numbers only: what a name means differs from one C library to the next. */
const MAX_SIGNAL = 64;
const SIGNAL_FORMS = "write HUP, SIGHUP, or a number from 1 to 64, before the cgroups: cgkill signal HUP CGROUP";

const sentSignalOf = (text: string): number => {
  const name = text.toUpperCase().replace(/^SIG/, "");
  const known: Readonly<Record<string, number>> = SIGNALS;
  return /^\d{1,2}$/.test(text) ? Number(text) : Object.hasOwn(known, name) ? (known[name] as number) : 0;
};

/** Is it one that `cgkill signal` sends? */
export const isSentSignal = (text: string): boolean => {
  const number = sentSignalOf(text);
  return number >= 1 && number <= MAX_SIGNAL && number !== SIGNALS.KILL;
};

/** The operand of `cgkill signal`. @returns its number; that of SIGKILL is for the caller to refuse */
export function parseSentSignal(text: string): number {
  const number = sentSignalOf(text);
  if (number < 1 || number > MAX_SIGNAL) throw new UsageError(`signal ${text}: is not a signal`, SIGNAL_FORMS);
  return number;
}

export function noSignal(): UsageError {
  return new UsageError("signal: no signal given", SIGNAL_FORMS);
}

export function parseCount(option: string, text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw new UsageError(`--${option} ${text}: is not a number`, "write 0, 1, 2 and so on");
}

export function parseChoice<T extends string>(option: string, text: string, choices: readonly T[]): T {
  const choice = choices.find((known) => known === text);
  if (choice !== undefined) return choice;
  throw new UsageError(`--${option} ${text}: is not one of its values`, `choose ${choices.join(", ")}`);
}
