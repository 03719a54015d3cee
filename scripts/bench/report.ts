// Renders the results as the tables of scripts/README.md.

import type { Version, Workload } from "./killers.ts";
import type { Trial } from "./measure.ts";

export interface Result {
  readonly killer: string;
  readonly version: Version;
  readonly workload: string;
  readonly processes: number;
  readonly trials: readonly Trial[];
}

/** The upper median for an even count; `NaN` without values. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** The median over the rounds that left nothing alive; `NaN` if there is no such round. */
export function emptyMedian({ trials }: Result): number {
  return median(trials.map(({ emptyMs }) => emptyMs).filter((ms) => ms !== null));
}

/** The median peak memory. */
export const peakMib = (trials: readonly Trial[]): number =>
  Math.round(median(trials.map(({ peakKib }) => peakKib)) / 1024);

const shown = (ms: number): string => (Number.isNaN(ms) ? "never" : ms < 10 ? ms.toFixed(1) : String(Math.round(ms)));

/** `exit / empty`, and how many rounds went wrong in which way. */
function cell(result: Result | undefined): string {
  if (result === undefined) return "–";
  const { trials } = result;
  const count = (isSo: (trial: Trial) => boolean): number => trials.filter(isSo).length;
  if (trials.every(({ code }) => code === -2)) return "cannot be started";
  const flags = [
    ["lives", count(({ emptyMs }) => emptyMs === null)],
    ["early", count(({ exitMs, emptyMs }) => emptyMs !== null && exitMs < emptyMs)],
    ["stopped", count(({ code }) => code === -1)],
  ] as const;
  const told = flags.filter(([, rounds]) => rounds > 0).map(([flag, rounds]) => ` ${flag} ${rounds}`);
  return `${shown(median(trials.map(({ exitMs }) => exitMs)))} / ${shown(emptyMedian(result))}${told.join("")}`;
}

/** Render a row per killer and a column per workload, with the median peak memory in MiB last. */
export function table(results: readonly Result[], version: Version, workloads: readonly Workload[]): string {
  const ours = results.filter((result) => result.version === version);
  const names = [...new Set(ours.map(({ killer }) => killer))];
  const used = workloads.filter(({ name }) => ours.some(({ workload }) => workload === name));
  const row = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  const lines = names.map((name) =>
    row([
      name,
      ...used.map((workload) => cell(ours.find((each) => each.killer === name && each.workload === workload.name))),
      String(peakMib(ours.filter(({ killer }) => killer === name).flatMap(({ trials }) => trials))),
    ]),
  );
  const head = [version, ...used.map(({ name }) => name), "MiB"];
  return [row(head), row(head.map(() => "---")), ...lines].join("\n");
}

/** The time to an empty cgroup, without the start of Bun, as a multiple of the floor. */
export function beyondStart(results: readonly Result[], helloMs: number): string[] {
  const floors = results.filter(({ killer }) => killer === "C floor");
  return floors.flatMap((floor) => {
    const ours = results.find(
      ({ killer, version, workload }) =>
        killer === "cgkill" && version === floor.version && workload === floor.workload,
    );
    if (ours === undefined) return [];
    const ratio = (emptyMedian(ours) - helloMs) / emptyMedian(floor);
    return [`${floor.version}, ${floor.workload}: ${ratio.toFixed(2)} × the floor, beyond the start of Bun`];
  });
}
