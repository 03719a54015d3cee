// Turns a listing of cgroups into the rows of the pick list, and matches rows with a search.

import { readPlaces } from "../../cgroup/inside.ts";
import { findHierarchies, hierarchyName } from "../../cgroup/open/hierarchy.ts";
import type { Hierarchy } from "../../cgroup/types.ts";
import { readComms, readMain } from "../../inspect/find.ts";
import { type ListedCgroup, MAX_COMMS } from "../../inspect/list.ts";
import type { ShownProcess } from "../../inspect/preview-types.ts";
import { createProcessReader } from "../../inspect/process-facts.ts";
import { labelOf } from "../../label/label.ts";
import { lazy } from "../../lazy.ts";
import type { Millis, Sys } from "../../sys/sys.ts";
import type { Row } from "../questions/picker.ts";
import { labelBeside } from "../text/label-text.ts";
import { sanitize } from "../text/sanitize.ts";

export interface Listing {
  /** By their directories. */
  readonly cgroups: ReadonlyMap<string, ListedCgroup>;
  /** On the clock of `Sys.now`. */
  readonly at: Millis;
  readonly wallMs: Millis;
}

/** @param before  an earlier listing, from which CPU rates are computed */
export function toRows({ cgroups, at, wallMs }: Listing, before: Listing | undefined): Row[] {
  const all = [...cgroups.values()];
  const isMixed = new Set(all.map(({ hierarchy }) => hierarchy)).size > 1;
  const parents = new Set(all.map(({ path }) => path.slice(0, path.lastIndexOf("/"))));
  return all.map((listed) => {
    const { path, cgroup, label, procs, procsSubtree, invisible, startedAt, comms, refusal, cpuMs, hierarchy } = listed;
    const used = before?.cgroups.get(path)?.cpuMs;
    const isKnown = typeof used === "number" && cpuMs !== null && before !== undefined && at > before.at;
    return {
      key: path,
      name: cgroup.slice(1),
      depth: cgroup.split("/").length - 2,
      label: labelBeside(cgroup, label),
      own: procs + (invisible ?? 0),
      procs: procsSubtree + (invisible ?? 0),
      cpu: isKnown ? (100 * Math.max(0, cpuMs - used)) / (at - before.at) : null,
      isCpuCounted: cpuMs !== null,
      memoryBytes: listed.memoryBytes,
      ageSeconds: startedAt === null ? null : (wallMs - new Date(startedAt).getTime()) / 1000,
      command: comms.join(", "),
      notes: [listed.state === "thawed" ? "" : listed.state, isMixed && hierarchy !== "v2" ? hierarchy : ""]
        .filter(Boolean)
        .join(" "),
      refusal: refusal?.message.replace(`${cgroup}: `, "") ?? null,
      isTopLevel: holdsOthers(cgroup, parents.has(path)),
      isGone: false,
    };
  });
}

/** Whether it is at the top of its hierarchy and contains others, as a slice does: a kill of it is seldom intended. */
export const holdsOthers = (cgroup: string, hasDescendants: boolean): boolean =>
  cgroup.lastIndexOf("/") === 0 && (cgroup.endsWith(".slice") || hasDescendants);

/**
 * Create a reader of the details of a row. It reads each row once: a key draws the same rows again, and a new listing has
 * new ones.
 */
export function createDetails(sys: Sys): (row: Row) => readonly string[] {
  const read = createProcessReader(sys);
  const hierarchies = findHierarchies(sys);
  const known = new WeakMap<Row, readonly string[]>();
  return (row) => {
    const details =
      known.get(row) ?? detailsOf(row, row.own === 0 ? undefined : readMain(sys, hierarchies, row.key, read));
    known.set(row, details);
    return details;
  };
}

/**
 * Two lines about a cgroup: its full name and label; then why it cannot be chosen, its supervisor, and the command line of
 * its first process.
 */
function detailsOf(row: Row, main: ShownProcess | undefined): readonly string[] {
  const { name, label, refusal, isTopLevel, isGone, own, procs } = row;
  const supervisor = labelOf(`/${name}`)?.supervisor() ?? null;
  const mayRestart = supervisor?.mayRestart === true;
  const facts = [
    isGone ? "gone" : "",
    refusal === null ? "" : `refused: ${sanitize(refusal)}`,
    isTopLevel ? "contains many others: choose one below it (^T)" : "",
    own === procs ? "" : `${own} of ${procs} processes directly in it`,
    mayRestart ? `${sanitize(supervisor.name)} may restart it` : "",
    supervisor === null || mayRestart ? "" : `managed by ${sanitize(supervisor.name)}`,
    main === undefined ? "" : `pid ${main.pid}: ${sanitize(main.args?.join(" ") ?? `[${main.comm}]`)}`,
  ];
  return [
    `/${sanitize(name)}${label === null ? "" : `  ${sanitize(label)}`}`,
    facts.filter((fact) => fact !== "").join(" · "),
  ];
}

/**
 * Create a matcher of rows. A row matches if its name, its label or its commands contain every word of the search, in
 * any order. A pid matches the cgroups that the process is in.
 */
export function createMatcher(sys: Sys, listing: () => Listing): (search: string, row: Row) => boolean {
  const texts = new Map<string, string>();
  const hierarchies = lazy(() => findHierarchies(sys));
  // Process names are read only for a search: reading thousands takes a while.
  const textOf = ({ key, name, label }: Row): string => {
    const found = texts.get(key);
    if (found !== undefined) return found;
    const { procs = 0, comms = [] } = listing().cgroups.get(key) ?? {};
    // Both names: a mount may show the cgroup under a different one.
    const all = [key, name, label ?? "", ...(procs > MAX_COMMS ? readComms(sys, hierarchies(), key) : comms)];
    const text = all.join(" ").toLowerCase();
    texts.set(key, text);
    return text;
  };
  let pid = "";
  let places: ReadonlySet<string> = new Set();
  const isOfPid = (search: string, row: Row): boolean => {
    if (search !== pid) {
      pid = search;
      places = new Set(hierarchies().flatMap((each) => placesIn(sys, each, Number(search))));
    }
    const { cgroup, hierarchy } = listing().cgroups.get(row.key) ?? {};
    return places.has(`${hierarchy}:${cgroup}`);
  };
  return (search, row) => {
    const wanted = search.trim().toLowerCase();
    if (/^\d{1,7}$/.test(wanted) && isOfPid(wanted, row)) return true;
    const text = textOf(row);
    return wanted.split(/ +/).every((word) => text.includes(word));
  };
}

const placesIn = (sys: Sys, hierarchy: Hierarchy, pid: number): readonly string[] =>
  (readPlaces(sys, hierarchy, pid) ?? []).map((path) => `${hierarchyName(hierarchy)}:${path}`);
