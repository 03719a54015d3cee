// Plots the time to an empty cgroup against the number of processes, on logarithmic axes.

import type { Version } from "./killers.ts";
import { emptyMedian, type Result } from "./report.ts";

const WIDTH = 460;
const HEIGHT = 340;
const LEFT = 52;
const TOP = 34;
const PLOT = { width: WIDTH - LEFT - 16, height: HEIGHT - TOP - 46 };
const PROCESSES = { from: 1, to: 20_000 };
const MS = { from: 0.5, to: 20_000 };
const COLORS: Readonly<Record<string, string>> = {
  cgkill: "#c1121f",
  "C floor": "#6c757d",
  shell: "#2a9d8f",
  "pkill -9 --cgroup": "#e9a23b",
  "runc delete -f": "#3a6ea5",
  "crun delete -f": "#8e5ea2",
  "the original design in Go": "#7f4f24",
  "cgkill -, waiting": "#f06ba8",
};
const colorOf = (name: string): string => COLORS[name] ?? "#000";

const share = (value: number, { from, to }: { readonly from: number; readonly to: number }): number =>
  Math.log(value / from) / Math.log(to / from);
const x = (processes: number): number => LEFT + share(processes, PROCESSES) * PLOT.width;
const y = (ms: number): number => TOP + (1 - share(ms, MS)) * PLOT.height;

function panel(results: readonly Result[], version: Version, at: number): string {
  const text = (left: number, top: number, words: string, more = ""): string =>
    `<text x="${left.toFixed(1)}" y="${top.toFixed(1)}" ${more}>${words}</text>`;
  const grid = [1, 10, 100, 1000, 10_000].flatMap((value) => [
    `<line x1="${LEFT}" x2="${LEFT + PLOT.width}" y1="${y(value).toFixed(1)}" y2="${y(value).toFixed(1)}" class="grid"/>`,
    text(LEFT - 6, y(value) + 4, value >= 1000 ? `${value / 1000} s` : `${value} ms`, 'text-anchor="end"'),
    `<line x1="${x(value).toFixed(1)}" x2="${x(value).toFixed(1)}" y1="${TOP}" y2="${TOP + PLOT.height}" class="grid"/>`,
    text(x(value), TOP + PLOT.height + 16, value.toLocaleString("en"), 'text-anchor="middle"'),
  ]);
  const ours = results.filter((each) => each.version === version && /^[\d,]+$/.test(each.workload));
  const names = [...new Set(ours.map(({ killer }) => killer))];
  const lines = names.map((name) => {
    const points = ours
      .filter(({ killer }) => killer === name)
      .map((result) => [result.processes, emptyMedian(result)] as const)
      .filter(([, ms]) => !Number.isNaN(ms))
      .map(([processes, ms]) => `${x(processes).toFixed(1)},${y(ms).toFixed(1)}`);
    const color = colorOf(name);
    const width = name === "cgkill" ? 2.5 : 1.3;
    const dots = points.map(
      (point) => `<circle cx="${point.split(",")[0]}" cy="${point.split(",")[1]}" r="${width}" fill="${color}"/>`,
    );
    return `<polyline points="${points.join(" ")}" fill="none" stroke="${color}" stroke-width="${width}"/>${dots.join("")}`;
  });
  const legend = names.map(
    (name, index) =>
      `<rect x="${LEFT + 10}" y="${TOP + 8 + index * 15}" width="14" height="3" fill="${colorOf(name)}"/>${text(LEFT + 30, TOP + 13 + index * 15, name)}`,
  );
  const title = text(LEFT, TOP - 12, `cgroup ${version}: time to empty, by number of processes`, 'class="title"');
  return `<g transform="translate(${at},0)">${[title, ...grid, ...lines, ...legend].join("\n")}</g>`;
}

/** @returns an SVG image with one panel per cgroup version */
export function plot(results: readonly Result[]): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${2 * WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="11">
<style>.grid{stroke:#ddd;stroke-width:.6}.title{font-size:13px;font-weight:bold}text{fill:#333}</style>
<rect width="100%" height="100%" fill="#fff"/>
${panel(results, "v2", 0)}
${panel(results, "v1", WIDTH)}
</svg>
`;
}
