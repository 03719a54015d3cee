// The JSON of kills and previews, key by key.

import { describe, expect, test } from "bun:test";

import { failedViewToJson, outcomeToJson, previewToJson, problemToJson } from "../../../src/cli/output/json.ts";
import type { Preview } from "../../../src/inspect/preview-types.ts";
import { blankOutcome } from "../../../src/kill/outcome.ts";
import type { KillOutcome, Outcome, Survivor, SurvivorReason } from "../../../src/kill/types.ts";
import { decodeBytes, encodeText } from "../../../src/sys/bytes.ts";
import { ERROR_KEYS, LIST_KEYS, OUTCOME_KEYS, PHASE_KEYS, SHOW_KEYS, VIEW_KEYS } from "../../support/json-keys.ts";

type Document = Record<string, unknown>;

const SURVIVOR_KEYS = [
  "pid",
  "ppid",
  "comm",
  "state",
  "uid",
  "wchan",
  "sigkill_pending",
  "frozen_by",
  "tracer_pid",
  "blocked_on",
  "cgroup",
  "reason",
  "hint",
  "commands",
];

const SURVIVOR: Survivor = {
  pid: 10,
  ppid: 1,
  comm: "dd",
  state: "D",
  uid: 0,
  wchan: "nfs_wait",
  sigkillPending: true,
  frozenBy: "/sys/a",
  tracerPid: 7,
  blockedOn: null,
  cgroup: "/batch/job7",
  reason: "uninterruptible",
  hint: "wait",
  commands: [],
};

const FULL: KillOutcome = {
  cgroup: "/batch/job7",
  path: "/sys/fs/cgroup/freezer/batch/job7",
  hierarchy: "v1 freezer",
  method: "freezer",
  outcome: "survivors",
  killed: [
    { pid: 812, comm: "worker" },
    { pid: 813, comm: null },
  ],
  killedCount: 2,
  endedByGrace: null,
  survivors: [SURVIVOR],
  spared: [{ pid: 5, cgroup: "/" }],
  removed: false,
  proven: null,
  leftFrozen: ["/sys/x"],
  thawedEmpty: false,
  abortedFuse: [],
  startedAt: "2026-11-23T17:00:00.000Z",
  durationMs: 10_000.123456,
  phases: { freezeMs: 1.00049, scanMs: 0.0004, signalMs: 0, thawMs: 2, waitMs: 1e4, removeMs: null },
  error: { code: "survivors", message: "m", hint: "h", commands: [], operation: "write", path: "/sys/y", errno: "EIO" },
  twin: { path: "/sys/z", method: "freezer", removed: true },
  starter: null,
  matches: [{ path: "/sys/x", label: "unit x" }],
};

const parse = (text: string): Document => JSON.parse(text) as Document;

