// Reads the cgroups that `list` shows, with their processes: one subtree, or every hierarchy.

import type { BlockedOn } from "../../blocked/types.ts";
import { findHierarchies, hierarchyName } from "../../cgroup/open/hierarchy.ts";
import { hiddenError, nothingMountedError } from "../../cgroup/open/open-errors.ts";
import { lookUp } from "../../cgroup/open/open-path.ts";
import { openCgroups, selectHierarchies } from "../../cgroup/open/open.ts";
import { paced } from "../../cgroup/paced.ts";
import type { Cgroup, Hierarchy } from "../../cgroup/types.ts";
import { type ListedCgroup, listSubtree } from "../../inspect/list.ts";
import type { ShownProcess } from "../../inspect/preview-types.ts";
import { createProcessReader } from "../../inspect/process-facts.ts";
import type { Pid, Sys } from "../../sys/sys.ts";
import type { ListCommand } from "../args/command.ts";
import { type CliContext, paceOf } from "../cli-context.ts";
import type { ListedTree } from "../views/tree-rows.ts";

/** What to read; all populated cgroups, without their processes, by default. */
type Selection = Partial<Pick<ListCommand, "top" | "hierarchy" | "all" | "frozen" | "stuck" | "depth" | "procs">>;

type Reader = Pick<CliContext, "sys" | "abort">;

/** Read one subtree if one is named; otherwise v2 and the v1 freezer, or the given hierarchy. A tree may be empty. */
export async function readForest(cli: Reader, selection: Selection): Promise<ListedTree[]> {
  const { sys } = cli;
  const tops = openTops(sys, selection);
  try {
    const trees: ListedTree[] = [];
    for (const top of tops) trees.push(await readTree(cli, top, selection));
    return trees;
  } finally {
    for (const { fd } of tops) sys.close(fd);
  }
}

async function readTree(cli: Reader, top: Cgroup, selection: Selection): Promise<ListedTree> {
  const { hierarchy, path, name } = top;
  const isWanted = ({ populated, state }: Pick<ListedCgroup, "populated" | "state">): boolean =>
    selection.frozen ? state !== "thawed" : selection.all === true || populated;
  const { depth = Number.POSITIVE_INFINITY } = selection;
  // The root is no target, and is shown only with --depth 0.
  const isInDepth = ({ cgroup }: ListedCgroup): boolean =>
    (cgroup !== "/" || depth === 0) && levelOf(cgroup) - levelOf(path) <= depth;
  const listed = await listSubtree(cli.sys, top, paceOf(cli), isWanted);
  const selected = listed.filter((each) => isWanted(each) && isInDepth(each));
  // Loaded only if it was asked for.
  const findStuck = selection.stuck ? (await import("../../blocked/stuck.ts")).findStuck : undefined;
  const stuck = await findStuck?.(cli.sys, new Set(selected.flatMap(({ pids }) => pids)), paceOf(cli));
  const cgroups = selected.filter(({ pids }) => stuck === undefined || pids.some((pid) => stuck.has(pid)));
  const called = hierarchyName(hierarchy);
  return {
    name: hierarchy.version === "v2" ? "v2" : `v1 ${called === "v1" ? "freezer" : called}`,
    point: name,
    top: path,
    cgroups: selection.procs || selection.stuck ? await withProcesses(cli, hierarchy, cgroups, stuck) : cgroups,
  };
}

async function withProcesses(
  cli: Reader,
  hierarchy: Hierarchy,
  cgroups: readonly ListedCgroup[],
  stuck: ReadonlyMap<Pid, BlockedOn | null> | undefined,
): Promise<ListedCgroup[]> {
  const read = createProcessReader(cli.sys);
  const shown = cgroups.map((listed) => ({ ...listed, processes: [] as ShownProcess[] }));
  const all = shown.flatMap(({ cgroup: path, pids, processes }) => pids.map((pid) => ({ path, pid, processes })));
  for await (const { path, pid, processes } of paced(all, paceOf(cli))) {
    const facts = stuck?.has(pid) === false ? undefined : read({ hierarchy, path }, pid);
    if (facts !== undefined) processes.push({ ...facts.shown, blockedOn: stuck?.get(pid) ?? null });
  }
  return shown;
}

function openTops(sys: Sys, { top, hierarchy }: Selection): Cgroup[] {
  const hierarchies = findHierarchies(sys);
  if (hierarchies.length === 0) throw nothingMountedError();
  if (top !== undefined && top !== "/") return [...openCgroups(sys, hierarchies, top, { hierarchy })];
  const wanted = hierarchy === undefined ? defaultHierarchies(hierarchies) : selectHierarchies(hierarchies, hierarchy);
  const looked = wanted.map((each) => lookUp(sys, each, each.mounts[0]?.root ?? "/"));
  const tops = looked.flatMap((each) => (each.is === "open" ? [each.cgroup] : []));
  const cover = looked.find((each) => each.is === "covered");
  if (tops.length === 0 && cover !== undefined) throw hiddenError(undefined, cover.point);
  return tops;
}

/** v2 and the v1 freezer; without v2 also name=systemd, where systemd then keeps its units. */
function defaultHierarchies(hierarchies: readonly Hierarchy[]): readonly Hierarchy[] {
  const hasV2 = hierarchies.some(({ version }) => version === "v2");
  return hierarchies.filter(
    ({ version, hasFreezer, controllers }) =>
      version === "v2" || hasFreezer || (!hasV2 && controllers === "name=systemd"),
  );
}

const levelOf = (path: string): number => (path === "/" ? 0 : path.split("/").length - 1);
