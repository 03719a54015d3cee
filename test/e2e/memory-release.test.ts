// A process that returns gigabytes takes longer to die than a short deadline: the survivor says so.

import { expect, test } from "bun:test";
import { freemem } from "node:os";

import { canStage, liveMembers, makeCgroup, startAdversary, until } from "../support/real-cgroup.ts";
import { documents, runCgkill } from "../support/run-cgkill.ts";

const AMOUNT = String.raw`(\d+ MiB|\d+\.\d GiB)`;
const HINT = new RegExp(
  `^it is returning its memory(: ${AMOUNT} left(, ${AMOUNT} per second, about \\d+ s more)?)?: give it more time`,
);
const MIB_EACH = 1536;
const hasRoom = freemem() > 8 * 2 ** 30;
if (!hasRoom) console.warn("left out: the return of 3 GiB of memory (less than 8 GiB are free)");

test.if(hasRoom && canStage("memory"))(
  "the hint says how much memory is left, and how fast it becomes less",
  async () => {
    // By the v1 memory controller, which counts it.
    await using target = makeCgroup("memory");
    await using _ = startAdversary("memhog", MIB_EACH, target.dir);
    const usage = async (): Promise<number> => Number(await Bun.file(`${target.dir}/memory.usage_in_bytes`).text());
    let bytes = 0;
    await until("2 × 1.5 GiB", () => {
      void usage().then((now) => (bytes = now));
      return bytes > 2 * MIB_EACH * 2 ** 20;
    });
    const ran = await runCgkill(["--json", "--keep", "-t", "20ms", target.dir]);
    const survivors = (documents(ran.stdout)[0]?.["survivors"] ?? []) as Record<string, unknown>[];
    const releasing = survivors.filter(({ blocked_on }) => (blocked_on as { kind?: string } | null)?.kind === "memory");
    // On a fast machine they are dead in time.
    if (ran.code === 0) return expect(liveMembers(target.dir)).toEqual([]);
    expect(ran.code).toBe(6);
    for (const { hint, reason } of releasing) {
      expect(reason).toBe("still-exiting");
      expect(String(hint)).toMatch(HINT);
    }
    console.info(`returning memory: ${releasing.map(({ hint }) => hint).join("; ")}`);
    expect(releasing.length).toBeGreaterThan(0);
  },
  120_000,
);
