// The live line: what it shows while the killed processes return their memory.

import { expect, test } from "bun:test";

import { liveLine } from "../../../src/cli/progress/live-line.ts";
import type { Io } from "../../../src/cli/streams/streams.ts";
import type { Progress } from "../../../src/kill/types.ts";
import type { Sys } from "../../../src/sys/sys.ts";

const GIB = 2 ** 30;

/** Draw once per second, with the memory left at each moment. */
async function draw(memory: readonly (number | null)[], phase: Progress["phase"] = "waitMs"): Promise<string[]> {
  let now = 0;
  const written: string[] = [];
  const io = {
    isRedrawable: () => true,
    size: () => ({ columns: 200, rows: 50 }),
    writeErr: (text: string) => void written.push(text.replace("\r\u001b[2K", "")),
  };
  const line = liveLine({ now: () => now } as Sys, io as unknown as Io, "/a", true, "kill");
  for (const bytes of memory) {
    now += 1000;
    await line.onProgress({ phase, countLeft: async () => 1, memoryLeft: async () => bytes });
  }
  return written;
}

test("memory that becomes less: how much is left, and for how long at this speed", async () => {
  expect(await draw([6 * GIB, 4 * GIB, 1 * GIB])).toEqual([
    "waiting for processes to exit in /a: 1 process left, 1.0 s",
    "waiting for processes to exit in /a: 1 process left, 4.0G of memory to return in 2.0 s, 2.0 s",
    "waiting for processes to exit in /a: 1 process left, 1.0G of memory to return in 0.3 s, 3.0 s",
  ]);
});

test("memory that stays or grows, is not counted, or does not matter yet: nothing is said of it", async () => {
  for (const memory of [
    [4 * GIB, 4 * GIB],
    [4 * GIB, 5 * GIB],
    [null, null],
    [4 * GIB, null],
    [4 * GIB, 4 * GIB - 1],
  ]) {
    for (const text of await draw(memory)) expect(text).not.toContain("memory");
  }
  for (const text of await draw([6 * GIB, 4 * GIB], "freezeMs")) expect(text).not.toContain("memory");
});
