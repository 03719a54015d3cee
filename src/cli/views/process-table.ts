// The processes of `show`: grouped by cgroup, children below their parents.

import type { Preview, PreviewProcess } from "../../inspect/preview-types.ts";
import { labelOf } from "../../label/label.ts";
import { labelBeside, labelSuffix } from "../text/label-text.ts";
import { sanitize } from "../text/sanitize.ts";
import { truncate } from "../text/table.ts";
import { renderAge, renderAgeOf, renderBytes } from "../text/units.ts";
import { type Column, renderColumns, type ScreenStyle } from "./columns.ts";
import { type Branches, type Drawn, drawTree } from "./draw-tree.ts";

const COLUMNS: readonly Column<PreviewProcess>[] = [
  // Aligned to the left: a short pid above a long one would be indented like a command.
  { heading: "PID", minScreenWidth: 0, render: ({ pid }) => String(pid), isText: true },
  { heading: "USER", minScreenWidth: 60, render: ({ user, uid }) => sanitize(user ?? String(uid)), isText: true },
  { heading: "S", minScreenWidth: 0, render: ({ state }) => state, isText: true },
  { heading: "AGE", minScreenWidth: 0, render: ({ startedAt }, now) => renderAgeOf(startedAt, now) },
  { heading: "CPU", minScreenWidth: 60, render: ({ cpuMs }) => renderAge(cpuMs / 1000) },
  { heading: "RSS", minScreenWidth: 70, render: ({ rssBytes }) => renderBytes(rssBytes) },
  { heading: "THR", minScreenWidth: 70, render: ({ threads }) => String(threads) },
  {
    heading: "FATE",
    minScreenWidth: 0,
    isText: true,
    render: ({ fate, fateReason }) => (fate === "killed" ? "" : fate === "spared" ? "spared" : (fateReason ?? fate)),
    // A refusal spares every process, and is shown above the table.
    isNeeded: (processes) => processes.some(({ fate, fateReason }) => fate !== "killed" && fateReason !== "refused"),
  },
];

/** As ps(1) draws a forest. A chain of forks may be deeper than any screen is wide. */
const BRANCHES: Branches = { last: "\\_ ", other: "\\_ ", open: "  ", closed: "  ", maxDepth: 10 };

/**
 * Children below their parents, by pid. A process whose parent is outside the group is a root. So is one that seems to
 * be its own ancestor, because a pid was recycled while they were read.
 */
function drawProcesses(processes: readonly PreviewProcess[]): Drawn<PreviewProcess>[] {
  const sorted = [...processes].sort((a, b) => a.pid - b.pid);
  const pids = new Set(sorted.map(({ pid }) => pid));
  const children = Map.groupBy(sorted, ({ ppid }) => (pids.has(ppid) ? ppid : 0));
  const roots = [...(children.get(0) ?? []), ...sorted];
  return drawTree(roots, ({ pid }) => children.get(pid) ?? [], BRANCHES);
}

/** Render the heading line, then a title and one line per process for each cgroup. */
export function renderProcesses(preview: Preview, style: ScreenStyle): string[] {
  const { paint, columns } = style;
  const width = columns - 2;
  const groups = groupsOf(preview);
  const rows = groups.flatMap(([, members]) =>
    drawProcesses(members).map(({ item, branch }) => {
      const { args, comm } = item;
      return { item, text: `${branch}${sanitize(args === null ? `[${comm}]` : args.join(" "))}` };
    }),
  );
  const [heading = "", ...lines] = renderColumns(COLUMNS, "COMMAND", rows, style, { width });
  const body = groups.flatMap(([path, members]) => [
    ...(path === preview.cgroup ? [] : [`  ${paint.bold(truncate(`in ${titleOf(preview.cgroup, path)}`, width))}`]),
    ...lines.splice(0, members.length).map((line) => `  ${line}`),
  ]);
  return [`  ${paint.dim(heading)}`, ...body];
}

/** The processes of the target itself, then those of each descendant, by path. */
function groupsOf({ cgroup, processes }: Preview): [path: string, members: readonly PreviewProcess[]][] {
  const rank = (path: string): number => (path === cgroup ? 0 : 1);
  const groups = [...Map.groupBy(processes, (process) => process.cgroup)];
  return groups.sort(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1));
}

/** The path below the target, and its label. */
function titleOf(top: string, path: string): string {
  const name = path.startsWith(`${top}/`) ? path.slice(top.length + 1) : path;
  return `${sanitize(name)}${labelSuffix(labelBeside(path, labelOf(path)?.text ?? null))}`;
}
