// How much memory an exiting process still has to return, and how fast: on a table, since a fast machine returns it before
// it can be measured.

import { expect, test } from "bun:test";

import { memoryAdvice } from "../../src/blocked/advice.ts";
import { isReleasing, measureRelease } from "../../src/blocked/memory.ts";
import { dirAt } from "../../src/sys/dir.ts";
import type { Sys } from "../../src/sys/sys.ts";
import { merged, processFiles, procFilesSys } from "../support/proc-files.ts";

const GIB = 2 ** 30;
const DIR = dirAt("/sys/fs/cgroup/memory/t");

/** A cgroup whose usage falls by 1 GiB from each read to the next, and a second passes in between. */
function falling(from: number): Sys {
  let usage = from + GIB;
  let now = 0;
  const read = (): string => String((usage -= GIB));
  return { ...procFilesSys({ files: {} }), readRecord: read, readFile: read, now: () => (now += 500) };
}

test("the memory that is left, and the rate at which it falls", async () => {
  // The first read only asks whether the memory is counted there.
  const release = await measureRelease(falling(8 * GIB), 10, { dir: DIR });
  expect(release.leftBytes).toBe(6 * GIB);
  expect(release.bytesPerSecond).toBeGreaterThan(0);
});

// Regression: only the leader was looked at, which is a zombie if another thread is the last to exit.
test("a thread that is not the leader releases the memory of its process", () => {
  const PF_EXITING = 0x4;
  const files = { "/proc/10/task/11/status": "", "/proc/11/status": "Name:\tvictim\nState:\tR (running)\n" };
  const leader = processFiles({ pid: 10, state: "Z", flags: PF_EXITING });
  const last = processFiles({ pid: 11, state: "R", flags: PF_EXITING });
  expect(isReleasing(procFilesSys(merged(leader, last, { files })), 10)).toBe(true);
  expect(isReleasing(procFilesSys(leader), 10)).toBe(false);
});

test("memory that does not fall has no rate", async () => {
  const files = { [`${DIR.shown}/memory.current`]: "100\n" };
  expect(await measureRelease(procFilesSys({ files }), 10, { dir: DIR })).toMatchObject({ bytesPerSecond: null });
});

test("the hint says what is known, and no more", () => {
  expect(memoryAdvice({ leftBytes: 3 * GIB, bytesPerSecond: GIB / 2 }).hint).toBe(
    "it is releasing its memory: 3.0 GiB left, 512 MiB per second, about 6 s more: give it more time, --timeout 1m",
  );
  expect(memoryAdvice({ leftBytes: null, bytesPerSecond: null }).hint).toBe(
    "it is releasing its memory: give it more time, --timeout 1m",
  );
});
