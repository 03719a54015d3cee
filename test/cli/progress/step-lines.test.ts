// The steps of a kill as lines: counted, told once, and each with the time at which it happened.

import { describe, expect, test } from "bun:test";

import { phaseLines } from "../../../src/cli/progress/step-lines.ts";
import { type EventKind, type Fields, toEvent } from "../../../src/kill/events.ts";

type Step = readonly [atMs: number, kind: EventKind, fields?: Fields];

function told(steps: readonly Step[]): string {
  let now = 0;
  let text = "";
  const lines = phaseLines(
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
    const text = told([
      [0.5, "freezing"],
      [2, "frozen", { state: "frozen" }],
      [3, "found", { pids: [1, 2, 3] }],
      ...signalled(14, 3),
      [15, "thawed", { state: "thawed", path: "/x" }],
      [20, "removed"],
    ]);
    expect(text).toBe("  frozen  2.0 ms\n  3 processes signalled  14 ms\n  thawed  15 ms\n  removed  20 ms\n");
  });

  test("by the kernel: how many its write is for", () => {
    expect(
      told([
        [1, "found", { pids: [7] }],
        [2, "killed-by-kernel"],
      ]),
    ).toBe("  1 process signalled by the kernel  2.0 ms\n");
  });

  test("by the kernel, where nobody was found: no count", () => {
    expect(
      told([
        [1, "found", { pids: [] }],
        [2, "killed-by-kernel"],
      ]),
    ).toBe("");
  });

  test("with a grace period: the signal by its name, and SIGKILL for whoever is left", () => {
    const text = told([...signalled(1, 5, 15), ...signalled(5000, 2)]);
    expect(text).toBe("  5 processes sent SIGTERM  1.0 ms\n  2 processes signalled  5000 ms\n");
  });

  test("many rounds tell each step once, and a new count", () => {
    const round = (atMs: number, count: number): Step[] => [
      [atMs, "frozen"],
      ...signalled(atMs, count),
      [atMs, "thawed", { path: "/x" }],
      [atMs, "thawed", { path: "/x/y" }],
    ];
    const text = told([...round(1, 4), ...round(20, 1), ...round(30, 1)]);
    expect(text).toBe(
      "  frozen  1.0 ms\n  4 processes signalled  1.0 ms\n  thawed  1.0 ms\n  1 process signalled  20 ms\n",
    );
  });

  test("what is no step says nothing", () => {
    expect(
      told([
        [1, "kept"],
        [2, "busy"],
        [3, "hold-failed", { pid: 3 }],
      ]),
    ).toBe("");
  });
});
