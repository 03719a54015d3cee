// Outcomes as text: one line per target for standard output; errors and survivors with their hints for standard error.
// Everything that comes from the host is sanitized.

import type { Match } from "../../cgroup/errors.ts";
import type { FreezeOutcome } from "../../freeze/freeze-thaw.ts";
import type { AbortedFuse, KillOutcome, Phases, Survivor } from "../../kill/types.ts";
import type { SignalOutcome } from "../../signal/send-signal.ts";
import type { Paint } from "../streams/streams.ts";
import { labelSuffix } from "../text/label-text.ts";
import { renderAdvice } from "../text/render-advice.ts";
import { sanitize } from "../text/sanitize.ts";
import { renderTable } from "../text/table.ts";
import { plural, renderDuration } from "../text/units.ts";

export type AnyOutcome = KillOutcome | FreezeOutcome | SignalOutcome;

/** Of the outcomes whose own names are not shown. */
const VERDICTS: Readonly<Partial<Record<AnyOutcome["outcome"], string>>> = {
  empty: "already empty",
  usage: "usage error",
  "not-found": "not found",
  "not-removed": "killed, not removed",
  internal: "failed",
};

/** Of errors that say more than the outcome. */
const VERDICTS_OF_ERRORS: Readonly<Record<string, string>> = { ambiguous: "ambiguous", "left-alone": "not touched" };

const GOOD: ReadonlyArray<AnyOutcome["outcome"]> = ["killed", "empty", "missing", "frozen", "thawed", "signalled"];

/** `killed  /batch/job7  500 processes, method kill, 12 ms` */
export function renderOutcomeLine(outcome: KillOutcome, paint: Paint): string {
  const { method, killedCount, survivors, spared, twin, thawedEmpty, abortedFuse, durationMs } = outcome;
  const isGood = GOOD.includes(outcome.outcome);
  const wasStarted = method !== null && outcome.outcome !== "refused" && outcome.outcome !== "usage";
  const facts = [
    killedCount > 0 ? `${plural(killedCount, "process")}${renderHow(outcome)}` : "",
    survivors.length > 0 ? `${survivors.length} left` : "",
    spared.length > 0 ? `${spared.length} moved out` : "",
    isGood ? renderRemoval(outcome) : "",
    thawedEmpty ? "thawed because it was frozen" : "",
    abortedFuse.length > 0 ? abortedFuse.map(renderAborted).join(", ") : "",
    wasStarted ? (twin === null ? `method ${method}` : `methods ${method} in v2, ${twin.method} in v1`) : "",
    wasStarted ? renderDuration(durationMs) : "",
  ];
  const wasEmpty = outcome.outcome === "not-removed" && killedCount === 0;
  return renderLine(outcome, facts, paint, wasEmpty ? "empty, not removed" : undefined);
}

const renderAborted = ({ connection, mount }: AbortedFuse): string =>
  `FUSE connection ${connection} aborted${mount === null ? "" : ` (${sanitize(mount)})`}`;

/** @param facts  those that are "" are left out */
function renderLine(
  { outcome, error, cgroup }: AnyOutcome,
  facts: readonly string[],
  paint: Paint,
  verdict: string = VERDICTS_OF_ERRORS[error?.code ?? ""] ?? VERDICTS[outcome] ?? outcome,
): string {
  let shown = "";
  for (const fact of facts) if (fact !== "") shown += shown === "" ? fact : `, ${fact}`;
  return `${GOOD.includes(outcome) ? paint.good(verdict) : paint.bad(verdict)}  ${cgroup === "" ? '""' : sanitize(cgroup)}${shown === "" ? "" : `  ${paint.dim(shown)}`}\n`;
}

/** How many processes the grace signal ended. */
function renderHow({ killedCount, endedByGrace }: KillOutcome): string {
  if (endedByGrace === null) return "";
  return ` (${endedByGrace} by the grace signal, ${killedCount - endedByGrace} by SIGKILL)`;
}

/** Twins have different defaults, so both are named if they differ. */
function renderRemoval({ removed, twin }: KillOutcome): string {
  if (twin === null || removed === twin.removed) return removed ? "removed" : "";
  return removed ? "removed in v2, kept in v1" : "removed in v1, kept in v2";
}

