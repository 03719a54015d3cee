// Which columns `list` and `show` have on a narrow screen.

import { expect, test } from "bun:test";

import { renderForest } from "../../../src/cli/views/cgroup-tree.ts";
import { renderProcesses } from "../../../src/cli/views/process-table.ts";
import { PREVIEW, PROCESS, STYLE } from "../../support/previews.ts";

const headings = (line: string | undefined): string => (line ?? "").trim().split(/ +/).join(" ");

test.each([
  [59, "HERE ALL CGROUP"],
  [60, "HERE ALL MEM AGE CGROUP"],
  [69, "HERE ALL MEM AGE CGROUP"],
  [70, "HERE ALL MEM CPU AGE CGROUP"],
])("list, %i wide: %s", (columns, expected) => {
  const cgroup = { ...PREVIEW, state: "thawed", memoryBytes: 4096, pids: [], comms: [], processes: null } as const;
  const tree = { name: "v2", point: "/sys", top: "/", cgroups: [cgroup] };
  const style = { ...STYLE, columns, isUtf8: true, isFlat: false, sort: "name" } as const;
  expect(headings(renderForest([tree], style).split("\n")[1])).toBe(expected);
});

test.each([
  [59, "PID S AGE FATE COMMAND"],
  [60, "PID USER S AGE CPU FATE COMMAND"],
  [69, "PID USER S AGE CPU FATE COMMAND"],
  [70, "PID USER S AGE CPU RSS THR FATE COMMAND"],
])("show, %i wide: %s", (columns, expected) => {
  const preview = { ...PREVIEW, processes: [{ ...PROCESS, fate: "spared" }] } as const;
  expect(headings(renderProcesses(preview, { ...STYLE, columns })[0])).toBe(expected);
});
