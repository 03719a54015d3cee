// A command that could not be started: whose fault it was, and that it never gets another environment instead.

import { expect, test } from "bun:test";

import { notStarted } from "../../src/run/not-started.ts";
import type { Calls } from "../../src/sys/calls/calls.ts";
import { nodeCalls } from "../../src/sys/calls/node-calls.ts";
import { SysError } from "../../src/sys/errno.ts";
import { linuxSys } from "../../src/sys/linux.ts";
import { readEnvironment } from "../../src/sys/spawn/callers-settings.ts";
import type { Sys } from "../../src/sys/sys.ts";
import { FakeKernel } from "../support/fake-kernel/fake-kernel.ts";

const sysOf = (calls: Pick<Calls, "open" | "pread">): Sys => linuxSys({ ...nodeCalls(), ...calls, close: () => {} });

// Regression: the command was started with an empty environment, and nothing was said.
test.each([
  ["open", { open: () => -11, pread: () => 0 }],
  ["read", { open: () => 3, pread: () => -11 }],
])("an environment that cannot be read (%s) is an error", (_, calls) => {
  expect(() => readEnvironment(sysOf(calls))).toThrow("/proc/self/environ");
});

test("an environment without a final NUL is read in full, over several reads", () => {
  const given = new TextEncoder().encode(`${"A=1\0".repeat(20_000)}B=2`);
  const pread = (_: number, into: Uint8Array, from: number, at: number): number => {
    const piece = given.subarray(at, Math.min(at + 10_000, at + into.length - from));
    into.set(piece, from);
    return piece.length;
  };
  const read = readEnvironment(sysOf({ open: () => 3, pread }));
  expect(read).toEqual(new Uint8Array([...given, 0]));
});

test.each<[string, string, 125 | 126]>([
  ["read", "EACCES", 125],
  ["read", "ENOENT", 125],
  ["clone3", "EPERM", 125],
  ["start", "EAGAIN", 125],
  ["start", "EACCES", 126],
])("%s, %s: exit status %i", (operation, errno, status) => {
  expect(notStarted(new FakeKernel(), "/bin/x", new SysError(operation, "/proc/self/environ", errno)).status).toBe(
    status,
  );
});
