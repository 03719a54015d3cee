// `cgkill list`: the cgroups with their counts, states and labels, once or refreshed with --watch.

import { cgkillCommand, UNLISTED } from "../../advice.ts";
import { NotFoundError } from "../../cgroup/errors.ts";
import { findHierarchies } from "../../cgroup/open/hierarchy.ts";
import type { ListedCgroup } from "../../inspect/list.ts";
import { blankOutcome, resultOfError } from "../../kill/outcome.ts";
import { isInPidNamespace } from "../../sys/proc.ts";
import type { Millis, Sys, TerminalSize } from "../../sys/sys.ts";
import type { ListCommand, TargetCommand } from "../args/command.ts";
import { parseArgs } from "../args/parse.ts";
import { callOf, type CliContext } from "../cli-context.ts";
import { exitCodeOf } from "../exit-codes.ts";
import { listedToJson } from "../output/json.ts";
import { reportOutcome } from "../output/report.ts";
import { wrapped } from "../output/wrap.ts";
import { expandTarget } from "../targets/expand.ts";
import { withHint } from "../targets/report-failure.ts";
import { renderCommand } from "../text/render-advice.ts";
import { sanitize } from "../text/sanitize.ts";
import { truncate } from "../text/table.ts";
import { renderForest, type TreeStyle } from "../views/cgroup-tree.ts";
import { findUnsorted, inOrder, type ListedTree } from "../views/tree-rows.ts";
import { readForest } from "./read-forest.ts";

/** @returns the exit status; 0 if a signal ended a watch, which has no other end */
export async function runList(command: ListCommand, cli: CliContext): Promise<number> {
  const { sys, io, abort } = cli;
  const { watchMs, output } = command;
  const started = { wallMs: sys.wallClock(), monotonicMs: sys.now() };
  if (watchMs !== undefined) sys.setUrgent(false);
  try {
    // The build turns the JIT compiler off, because a kill does not need it. Listing thousands of cgroups is faster with it.
    Bun.unsafe.setJITPolicy(1);
    for (let n = 1; ; n++) {
      const isRedrawn = watchMs !== undefined && !output.json && io.isRedrawable("out");
      // Read before the picture is made: it may be resized before that is drawn.
      const size = io.size("out");
      const text = await listOnce(command, cli, n, isRedrawn);
      io.writeOut(isRedrawn ? redrawn(text, cli) : text);
      await io.flush(abort);
      const isRead = io.outErrno() === undefined;
      if (watchMs !== undefined && isRead && (await pause(cli, watchMs, size))) continue;
      // Erase the ^C that the terminal echoed.
      if (isRedrawn) io.writeOut(`\r${ERASE_LINE_END}`);
      return 0;
    }
  } catch (error) {
    if (abort.aborted && watchMs !== undefined) return 0;
    const { outcome, error: failure } = resultOfError(await explained(error, command, cli));
    const blank = blankOutcome(command.top ?? "/", null, started, sys.now(), { outcome, error: failure });
    await reportOutcome(blank, { kind: "list", output: { ...output, quiet: true } }, cli);
    return exitCodeOf([outcome], String(abort.reason));
  }
}

/** Add what a missing name may have meant, with the command that shows it. */
async function explained(error: unknown, { top, hierarchy, output }: ListCommand, cli: CliContext): Promise<unknown> {
  if (top === undefined || !(error instanceof NotFoundError) || (output.quiet && !output.json)) return error;
  const options = hierarchy === undefined ? [] : ["--hierarchy", hierarchy];
  const call = callOf(parseArgs(["show", ...options, "--", top]) as TargetCommand, cli);
  const [single] = await expandTarget({ kind: "name", name: top }, call);
  return await withHint(error, { suggest: single?.suggest });
}

