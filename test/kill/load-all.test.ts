// What a kill loads on demand is loaded by standby before it waits: at the time of the kill, no memory may be left.

import { expect, test } from "bun:test";
import { resolve } from "node:path";

import { Glob } from "bun";

const SOURCE = `${import.meta.dir}/../../src`;

async function importsOf(file: string): Promise<string[]> {
  const text = await Bun.file(`${SOURCE}/${file}`).text();
  return [...text.matchAll(/await import\("(\.[^"]+)"\)/g)].map(([, path]) =>
    resolve(SOURCE, file, "..", path as string),
  );
}

test("every import on demand below src/kill is loaded by loadAll", async () => {
  const loaded = await importsOf("kill/load-all.ts");
  const onDemand = new Set<string>();
  for (const file of new Glob("kill/**/*.ts").scanSync(SOURCE))
    for (const path of await importsOf(file)) onDemand.add(path);
  expect([...onDemand].toSorted()).toEqual(loaded.toSorted());
  expect(loaded.length).toBeGreaterThan(5);
});
