// The text after a kill, word for word: the line of each outcome, its problem, and the survivors with their hints.

import { describe, expect, test } from "bun:test";

import {
  renderFreezeLine,
  renderOutcomeLine,
  renderProblem,
  renderSignalLine,
} from "../../../src/cli/output/outcome-text.ts";
import type { FreezeOutcome } from "../../../src/freeze/freeze-thaw.ts";
import type { Failure, KillOutcome, Outcome, Survivor, SurvivorReason } from "../../../src/kill/types.ts";
import { MARKED, PLAIN } from "../support.ts";

const HOSTILE = "a\u001b]0;x\u0007\n\u202eb\udc9b\\";
const SHOWN = "a\\x1b]0;x\\x07\\n\\u202eb\\x9b\\\\";

const KILLED: KillOutcome = {
  cgroup: "/batch/job7",
  path: "/sys/fs/cgroup/batch/job7",
  hierarchy: "v2",
  method: "kill",
  outcome: "killed",
  killed: [],
  killedCount: 3,
  endedByGrace: null,
  survivors: [],
  spared: [],
  removed: false,
  proven: true,
  leftFrozen: [],
  thawedEmpty: false,
  abortedFuse: [],
  startedAt: "2026-11-23T17:00:00.000Z",
  durationMs: 12.3,
  phases: { freezeMs: null, scanMs: null, signalMs: null, thawMs: null, waitMs: null, removeMs: null },
  error: null,
  twin: null,
  starter: null,
  matches: null,
};

const failure = (code: string, message: string, hint: string | null = null): Failure => ({
  code,
  message,
  hint,
  commands: [],
  operation: null,
  path: null,
  errno: null,
});

const SURVIVOR: Survivor = {
  pid: 10,
  ppid: 1,
  comm: "dd",
  state: "D",
  uid: 0,
  wchan: "nfs_wait",
  sigkillPending: true,
  frozenBy: null,
  tracerPid: null,
  blockedOn: null,
  cgroup: "/batch/job7",
  reason: "uninterruptible",
  hint: "blocked in the kernel",
  commands: [],
};

/** A target that was never opened. */
const UNTOUCHED = { killedCount: 0, method: null } as const;

