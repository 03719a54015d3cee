// Parsers for the values of options. Every error names the option, the given value and the valid values.

import { type SignalName, SIGNALS } from "../../sys/signal-names.ts";
import type { Millis, Pid } from "../../sys/sys.ts";
import { UsageError } from "./usage-error.ts";

const UNITS: Readonly<Record<string, Millis>> = { "": 1000, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
/** The largest number of milliseconds that a 32-bit signed timer can count: about 24 days. */
const MAX_DURATION_MS = 2_147_483_647;

const DURATION_FORMS = "write a number with ms, s, m or h, such as 500ms, 5s or 1h30m; a bare number is seconds";

export const isDuration = (text: string): boolean => /^(?:\d+(?:\.\d+)?|(?:\d+(?:\.\d+)?(?:ms|s|m|h))+)$/.test(text);

/** Parse `500ms`, `5s`, `2m`, `1h` or a sum such as `1h30m`; a bare number is seconds. */
export function parseDuration(option: string, text: string): Millis {
  if (!isDuration(text)) throw new UsageError(`--${option} ${text}: not a duration`, DURATION_FORMS);
  let ms = 0;
  for (const [, digits, unit = ""] of text.matchAll(/([\d.]+)([a-z]*)/g)) ms += Number(digits) * (UNITS[unit] ?? 0);
  if (ms > MAX_DURATION_MS) throw new UsageError(`--${option} ${text}: too long`, "the maximum is 24 days");
  return ms;
}

const PID_MAX = 0x400000;

export function parsePid(option: string, text: string): Pid {
  const pid = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (pid > 0 && pid <= PID_MAX) return pid;
  throw new UsageError(`--${option} ${text}: not a process id`, `a process id is a number from 1 to ${PID_MAX}`);
}

export function parseSignal(option: string, text: string): SignalName {
  const name = text.toUpperCase().replace(/^SIG/, "");
  const found = Object.entries(SIGNALS).find(([known, number]) => known === name || String(number) === text);
  if (found !== undefined) return found[0] as SignalName;
  throw new UsageError(`--${option} ${text}: not a signal`, "write TERM, INT, HUP, USR1 or a number from 1 to 31");
}

/** Real-time signals have numbers only, because the same name means different numbers in different C libraries. */
const MAX_SIGNAL = 64;
const SIGNAL_FORMS = "write HUP, SIGHUP or a number from 1 to 64 before the cgroups: cgkill signal HUP CGROUP";

/** The number of a signal that is written as `HUP`, `SIGHUP`, `hup` or `1`; `undefined` for any other text. */
export function findSignalNumber(text: string): number | undefined {
  const name = text.toUpperCase().replace(/^SIG/, "");
  const known: Readonly<Record<string, number>> = SIGNALS;
  const number = /^\d{1,2}$/.test(text) ? Number(text) : Object.hasOwn(known, name) ? known[name] : undefined;
  return number !== undefined && number >= 1 && number <= MAX_SIGNAL ? number : undefined;
}

/** Whether `cgkill signal` would send it. SIGKILL is a signal that it refuses. */
export const isSendable = (text: string): boolean => {
  const number = findSignalNumber(text);
  return number !== undefined && number !== SIGNALS.KILL;
};

/** Parse the first operand of `cgkill signal`. @returns its number, which may be that of SIGKILL */
export function parseSentSignal(text: string | undefined): number {
  if (text === undefined) throw new UsageError("no signal given", SIGNAL_FORMS);
  const number = findSignalNumber(text);
  if (number === undefined) throw new UsageError(`signal ${text}: not a signal`, SIGNAL_FORMS);
  return number;
}

export function parseCount(option: string, text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw new UsageError(`--${option} ${text}: not a whole number`, "write a number from 0 to 999999");
}

export function parseChoice<T extends string>(option: string, text: string, choices: readonly T[]): T {
  const choice = choices.find((known) => known === text);
  if (choice !== undefined) return choice;
  throw new UsageError(`--${option} ${text}: invalid value`, `valid values: ${choices.join(", ")}`);
}