describe("a kill", () => {
  test("with every field set has the keys of the contract", () => {
    const document = parse(outcomeToJson("kill", FULL));
    expect(Object.keys(document)).toEqual(OUTCOME_KEYS);
    expect(document).toStrictEqual({
      schema: 1,
      command: "kill",
      cgroup: "/batch/job7",
      path: "/sys/fs/cgroup/freezer/batch/job7",
      hierarchy: "v1 freezer",
      method: "freezer",
      outcome: "survivors",
      killed: [
        { pid: 812, comm: "worker" },
        { pid: 813, comm: null },
      ],
      killed_count: 2,
      ended_by_grace: null,
      survivors: [
        {
          pid: 10,
          ppid: 1,
          comm: "dd",
          state: "D",
          uid: 0,
          wchan: "nfs_wait",
          sigkill_pending: true,
          frozen_by: "/sys/a",
          tracer_pid: 7,
          blocked_on: null,
          cgroup: "/batch/job7",
          reason: "uninterruptible",
          hint: "wait",
          commands: [],
        },
      ],
      spared: [{ pid: 5, cgroup: "/" }],
      removed: false,
      proven: null,
      left_frozen: ["/sys/x"],
      thawed_empty: false,
      aborted_fuse: [],
      started_at: "2026-11-23T17:00:00.000Z",
      // Numbers rounded to the microsecond; a phase that did not happen is null, not 0.
      duration_ms: 10_000.123,
      phases: { freeze_ms: 1, scan_ms: 0, signal_ms: 0, thaw_ms: 2, wait_ms: 10_000, remove_ms: null },
      error: {
        code: "survivors",
        message: "m",
        hint: "h",
        commands: [],
        operation: "write",
        path: "/sys/y",
        errno: "EIO",
      },
      twin: { path: "/sys/z", method: "freezer", removed: true },
      matches: [{ path: "/sys/x", label: "unit x" }],
    });
  });

  test("that could not be started has every key, with null for unknown facts", () => {
    const ending = {
      outcome: "not-found" as const,
      error: { code: "not-found", message: "m", hint: null, commands: [], operation: null, path: null, errno: null },
    };
    const blank = blankOutcome("job7", null, { wallMs: Date.UTC(2026, 10, 23), monotonicMs: 5 }, 7.5, ending);
    const document = parse(outcomeToJson("kill", blank));
    expect(Object.keys(document)).toEqual(OUTCOME_KEYS);
    expect(document).toStrictEqual({
      schema: 1,
      command: "kill",
      cgroup: "job7",
      path: null,
      hierarchy: null,
      method: null,
      outcome: "not-found",
      killed: [],
      killed_count: 0,
      ended_by_grace: null,
      survivors: [],
      spared: [],
      removed: false,
      proven: null,
      left_frozen: [],
      thawed_empty: false,
      aborted_fuse: [],
      started_at: "2026-11-23T00:00:00.000Z",
      duration_ms: 2.5,
      phases: Object.fromEntries(PHASE_KEYS.map((key) => [key, null])),
      error: { code: "not-found", message: "m", hint: null, commands: [], operation: null, path: null, errno: null },
      twin: null,
      matches: null,
    });
  });

  test.each([
    ["list", [...VIEW_KEYS, ...LIST_KEYS]],
    ["show", [...VIEW_KEYS, ...SHOW_KEYS]],
  ] as const)("of a %s that failed has the keys of one that succeeded, with null", (command, keys) => {
    const document = parse(failedViewToJson(command, { ...FULL, outcome: "not-found" }));
    expect(Object.keys(document)).toEqual([...OUTCOME_KEYS, ...keys]);
    expect(document).toMatchObject({ command, ...Object.fromEntries(keys.map((key) => [key, null])) });
  });

  // Regression: that of a show that failed used to lack its moves and what may start the target again.
  test("of a show that failed has every key of a preview", () => {
    const failed = parse(failedViewToJson("show", { ...FULL, outcome: "not-found" }));
    expect(Object.keys(failed)).toEqual(expect.arrayContaining(Object.keys(parse(previewToJson(PREVIEW)))));
  });

  test("a survivor without a pid has null for it, as an event too", () => {
    const unseen = { ...FULL, survivors: [{ ...SURVIVOR, pid: 0 }] };
    for (const text of [outcomeToJson("kill", unseen), problemToJson(unseen, 0)])
      expect(parse(text)["survivors"]).toMatchObject([{ pid: null, comm: "dd" }]);
  });

  test("survivors, phases and errors have the keys of the contract, in its order", () => {
    const { survivors, phases, error } = parse(outcomeToJson("kill", FULL)) as Record<string, object>;
    expect(Object.keys((survivors as Document[])[0] as Document)).toEqual(SURVIVOR_KEYS);
    expect(Object.keys(phases as Document)).toEqual(PHASE_KEYS);
    expect(Object.keys(error as Document)).toEqual(ERROR_KEYS);
  });

  test.each<SurvivorReason>([
    "uninterruptible",
    "frozen-elsewhere",
    "traced",
    "not-permitted",
    "not-visible",
    "kernel-thread",
    "still-exiting",
    "dumping-core",
    "moved-away",
  ])("the reason %s is a value, and stays as it is", (reason) => {
    const document = parse(outcomeToJson("kill", { ...FULL, survivors: [{ ...SURVIVOR, reason }] }));
    expect(document["survivors"]).toMatchObject([{ reason }]);
  });

  test.each<Outcome>(["not-found", "not-removed", "killed", "empty", "missing", "interrupted", "internal"])(
    "the outcome %s is a value, and stays as it is",
    (outcome) => {
      expect(parse(outcomeToJson("show", { ...FULL, outcome }))).toMatchObject({ outcome, command: "show" });
    },
  );
});

const PREVIEW: Preview = {
  cgroup: "/docker/3f2a",
  path: "/sys/fs/cgroup/docker/3f2a",
  hierarchy: "v2",
  label: "docker 3f2a9c41d0be",
  supervisor: "docker",
  mayRestart: true,
  stop: ["docker", "stop", "3f2a9c41d0be"],
  startedBy: null,
  procs: 1,
  procsSubtree: 2,
  invisible: 0,
  state: "frozen",
  frozenBy: "/docker",
  populated: true,
  type: "domain threaded",
  memoryBytes: 4096,
  cpuMs: 1234.5,
  startedAt: "2026-11-23T17:00:00.000Z",
  method: "kill",
  refusal: { code: "holds-init", message: "m", hint: null, commands: [] },
  moves: [7],
  plan: [{ step: "grace", signal: "SIGTERM", waitMs: 5000, path: null, permitted: true, reason: null }],
  twin: null,
  processes: [
    {
      pid: 7,
      ppid: 1,
      cgroup: "/docker/3f2a",
      comm: "sh",
      args: ["sh", "-c", "x"],
      state: "S",
      uid: 0,
      user: "root",
      startedAt: "2026-11-23T17:00:00.000Z",
      cpuMs: 10,
      rssBytes: 4096,
      threads: 1,
      blockedOn: null,
      fate: "killed",
      fateReason: null,
    },
    {
      pid: 8,
      ppid: 7,
      cgroup: "/docker/3f2a/x",
      comm: "dd",
      args: null,
      state: "D",
      uid: 1000,
      user: null,
      startedAt: "2026-11-23T17:00:01.000Z",
      cpuMs: 0,
      rssBytes: 0,
      threads: 2,
      blockedOn: null,
      fate: "killed",
      fateReason: null,
    },
  ],
};

