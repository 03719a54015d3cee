// Outcomes, previews and trees as text and JSON: every outcome and reason, hostile names, several widths.

import { describe, expect, test } from "bun:test";

import { renderPreview } from "../../../src/cli/commands/show.ts";
import { listedToJson, outcomeToJson, previewToJson } from "../../../src/cli/output/json.ts";
import { renderFreezeLine, renderOutcomeLine, renderProblem } from "../../../src/cli/output/outcome-text.ts";
import type { Paint } from "../../../src/cli/streams/streams.ts";
import { renderForest, type TreeStyle } from "../../../src/cli/views/cgroup-tree.ts";
import type { FreezeOutcome } from "../../../src/freeze/freeze-thaw.ts";
import type { ListedCgroup } from "../../../src/inspect/list.ts";
import type { Preview, PreviewProcess } from "../../../src/inspect/preview-types.ts";
import type { KillOutcome, Outcome, Survivor, SurvivorReason } from "../../../src/kill/types.ts";

const same = (text: string): string => text;
const PLAIN: Paint = { good: same, bad: same, dim: same, bold: same };
const HOSTILE = "x\u001b[2J\n\u202e\udcff";
const SHOWN = "x\\x1b[2J\\n\\u202e\\xff";

const OUTCOME: KillOutcome = {
  cgroup: "/batch/job7",
  path: "/sys/fs/cgroup/batch/job7",
  hierarchy: "v2",
  method: "kill",
  outcome: "killed",
  killed: [{ pid: 812, comm: "worker" }],
  killedCount: 1,
  endedByGrace: null,
  survivors: [],
  spared: [],
  removed: false,
  proven: true,
  leftFrozen: [],
  thawedEmpty: false,
  abortedFuse: [],
  startedAt: "2026-11-23T17:00:00.000Z",
  durationMs: 3.14159,
  phases: { freezeMs: null, scanMs: 0.2, signalMs: 0.4, thawMs: null, waitMs: 2.2, removeMs: null },
  error: null,
  twin: null,
  starter: null,
  matches: null,
};

const survivor = (pid: number, reason: SurvivorReason): Survivor => ({
  pid,
  ppid: 1,
  comm: HOSTILE,
  state: "D",
  uid: 0,
  wchan: "request_wait_answer",
  sigkillPending: true,
  frozenBy: null,
  tracerPid: null,
  blockedOn: null,
  cgroup: "/batch/job7",
  reason,
  hint: `what to do about ${reason}`,
  commands: [],
});

const OUTCOMES: readonly Outcome[] = [
  "killed",
  "empty",
  "missing",
  "failed",
  "usage",
  "not-found",
  "refused",
  "denied",
  "survivors",
  "not-removed",
  "interrupted",
  "internal",
];

const REASONS: readonly SurvivorReason[] = [
  "uninterruptible",
  "frozen-elsewhere",
  "traced",
  "not-permitted",
  "not-visible",
  "kernel-thread",
  "still-exiting",
];

test("an empty name is shown as one, and the verdict of a usage error does not blame the name", () => {
  const refused: KillOutcome = { ...OUTCOME, cgroup: "", method: null, outcome: "refused", killed: [], killedCount: 0 };
  expect(renderOutcomeLine(refused, PLAIN)).toBe('refused  ""\n');
  expect(renderOutcomeLine({ ...refused, cgroup: "x", outcome: "usage" }, PLAIN)).toBe("usage error  x\n");
});

