// The search of the host for FUSE servers: bounded by its deadline, open to signals, and never silent about a server.

import { expect, test } from "bun:test";

import { findHolders } from "../../src/blocked/fuse/servers.ts";
import type { Sys } from "../../src/sys/sys.ts";
import { type FakeBlocked, merged, processFiles, procFilesSys } from "../support/proc-files.ts";

const PID = 10;
const HOST = { files: {}, links: { "/proc/self/ns/pid": "pid:[4026531836]" } };

const withDescriptors = (fds: NonNullable<FakeBlocked["fds"]>, more = {}): Sys =>
  procFilesSys(merged(HOST, processFiles({ pid: PID, state: "S", isKilled: false, fds }), { files: more }));

// Regression: the deadline was checked once per process. One process with 20,000 descriptors in 31 threads took 15 s.
test("a process with many descriptors: the search yields to signals and ends at its deadline", async () => {
  const sys = withDescriptors(Object.fromEntries(Array.from({ length: 1000 }, (_, fd) => [fd, ["/x"]])));
  let now = 0;
  let yields = 0;
  const slow: Sys = { ...sys, now: () => now, readLink: (dir, name) => (now++, sys.readLink(dir, name)) };
  const holders = await findHolders(slow, { until: 100, yieldToSignals: async () => void yields++ });
  expect(holders.isCut).toBe(true);
  expect(now).toBeLessThan(105);
  expect(yields).toBeGreaterThanOrEqual(9);
});

// Regression: a server whose connection could not be read was left out if another connection could be.
test("no descriptor is left to read a connection with: the search fails", async () => {
  const sys = withDescriptors(
    { 3: ["/dev/fuse", 20, "fuse_connection:\t60\n"], 4: ["/dev/fuse"] },
    { [`/proc/${PID}/fdinfo/4`]: { errno: "EMFILE" } },
  );
  expect(findHolders(sys)).rejects.toThrow("EMFILE");
});

test("a descriptor that is closed meanwhile is left out", async () => {
  const sys = withDescriptors({ 3: ["/dev/fuse", 20, "fuse_connection:\t60\n"], 4: ["/dev/fuse"] });
  const { byConnection, ofUnknown } = await findHolders(sys);
  expect(byConnection).toEqual(new Map([[60, new Set([PID])]]));
  expect(ofUnknown).toEqual(new Set());
});
