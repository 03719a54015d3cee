// A stop request (Ctrl-Z) during a kill: nothing is frozen meanwhile nor afterwards, and what happens meanwhile is seen.

import { expect, test } from "bun:test";

import type { KillControl } from "../../src/kill/types.ts";
import { execute, expectPromise, type Model, model, plan } from "../support/model.ts";

/** A stop that lasts 50 ms, requested once when `isDue` says so. @param meanwhile  acts as other processes */
function stopOnce(
  { kernel }: Model,
  isDue: () => boolean,
  meanwhile = (): void => {},
): NonNullable<KillControl["pause"]> {
  let isOver = false;
  return {
    get isRequested() {
      return !isOver && isDue();
    },
    async stop() {
      isOver = true;
      kernel.advance(50);
      meanwhile();
      return 50;
    },
  };
}

// Regression: the freeze was made again after the stop, and stayed.
test("while the cgroups below a v1 target are thawed: the target is not frozen again", async () => {
  const on = model("freezer on v1");
  for (let nth = 0; nth < 300; nth++) on.kernel.makeGroup("freezer", `parent/target/sub${nth}`);
  const planned = await plan(on, { remove: false });
  const isThawed = (): boolean =>
    on.kernel.writes.some(({ path, value }) => path === `${on.dir}/freezer.state` && value === "THAWED");
  const done = await execute(on, planned, { pause: stopOnce(on, isThawed) });
  expect(done.events.map(({ kind }) => kind)).toContain("continued");
  expect(done.outcome).toMatchObject({ outcome: "killed", killedCount: 5, leftFrozen: [] });
  expectPromise(on, done);
});