describe("the line of an outcome", () => {
  test.each([...OUTCOMES])("%s: one line with the name of the cgroup", (outcome) => {
    const line = renderOutcomeLine({ ...OUTCOME, outcome, cgroup: HOSTILE }, PLAIN);
    expect(line.split("\n")).toHaveLength(2);
    expect(line).toContain(SHOWN);
  });

  test("has the count, the method and the duration", () => {
    expect(renderOutcomeLine(OUTCOME, PLAIN)).toBe("killed  /batch/job7  1 process, method kill, 3.1 ms\n");
    expect(renderOutcomeLine({ ...OUTCOME, killedCount: 500, removed: true, durationMs: 12_345 }, PLAIN)).toBe(
      "killed  /batch/job7  500 processes, removed, method kill, 12.3 s\n",
    );
    expect(renderOutcomeLine({ ...OUTCOME, outcome: "empty", killedCount: 0, removed: true }, PLAIN)).toContain(
      "already empty  /batch/job7  removed, method kill",
    );
  });

  test("is painted good or bad by its outcome", () => {
    const paint = { ...PLAIN, good: (text: string) => `+${text}`, bad: (text: string) => `-${text}` };
    const good = OUTCOMES.filter((outcome) => renderOutcomeLine({ ...OUTCOME, outcome }, paint).startsWith("+"));
    expect(good).toEqual(["killed", "empty", "missing"]);
  });
});

describe("a problem", () => {
  test("has the message and the hint; a success has no problem", () => {
    const error = {
      code: "io-error",
      message: "write x",
      hint: "try y",
      commands: [],
      operation: null,
      path: null,
      errno: null,
    };
    expect(renderProblem({ ...OUTCOME, error }, PLAIN)).toBe("cgkill: write x\n  hint: try y\n");
    expect(renderProblem(OUTCOME, PLAIN)).toBe("");
  });

  test("lists each survivor with its reason, and each hint once", () => {
    const survivors = [...REASONS.map((reason, index) => survivor(10 + index, reason)), survivor(99, "traced")];
    const text = renderProblem({ ...OUTCOME, survivors }, PLAIN);
    for (const [index, reason] of REASONS.entries()) {
      expect(text).toMatch(new RegExp(`^ +${10 + index} +D .* ${reason}$`, "m"));
      expect(text.split(`hint: ${reason}: what to do about ${reason}\n`)).toHaveLength(2);
    }
    expect(text).toContain(SHOWN);
    expect(text).not.toContain("\u001b");
  });

  test("survivors beyond twenty are counted, not listed", () => {
    const survivors = Array.from({ length: 25 }, (_, index) => survivor(100 + index, "uninterruptible"));
    const text = renderProblem({ ...OUTCOME, survivors }, PLAIN);
    expect(text).toContain("and 5 more\n");
    expect(text.match(/^ +\d+ .*uninterruptible$/gm)).toHaveLength(20);
  });

  test("lists a cgroup that could not be thawed", () => {
    expect(renderProblem({ ...OUTCOME, leftFrozen: ["/sys/x"] }, PLAIN)).toBe("  left frozen: /sys/x\n");
  });
});

const SWITCHED: FreezeOutcome = {
  cgroup: "/a",
  path: "/sys/a",
  hierarchy: "v2",
  outcome: "frozen",
  state: "frozen",
  frozenBy: "/a",
  spared: [],
  leftFrozen: [],
  startedAt: "2026-11-23T17:00:00.000Z",
  durationMs: 1,
  error: null,
  twin: null,
  matches: null,
};

test("a freeze is one line, without a duration if it failed", () => {
  expect(renderFreezeLine(SWITCHED, PLAIN)).toBe("frozen  /a  1.0 ms\n");
  expect(renderFreezeLine({ ...SWITCHED, outcome: "failed" }, PLAIN)).toBe("failed  /a\n");
});

const PROCESS: PreviewProcess = {
  pid: 100,
  ppid: 1,
  cgroup: "/a",
  comm: "sh",
  args: ["sh", "-c", HOSTILE],
  state: "S",
  uid: 0,
  user: "root",
  startedAt: "2026-11-23T17:00:00.000Z",
  cpuMs: 1000,
  rssBytes: 4096,
  threads: 1,
  blockedOn: null,
  fate: "killed",
  fateReason: null,
};

const PREVIEW: Preview = {
  cgroup: "/a",
  path: "/sys/a",
  hierarchy: "v2",
  label: null,
  supervisor: null,
  mayRestart: false,
  stop: null,
  startedBy: null,
  procs: 1,
  procsSubtree: 3,
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
  processes: [PROCESS, { ...PROCESS, pid: 102, ppid: 101, args: null }, { ...PROCESS, pid: 101, ppid: 100 }],
  twin: null,
};

