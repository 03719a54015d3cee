// Whether a process outside the target can still answer for a FUSE connection. In doubt it can: an abort cannot be undone.

import { expect, test } from "bun:test";

import type { Holders } from "../../src/blocked/fuse/servers.ts";
import { judgeService } from "../../src/blocked/fuse/wait.ts";
import { readServer } from "../../src/blocked/server-state.ts";
import { merged, processFiles, type ProcFiles, procFilesSys } from "../support/proc-files.ts";

const CONNECTION = 60;
const STOPPED = 10;
const UNREADABLE = 11;

const HOST: ProcFiles = { files: { "/proc/self/mountinfo": "", "/proc/self/cgroup": "0::/\n" } };

const server = (pid: number, state: string): ProcFiles => processFiles({ pid, state, isKilled: false });

/** A stopped server, and one that sleeps and whose cgroup cannot be read. */
const sys = procFilesSys(
  merged(HOST, server(STOPPED, "T"), server(UNREADABLE, "S"), {
    files: {
      [`/proc/${STOPPED}/cgroup`]: "0::/\n",
      [`/proc/${UNREADABLE}/cgroup`]: { errno: "EMFILE" },
    },
  }),
);

const holders = (pids: readonly number[], more: Partial<Holders> = {}): Holders => ({
  byConnection: new Map([[CONNECTION, new Set(pids)]]),
  ofUnknown: new Set(),
  isComplete: true,
  isCut: false,
  ...more,
});
const isOver = (found: Holders): boolean => judgeService(sys, CONNECTION, found, () => false).isOver;

test("the only server is stopped: no process can answer", () => {
  expect(isOver(holders([STOPPED]))).toBe(true);
  // PID 1 may hide its descriptors, and serves nothing.
  expect(isOver(holders([STOPPED], { isComplete: false }))).toBe(true);
});

test("the search found no server and could not look everywhere: a process may answer", () => {
  expect(isOver(holders([], { isComplete: false }))).toBe(false);
});

// Regression: a live server that the search did not reach before its deadline did not count.
test("the deadline ended the search: a process may answer", () => {
  expect(isOver(holders([STOPPED], { isComplete: false, isCut: true }))).toBe(false);
});

// Regression: a server whose cgroup could not be opened counted as gone.
test("the state of a server cannot be read: it counts as alive", () => {
  expect(readServer(sys, UNREADABLE)).toMatchObject({ pid: UNREADABLE, state: "alive" });
  expect(isOver(holders([STOPPED, UNREADABLE]))).toBe(false);
});