const CASES: Readonly<Record<Outcome, readonly [Partial<KillOutcome>, string, string]>> = {
  killed: [{}, "<good>killed</good>  /batch/job7  <dim>3 processes, method kill, 12 ms</dim>\n", ""],
  empty: [{ killedCount: 0 }, "<good>already empty</good>  /batch/job7  <dim>method kill, 12 ms</dim>\n", ""],
  missing: [UNTOUCHED, "<good>missing</good>  /batch/job7\n", ""],
  failed: [
    { error: failure("io-error", "write x: input/output error (EIO)") },
    "<bad>failed</bad>  /batch/job7  <dim>3 processes, method kill, 12 ms</dim>\n",
    "<bad>cgkill:</bad> write x: input/output error (EIO)\n",
  ],
  usage: [
    {
      ...UNTOUCHED,
      error: failure("ambiguous", "job7: is in v1 and in v2", "give --hierarchy"),
      matches: [
        { path: "/sys/a", label: "unit a" },
        { path: HOSTILE, label: null },
      ],
    },
    "<bad>ambiguous</bad>  /batch/job7\n",
    `<bad>cgkill:</bad> job7: is in v1 and in v2\n  /sys/a  (unit a)\n  ${SHOWN}\n  hint: give --hierarchy\n`,
  ],
  "not-found": [
    { ...UNTOUCHED, error: failure("not-found", "job7: no such cgroup", "did you mean /batch/job8?") },
    "<bad>not found</bad>  /batch/job7\n",
    "<bad>cgkill:</bad> job7: no such cgroup\n  hint: did you mean /batch/job8?\n",
  ],
  // A method that was not used is not shown.
  refused: [
    { killedCount: 0, method: "freezer", error: failure("holds-init", "it holds pid 1", "name another") },
    "<bad>refused</bad>  /batch/job7\n",
    "<bad>cgkill:</bad> it holds pid 1\n  hint: name another\n",
  ],
  denied: [
    { killedCount: 0, error: failure("denied", "write cgroup.kill: permission denied (EACCES)", "run it as root") },
    "<bad>denied</bad>  /batch/job7  <dim>method kill, 12 ms</dim>\n",
    "<bad>cgkill:</bad> write cgroup.kill: permission denied (EACCES)\n  hint: run it as root\n",
  ],
  survivors: [
    {
      killedCount: 1,
      method: "sweep",
      survivors: [SURVIVOR],
      error: failure("survivors", "/batch/job7: 1 process survives", SURVIVOR.hint),
    },
    "<bad>survivors</bad>  /batch/job7  <dim>1 process, 1 left, method sweep, 12 ms</dim>\n",
    // The hint of the error is that of the first survivor, and is shown once.
    "<bad>cgkill:</bad> /batch/job7: 1 process survives\n" +
      "  <dim>PID  STATE  COMMAND  BLOCKED IN  REASON</dim>\n" +
      "  10   D      dd       nfs_wait    uninterruptible\n" +
      "  hint: uninterruptible: blocked in the kernel\n",
  ],
  "not-removed": [
    { error: failure("not-removed", "rmdir x: device or resource busy (EBUSY)", "try again") },
    "<bad>killed, not removed</bad>  /batch/job7  <dim>3 processes, method kill, 12 ms</dim>\n",
    "<bad>cgkill:</bad> rmdir x: device or resource busy (EBUSY)\n  hint: try again\n",
  ],
  interrupted: [
    { error: failure("interrupted", "interrupted: 3 killed, 1 still running; nothing left frozen") },
    "<bad>interrupted</bad>  /batch/job7  <dim>3 processes, method kill, 12 ms</dim>\n",
    "<bad>cgkill:</bad> interrupted: 3 killed, 1 still running; nothing left frozen\n",
  ],
  internal: [
    { ...UNTOUCHED, error: failure("internal", "x is undefined") },
    "<bad>failed</bad>  /batch/job7\n",
    "<bad>cgkill:</bad> x is undefined\n",
  ],
};

test("an empty cgroup that could not be removed is not said to be killed", () => {
  const error = failure("not-removed", "rmdir x: device or resource busy (EBUSY)");
  const line = renderOutcomeLine({ ...KILLED, outcome: "not-removed", killed: [], killedCount: 0, error }, MARKED);
  expect(line).toBe("<bad>empty, not removed</bad>  /batch/job7  <dim>method kill, 12 ms</dim>\n");
});

describe("an outcome, word for word, with and without colours", () => {
  const unmarked = (text: string): string => text.replaceAll(/<\/?(?:good|bad|dim|bold)>/g, "");

  test.each(Object.keys(CASES) as Outcome[])("%s", (outcome) => {
    const [fields, line, problem] = CASES[outcome];
    const full = { ...KILLED, ...fields, outcome };
    expect(renderOutcomeLine(full, MARKED)).toBe(line);
    expect(renderProblem(full, MARKED)).toBe(problem);
    expect(renderOutcomeLine(full, PLAIN)).toBe(unmarked(line));
    expect(renderProblem(full, PLAIN)).toBe(unmarked(problem));
  });
});

test("a target that is left alone because of another one is not blamed, and an ambiguous name is called ambiguous", () => {
  const leftAlone = { ...KILLED, ...UNTOUCHED, outcome: "usage", error: failure("left-alone", "x") } as const;
  expect(renderOutcomeLine(leftAlone, PLAIN)).toBe("not touched  /batch/job7\n");
  const signal = { signal: "HUP", signalled: [], frozenBy: null } as const;
  const ambiguous = { ...KILLED, ...signal, outcome: "usage", error: failure("ambiguous", "x"), twin: null } as const;
  expect(renderSignalLine(ambiguous, PLAIN)).toBe("ambiguous  /batch/job7\n");
});