/** The time spent in each phase; empty if the kill was not started. */
export function renderPhases(phases: Phases): string {
  const spent = Object.entries(phases).flatMap(([phase, ms]: [string, number | null]) =>
    ms === null ? [] : [`${phase.replace("Ms", "")} ${renderDuration(ms)}`],
  );
  return spent.length === 0 ? "" : `  time spent: ${spent.join(", ")}\n`;
}

/** `frozen  /batch/job7  4 ms` */
export function renderFreezeLine(done: FreezeOutcome, paint: Paint): string {
  const { outcome, frozenBy, error, spared, durationMs, twin } = done;
  const isGood = GOOD.includes(outcome);
  // The thaw itself has succeeded, but an ancestor keeps the cgroup frozen.
  const isFrozenByAncestor = error?.code === "frozen-ancestor";
  const facts = [
    isFrozenByAncestor && frozenBy !== null ? `by ${sanitize(frozenBy)}` : "",
    spared.length > 0 ? `${spared.length} moved out` : "",
    twin !== null && isGood ? "in v2 and in the v1 freezer" : "",
    isGood ? renderDuration(durationMs) : "",
  ];
  return renderLine(done, facts, paint, isFrozenByAncestor ? "still frozen" : undefined);
}

/** `signalled  /batch/job7  3 processes, HUP, 2 ms` */
export function renderSignalLine(done: SignalOutcome, paint: Paint): string {
  const { outcome, signal, signalled, frozenBy, durationMs } = done;
  const wasSent = outcome === "signalled" || signalled.length > 0;
  const facts = [
    wasSent ? (signalled.length === 0 ? "no process" : plural(signalled.length, "process")) : "",
    wasSent ? `signal ${signal}` : "",
    wasSent ? renderDuration(durationMs) : "",
    wasSent && frozenBy !== null ? `frozen by ${sanitize(frozenBy)}: handled once it is thawed` : "",
  ];
  return renderLine(done, facts, paint);
}

export interface Problem
  extends Pick<KillOutcome, "error">, Partial<Pick<KillOutcome, "survivors" | "leftFrozen" | "matches">> {}

export const isProblem = ({ error, survivors = [], leftFrozen = [] }: Problem): boolean =>
  error !== null || survivors.length + leftFrozen.length > 0;

/** The error, the survivors, and what can be done; empty for a success. */
export function renderProblem({ error, survivors = [], leftFrozen = [], matches }: Problem, paint: Paint): string {
  const problem = error === null ? "" : `${paint.bad("cgkill:")} ${sanitize(error.message)}\n`;
  // Survivors have hints of their own.
  const advice = error === null || survivors.length > 0 ? "" : renderAdvice(error);
  const frozen = leftFrozen.map((path) => `  ${paint.bad("left frozen")}: ${sanitize(path)}\n`).join("");
  const table = survivors.length > 0 ? renderSurvivorTable(survivors, paint) : "";
  return `${problem}${renderMatches(matches ?? [])}${advice}${frozen}${table}`;
}

/** JSON has all of them. */
const MAX_MATCHES = 20;

/** One per line, because a path may be longer than a line. */
function renderMatches(matches: readonly Match[]): string {
  const shown = matches.slice(0, MAX_MATCHES);
  const more = matches.length > shown.length ? `  and ${matches.length - shown.length} more\n` : "";
  return shown.map(({ path, label }) => `  ${sanitize(path)}${labelSuffix(label)}\n`).join("") + more;
}

const MAX_SURVIVORS = 20;

function renderSurvivorTable(survivors: readonly Survivor[], paint: Paint): string {
  const shown = survivors.slice(0, MAX_SURVIVORS);
  const rows = shown.map(({ pid, state, comm, wchan, reason }) => [
    pid === 0 ? "-" : String(pid),
    state ?? "-",
    sanitize(comm ?? "-"),
    sanitize(wchan ?? "-"),
    reason,
  ]);
  const table = renderTable(["PID", "STATE", "COMMAND", "BLOCKED IN", "REASON"], rows);
  const more = survivors.length > shown.length ? `  and ${survivors.length - shown.length} more\n` : "";
  // The distinct hints of all survivors, including those that are not listed.
  const hints = [...new Set(survivors.map((survivor) => renderAdvice(survivor, `${survivor.reason}: `)))]
    .slice(0, MAX_SURVIVORS)
    .join("");
  return table.map((line, index) => `  ${index === 0 ? paint.dim(line) : line}\n`).join("") + more + hints;
}
