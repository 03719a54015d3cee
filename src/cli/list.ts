// `cgkill list`: which cgroups there are, who is in them, what they are; once, or again and again.

import { findHierarchies, hierarchyName } from "../cgroup/hierarchy.ts";
import { openInHierarchy } from "../cgroup/open-path.ts";
import { choose, openCgroup } from "../cgroup/open.ts";
import type { Cgroup, Hierarchy } from "../cgroup/types.ts";
import { type ListedCgroup, listSubtree } from "../kill/listing.ts";
import { blankOutcome, endingOf } from "../kill/outcome.ts";
import { DEFAULT_OPTIONS } from "../kill/types.ts";
import type { Millis, Sys } from "../sys/sys.ts";
import type { ListCommand } from "./args.ts";
import { type Edge, paceOf } from "./edge.ts";
import { EXIT_CODES } from "./exit.ts";
import { listedToJson } from "./json.ts";
import { tellKill } from "./report.ts";
import { sanitize } from "./sanitize.ts";
import { cut } from "./table.ts";
import { inOrder, type ListedTree, renderForest, type TreeStyle } from "./tree.ts";

/** More than the engine has for its compiler and its collector, on any machine. */
const COMPILER_THREADS = 24;

/** @returns the exit status; an interrupted watch ended as it was meant to */
export async function runList(command: ListCommand, edge: Edge): Promise<number> {
  const { sys, io, abort } = edge;
  const { watchMs, output } = command;
  const started = { wallMs: sys.wallClock(), monotonicMs: sys.now() };
  if (watchMs !== undefined) sys.setUrgent(false);
  try {
    // Of thousands of cgroups, what is done for each is worth compiling; the build leaves it out, as no kill has any use
    // for it, and where a thread for it is not to be had the engine ends the process.
    if (sys.hasRoomFor(COMPILER_THREADS)) Bun.unsafe.setJITPolicy(1);
    for (;;) {
      const text = await listOnce(command, edge);
      const isRedrawn = watchMs !== undefined && !output.json && io.isRedrawable("out");
      io.writeOut(isRedrawn ? redrawn(text, edge) : text);
      await io.flush(abort);
      const isRead = io.outErrno() === undefined;
      if (watchMs !== undefined && isRead && (await pause(edge, watchMs))) continue;
      // The terminal shows the ^C that ended it.
      if (isRedrawn) io.writeOut(`\r${ERASE_LINE_END}`);
      return 0;
    }
  } catch (error) {
    const { outcome, error: failure } = endingOf(error);
    if (abort.aborted) return 0;
    const blank = blankOutcome(command.top ?? "/", null, started, sys.now(), { outcome, error: failure });
    await tellKill(blank, { kind: "list", output: { ...output, quiet: true } }, io);
    return EXIT_CODES[outcome];
  }
}

async function listOnce(command: ListCommand, edge: Edge): Promise<string> {
  const { sys, io } = edge;
  const trees = await readForest(edge, command);
  const { json, quiet, color } = command.output;
  const order = { sort: command.sort, isFlat: command.flat };
  const ordered = (): ListedCgroup[] => trees.flatMap((tree) => inOrder(tree, order));
  if (json)
    return ordered()
      .map((cgroup) => `${listedToJson(cgroup)}\n`)
      .join("");
  // Exact for whoever reads it by a program: only a terminal has to be protected.
  const name = io.isTerminal("out") ? sanitize : (path: string): string => path;
  if (quiet)
    return ordered()
      .map(({ path }) => `${name(path)}\n`)
      .join("");
  const style: TreeStyle = {
    paint: await io.paint("out", color),
    columns: io.isTerminal("out") ? io.size("out").columns : Number.POSITIVE_INFINITY,
    isUtf8: io.isUtf8(),
    ...order,
    now: new Date(sys.wallClock()),
  };
  return renderForest(trees, style);
}