test("an outcome shows processes moved out and the removal", () => {
  const spared = [
    { pid: 1, cgroup: "/" },
    { pid: 2, cgroup: "/" },
  ];
  const line = renderOutcomeLine({ ...KILLED, method: "freezer", spared, removed: true }, PLAIN);
  expect(line).toBe("killed  /batch/job7  3 processes, 2 moved out, removed, method freezer, 12 ms\n");
});

describe("text from the host is sanitized and adds no lines", () => {
  const hostileSurvivor: Survivor = { ...SURVIVOR, comm: HOSTILE, wchan: HOSTILE, hint: HOSTILE, commands: [] };

  test.each<[string, (paint: typeof PLAIN) => string, number]>([
    ["a cgroup's name", (paint) => renderOutcomeLine({ ...KILLED, cgroup: HOSTILE }, paint), 1],
    ["an error and its hint", (paint) => renderProblem({ error: failure("x", HOSTILE, HOSTILE) }, paint), 2],
    ["a path left frozen", (paint) => renderProblem({ ...KILLED, leftFrozen: [HOSTILE] }, paint), 1],
    ["a survivor", (paint) => renderProblem({ ...KILLED, survivors: [hostileSurvivor] }, paint), 3],
  ])("%s", (_, render, lines) => {
    const text = render(PLAIN);
    expect(text.match(/\n/g)).toHaveLength(lines);
    expect(text).toContain(SHOWN);
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]|\p{Surrogate}/u);
  });
});

describe("survivors", () => {
  const REASONS: readonly SurvivorReason[] = [
    "uninterruptible",
    "frozen-elsewhere",
    "traced",
    "not-permitted",
    "not-visible",
    "kernel-thread",
    "still-exiting",
  ];
  const problem = (survivors: readonly Survivor[]): string => renderProblem({ ...KILLED, survivors }, PLAIN);

  test("each reason has a row and a hint, in the same order", () => {
    const survivors = REASONS.map((reason, index) => ({
      ...SURVIVOR,
      pid: 98 + index,
      reason,
      hint: `do ${reason}`,
      commands: [],
    }));
    expect(problem(survivors)).toBe(
      [
        "  PID  STATE  COMMAND  BLOCKED IN  REASON",
        "  98   D      dd       nfs_wait    uninterruptible",
        "  99   D      dd       nfs_wait    frozen-elsewhere",
        "  100  D      dd       nfs_wait    traced",
        "  101  D      dd       nfs_wait    not-permitted",
        "  102  D      dd       nfs_wait    not-visible",
        "  103  D      dd       nfs_wait    kernel-thread",
        "  104  D      dd       nfs_wait    still-exiting",
        ...REASONS.map((reason) => `  hint: ${reason}: do ${reason}`),
        "",
      ].join("\n"),
    );
  });

  test("a survivor without a pid, name or state has a dash for it", () => {
    const unseen: Survivor = {
      ...SURVIVOR,
      pid: 0,
      comm: "(3 processes)",
      state: null,
      wchan: null,
      reason: "not-visible",
    };
    const [, first, second] = problem([unseen, { ...unseen, comm: null }]).split("\n");
    expect(first).toBe("  -    -      (3 processes)  -           not-visible");
    expect(second).toBe("  -    -      -              -           not-visible");
  });

  test.each([
    [20, 20, ""],
    [21, 20, "  and 1 more\n"],
    [1000, 20, "  and 980 more\n"],
  ])("of %i survivors, %i are listed, and the others are counted before the hint", (count, rows, more) => {
    const text = problem(Array.from({ length: count }, (_, index) => ({ ...SURVIVOR, pid: index + 1 })));
    expect(text.match(/uninterruptible$/gm)).toHaveLength(rows);
    expect(text).toEndWith(`uninterruptible\n${more}  hint: uninterruptible: blocked in the kernel\n`);
  });

  test("cgroups left frozen are listed between the error and the survivors", () => {
    const error = failure("survivors", "1 process survives", "x");
    const text = renderProblem({ error, leftFrozen: ["/sys/a", "/sys/b"], survivors: [SURVIVOR] }, MARKED);
    expect(text.split("\n").slice(0, 4)).toEqual([
      "<bad>cgkill:</bad> 1 process survives",
      "  <bad>left frozen</bad>: /sys/a",
      "  <bad>left frozen</bad>: /sys/b",
      "  <dim>PID  STATE  COMMAND  BLOCKED IN  REASON</dim>",
    ]);
  });

  test("survivors frozen by two cgroups have two hints", () => {
    const held = ["/sys/a", "/sys/b"].map((by, index): Survivor => {
      const hint = `thaw it, and it dies: echo THAWED > ${by}/freezer.state`;
      return { ...SURVIVOR, pid: 10 + index, frozenBy: by, reason: "frozen-elsewhere", hint };
    });
    const text = problem(held);
    for (const { hint } of held) expect(text).toContain(hint);
  });

  test("the hint of a survivor that is not listed is shown", () => {
    const blocked = Array.from({ length: 20 }, (_, index) => ({ ...SURVIVOR, pid: index + 1 }));
    const traced: Survivor = {
      ...SURVIVOR,
      pid: 99,
      reason: "traced",
      hint: "pid 7 traces it: end that one",
      commands: [],
    };
    expect(problem([...blocked, traced])).toContain("hint: traced: pid 7 traces it: end that one\n");
  });
});

