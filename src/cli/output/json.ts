// JSON for scripts: one document a line, snake_case keys, absent facts null. The values are the kernel's and ours,
// exact; a byte that is not UTF-8 is \udcXX, which JSON.stringify writes as an escape.

import type { Advice, Commands } from "../../advice.ts";
import type { FreezeOutcome } from "../../freeze/freeze-outcome.ts";
import type { ListedCgroup } from "../../inspect/list.ts";
import type { Preview, ShownProcess } from "../../inspect/preview-types.ts";
import type { KillOutcome } from "../../kill/types.ts";
import type { SignalOutcome } from "../../signal/send-signal.ts";
import { quote } from "../text/quote.ts";
import { isAscii } from "../text/sanitize.ts";

/** The version of the shape: adding a key keeps it, anything else raises it. */
const SCHEMA = 1;

/** With its colon: only a key has one behind it, since a quote inside a value is escaped. */
const CAMEL_KEY = /"[a-z]+[A-Z][A-Za-z]*":/g;

/** There are few keys, and a list has them thousands of times. */
const snakeKeys = new Map<string, string>();

function snakeKey(key: string): string {
  let snake = snakeKeys.get(key);
  if (snake === undefined) {
    snake = key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    snakeKeys.set(key, snake);
  }
  return snake;
}

/** In ASCII: the same values for every reader, and nothing in them that a terminal or a locale could take amiss. */
export function toJson(value: unknown): string {
  const text = JSON.stringify(value);
  return isAscii(text) ? text : text.replace(/[^\0-\x7f]/g, escapeUnit);
}

const escapeUnit = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;

/** The same, with every key in snake case. */
function toSnakeJson(value: unknown): string {
  return toJson(value).replace(CAMEL_KEY, snakeKey);
}

const MICROSECONDS = 1000;

/** Milliseconds to the microsecond: more digits are noise. */
function rounded(ms: number | null): number | null {
  return ms === null ? null : Math.round(ms * MICROSECONDS) / MICROSECONDS;
}

/** A reader of JSON cannot hand on bytes that are not UTF-8: a command with such an argument is left out. */
const inUtf8 = (commands: Commands): Commands =>
  commands.filter((command) => command.every((word) => word.isWellFormed()));

const advised = <T extends Advice>(advice: T): T => ({ ...advice, commands: inUtf8(advice.commands) });

const orNull = <T extends Advice>(advice: T | null): T | null => advice && advised(advice);

export function outcomeToJson(command: string, outcome: KillOutcome): string {
  const { cgroup, path, hierarchy, method, ...rest } = outcome;
  const document = {
    schema: SCHEMA,
    command,
    cgroup,
    path,
    hierarchy,
    method,
    ...rest,
    survivors: outcome.survivors.map(advised),
    error: orNull(outcome.error),
    durationMs: rounded(outcome.durationMs),
    phases: Object.fromEntries(Object.entries(outcome.phases).map(([phase, ms]) => [phase, rounded(ms)])),
  };
  return toSnakeJson(document);
}

export function freezeToJson(command: string, outcome: FreezeOutcome): string {
  const durationMs = rounded(outcome.durationMs);
  return toSnakeJson({ schema: SCHEMA, command, ...outcome, durationMs, error: orNull(outcome.error) });
}

export function signalToJson(outcome: SignalOutcome): string {
  const durationMs = rounded(outcome.durationMs);
  return toSnakeJson({ schema: SCHEMA, command: "signal", ...outcome, durationMs, error: orNull(outcome.error) });
}

/** Which look of a watch a document belongs to. */
export interface Snapshot {
  /** From 1 on. */
  readonly n: number;
  readonly time: string;
  /** The documents of this snapshot: the reader knows when it has all. */
  readonly count: number;
}

export interface ListedExtras {
  /** `null` if they were not asked for. */
  readonly processes: readonly ShownProcess[] | null;
  /** `null` without `--watch`. */
  readonly snapshot: Snapshot | null;
}

export function listedToJson(
  listed: ListedCgroup,
  { processes, snapshot }: ListedExtras = { processes: null, snapshot: null },
): string {
  return toSnakeJson({
    schema: SCHEMA,
    command: "list",
    ...listed,
    refusal: orNull(listed.refusal),
    processes,
    snapshot,
  });
}

export function previewToJson(preview: Preview): string {
  const { stop, refusal } = preview;
  return toSnakeJson({
    schema: SCHEMA,
    command: "show",
    ...preview,
    stop: (stop && quote(stop)) ?? null,
    commands: inUtf8(stop === null ? [] : [stop]),
    refusal: orNull(refusal),
  });
}
