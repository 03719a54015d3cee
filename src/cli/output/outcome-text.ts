// Outcomes as text. One line a target for standard output; errors and survivors, with what can be done, for
// standard error. Everything that came from the host goes through sanitize.

import type { Match } from "../../cgroup/errors.ts";
import type { FreezeOutcome } from "../../freeze/freeze-outcome.ts";
import type { Failure, KillOutcome, Outcome, Phases, Survivor } from "../../kill/types.ts";
import type { SignalOutcome } from "../../signal/send-signal.ts";
import type { Paint } from "../streams/streams.ts";
import { renderAdvice } from "../text/render-advice.ts";
import { sanitize } from "../text/sanitize.ts";
import { renderTable } from "../text/table.ts";
import { plural, renderDuration } from "../text/units.ts";

const VERDICTS: Readonly<Record<Outcome, string>> = {
  killed: "killed",
  empty: "already empty",
  missing: "missing",
  failed: "failed",
  usage: "not understood",
  "not-found": "not found",
  refused: "refused",
  denied: "denied",
  survivors: "survivors",
  "not-removed": "killed, not removed",
  interrupted: "interrupted",
  internal: "failed",
};

const verdictOf = ({ outcome, error }: Pick<KillOutcome, "outcome" | "error">): string =>
  error?.code === "ambiguous" ? "ambiguous" : VERDICTS[outcome];

const GOOD: readonly Outcome[] = ["killed", "empty", "missing"];

/** `killed  /batch/job7  500 processes, method kill, 12 ms` */
export function renderOutcomeLine(outcome: KillOutcome, paint: Paint): string {
  const { cgroup, method, killedCount, survivors, spared, twin, thawedEmpty, durationMs } = outcome;
  const isGood = GOOD.includes(outcome.outcome);
  const wasBegun = method !== null && outcome.outcome !== "refused" && outcome.outcome !== "usage";
  const facts = [
    killedCount > 0 ? `${plural(killedCount, "process")}${renderHow(outcome)}` : "",
    survivors.length > 0 ? `${survivors.length} left` : "",
    spared.length > 0 ? `${spared.length} moved out` : "",
    isGood ? renderRemoval(outcome) : "",
    thawedEmpty ? "thawed, because it was found frozen" : "",
    wasBegun ? (twin === null ? `method ${method}` : `methods ${method} in v2, ${twin.method} in v1`) : "",
    wasBegun ? renderDuration(durationMs) : "",
  ].filter((fact) => fact !== "");
  const verdict = (isGood ? paint.good : paint.bad)(verdictOf(outcome));
  return `${verdict}  ${sanitize(cgroup)}${facts.length > 0 ? `  ${paint.dim(facts.join(", "))}` : ""}\n`;
}

/** What a grace period was good for. */
function renderHow({ killedCount, endedByGrace }: KillOutcome): string {
  if (endedByGrace === null) return "";
  return ` (${endedByGrace} by the grace signal, ${killedCount - endedByGrace} by SIGKILL)`;
}

/** Of twins each side has its own default, so each is named. */
function renderRemoval({ removed, twin }: KillOutcome): string {
  if (twin === null || removed === twin.removed) return removed ? "removed" : "";
  return removed ? "removed in v2, kept in v1" : "removed in v1, kept in v2";
}

/** Where the time went; nothing for a target that was not begun. */
export function renderPhases(phases: Phases): string {
  const spent = Object.entries(phases).flatMap(([phase, ms]: [string, number | null]) =>
    ms === null ? [] : [`${phase.replace("Ms", "")} ${renderDuration(ms)}`],
  );
  return spent.length === 0 ? "" : `  time spent: ${spent.join(", ")}\n`;
}

/** `frozen  /batch/job7  4 ms` */
export function renderFreezeLine(done: FreezeOutcome, paint: Paint): string {
  const { cgroup, outcome, frozenBy, error, spared, durationMs, twin } = done;
  const isGood = outcome === "frozen" || outcome === "thawed" || outcome === "missing";
  // Its own thaw has succeeded: "failed" would be wrong, and so would "thawed".
  const isHeldFrozen = error?.code === "frozen-ancestor";
  const isPlain = outcome === "frozen" || outcome === "thawed";
  const verdict = isHeldFrozen ? "still frozen" : isPlain ? outcome : verdictOf({ ...done, outcome });
  const facts = [
    isHeldFrozen && frozenBy !== null ? `by ${sanitize(frozenBy)}` : "",
    spared.length > 0 ? `${spared.length} moved out` : "",
    twin !== null && isGood ? "in v2 and in the v1 freezer" : "",
    isGood ? renderDuration(durationMs) : "",
  ];
  return `${(isGood ? paint.good : paint.bad)(verdict)}  ${sanitize(cgroup)}  ${paint.dim(facts.filter(Boolean).join(", "))}`
    .trimEnd()
    .concat("\n");
}

