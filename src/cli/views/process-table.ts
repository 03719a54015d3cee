// The processes of `show`: those of each cgroup together, children below their parents.

import type { Preview, PreviewProcess } from "../../inspect/preview-types.ts";
import { labelOf } from "../../label/label.ts";
import type { Paint } from "../streams/streams.ts";
import { labelBeside } from "../text/label-text.ts";
import { sanitize } from "../text/sanitize.ts";
import { renderTable, truncate } from "../text/table.ts";
import { renderAge, renderAgeOf, renderBytes } from "../text/units.ts";

interface Placed {
  readonly process: PreviewProcess;
  readonly depth: number;
}

/**
 * Children below their parents, in the order of their pids. A process whose parent is outside is a root; so is one that
 * seems to be its own ancestor, because a pid was given out anew while they were read.
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
  readonly isNeeded?: (processes: readonly PreviewProcess[]) => boolean;
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
  {
    head: "FATE",
    from: 0,
    isText: true,
    text: ({ fate, fateReason }) => (fate === "killed" ? "" : fate === "spared" ? "spared" : (fateReason ?? fate)),
    // A refusal spares them all, and stands above.
    isNeeded: (processes) => processes.some(({ fate, fateReason }) => fate !== "killed" && fateReason !== "refused"),
  },
];

/** A chain of forks goes deeper than any screen is wide. */
const DEEPEST = 10;

export interface ProcessStyle {
  readonly paint: Paint;
  readonly columns: number;
  readonly now: Date;
}

export function renderProcesses(preview: Preview, { paint, columns, now }: ProcessStyle): string[] {
  const { processes } = preview;
  const wanted = COLUMNS.filter(({ from, isNeeded }) => columns >= from && (isNeeded?.(processes) ?? true));
  const groups = inGroups(preview);
  const rows = groups.flatMap(({ members }) =>
    asTree(members).map(({ process, depth }) => {
      const { args, comm } = process;
      const command = args === null ? `[${comm}]` : args.join(" ");
      const branch = depth === 0 ? "" : `${"  ".repeat(Math.min(depth, DEEPEST) - 1)}\\_ `;
      return [...wanted.map(({ text }) => text(process, now)), `${branch}${sanitize(command)}`];
    }),
  );
  const right = wanted.flatMap(({ isText }, index) => (isText ? [] : [index]));
  const [heads = "", ...lines] = renderTable([...wanted.map(({ head }) => head), "COMMAND"], rows, {
    right,
    width: columns - 2,
  });
  const body = groups.flatMap(({ title, members }) => [
    ...(title === null ? [] : [`  ${paint.bold(truncate(title, columns - 2))}`]),
    ...lines.splice(0, members.length).map((line) => `  ${line}`),
  ]);
  return [`  ${paint.dim(heads)}`, ...body];
}

interface Group {
  /** Where below the target, and what that is; `null` for the target itself. */
  readonly title: string | null;
  readonly members: readonly PreviewProcess[];
}

/** The target's own processes first, then those of each cgroup below it, by its path. */
function inGroups({ cgroup, processes }: Preview): Group[] {
  const byCgroup = Map.groupBy(processes, (process) => process.cgroup);
  const own = byCgroup.get(cgroup);
  byCgroup.delete(cgroup);
  const below = [...byCgroup].sort(([a], [b]) => (a < b ? -1 : 1));
  return [
    ...(own === undefined ? [] : [{ title: null, members: own }]),
    ...below.map(([path, members]) => ({ title: titleOf(cgroup, path), members })),
  ];
}

function titleOf(top: string, path: string): string {
  const name = path.startsWith(`${top}/`) ? path.slice(top.length + 1) : path;
  const label = labelBeside(path, labelOf(path)?.text ?? null);
  return `${sanitize(name)}${label === null ? "" : `  (${sanitize(label)})`}`;
}
