// The first question of the interactive mode: which cgroups. The likely culprit stands near the top; those that would
// be refused are shown with the reason, and cannot be chosen.

import { findHierarchies } from "../../cgroup/open/hierarchy.ts";
import type { Hierarchy } from "../../cgroup/types.ts";
import { readComms } from "../../inspect/find.ts";
import type { ListedCgroup } from "../../inspect/list.ts";
import type { Sys } from "../../sys/sys.ts";
import type { TargetCommand, TargetSpec } from "../args/command.ts";
import type { CliContext } from "../cli-context.ts";
import { readForest } from "../commands/read-forest.ts";
import { sanitize } from "../text/sanitize.ts";
import { truncate, truncateStart, widthOf } from "../text/table.ts";
import { plural, renderAge, renderBytes } from "../text/units.ts";
import type { Choice, Prompts } from "./prompts.ts";

/** @returns `undefined` where it was cancelled, or where there is nothing to choose from */
export async function pickTargets(
  command: TargetCommand,
  cli: CliContext,
  prompts: Prompts,
): Promise<readonly TargetSpec[] | undefined> {
  const { sys, io } = cli;
  const wanted = {
    top: undefined,
    hierarchy: command.hierarchy,
    all: false,
    frozen: false,
    depth: Number.POSITIVE_INFINITY,
    procs: false,
  };
  const cgroups = (await readForest(cli, wanted)).flatMap((tree) => tree.cgroups);
  if (cgroups.length === 0) {
    io.writeOut("no cgroup here holds a process, but for the roots; --hierarchy NAME looks in another hierarchy\n");
    return undefined;
  }
  const sorted = [...cgroups].sort(byLikelihood);
  const texts = new Map<string, string>();
  const words = (path: string): string => {
    // When somebody searches, not before: the names of thousands of processes take their time.
    if (texts.size === 0) {
      const hierarchies = findHierarchies(sys);
      for (const cgroup of sorted) texts.set(cgroup.path, searchText(sys, hierarchies, cgroup));
    }
    return texts.get(path) ?? "";
  };
  const picked = await prompts.pickMany(
    `Which cgroups? (${cgroups.length} hold processes; Tab marks, Enter goes on)`,
    sorted.map((cgroup) => toChoice(cgroup, io.size("out").columns)),
    (search, path) => search === "" || matches(words(path), search),
  );
  return picked?.map((name) => ({ kind: "name", name }));
}

/** Whoever has most processes, then whoever has used most CPU. */
function byLikelihood(a: ListedCgroup, b: ListedCgroup): number {
  return b.procsSubtree - a.procsSubtree || (b.cpuMs ?? 0) - (a.cpuMs ?? 0) || (a.path < b.path ? -1 : 1);
}

/** Both its names: a mount may show the cgroup under another one than its own. The listing has some commands only. */
const searchText = (
  sys: Sys,
  hierarchies: readonly Hierarchy[],
  { path, cgroup, label, comms, procs }: ListedCgroup,
): string =>
  [path, cgroup, label ?? "", ...(procs > comms.length ? readComms(sys, hierarchies, path) : comms)]
    .join(" ")
    .toLowerCase();

/** Every word, in any order. */
function matches(text: string, search: string): boolean {
  return search
    .toLowerCase()
    .split(" ")
    .every((word) => text.includes(word));
}

/** What the list draws around a choice. */
const FRAME = 12;
/** How much of the name is shown, whatever else there is to say; less where a label says it better. */
const MIN_NAME_WIDTH = 24;
const MIN_LABELLED_NAME_WIDTH = 12;

function toChoice(cgroup: ListedCgroup, columns: number): Choice<string> {
  const { path, cgroup: name, hierarchy, label, procsSubtree, memoryBytes, cpuMs, state, refusal } = cgroup;
  // Why it cannot be chosen stands where everybody sees it; the package shows a hint only of the line that one is on.
  const reason = refusal?.message.replace(`${name}: `, "");
  const facts = [
    reason === undefined ? "" : `refused: ${sanitize(reason)}`,
    plural(procsSubtree, "process"),
    memoryBytes === null ? "" : renderBytes(memoryBytes),
    cpuMs === null ? "" : `${renderAge(cpuMs / 1000)} CPU`,
    state === "thawed" ? "" : state,
    hierarchy === "v2" ? "" : hierarchy,
    label === null ? "" : sanitize(label),
  ].filter((fact) => fact !== "");
  const width = Math.max(20, columns - FRAME);
  const told = `  ${facts.join(", ")}`;
  // Siblings deep down differ at the end of their names.
  const least = label === null ? MIN_NAME_WIDTH : MIN_LABELLED_NAME_WIDTH;
  const shown = truncateStart(sanitize(name), Math.max(least, width - widthOf(told)));
  const text = truncate(`${shown}${told}`, width);
  return { value: path, label: text, disabled: refusal !== null };
}
