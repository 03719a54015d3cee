// Slow moves into the trap of a sweep: each waits for every other move, fork and exit on the machine.

import { describe, expect, test } from "bun:test";

import { execute, type Model, model, plan } from "../../support/model.ts";

const MOVE_MS = 40;
const MEMBERS = 200;

/** @param onMove  called at the end of each move into the trap */
function slowModel(onMove: () => void = () => {}, members: number = MEMBERS, moveMs: number = MOVE_MS): Model {
  const on = model("sweep");
  const { kernel, target, which } = on;
  for (let i = 0; i < members; i++) kernel.addProcess({ group: target, which });
  const write = kernel.writeFile.bind(kernel);
  kernel.writeFile = (dir, name, value) => {
    write(dir, name, value);
    if (!/trap.*cgroup\.procs$/.test(`${dir.shown}/${name}`)) return;
    kernel.advance(moveMs);
    onMove();
  };
  return on;
}

describe("a sweep with moves of 40 ms", () => {
  // Regression: all 256 processes of a batch used to be moved first, which took 11 s with a deadline of 3 s.
  test.each([0, 100, 1000])(
    "200 members die, and the kill answers in time with a deadline of %i ms",
    async (timeoutMs) => {
      const on = slowModel();
      const { outcome, tookMs } = await execute(on, await plan(on), { timeoutMs });
      expect(on.kernel.live(on.target, on.kernel.hierarchy("memory"))).toEqual([]);
      expect(tookMs).toBeLessThan(timeoutMs + 1000);
      if (timeoutMs > 500) expect(outcome).toMatchObject({ outcome: "killed", killedCount: MEMBERS + 5 });
    },
  );

  // Regression: no signal used to be noticed before the end of the batch.
  test("a signal during the first move ends the kill after that move", async () => {
    const abort = new AbortController();
    let moves = 0;
    const on = slowModel(() => {
      moves++;
      abort.abort("SIGINT");
    });
    const { outcome } = await execute(on, await plan(on), { timeoutMs: 10_000, abort: abort.signal });
    expect(outcome.outcome).toBe("interrupted");
    expect(moves).toBe(1);
  });

  // Regression: membership used to be checked once for a whole batch, however long its moves took.
  test("a member that leaves during an earlier move lives", () => expectLeaverLives(MEMBERS, MOVE_MS));
});

// Regression: that of up to 128 members was checked by one list.
test("few members and fast moves: a member that leaves during an earlier move lives", () => expectLeaverLives(5, 1));

async function expectLeaverLives(members: number, moveMs: number): Promise<void> {
  let moves = 0;
  const onMove = (): void => {
    if (++moves === 1) leaver.groups.set(memory, home);
  };
  const on = slowModel(onMove, members, moveMs);
  const { kernel, target, which } = on;
  const memory = kernel.hierarchy("memory");
  const home = kernel.makeGroup("memory", "home");
  const leaver = kernel.addProcess({ group: target, which });
  const { outcome } = await execute(on, await plan(on), { timeoutMs: 10_000 });
  expect(outcome.outcome).toBe("killed");
  expect([leaver.isDead, leaver.killedAt]).toEqual([false, undefined]);
}
