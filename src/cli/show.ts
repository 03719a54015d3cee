// The screen of `show`: the verdict first, then the facts, then the processes as a tree.

import type { Preview, PreviewProcess } from "../kill/preview-types.ts";
import { readPreview } from "../kill/preview.ts";
import type { KillPlan } from "../kill/types.ts";
import type { TargetCommand } from "./args.ts";
import { type Edge, paceOf } from "./edge.ts";
import { fold } from "./fold.ts";
import type { Paint } from "./io.ts";
import { previewToJson } from "./json.ts";
import { plural } from "./render.ts";
import { sanitize } from "./sanitize.ts";
import { cut, renderTable, widthOf } from "./table.ts";
import { renderAge, renderAgeOf, renderBytes } from "./units.ts";

export interface ShowStyle {
  readonly paint: Paint;
  readonly columns: number;
  readonly now: Date;
  /** Show no more lines than these; all of them by default. */
  readonly rows?: number;
}

/** A dry run that was done is a success, also when it says that the kill would be refused. */
export async function runShow(plan: KillPlan, { output }: TargetCommand, { sys, io, abort }: Edge): Promise<"empty"> {
  const preview = await readPreview(sys, plan, paceOf({ sys, abort }));
  if (output.json) {
    io.writeOut(`${previewToJson(preview)}\n`);
  } else {
    const paint = await io.paint("out", output.color);
    // A program that reads it wants command lines whole.
    const columns = io.isTerminal("out") ? io.size("out").columns : Number.POSITIVE_INFINITY;
    io.writeOut(renderPreview(preview, { paint, columns, now: new Date(sys.wallClock()) }));
  }
  return "empty";
}

export function renderPreview(preview: Preview, style: ShowStyle): string {
  const { paint, columns } = style;
  const told = [renderVerdict(preview, paint), ...renderFacts(preview)];
  const lines = [...renderTitle(preview, style), ...told.flatMap((line) => fold(line, columns).split("\n"))];
  const processes = preview.processes.length > 0 ? ["", ...renderProcesses(preview, style)] : [];
  return `${shorten([...lines, ...processes], style.rows).join("\n")}\n`;
}

/** Name and directory on one line, or each cut on its own where that is too long. */
function renderTitle({ cgroup, path }: Preview, { paint, columns }: ShowStyle): string[] {
  const [name, directory] = [sanitize(cgroup), sanitize(path)];
  if (widthOf(name) + 2 + widthOf(directory) <= columns) return [`${paint.bold(name)}  ${paint.dim(directory)}`];
  return [paint.bold(cut(name, columns)), `  ${paint.dim(cut(directory, columns - 2))}`];
}

function shorten(lines: readonly string[], rows = Number.POSITIVE_INFINITY): readonly string[] {
  if (lines.length <= rows) return lines;
  const shown = Math.max(1, rows - 1);
  return [...lines.slice(0, shown), `  and ${lines.length - shown} more`];
}

function renderVerdict(preview: Preview, paint: Paint): string {
  const { refusal, method, procsSubtree, invisible } = preview;
  if (refusal !== null) {
    const hint = refusal.hint === null ? "" : `\n  hint: ${sanitize(refusal.hint)}`;
    return `  ${paint.bad("would be refused")}: ${sanitize(refusal.message)}${hint}`;
  }
  if (!preview.populated) return `  ${paint.good("nothing to kill")}: it is empty`;
  const unseen = invisible > 0 ? `, and ${invisible} that cannot be seen from this pid namespace` : "";
  return `  ${paint.bad("would be killed")}: ${plural(procsSubtree, "process")}${unseen}, by method ${method}`;
}

function renderFacts(preview: Preview): string[] {
  const { hierarchy, type, state, frozenBy, memoryBytes, moves, label, supervisor, mayRestart, stop } = preview;
  const frozen = state === "thawed" ? "" : `${state}${frozenBy === null ? "" : ` by ${sanitize(frozenBy)}`}`;
  return [
    label === null ? "" : `  ${sanitize(label)}`,
    `  hierarchy ${hierarchy}${type === "domain" ? "" : `, ${type}`}${frozen === "" ? "" : `, ${frozen}`}`,
    memoryBytes === null ? "" : `  memory ${renderBytes(memoryBytes)}`,
    stop === null
      ? ""
      : `  ${mayRestart ? `${supervisor} may start it again` : `kept by ${supervisor}`}; to stop it: ${stop}`,
    moves.length === 0 ? "" : `  moved out first: pid ${moves.join(", ")}`,
  ].filter((line) => line !== "");
}

interface Placed {
  readonly process: PreviewProcess;
  readonly depth: number;
}

/**
 * Children below their parents, in the order of their pids. Who has its parent outside is a root; so is whoever seems
 * to be his own ancestor, where a number was given out anew while they were read.
 */
function asTree(processes: readonly PreviewProcess[]): Placed[] {
  const sorted = [...processes].sort((a, b) => a.pid - b.pid);
  const pids = new Set(sorted.map(({ pid }) => pid));
  const children = Map.groupBy(sorted, ({ ppid }) => (pids.has(ppid) ? ppid : 0));
  const placed: Placed[] = [];
  const left = new Set(sorted);
  const place = (root: PreviewProcess): void => {
    const pending: Placed[] = [{ process: root, depth: 0 }];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      const { process, depth } = next;
      if (!left.delete(process)) continue;
      placed.push(next);
      const below = (children.get(process.pid) ?? []).map((child) => ({ process: child, depth: depth + 1 }));
      pending.push(...below.reverse());
    }
  };
  for (const root of children.get(0) ?? []) place(root);
  for (const process of left) place(process);
  return placed;
}

interface Column {
  readonly head: string;
  /** The narrowest screen that has it. */
  readonly from: number;
  readonly text: (process: PreviewProcess, now: Date) => string;
  readonly isText?: boolean;
}

const COLUMNS: readonly Column[] = [
  { head: "PID", from: 0, text: ({ pid }) => String(pid) },
  { head: "USER", from: 60, text: ({ user, uid }) => sanitize(user ?? String(uid)), isText: true },
  { head: "S", from: 0, text: ({ state }) => state, isText: true },
  {
    head: "AGE",
    from: 0,
    text: ({ startedAt }, now) => renderAgeOf(startedAt, now),
  },
  { head: "CPU", from: 60, text: ({ cpuMs }) => renderAge(cpuMs / 1000) },
  { head: "RSS", from: 70, text: ({ rssBytes }) => renderBytes(rssBytes) },
  { head: "THR", from: 70, text: ({ threads }) => String(threads) },
];

/** A chain of forks goes deeper than any screen is wide. */
const DEEPEST = 10;

function renderProcesses(preview: Preview, { paint, columns, now }: ShowStyle): string[] {
  const wanted = COLUMNS.filter(({ from }) => columns >= from);
  const rows = asTree(preview.processes).map(({ process, depth }) => {
    const { args, comm } = process;
    const command = args === null ? `[${comm}]` : args.join(" ");
    const branch = depth === 0 ? "" : `${"  ".repeat(Math.min(depth, DEEPEST) - 1)}\\_ `;
    return [...wanted.map(({ text }) => text(process, now)), `${branch}${sanitize(command)}`];
  });
  const right = wanted.flatMap(({ isText }, index) => (isText ? [] : [index]));
  const table = renderTable([...wanted.map(({ head }) => head), "COMMAND"], rows, { right, width: columns - 2 });
  return table.map((line, index) => `  ${index === 0 ? paint.dim(line) : line}`);
}