/** @param n  the number of this snapshot, from 1 */
async function listOnce(command: ListCommand, cli: CliContext, n: number, isRedrawn: boolean): Promise<string> {
  const { sys, io } = cli;
  const time = new Date(sys.wallClock()).toISOString();
  const all = await readForest(cli, command);
  const trees = command.top === undefined ? all.filter(({ cgroups }) => cgroups.length > 0) : all;
  const { json, quiet, color } = command.output;
  const order = { sort: command.sort, isFlat: command.flat };
  const ordered = (): ListedCgroup[] => trees.flatMap((tree) => inOrder(tree, order));
  const isHidden = isInPidNamespace(sys) && all.some(({ name }) => name !== "v2");
  const hidden = isHidden ? `cgkill: note: ${UNLISTED}\n` : "";
  const note = quiet ? "" : wrapped(`${noteOnSort(trees, command, sys)}${hidden}`, "err", io);
  // A redrawn screen would overwrite a note on standard error: there it is part of the output.
  if (note !== "" && n === 1 && !isRedrawn) io.writeErr(note);
  if (json) {
    const cgroups = ordered();
    // The number of documents tells a reader when the snapshot is complete.
    const snapshot = command.watchMs === undefined ? null : { n, time, count: cgroups.length };
    return lines(cgroups.map((cgroup) => listedToJson(cgroup, snapshot)));
  }
  // Programs get exact names; only a terminal needs them sanitised.
  const name = io.isTerminal("out") ? sanitize : (path: string): string => path;
  if (quiet) return lines(ordered().map(({ path }) => name(path)));
  const style: TreeStyle = {
    paint: await io.paint("out", color),
    columns: io.isTerminal("out") ? io.size("out").columns : Number.POSITIVE_INFINITY,
    isUtf8: io.isUtf8(),
    ...order,
    now: new Date(sys.wallClock()),
  };
  const isEmpty = trees.every(({ cgroups }) => cgroups.length === 0);
  const forest = isEmpty ? `${nothingToShow(command)}\n` : renderForest(trees, style);
  return `${forest}${isRedrawn ? note : ""}`;
}

const lines = (texts: readonly string[]): string => (texts.length === 0 ? "" : `${texts.join("\n")}\n`);

/** Advice to add --all only where that would show more. */
function nothingToShow({ stuck, frozen, all }: ListCommand): string {
  if (stuck) return "no process is stuck";
  if (frozen) return "no cgroup is frozen";
  return all ? "no cgroup to show" : "no cgroup to show: --all lists empty ones too";
}

/** A note if a hierarchy lacks the figures to sort by; otherwise "". */
function noteOnSort(trees: readonly ListedTree[], { sort, hierarchy }: ListCommand, sys: Sys): string {
  const unsorted = findUnsorted(trees, sort);
  if (unsorted.length === 0) return "";
  const hasOther =
    sort === "memory" &&
    hierarchy === undefined &&
    findHierarchies(sys).some(({ version, controllers }) => version === "v1" && controllers === "memory");
  const way = hasOther ? renderCommand(cgkillCommand(["list", "--hierarchy", "memory", "--sort", "memory"])) : "";
  const where = unsorted.map(({ name }) => name).join(", ");
  return `cgkill: note: --sort ${sort}: no figures for these cgroups in ${where}; sorted by name\n${way}`;
}

const HOME = "\u001b[H";
const ERASE_LINE_END = "\u001b[K";
const ERASE_BELOW = "\u001b[J";

/** Redraw in place, cut to the height of the screen, without flicker. */
function redrawn(text: string, { io }: CliContext): string {
  const { rows, columns } = io.size("out");
  const all = text.trimEnd().split("\n");
  const left = all.length - (rows - 1);
  // The last line says how many lines are cut.
  const lines =
    left <= 0
      ? all
      : [...all.slice(0, -left - 1), truncate(`and ${left + 1} more lines; --depth 2 shows fewer`, columns)];
  // Erase before each line: after a line that fills the width, erasing would remove its last character.
  return `${HOME}${lines.map((line) => `${ERASE_LINE_END}${line}\n`).join("")}${ERASE_BELOW}`;
}

const SLICE_MS = 50;

/** Wait, but end early on a signal or when the terminal has another size. @returns whether to go on */
async function pause({ sys, io, abort }: CliContext, ms: Millis, { columns, rows }: TerminalSize): Promise<boolean> {
  const end = sys.now() + ms;
  const isResized = (): boolean => io.size("out").columns !== columns || io.size("out").rows !== rows;
  do {
    sys.poll([], Math.min(SLICE_MS, end - sys.now()));
    // At least once, even if the time is up: signals are delivered only here.
    await sys.turn();
  } while (!abort.aborted && sys.now() < end && !isResized());
  return !abort.aborted;
}
