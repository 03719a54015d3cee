// One exit status for all outcomes: each alone, with successes, with every other, and with an interruption.

import { describe, expect, test } from "bun:test";

import { EXIT_CODES, exitCodeOf, type Status } from "../../src/cli/exit-codes.ts";

const GOOD: readonly Status[] = ["killed", "empty", "missing", "frozen", "thawed"];

const BAD: ReadonlyArray<readonly [Status, number]> = [
  ["failed", 1],
  ["usage", 2],
  ["not-found", 3],
  ["refused", 4],
  ["denied", 5],
  ["survivors", 6],
  ["not-removed", 7],
  ["internal", 70],
];

test("each outcome has the status of the contract", () => {
  expect(EXIT_CODES).toEqual({
    killed: 0,
    empty: 0,
    missing: 0,
    frozen: 0,
    thawed: 0,
    signalled: 0,
    failed: 1,
    usage: 2,
    "not-found": 3,
    refused: 4,
    denied: 5,
    survivors: 6,
    "not-removed": 7,
    interrupted: 130,
    internal: 70,
  });
});

test("successes of every kind, or no target at all: success", () => {
  expect(exitCodeOf(GOOD)).toBe(0);
  for (const outcome of GOOD) expect(exitCodeOf([outcome])).toBe(0);
  expect(exitCodeOf([])).toBe(0);
});

describe("one kind of failure gives its code", () => {
  test.each(BAD)("%s: %i, alone, twice, and in any position among successes", (outcome, code) => {
    for (const outcomes of [[outcome], [outcome, outcome], [...GOOD, outcome], [outcome, ...GOOD, outcome]]) {
      expect(exitCodeOf(outcomes)).toBe(code);
    }
  });
});

test("any two kinds of failure give 1, in either order, with or without successes between them", () => {
  for (const [one] of BAD) {
    for (const [other] of BAD) {
      if (one === other) continue;
      expect(exitCodeOf([one, other])).toBe(1);
      expect(exitCodeOf([one, "killed", other, other])).toBe(1);
    }
  }
});

describe("a signal takes precedence over every other outcome", () => {
  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
    ["SIGQUIT", 131],
    ["SIGUSR1", 138],
    ["SIGXCPU", 152],
    ["SIGIO", 157],
  ])("%s: %i", (signal, code) => {
    expect(exitCodeOf(["interrupted"], signal)).toBe(code);
    expect(exitCodeOf(["killed", "interrupted", "interrupted"], signal)).toBe(code);
    for (const [outcome] of BAD) expect(exitCodeOf([outcome, "interrupted"], signal)).toBe(code);
  });

  test("a signal after the last target changes nothing", () => {
    expect(exitCodeOf(["killed"], "SIGINT")).toBe(0);
    expect(exitCodeOf(["survivors"], "SIGTERM")).toBe(6);
  });
});

// Without a deadly signal as the reason, "interrupted" means that a question was answered with no.
test.each([undefined, "undefined", "SIGKILL"])(
  "a target left alone by the operator is one kind of failure among others (%j)",
  (reason) => {
    expect(exitCodeOf(["interrupted"], reason)).toBe(130);
    expect(exitCodeOf(["killed", "interrupted", "interrupted"], reason)).toBe(130);
    for (const [outcome] of BAD) expect(exitCodeOf([outcome, "interrupted"], reason)).toBe(1);
  },
);