describe("show", () => {
  const style = { paint: PLAIN, columns: 80, now: new Date("2026-11-23T17:00:42.000Z") };

  test("the verdict comes first, then the processes as a tree", () => {
    const lines = renderPreview(PREVIEW, style).split("\n");
    expect(lines[1]).toBe("  would be killed: 3 processes, by method kill");
    const tree = lines.slice(-5);
    expect(tree[0]).toMatch(/^ +PID/);
    expect(tree[1]).toMatch(/^ +100 +root +S +42s +1s +4.0K +1 +sh -c x\\x1b/);
    expect(tree[2]).toMatch(/^ +101 .* \\_ sh/);
    expect(tree[3]).toMatch(/^ +102 .*   \\_ \[sh\]$/);
  });

  test("shows refusals, empty targets, invisible members and the supervisor", () => {
    const refusal = { code: "holds-init", message: "holds pid 1", hint: "name another", commands: [] } as const;
    expect(renderPreview({ ...PREVIEW, refusal }, style)).toContain(
      "would be refused: holds pid 1\n  hint: name another",
    );
    expect(renderPreview({ ...PREVIEW, populated: false }, style)).toContain("nothing to kill: it is empty");
    expect(renderPreview({ ...PREVIEW, invisible: 2 }, style)).toContain("and 2 that cannot be seen");
    const unit = {
      label: "unit x.service",
      supervisor: "systemd",
      mayRestart: true,
      stop: ["systemctl", "stop", "x.service"],
    };
    expect(renderPreview({ ...PREVIEW, ...unit }, style)).toContain(
      "systemd may start it again; to stop it:\n    systemctl stop x.service",
    );
  });

  test.each([60, 80, 200])("at %i columns, no line of the table is wider", (columns) => {
    const wide = { ...PREVIEW, processes: [{ ...PROCESS, args: ["x".repeat(500)] }] };
    const table = renderPreview(wide, { ...style, columns })
      .split("\n")
      .slice(-3);
    for (const line of table) expect(Bun.stringWidth(line)).toBeLessThanOrEqual(columns);
  });

  test("is shortened to the number of rows", () => {
    const text = renderPreview(PREVIEW, { ...style, rows: 6 });
    expect(text.trimEnd().split("\n")).toHaveLength(6);
    expect(text).toContain("  and 2 more\n");
  });
});

const LISTED: ListedCgroup = {
  cgroup: "/a",
  path: "/sys/a",
  hierarchy: "v2",
  label: null,
  procs: 0,
  procsSubtree: 3,
  invisible: 0,
  state: "thawed",
  frozenBy: null,
  populated: true,
  type: "domain",
  memoryBytes: 1024,
  method: "kill",
  refusal: null,
  startedAt: null,
  pids: [],
  comms: [],
  cpuMs: 2000,
  processes: null,
};

