// A preview of one process, and the lines that `show` prints for it.

import { expect } from "bun:test";

import { renderPreview, type ShowStyle } from "../../src/cli/commands/show.ts";
import type { Preview, PreviewProcess } from "../../src/inspect/preview-types.ts";
import { PLAIN } from "../cli/support.ts";

export const STYLE: ShowStyle = { paint: PLAIN, columns: 80, now: new Date("2026-11-23T17:01:30.000Z") };

export const PROCESS: PreviewProcess = {
  pid: 100,
  ppid: 1,
  cgroup: "/batch/job7",
  comm: "sh",
  args: ["sh", "-c", "work"],
  state: "S",
  uid: 1000,
  user: "ada",
  startedAt: "2026-11-23T17:00:00.000Z",
  cpuMs: 2500,
  rssBytes: 3_145_728,
  threads: 1,
  blockedOn: null,
  fate: "killed",
  fateReason: null,
};

export const PREVIEW: Preview = {
  cgroup: "/batch/job7",
  path: "/sys/fs/cgroup/batch/job7",
  hierarchy: "v2",
  label: null,
  supervisor: null,
  mayRestart: false,
  stop: null,
  startedBy: null,
  procs: 1,
  procsSubtree: 1,
  invisible: 0,
  state: "thawed",
  frozenBy: null,
  populated: true,
  type: "domain",
  memoryBytes: null,
  cpuMs: 1234.5,
  startedAt: "2026-11-23T17:00:00.000Z",
  method: "kill",
  refusal: null,
  moves: [],
  plan: [],
  twin: null,
  processes: [PROCESS],
};

export const linesOf = (fields: Partial<Preview>, style: Partial<ShowStyle> = {}): string[] => {
  const text = renderPreview({ ...PREVIEW, ...fields }, { ...STYLE, ...style });
  expect(text).toEndWith("\n");
  return text.slice(0, -1).split("\n");
};