describe("a freeze or a thaw", () => {
  const FROZEN: FreezeOutcome = {
    cgroup: "/a",
    path: "/sys/a",
    hierarchy: "v2",
    outcome: "frozen",
    state: "frozen",
    frozenBy: "/a",
    spared: [],
    leftFrozen: [],
    startedAt: "2026-11-23T17:00:00.000Z",
    durationMs: 4,
    error: null,
    twin: null,
    matches: null,
  };

  test.each<[FreezeOutcome["outcome"], string]>([
    ["frozen", "<good>frozen</good>  /a  <dim>4.0 ms</dim>\n"],
    ["thawed", "<good>thawed</good>  /a  <dim>4.0 ms</dim>\n"],
    ["missing", "<good>missing</good>  /a  <dim>4.0 ms</dim>\n"],
    ["refused", "<bad>refused</bad>  /a\n"],
    ["not-found", "<bad>not found</bad>  /a\n"],
    ["interrupted", "<bad>interrupted</bad>  /a\n"],
  ])("%s", (outcome, line) => {
    expect(renderFreezeLine({ ...FROZEN, outcome }, MARKED)).toBe(line);
  });

  test("a thaw below a frozen ancestor is reported as still frozen", () => {
    const error = failure("frozen-ancestor", "m", "h");
    expect(renderFreezeLine({ ...FROZEN, cgroup: "/p/a", outcome: "failed", frozenBy: "/p", error }, MARKED)).toBe(
      "<bad>still frozen</bad>  /p/a  <dim>by /p</dim>\n",
    );
  });

  test("shows processes moved out, and sanitizes the name", () => {
    const spared = [{ pid: 1, cgroup: "/" }];
    expect(renderFreezeLine({ ...FROZEN, cgroup: HOSTILE, spared }, PLAIN)).toBe(
      `frozen  ${SHOWN}  1 moved out, 4.0 ms\n`,
    );
  });
});

describe("a grace period", () => {
  const lineOf = (fields: Partial<KillOutcome>): string => renderOutcomeLine({ ...KILLED, ...fields }, PLAIN);

  test.each([
    [3, 3, "3 processes (3 by the grace signal, 0 by SIGKILL), method"],
    [3, 2, "3 processes (2 by the grace signal, 1 by SIGKILL), method"],
    [1, 0, "1 process (0 by the grace signal, 1 by SIGKILL), method"],
    [0, 0, "job7  method"],
    [3, null, "3 processes, method"],
  ])("%d killed, %j of them by the grace signal", (killedCount, endedByGrace, text) => {
    expect(lineOf({ killedCount, endedByGrace })).toContain(text);
  });

  test("a cgroup that was thawed after it was emptied is mentioned", () => {
    expect(lineOf({ thawedEmpty: true })).toContain(", thawed because it was frozen, method");
  });
});
