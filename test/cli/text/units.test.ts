// Short forms of byte counts and ages.

import { expect, test } from "bun:test";

import { renderAge, renderBytes } from "../../../src/cli/text/units.ts";

test.each([
  [0, "0B"],
  [1023, "1023B"],
  [1024, "1.0K"],
  [10 * 1024, "10K"],
  [3.25 * 1024 ** 2, "3.3M"],
  [5 * 1024 ** 4, "5.0T"],
  [5000 * 1024 ** 4, "5000T"],
])("%d bytes are %s", (bytes, text) => {
  expect(renderBytes(bytes)).toBe(text);
});

test.each([
  [-1, "0s"],
  [59.9, "59s"],
  [60, "1m00s"],
  [3599, "59m59s"],
  [3600, "1h00m"],
  [86_400 + 3 * 3600, "1d03h"],
])("%d seconds are %s", (seconds, text) => {
  expect(renderAge(seconds)).toBe(text);
});
