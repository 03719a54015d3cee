// Counts, amounts and times as text.

import { expect, test } from "bun:test";

import { plural, renderAge, renderAgeOf, renderBytes, renderDuration } from "../../../src/cli/text/units.ts";

test.each([
  [0, "0.0 ms"],
  [0.04, "0.0 ms"],
  [3.14, "3.1 ms"],
  [10, "10 ms"],
  [12.6, "13 ms"],
  [999.4, "999 ms"],
  [9999, "9999 ms"],
  [10_000, "10.0 s"],
  [61_234, "61.2 s"],
])("%d ms is shown as %s", (ms, text) => {
  expect(renderDuration(ms)).toBe(text);
});

test.each([
  [0, "process", "0 processes"],
  [1, "process", "1 process"],
  [2, "process", "2 processes"],
  [1, "cgroup", "1 cgroup"],
  [3, "cgroup", "3 cgroups"],
])("%d of %s is %s", (count, noun, text) => {
  expect(plural(count, noun)).toBe(text);
});

test.each([
  [0, "0B"],
  [1023, "1023B"],
  [1024, "1.0K"],
  [10 * 1024, "10K"],
  [3.25 * 1024 ** 2, "3.3M"],
  [5 * 1024 ** 4, "5.0T"],
  [5000 * 1024 ** 4, "5000T"],
])("%d bytes are shown as %s", (bytes, text) => {
  expect(renderBytes(bytes)).toBe(text);
});

test.each([
  [-1, "0s"],
  [59.9, "59s"],
  [60, "1m00s"],
  [3599, "59m59s"],
  [3600, "1h00m"],
  [86_400 + 3 * 3600, "1d03h"],
])("%d seconds are shown as %s", (seconds, text) => {
  expect(renderAge(seconds)).toBe(text);
});

test("the age of something with an unknown start is a dash", () => {
  const now = new Date("2026-11-23T17:00:42.000Z");
  expect(renderAgeOf("2026-11-23T17:00:00.000Z", now)).toBe("42s");
  expect(renderAgeOf(null, now)).toBe("-");
});