describe("list", () => {
  const style: TreeStyle = {
    paint: PLAIN,
    columns: 200,
    isUtf8: true,
    isFlat: false,
    sort: "name",
    now: new Date("2026-11-23T17:00:00.000Z"),
  };
  const cgroups = [
    LISTED,
    { ...LISTED, cgroup: "/a/c", procs: 1, procsSubtree: 1, memoryBytes: 1 },
    { ...LISTED, cgroup: "/a/b", procs: 2, procsSubtree: 2, memoryBytes: 2 },
    { ...LISTED, cgroup: "/a/b/gone/deep", label: "docker 1234", state: "frozen" as const, frozenBy: "/a/b" },
    { ...LISTED, cgroup: `/${HOSTILE}` },
  ];
  const tree = { name: "v2", point: "/sys", top: "/", cgroups };
  const names = (text: string): string[] =>
    text
      .trimEnd()
      .split("\n")
      .slice(2)
      .map((line) => line.replace(/^(?: +\S+){5} +/, ""));

  test("children come below their parents, by name", () => {
    expect(names(renderForest([tree], style))).toEqual([
      "a",
      "├─ b",
      "│  └─ gone/deep  [frozen from above]  (docker 1234)",
      "└─ c",
      SHOWN,
    ]);
  });

  test("without UTF-8, the tree is drawn in ASCII", () => {
    expect(names(renderForest([tree], { ...style, isUtf8: false }))[2]).toBe(
      "|  `- gone/deep  [frozen from above]  (docker 1234)",
    );
  });

  test("--flat: full paths, the largest first", () => {
    expect(names(renderForest([tree], { ...style, isFlat: true, sort: "procs" })).slice(-2)).toEqual(["/a/b", "/a/c"]);
  });

  test.each([60, 80, 200])("at %i columns, no line is wider", (columns) => {
    const long = { ...LISTED, cgroup: `/${"x".repeat(250)}`, label: "unit y" };
    const text = renderForest([{ ...tree, cgroups: [...cgroups, long] }], { ...style, columns });
    for (const line of text.split("\n")) expect(Bun.stringWidth(line)).toBeLessThanOrEqual(columns);
  });

  test("a tree of a hundred levels and five thousand cgroups has a line for each", () => {
    const deep = Array.from({ length: 100 }, (_, level) => ({ ...LISTED, cgroup: "/d".repeat(level + 1) }));
    const wide = Array.from({ length: 5000 }, (_, index) => ({ ...LISTED, cgroup: `/w/${index}` }));
    const text = renderForest([{ ...tree, cgroups: [...deep, { ...LISTED, cgroup: "/w" }, ...wide] }], style);
    expect(text.split("\n")).toHaveLength(2 + 100 + 1 + 5000 + 1);
  });
});

describe("JSON", () => {
  test("is the example of the contract, rounded to the microsecond", () => {
    expect(outcomeToJson("kill", OUTCOME)).toBe(
      '{"schema":1,"command":"kill","cgroup":"/batch/job7","path":"/sys/fs/cgroup/batch/job7","hierarchy":"v2",' +
        '"method":"kill","outcome":"killed","killed":[{"pid":812,"comm":"worker"}],"killed_count":1,"ended_by_grace":null,"survivors":[],' +
        '"spared":[],"removed":false,"proven":true,"left_frozen":[],"thawed_empty":false,"aborted_fuse":[],"started_at":"2026-11-23T17:00:00.000Z","duration_ms":3.142,' +
        '"phases":{"freeze_ms":null,"scan_ms":0.2,"signal_ms":0.4,"thaw_ms":null,"wait_ms":2.2,"remove_ms":null},' +
        '"error":null,"twin":null,"matches":null}',
    );
  });

  test("a survivor has the keys of the contract", () => {
    const { survivors } = JSON.parse(outcomeToJson("kill", { ...OUTCOME, survivors: [survivor(1, "traced")] }));
    expect(Object.keys(survivors[0])).toEqual(
      "pid ppid comm state uid wchan sigkill_pending frozen_by tracer_pid blocked_on cgroup reason hint commands".split(
        " ",
      ),
    );
  });

  test.each([
    ["show", previewToJson(PREVIEW)],
    ["list", listedToJson(LISTED, null)],
    ["freeze", outcomeToJson("freeze", SWITCHED)],
  ])("%s: one line with snake_case keys", (command, text) => {
    expect(text).not.toContain("\n");
    expect(text).not.toMatch(/"[a-z]+[A-Z]/);
    expect(JSON.parse(text)).toMatchObject({ schema: 1, command });
  });

  test("the processes of show have the keys of the contract", () => {
    expect(Object.keys(JSON.parse(previewToJson(PREVIEW)).processes[0])).toEqual(
      "pid ppid cgroup comm args state uid user started_at cpu_ms rss_bytes threads blocked_on fate fate_reason".split(
        " ",
      ),
    );
  });

  test("a name that is not UTF-8 is parsed back unchanged", () => {
    const text = outcomeToJson("kill", { ...OUTCOME, cgroup: HOSTILE });
    expect(text).toContain("\\udcff");
    expect(JSON.parse(text).cgroup).toBe(HOSTILE);
  });
});
