// The preview: a process or file that cannot be read does not hide the others.

import { expect, test } from "bun:test";

import type { Preview } from "../../src/inspect/preview-types.ts";
import { readPreview } from "../../src/inspect/preview.ts";
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

// Regression: with /proc mounted hidepid=1, one unreadable process used to hide all others.
test.each(["EPERM", "EACCES"])("a process hidden by %s does not hide the others", async (errno) => {
  const on = model("kill");
  on.kernel.failNext("read", /^\/proc\/2000\/stat$/, errno, Number.POSITIVE_INFINITY);
  const { procsSubtree, processes } = await preview(on);
  expect(procsSubtree).toBe(5);
  expect(processes.map(({ pid }) => pid)).toEqual(expect.arrayContaining([2001, 2002, 2003, 2004]));
});
