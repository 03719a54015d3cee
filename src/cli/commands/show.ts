// `cgkill show`: first whether and how the cgroup would be killed, then facts about it, then its processes as a tree.

import { UNLISTED } from "../../advice.ts";
import type { Preview } from "../../inspect/preview-types.ts";
import { readPreview } from "../../inspect/preview.ts";
import type { KillPlan } from "../../kill/types.ts";
import { type Call, paceOf } from "../cli-context.ts";
import { previewToJson } from "../output/json.ts";
import { renderRestarter } from "../output/report.ts";
import { wrap } from "../output/wrap.ts";
import { labelBeside } from "../text/label-text.ts";
import { renderCommand } from "../text/render-advice.ts";
import { sanitize } from "../text/sanitize.ts";
import { truncate, widthOf } from "../text/table.ts";
import { renderBytes } from "../text/units.ts";
import type { ScreenStyle } from "../views/columns.ts";
import { renderPlan, renderPossibleSurvivors, renderVerdict } from "../views/plan-text.ts";
import { renderProcesses } from "../views/process-table.ts";

export interface ShowStyle extends ScreenStyle {
  /** The maximum number of lines; unlimited by default. */
  readonly rows?: number;
}

/** Print the preview. It is a success even if it says that the kill would be refused. */
export async function runShow(plan: KillPlan, call: Call): Promise<"empty"> {
  const { sys, io } = call;
  const { output, timeoutMs } = call.command;
  const preview = await readPreview(sys, plan, timeoutMs, paceOf(call));
  if (output.json) {
    io.writeOut(`${previewToJson(preview)}\n`);
  } else if (!output.quiet) {
    const paint = await io.paint("out", output.color);
    // Programs get whole command lines.
    const columns = io.isTerminal("out") ? io.size("out").columns : Number.POSITIVE_INFINITY;
    io.writeOut(renderPreview(preview, { paint, columns, now: new Date(sys.wallClock()) }));
  }
  return "empty";
}

export function renderPreview(preview: Preview, style: ShowStyle): string {
  const { paint, columns } = style;
  const summary = [
    renderVerdict(preview, paint),
    ...renderPlan(preview),
    ...renderPossibleSurvivors(preview),
    ...renderFacts(preview),
  ];
  const lines = [...renderTitle(preview, style), ...summary.flatMap((line) => wrap(line, columns).split("\n"))];
  const processes = preview.processes.length > 0 ? ["", ...renderProcesses(preview, style)] : [];
  return `${shorten(lines, processes, preview, style.rows).join("\n")}\n`;
}

/** The name and the directory on one line, or on two cut lines if they do not fit. */
function renderTitle({ cgroup, path }: Preview, { paint, columns }: ShowStyle): string[] {
  const [name, directory] = [sanitize(cgroup), sanitize(path)];
  if (widthOf(name) + 2 + widthOf(directory) <= columns) return [`${paint.bold(name)}  ${paint.dim(directory)}`];
  return [paint.bold(truncate(name, columns)), `  ${paint.dim(truncate(directory, columns - 2))}`];
}

/** Name and verdict are always shown; the verdict has the number of processes. */
const MIN_FACTS = 2;
/** A blank line, the headings, three processes, and how many more there are. */
const MIN_TABLE = 6;
/** The same with one process: with less, none is shown. */
const MIN_ROOM = 4;
const PROCESS_LINE = /^ +\d+ /;

/** With too few rows, leave out facts rather than the first processes. */
function shorten(
  facts: readonly string[],
  table: readonly string[],
  { processes }: Preview,
  rows = Number.POSITIVE_INFINITY,
): readonly string[] {
  if (facts.length + table.length <= rows) return [...facts, ...table];
  const kept = facts.slice(0, Math.max(MIN_FACTS, rows - Math.min(MIN_TABLE, table.length)));
  const room = rows - kept.length;
  if (table.length <= room) return [...kept, ...table];
  if (room < MIN_ROOM) return kept;
  const shown = table.slice(0, room - 1);
  const left = processes.length - shown.filter((line) => PROCESS_LINE.test(line)).length;
  return [...kept, ...shown, `  and ${left} more`];
}

function renderFacts(preview: Preview): string[] {
  const { cgroup, hierarchy, type, state, frozenBy, memoryBytes, moves, twin } = preview;
  const label = labelBeside(cgroup, preview.label);
  const frozen = state === "thawed" ? "" : `${state}${frozenBy === null ? "" : ` by ${sanitize(frozenBy)}`}`;
  return [
    label === null ? "" : `  ${sanitize(label)}`,
    `  hierarchy ${hierarchy}${type === "domain" ? "" : `, ${type}`}${frozen === "" ? "" : `, ${frozen}`}`,
    preview.invisible === null ? `  members may be hidden: ${UNLISTED}` : "",
    twin === null ? "" : `  with its twin in the v1 freezer, by method ${twin.method}: ${sanitize(twin.path)}`,
    memoryBytes === null ? "" : `  memory ${renderBytes(memoryBytes)}`,
    renderSupervisor(preview),
    moves.length === 0 ? "" : `  moved out first: pid ${moves.join(", ")}`,
  ].filter((line) => line !== "");
}

/** What starts it again, or keeps it, and the command that stops it; "" if neither is known. */
function renderSupervisor({ supervisor, mayRestart, stop, startedBy }: Preview): string {
  const pid = startedBy?.pid ?? null;
  const name = mayRestart ? supervisor : startedBy?.comm;
  const isStarted = typeof name === "string";
  if (!isStarted && stop === null) return "";
  const sentence = isStarted
    ? renderRestarter({ name, pid, isSupervisor: mayRestart })
    : `managed by ${sanitize(supervisor ?? "")}`;
  return `  ${sentence}${stop === null ? "" : `; to stop it:\n${renderCommand(stop)}`.trimEnd()}`;
}