/** `signalled  /batch/job7  3 processes, HUP, 2 ms` */
export function renderSignalLine(
  { cgroup, outcome, signal, signalled, frozenBy, durationMs }: SignalOutcome,
  paint: Paint,
): string {
  const isGood = outcome === "signalled" || outcome === "missing";
  const verdict = outcome === "signalled" ? outcome : VERDICTS[outcome];
  const wasSent = outcome === "signalled" || signalled.length > 0;
  const facts = [
    wasSent ? (signalled.length === 0 ? "no process" : plural(signalled.length, "process")) : "",
    wasSent ? `signal ${signal}` : "",
    wasSent ? renderDuration(durationMs) : "",
    wasSent && frozenBy !== null ? `frozen by ${sanitize(frozenBy)}: handled once it is thawed` : "",
  ].filter((fact) => fact !== "");
  const end = facts.length > 0 ? `  ${paint.dim(facts.join(", "))}` : "";
  return `${(isGood ? paint.good : paint.bad)(verdict)}  ${sanitize(cgroup)}${end}\n`;
}

type Problem = Pick<KillOutcome, "error" | "survivors" | "leftFrozen"> & Partial<Pick<KillOutcome, "matches">>;

/** The error and its way out; nothing for an outcome that has none. */
export function renderProblem({ error, survivors, leftFrozen, matches = null }: Problem, paint: Paint): string {
  const lines = error === null ? "" : renderFailure(error, paint, survivors.length === 0, renderMatches(matches ?? []));
  const frozen = leftFrozen.map((path) => `  ${paint.bad("left frozen")}: ${sanitize(path)}\n`).join("");
  return lines + frozen + (survivors.length > 0 ? renderSurvivors(survivors, paint) : "");
}

/** As many as can be read; JSON has all of them. */
const MAX_MATCHES = 20;

/** One per line, each with its label: a path may be longer than a line. */
function renderMatches(matches: readonly Match[]): string {
  const shown = matches.slice(0, MAX_MATCHES);
  const more = matches.length > shown.length ? `  and ${matches.length - shown.length} more\n` : "";
  const lines = shown.map(
    ({ path, label }) => `  ${sanitize(path)}${label === null ? "" : `  (${sanitize(label)})`}\n`,
  );
  return lines.join("") + more;
}

/** @param details  whole lines, between the error and its hint */
export function renderFailure(
  error: Pick<Failure, "message" | "hint" | "commands">,
  paint: Paint,
  withHint = true,
  details = "",
): string {
  return `${paint.bad("cgkill:")} ${sanitize(error.message)}\n${details}${withHint ? renderAdvice(error) : ""}`;
}

const MAX_SURVIVORS = 20;

function renderSurvivors(survivors: readonly Survivor[], paint: Paint): string {
  const shown = survivors.slice(0, MAX_SURVIVORS);
  const rows = shown.map(({ pid, state, comm, wchan, reason }) => [
    pid === 0 ? "-" : String(pid),
    state ?? "-",
    sanitize(comm ?? "-"),
    sanitize(wchan ?? "-"),
    reason,
  ]);
  const table = renderTable(["PID", "STATE", "COMMAND", "BLOCKED IN", "REASON"], rows, { right: [0] });
  const more = survivors.length > shown.length ? `  and ${survivors.length - shown.length} more\n` : "";
  // Of all of them, also of who is not listed; as many as can be read.
  const hints = [...new Set(survivors.map((survivor) => renderAdvice(survivor, `${survivor.reason}: `)))]
    .slice(0, MAX_SURVIVORS)
    .join("");
  return table.map((line, index) => `  ${index === 0 ? paint.dim(line) : line}\n`).join("") + more + hints;
}
