// What a kill would do, as `show` says it: the verdict, the plan as one line, and the processes that may survive.

import { AS_OWNER_AND_WRITABLE } from "../../advice.ts";
import type { BlockedOn } from "../../blocked/types.ts";
import type { FateReason, PlanStep, Preview, PreviewProcess } from "../../inspect/preview-types.ts";
import type { Paint } from "../streams/streams.ts";
import { blockedText } from "../text/blocked-text.ts";
import { renderAdvice } from "../text/render-advice.ts";
import { sanitize } from "../text/sanitize.ts";
import { plural, renderDuration } from "../text/units.ts";

/** Count the members that a kill would signal: all that are not spared. */
export function countVictims({ procsSubtree, invisible, processes }: Preview): number {
  return procsSubtree + (invisible ?? 0) - processes.filter(({ fate }) => fate === "spared").length;
}

/** What would happen, in one line, with a hint if the kill would be refused. */
export function renderVerdict(preview: Preview, paint: Paint): string {
  const { refusal, method, populated, invisible, moves } = preview;
  if (refusal !== null) {
    return `  ${paint.bad("would be refused")}: ${sanitize(refusal.message)}\n${renderAdvice(refusal)}`.trimEnd();
  }
  const nothing = (why: string): string => `  ${paint.good("nothing to kill")}: ${why}`;
  if (!populated) return nothing(invisible === null ? "no process is listed" : "it is empty");
  const victims = countVictims(preview);
  if (victims === 0 && moves.length > 0) return nothing("every process in it is moved out first");
  if (victims === 0) return `  ${paint.bad("would be killed")}: processes that no list shows, by method ${method}`;
  const unseen = invisible ?? 0;
  const hidden = unseen > 0 ? `, and ${unseen} that cannot be seen from this pid namespace` : "";
  const verdict = isDenied(preview) ? "would be denied" : "would be killed";
  return `  ${paint.bad(verdict)}: ${plural(victims - unseen, "process")}${hidden}, by method ${method}`;
}

/** We may kill none of the processes that are not spared. */
function isDenied({ processes }: Preview): boolean {
  const victims = processes.filter(({ fate }) => fate !== "spared");
  return victims.length > 0 && victims.every(({ fateReason }) => fateReason === "not-permitted");
}

/** `plan: SIGTERM, wait 5s, SIGKILL; then remove`, and the files that we may not write. */
export function renderPlan({ plan, refusal, twin }: Preview): string[] {
  if (refusal !== null || plan.length === 0) return [];
  const removals = plan.filter(({ step }) => step === "remove");
  const others = plan.filter(({ step }) => step !== "remove");
  // Repeated steps are shown once. Of removals the first is that of the target, but one of twins may be kept.
  const once = others.filter(({ step }, nth) => step !== others[nth - 1]?.step);
  const first = once.map((each) => wordsOf(each)).filter(Boolean);
  const last = removals.map((each, nth) => wordsOf(each, twin !== null || nth > 0)).join(", ");
  const line = [first.join(", "), last].filter(Boolean).join("; then ");
  const denied = new Set(plan.filter(({ permitted }) => permitted === false).map(({ path }) => path));
  denied.delete(null);
  const elsewhere = plan
    .filter(({ reason }) => reason !== null)
    .map(({ path, reason }) => `  moved out to ${sanitize(path ?? "")}, not to --spare-to: ${sanitize(reason ?? "")}`);
  return [
    ...(line === "" ? [] : [`  plan: ${line}`]),
    ...new Set(elsewhere),
    ...[...denied].map((path) => `  permission denied: ${sanitize(path ?? "")}`),
    ...(denied.size === 0 ? [] : [`  hint: ${AS_OWNER_AND_WRITABLE}`]),
  ];
}

/** Steps that are not in this table are not shown. */
const STEP_WORDS: Readonly<Partial<Record<PlanStep["step"], string>>> = {
  "thaw-ancestor": "thaw the frozen ancestor",
  freeze: "freeze",
  trap: "move into a trap",
  fence: "stop forks",
  kill: "SIGKILL",
  thaw: "thaw",
  unfence: "allow forks",
  "move-out": "move killed processes out of the frozen ancestor",
  "freeze-ancestor": "freeze the ancestor again",
  remove: "remove",
};

/** @param isNamed  with the path */
function wordsOf({ step, signal, waitMs, path, permitted }: PlanStep, isNamed = false): string {
  const words = step === "grace" ? `${signal}, wait ${shortDuration(waitMs ?? 0)}` : (STEP_WORDS[step] ?? "");
  const named = isNamed ? `${words} ${sanitize(path ?? "")}` : words;
  return words === "" || permitted !== false ? named : `${named} (denied)`;
}

/** As options accept it: 500ms, 5s, 2m. */
function shortDuration(ms: number): string {
  if (ms >= 60_000 && ms % 60_000 === 0) return `${ms / 60_000}m`;
  if (ms >= 1000 && ms % 100 === 0) return `${ms / 1000}s`;
  return ms < 1000 ? `${Math.round(ms)}ms` : renderDuration(ms);
}

const REASON_WORDS: Partial<Record<FateReason, string>> = {
  traced: "traced: its tracer may hold it",
  "not-permitted": "not permitted",
  "kernel-thread": "a kernel thread",
  uninterruptible: "blocked in the kernel",
  "frozen-elsewhere": "frozen by another cgroup",
};

/** JSON has all of them. */
const MAX_PIDS = 10;

/** One line per reason, then one per process that is known to wait for something. */
export function renderPossibleSurvivors({ processes }: Preview): string[] {
  const doubtful = processes.filter(({ fate }) => fate === "may-survive");
  const byReason = Map.groupBy(doubtful, ({ fateReason }) => fateReason);
  const blocked = doubtful.filter(({ blockedOn }) => blockedOn !== null).slice(0, MAX_PIDS);
  return [
    ...[...byReason].map(
      ([reason, those]) => `  may survive (${REASON_WORDS[reason as FateReason] ?? reason}): pid ${pidsOf(those)}`,
    ),
    ...blocked.map(({ pid, blockedOn }) => `  pid ${pid} ${sanitize(blockedText(blockedOn as BlockedOn))}`),
  ];
}

function pidsOf(processes: readonly PreviewProcess[]): string {
  const shown = processes.slice(0, MAX_PIDS).map(({ pid }) => pid);
  const more = processes.length > shown.length ? `, and ${processes.length - shown.length} more` : "";
  return `${shown.join(", ")}${more}`;
}
