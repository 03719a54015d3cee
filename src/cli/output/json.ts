// JSON for scripts: one document per line, snake_case keys, unknown facts null. Values are exact, not sanitized; a byte
// that is not UTF-8 is \udcXX, which JSON.stringify escapes.

import type { Advice, Command, Commands } from "../../advice.ts";
import type { ListedCgroup } from "../../inspect/list.ts";
import type { Preview } from "../../inspect/preview-types.ts";
import type { KillOutcome, Survivor } from "../../kill/types.ts";
import { quote } from "../text/quote.ts";
import { isAscii } from "../text/sanitize.ts";
import type { AnyOutcome, Problem } from "./outcome-text.ts";

/** The schema version. Adding a key keeps it; any other change raises it. */
const SCHEMA = 1;

/** Kept, because a list repeats the same few keys thousands of times. */
const snakeKeys = new Map<string, string>();

function snakeKey(key: string): string {
  let snake = snakeKeys.get(key);
  if (snake === undefined) {
    snake = key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    snakeKeys.set(key, snake);
  }
  return snake;
}

/** Serialize in ASCII, which every reader and every terminal interprets in the same way. */
export function toJson(value: unknown): string {
  const text = JSON.stringify(value);
  return isAscii(text) ? text : text.replace(/[^\0-\x7f]/g, escapeUnit);
}

const escapeUnit = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;

/** The same, with keys in snake case. */
function toSnakeJson(value: unknown): string {
  return toJson(value).replace(/"[a-z]+[A-Z][A-Za-z]*":/g, snakeKey);
}

const MICROSECONDS = 1000;

/** Round milliseconds to the microsecond: further digits are noise. */
function roundMs(ms: number | null): number | null {
  return ms === null ? null : Math.round(ms * MICROSECONDS) / MICROSECONDS;
}

/** Leave out commands with an argument that is not UTF-8: a program that parses JSON cannot pass it on. */
const onlyUtf8 = (commands: Commands): Commands =>
  commands.filter((command) => command.every((word) => word.isWellFormed()));

/** The command that stops a supervisor, as text and as an argument vector. */
export const stopToJson = (stop: Command | null): { stop: string | null; commands: Commands } => ({
  stop: (stop && quote(stop)) ?? null,
  commands: onlyUtf8(stop === null ? [] : [stop]),
});

const adviceOrNull = <T extends Advice>(advice: T | null): T | null =>
  advice && { ...advice, commands: onlyUtf8(advice.commands) };

/** Without a pid here, it has 0: as an operand of `kill`, that is the whole process group of the caller. */
function survivorsToJson(survivors: readonly Survivor[]): object[] {
  const shown: object[] = [];
  for (const survivor of survivors) shown.push({ ...adviceOrNull(survivor), pid: survivor.pid || null });
  return shown;
}

/** @param more  keys that only this command has */
export function outcomeToJson(command: string, outcome: AnyOutcome, more: object = {}): string {
  return toSnakeJson({
    schema: SCHEMA,
    command,
    ...outcome,
    ...("phases" in outcome && partsOfKill(outcome)),
    error: adviceOrNull(outcome.error),
    durationMs: roundMs(outcome.durationMs),
    ...more,
  });
}

function partsOfKill({ survivors, phases }: KillOutcome): object {
  const rounded: Record<string, number | null> = {};
  for (const [phase, ms] of Object.entries(phases)) rounded[phase] = roundMs(ms);
  return { survivors: survivorsToJson(survivors), phases: rounded, starter: undefined };
}

/** What both `list` and `show` report of a cgroup: `null` for one that could not be opened. */
const UNSEEN = "label procs procsSubtree invisible state frozenBy populated type memoryBytes cpuMs refusal processes";
/** What only one of them reports. */
const UNSEEN_BY = { list: "comms snapshot", show: "plan moves supervisor mayRestart stop commands startedBy" };

/** The outcome of a `list` or `show` that failed: that of a kill, and what it could not find out. */
export function failedViewToJson(command: "list" | "show", outcome: KillOutcome): string {
  const unseen = `${UNSEEN} ${UNSEEN_BY[command]}`.split(" ");
  return outcomeToJson(command, outcome, Object.fromEntries(unseen.map((key) => [key, null])));
}

export interface NamedProblem extends Problem {
  /** `null` for an error about the call itself. */
  readonly cgroup: string | null;
}

/** A problem as an event of `--log-format json`: the keys of its error, and what is left. */
export function problemToJson(problem: NamedProblem, wallMs: number): string {
  const { cgroup, error, survivors = [], leftFrozen = [], matches = null } = problem;
  const { message = null, ...facts } = adviceOrNull(error) ?? {};
  const left = { survivors: survivorsToJson(survivors), leftFrozen, matches };
  return toSnakeJson({ time: new Date(wallMs).toISOString(), level: "error", message, cgroup, ...facts, ...left });
}

/**
 * Written out in snake case: to rename the keys of thousands of documents took a tenth of the time of a list.
 *
 * @param snapshot  the refresh of `list --watch` that the document belongs to; `null` without `--watch`
 */
export function listedToJson(listed: ListedCgroup, snapshot: object | null): string {
  const { processes } = listed;
  const document = {
    schema: SCHEMA,
    command: "list",
    cgroup: listed.cgroup,
    path: listed.path,
    hierarchy: listed.hierarchy,
    label: listed.label,
    procs: listed.procs,
    procs_subtree: listed.procsSubtree,
    invisible: listed.invisible,
    state: listed.state,
    frozen_by: listed.frozenBy,
    populated: populatedOf(listed),
    type: listed.type,
    memory_bytes: listed.memoryBytes,
    method: listed.method,
    refusal: adviceOrNull(listed.refusal),
    started_at: listed.startedAt,
    comms: listed.comms,
    cpu_ms: listed.cpuMs,
    processes,
    snapshot,
  };
  return processes === null ? toJson(document) : toSnakeJson(document);
}

/** Unknown if members may be in no list. */
const populatedOf = ({ populated, invisible }: Pick<ListedCgroup, "populated" | "invisible">): boolean | null =>
  populated || (invisible === null ? null : false);

export function previewToJson(preview: Preview): string {
  const { stop, refusal } = preview;
  return toSnakeJson({
    schema: SCHEMA,
    command: "show",
    ...preview,
    populated: populatedOf(preview),
    ...stopToJson(stop),
    refusal: adviceOrNull(refusal),
  });
}