describe("a preview", () => {
  test("has the keys of the contract, with the refusal and the processes as objects", () => {
    expect(parse(previewToJson(PREVIEW))).toMatchObject({
      schema: 1,
      command: "show",
      cgroup: "/docker/3f2a",
      path: "/sys/fs/cgroup/docker/3f2a",
      hierarchy: "v2",
      label: "docker 3f2a9c41d0be",
      procs: 1,
      procs_subtree: 2,
      invisible: 0,
      state: "frozen",
      frozen_by: "/docker",
      populated: true,
      type: "domain threaded",
      memory_bytes: 4096,
      cpu_ms: 1234.5,
      started_at: "2026-11-23T17:00:00.000Z",
      method: "kill",
      refusal: { code: "holds-init", message: "m", hint: null, commands: [] },
      plan: [{ step: "grace", signal: "SIGTERM", wait_ms: 5000, path: null, permitted: true, reason: null }],
    });
    expect(parse(previewToJson(PREVIEW))["processes"]).toStrictEqual([
      {
        pid: 7,
        ppid: 1,
        cgroup: "/docker/3f2a",
        comm: "sh",
        args: ["sh", "-c", "x"],
        state: "S",
        uid: 0,
        user: "root",
        started_at: "2026-11-23T17:00:00.000Z",
        cpu_ms: 10,
        rss_bytes: 4096,
        threads: 1,
        blocked_on: null,
        fate: "killed",
        fate_reason: null,
      },
      {
        pid: 8,
        ppid: 7,
        cgroup: "/docker/3f2a/x",
        comm: "dd",
        args: null,
        state: "D",
        uid: 1000,
        user: null,
        started_at: "2026-11-23T17:00:01.000Z",
        cpu_ms: 0,
        rss_bytes: 0,
        threads: 2,
        blocked_on: null,
        fate: "killed",
        fate_reason: null,
      },
    ]);
  });

  test("of a plain cgroup has the same keys, with null for unknown facts", () => {
    const plain: Preview = {
      ...PREVIEW,
      label: null,
      supervisor: null,
      stop: null,
      frozenBy: null,
      memoryBytes: null,
      refusal: null,
      moves: [],
      plan: [],
      processes: [],
    };
    const document = parse(previewToJson(plain));
    expect(Object.keys(document)).toEqual(Object.keys(parse(previewToJson(PREVIEW))));
    expect(document).toMatchObject({ label: null, frozen_by: null, memory_bytes: null, refusal: null, processes: [] });
  });
});

/** Every key at every depth. */
function keysOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(keysOf);
  if (value === null || typeof value !== "object") return [];
  return Object.entries(value).flatMap(([key, inner]) => [key, ...keysOf(inner)]);
}

describe("every document", () => {
  const BAD = Buffer.from([0x2f, 0x61, 0xff, 0xc3, 0x28, 0x0a, 0x22, 0x5c, 0x1b, 0xc2, 0x85, 0xe2, 0x82]);
  const name = decodeBytes(BAD);
  const DOCUMENTS: ReadonlyArray<readonly [string, string]> = [
    [
      "kill",
      outcomeToJson("kill", { ...FULL, cgroup: name, leftFrozen: [name], survivors: [{ ...SURVIVOR, comm: name }] }),
    ],
    ["show", previewToJson({ ...PREVIEW, cgroup: name, path: name, frozenBy: name })],
  ];

  test.each(DOCUMENTS)(
    "%s: one line of ASCII with snake_case keys; bytes that are not UTF-8 are escaped",
    (_, text) => {
      expect(text).not.toContain("\n");
      expect(text).toContain('/a\\udcff\\udcc3(\\n\\"\\\\\\u001b');
      expect(text).not.toMatch(/\p{Surrogate}/u);
      for (const key of keysOf(JSON.parse(text))) expect(key).toMatch(/^[a-z]+(_[a-z]+)*$/);
    },
  );

  test.each(DOCUMENTS)("%s: a name that is not UTF-8 is parsed back to the same bytes", (_, text) => {
    expect(Buffer.from(encodeText(parse(text)["cgroup"] as string)).equals(BAD)).toBe(true);
  });

  test("values are exact: not sanitized, and not mistaken for keys", () => {
    const exact = "A_b aB\u202e\\x41";
    expect(parse(outcomeToJson("kill", { ...FULL, cgroup: exact }))["cgroup"]).toBe(exact);
    const killed = [{ pid: 1, comm: "camelCase" }];
    expect(parse(outcomeToJson("kill", { ...FULL, killed }))["killed"]).toStrictEqual(killed);
  });
});
