// A process that returns gigabytes takes longer to die than a short deadline: the survivor says so.

import { expect, test } from "bun:test";
import { freemem } from "node:os";

import { canStage, liveMembers, makeCgroup, startAdversary, until, WaitedInVainError } from "../support/real-cgroup.ts";
import { documents, runCgkill } from "../support/run-cgkill.ts";

const AMOUNT = String.raw`(\d+ MiB|\d+\.\d GiB)`;
const HINT = new RegExp(
  `^it is releasing its memory(: ${AMOUNT} left(, ${AMOUNT} per second, about \\d+ s more)?)?: give it more time`,
);
const MIB_EACH = 4096;
const hasRoom = freemem() > 14 * 2 ** 30;
if (!hasRoom) console.warn("left out: the return of 8 GiB of memory (less than 14 GiB are free)");

function isVain(error: unknown): false {
  if (error instanceof WaitedInVainError) return false;
  throw error;
}

/** @returns whether a survivor was releasing its memory */
async function seesRelease(deadline: string): Promise<boolean | "no memory"> {
  // By the v1 memory controller, which counts it.
  await using target = makeCgroup("memory");
  await using _ = startAdversary("memhog", MIB_EACH, target.dir);
  const usage = async (): Promise<number> => Number(await Bun.file(`${target.dir}/memory.usage_in_bytes`).text());
  let bytes = 0;
  const isFull = (): boolean => {
    void usage().then((now) => (bytes = now));
    return bytes > 2 * MIB_EACH * 2 ** 20;
  };
  // A virtual machine may get its memory from its host page by page.
  if (!(await until("2 × 4 GiB", isFull, 100_000).then(() => true, isVain))) return "no memory";
  const ran = await runCgkill(["--json", "--keep", "-t", deadline, target.dir]);
  const survivors = (documents(ran.stdout)[0]?.["survivors"] ?? []) as Record<string, unknown>[];
  const releasing = survivors.filter(({ blocked_on }) => (blocked_on as { kind?: string } | null)?.kind === "memory");
  expect(ran.code).toBe(survivors.length === 0 ? 0 : 6);
  if (ran.code === 0) expect(liveMembers(target.dir)).toEqual([]);
  for (const { hint, reason } of releasing) {
    expect(reason).toBe("still-exiting");
    expect(String(hint)).toMatch(HINT);
  }
  if (releasing.length > 0) console.info(`returning memory: ${releasing.map(({ hint }) => hint).join("; ")}`);
  return releasing.length > 0;
}

test.if(hasRoom && canStage("memory"))(
  "the hint says how much memory is left, and how fast it becomes less",
  async () => {
    // 64 GiB per second were seen: then all memory is back within a deadline, or has not begun to return.
    const deadlines = ["20ms", "60ms", "40ms", "100ms"];
    const end = performance.now() + 40_000;
    for (const deadline of [...deadlines, ...deadlines]) {
      const seen = await seesRelease(deadline);
      if (seen === "no memory") {
        return void console.warn("left out: the return of 8 GiB of memory (they did not come in 100 s)");
      }
      if (seen) return;
      // Memory may come slowly, and go fast.
      if (performance.now() > end) break;
    }
    console.warn("left out: the hint of a process that returns its memory (none was seen in 40 s)");
  },
  160_000,
);
