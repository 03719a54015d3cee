// The preview: a process or file that cannot be read does not hide the others.

import { expect, spyOn, test } from "bun:test";

import type { Preview } from "../../src/inspect/preview-types.ts";
import { readPreview } from "../../src/inspect/preview.ts";
import { InterruptedError } from "../../src/kill/errors.ts";
import { type Model, model, plan, WAYS } from "../support/model.ts";

async function preview(on: Model): Promise<Preview> {
  const planned = await plan(on);
  try {
    return await readPreview(on.kernel, planned, 2000);
  } finally {
    on.kernel.close(planned.cgroup.fd);
    expect(on.kernel.openDescriptors).toBe(0);
    expect(on.kernel.writes).toEqual([]);
  }
}

for (const way of WAYS) {
  test(`${way}: shows the processes of the whole subtree, each with its cgroup`, async () => {
    const { procs, procsSubtree, populated, processes } = await preview(model(way));
    expect({ procs, procsSubtree, populated }).toEqual({ procs: 3, procsSubtree: 5, populated: true });
    expect(processes.map(({ cgroup }) => cgroup).toSorted()).toEqual([
      ...Array.from({ length: 3 }, () => "/parent/target"),
      ...Array.from({ length: 2 }, () => "/parent/target/below"),
    ]);
  });

  test(`${way}: a process that exits while it is read is left out`, async () => {
    const on = model(way);
    on.kernel.failNext("read", /^\/proc\/2000\/stat$/, "ENOENT");
    const { procsSubtree, processes } = await preview(on);
    expect(procsSubtree).toBe(5);
    expect(processes.map(({ pid }) => pid)).toEqual([2001, 2002, 2003, 2004]);
  });
}

// Regression: a signal was noticed only after all processes were read, half a second later for 3,000.
test("a signal is noticed within a hundred processes", async () => {
  const on = model("kill");
  for (let count = 0; count < 500; count++) on.kernel.addProcess({ group: on.target, which: "v2" });
  const planned = await plan(on);
  const reader = spyOn(on.kernel, "readRecord");
  const reads = (): number => reader.mock.calls.filter(([, path]) => /^\d+\/stat$/.test(path)).length;
  const yieldToSignals = async (): Promise<void> => {
    if (reads() > 0) throw new InterruptedError();
  };
  const read = readPreview(on.kernel, planned, 2000, { yieldToSignals });
  expect(await read.catch((error: unknown) => error)).toBeInstanceOf(InterruptedError);
  on.kernel.close(planned.cgroup.fd);
  expect(reads()).toBeLessThan(100);
});

// Regression: with /proc mounted hidepid=1, one unreadable process used to hide all others.
test.each(["EPERM", "EACCES"])("a process hidden by %s does not hide the others", async (errno) => {
  const on = model("kill");
  on.kernel.failNext("read", /^\/proc\/2000\/stat$/, errno, Number.POSITIVE_INFINITY);
  const { procsSubtree, processes } = await preview(on);
  expect(procsSubtree).toBe(5);
  expect(processes.map(({ pid }) => pid)).toEqual(expect.arrayContaining([2001, 2002, 2003, 2004]));
});
