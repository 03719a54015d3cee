// A cgroup of --spare-to that cannot take the spared process: another is taken, which the preview and the kill say, each
// with the reason, and they agree.

import { describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync } from "node:fs";

import {
  canStage,
  destroy,
  isFrozen,
  makeCgroup,
  mountPoint,
  startSleeper,
  until,
  write,
} from "../support/real-cgroup.ts";
import { documents, runCgkill } from "../support/run-cgkill.ts";

interface Places {
  readonly target: string;
  readonly aside: string;
}

/** @param reason  what the preview and the kill say of it */
async function expectElsewhere({ target }: Places, spareTo: string, reason: readonly [RegExp, RegExp]): Promise<void> {
  await using spared = await startSleeper(target);
  await using _ = await startSleeper(target);
  const argv = ["--keep", "--spare", String(spared.pid), "--spare-to", spareTo, target];
  const [shown = {}] = documents((await runCgkill(["show", "--json", ...argv])).stdout);
  const { path, reason: why } = (shown["plan"] as Record<string, string>[])[0] ?? {};
  expect(why).toStartWith(`${spareTo}: `);
  expect(why).toMatch(reason[0]);
  const text = (await runCgkill(["show", ...argv])).stdout;
  expect(text).toContain(`\n  moved out to ${path}, not to --spare-to: ${why}\n`);

  const { code, stdout, stderr } = await runCgkill(argv);
  expect([code, stdout]).toEqual([0, expect.stringContaining("1 process, 1 moved out")]);
  const [first = "", second = ""] = stderr.split("\n");
  expect(first).toStartWith(`cgkill: warn: pid ${spared.pid} cannot be moved to --spare-to: `);
  expect(first).toContain(spareTo);
  expect(first).toMatch(reason[1]);
  const taken = second.slice(second.indexOf(" to ") + 4);
  expect(second).toStartWith(`cgkill: moved pid ${spared.pid} out of `);
  expect(readFileSync(`/proc/${spared.pid}/cgroup`, "utf8").split("\n")).toContainEqual(
    expect.stringMatching(new RegExp(`:${taken}$`)),
  );
  expect(path).toEndWith(taken === "/" ? "" : taken);
}

const both = (reason: RegExp): readonly [RegExp, RegExp] => [reason, reason];

for (const which of ["v1", "v2"] as const) {
  describe.if(canStage(which))(which, () => {
    async function stage(work: (places: Places) => Promise<void>): Promise<void> {
      await using top = makeCgroup(which);
      const places = { target: `${top.dir}/job`, aside: `${top.dir}/aside` };
      for (const dir of Object.values(places)) mkdirSync(dir);
      await work(places);
    }

    test("the target itself, or below it", () =>
      stage(async (places) => {
        const below = `${places.target}/below`;
        mkdirSync(below);
        for (const spareTo of [places.target, below]) {
          await expectElsewhere(places, spareTo, both(/: it is inside the target$/));
        }
      }));

    test("frozen", () =>
      stage(async (places) => {
        const { aside } = places;
        write(`${aside}/${which === "v1" ? "freezer.state" : "cgroup.freeze"}`, which === "v1" ? "FROZEN" : "1");
        await until("frozen", () => isFrozen(aside));
        await expectElsewhere(places, aside, both(/: it is frozen$/));
      }));
  });
}

const NOT_ACCEPTED = /: it would not accept them$/;

test.if(canStage("v2"))("v2: a domain below threaded cgroups", async () => {
  await using top = makeCgroup("v2");
  const [target, aside] = [`${top.dir}/job`, `${top.dir}/aside`];
  for (const dir of [target, aside, `${aside}/threaded`, `${aside}/invalid`]) mkdirSync(dir);
  write(`${aside}/threaded/cgroup.type`, "threaded");
  await expectElsewhere({ target, aside }, `${aside}/invalid`, [NOT_ACCEPTED, /\(EOPNOTSUPP\)$/]);
});

// Canaries could not be put into a new cpuset.
const cpuset = mountPoint("cpuset");
test.if(canStage("v1") && cpuset !== undefined)("v1: a cpuset without processors", async () => {
  const dir = `${cpuset}/cgkill-test-${process.pid}-cpuset`;
  const target = `${dir}/job`;
  try {
    for (const each of [dir, target, `${dir}/aside`]) mkdirSync(each);
    for (const each of [dir, target]) {
      for (const file of ["cpuset.cpus", "cpuset.mems"])
        write(`${each}/${file}`, readFileSync(`${cpuset}/${file}`, "utf8"));
    }
    await expectElsewhere({ target, aside: `${dir}/aside` }, `${dir}/aside`, [NOT_ACCEPTED, /\(ENOSPC\)$/]);
  } finally {
    await destroy(dir);
  }
});
