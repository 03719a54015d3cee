// The steps of a kill as lines: counted, written once, and with the time of each.

import { describe, expect, test } from "bun:test";

import { stepLines } from "../../../src/cli/progress/step-lines.ts";
import { type EventKind, type Fields, toEvent } from "../../../src/kill/events.ts";

type Step = readonly [atMs: number, kind: EventKind, fields?: Fields];

function render(steps: readonly Step[]): string {
  let now = 0;
  let text = "";
  const lines = stepLines(
    () => now,
    (line) => void (text += line),
  );
  for (const [atMs, kind, fields = {}] of steps) {
    now = atMs;
    lines.onEvent(toEvent(kind, fields));
  }
  now = 99_000;
  lines.flush();
  return text;
}

const signalled = (atMs: number, count: number, signal = 9): Step[] =>
  Array.from({ length: count }, (_, pid) => [atMs, "signalled", { pid, signal }]);

describe("steps", () => {
  test("by the freezer: frozen, signalled, thawed, removed", () => {
    const text = render([
      [0.5, "freezing"],
      [2, "frozen", { state: "frozen" }],
      [3, "found", { pids: [1, 2, 3] }],
      ...signalled(14, 3),
      [15, "thawed", { state: "thawed", path: "/x" }],
      [20, "removed"],
    ]);
    expect(text).toBe("  frozen  2.0 ms\n  3 processes signalled  14 ms\n  thawed  15 ms\n  removed  20 ms\n");
  });

  test("by the kernel: the number of processes found", () => {
    expect(
      render([
        [1, "found", { pids: [7] }],
        [2, "killed-by-kernel"],
      ]),
    ).toBe("  1 process signalled by the kernel  2.0 ms\n");
  });

  test("by the kernel, with no process found: no count", () => {
    expect(
      render([
        [1, "found", { pids: [] }],
        [2, "killed-by-kernel"],
      ]),
    ).toBe("");
  });

  test("with a grace period: the name of the signal, then SIGKILL for the others", () => {
    const text = render([...signalled(1, 5, 15), ...signalled(5000, 2)]);
    expect(text).toBe("  5 processes sent SIGTERM  1.0 ms\n  2 processes signalled  5000 ms\n");
  });

  test("a repeated step is written once, unless its count differs", () => {
    const round = (atMs: number, count: number): Step[] => [
      [atMs, "frozen"],
      ...signalled(atMs, count),
      [atMs, "thawed", { path: "/x" }],
      [atMs, "thawed", { path: "/x/y" }],
    ];
    const text = render([...round(1, 4), ...round(20, 1), ...round(30, 1)]);
    expect(text).toBe(
      "  frozen  1.0 ms\n  4 processes signalled  1.0 ms\n  thawed  1.0 ms\n  1 process signalled  20 ms\n",
    );
  });

  test("an event that is not a step is not written", () => {
    expect(
      render([
        [1, "kept"],
        [2, "busy"],
        [3, "hold-failed", { pid: 3 }],
      ]),
    ).toBe("");
  });
});