/** What was asked for: a subtree, or every hierarchy that has something to show. */
export async function readForest(
  edge: Pick<Edge, "sys" | "abort">,
  command: Pick<ListCommand, "top" | "hierarchy" | "all" | "frozen" | "depth">,
): Promise<ListedTree[]> {
  const { sys } = edge;
  const tops = openTops(sys, command);
  try {
    const trees: ListedTree[] = [];
    for (const top of tops)
      trees.push({
        name: `${top.hierarchy.version === "v2" ? "v2" : `v1 ${hierarchyName(top.hierarchy) === "v1" ? "freezer" : hierarchyName(top.hierarchy)}`}`,
        point: top.name,
        top: top.path,
        cgroups: select(await listSubtree(sys, top, DEFAULT_OPTIONS, paceOf(edge)), top, command),
      });
    return command.top === undefined ? trees.filter(({ cgroups }) => cgroups.length > 0) : trees;
  } finally {
    for (const { fd } of tops) sys.close(fd);
  }
}

function openTops(sys: Sys, { top, hierarchy }: Pick<ListCommand, "top" | "hierarchy">): Cgroup[] {
  const hierarchies = findHierarchies(sys);
  if (top !== undefined && top !== "/") return [openCgroup(sys, hierarchies, top, { hierarchy })];
  const wanted = hierarchy === undefined ? usual(hierarchies) : choose(hierarchies, hierarchy);
  return wanted
    .map((each) => openInHierarchy(sys, each, each.mounts[0]?.root ?? "/"))
    .filter((cgroup) => cgroup !== undefined);
}

/** v2 and the v1 freezer, where things can be frozen; name=systemd where neither holds what systemd runs. */
function usual(hierarchies: readonly Hierarchy[]): readonly Hierarchy[] {
  const hasV2 = hierarchies.some(({ version }) => version === "v2");
  return hierarchies.filter(
    ({ version, hasFreezer, controllers }) =>
      version === "v2" || hasFreezer || (!hasV2 && controllers === "name=systemd"),
  );
}

/** The root itself is no target; the others by what was asked, with those above them that a tree needs. */
function select(
  cgroups: readonly ListedCgroup[],
  top: Cgroup,
  { all, frozen, depth }: Pick<ListCommand, "all" | "frozen" | "depth">,
): ListedCgroup[] {
  const base = top.path === "/" ? 0 : levelOf(top.path);
  return cgroups.filter(
    ({ cgroup, populated, state }) =>
      cgroup !== "/" &&
      (all || populated || (frozen && state !== "thawed")) &&
      (!frozen || state !== "thawed") &&
      levelOf(cgroup) - base <= depth,
  );
}

const levelOf = (path: string): number => path.split("/").length - 1;

const HOME = "\u001b[H";
const ERASE_LINE_END = "\u001b[K";
const ERASE_BELOW = "\u001b[J";

/** In place, no longer than the screen, and without an empty moment between two pictures. */
function redrawn(text: string, { io }: Edge): string {
  const { rows, columns } = io.size("out");
  const all = text.trimEnd().split("\n");
  const left = all.length - (rows - 1);
  // One line less, for the line that says so.
  const lines =
    left <= 0 ? all : [...all.slice(0, -left - 1), cut(`and ${left + 1} lines more; --depth 2 shows less`, columns)];
  // Erased first: behind a line that reaches the edge it would take its last character.
  return `${HOME}${lines.map((line) => `${ERASE_LINE_END}${line}\n`).join("")}${ERASE_BELOW}`;
}

const SLICE_MS = 50;

/** @returns whether to go on */
async function pause({ sys, abort }: Edge, ms: Millis): Promise<boolean> {
  const end = sys.now() + ms;
  do {
    sys.poll([], Math.min(SLICE_MS, end - sys.now()));
    // At least once, however long the look has taken: a signal is heard of only here.
    await sys.turn();
  } while (!abort.aborted && sys.now() < end);
  return !abort.aborted;
}
