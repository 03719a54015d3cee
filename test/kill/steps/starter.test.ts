// The process outside a target that started it, on the model.

import { expect, test } from "bun:test";

import { findTopmost, readStarter } from "../../../src/kill/steps/starter.ts";
import { FakeKernel } from "../../support/fake-kernel/fake-kernel.ts";

const findStarter = (kernel: FakeKernel, members: ReadonlySet<number>) =>
  readStarter(kernel, findTopmost(kernel, members), new Set([55]));

/** Chains of parents: each pid is started by the next one. */
function kernelWith(...parents: ReadonlyArray<readonly [pid: number, ppid: number]>): FakeKernel {
  const kernel = new FakeKernel();
  for (const [pid, ppid] of parents) kernel.addProcess({ pid, ppid, comm: `p${pid}` });
  return kernel;
}

test("the parent of the topmost member is found from any member, with the name of that member", () => {
  const kernel = kernelWith([50, 1], [60, 50], [61, 60], [62, 61]);
  for (const members of [
    [60, 61, 62],
    [62, 61, 60],
  ]) {
    expect(findStarter(kernel, new Set(members))).toMatchObject({
      parents: [{ pid: 50, comm: "p50" }],
      started: "p60",
    });
  }
});

test("PID 1, cgkill itself, and a parent that is gone start nothing", () => {
  const kernel = kernelWith([60, 1], [61, 60], [70, 4321]);
  kernel.addProcess({ pid: 71, ppid: kernel.pid });
  expect(findStarter(kernel, new Set([60, 61]))).toBeNull();
  expect(findStarter(kernel, new Set([70]))).toBeNull();
  expect(findStarter(kernel, new Set([71]))).toBeNull();
  expect(findStarter(kernel, new Set())).toBeNull();
});

test("a process that started this cgkill too is marked above a shell, and is not read as the parent", () => {
  const kernel = kernelWith([55, 1], [60, 50], [70, 55]);
  kernel.addProcess({ pid: 50, ppid: 55, comm: "sh" });
  expect(findStarter(kernel, new Set([60]))?.parents).toMatchObject([
    { pid: 50, isAncestor: false },
    { pid: 55, isAncestor: true },
  ]);
  const read: string[] = [];
  const readRecord = kernel.readRecord.bind(kernel);
  kernel.readRecord = (dir, name) => {
    read.push(name);
    return readRecord(dir, name);
  };
  expect(findStarter(kernel, new Set([70]))).toBeNull();
  expect(read).toEqual(["70/status"]);
});

test("a member that was adopted by PID 1 does not hide the parent of another", () => {
  const kernel = kernelWith([50, 1], [60, 1], [61, 60], [70, 50]);
  expect(findStarter(kernel, new Set([60, 61, 70]))).toMatchObject({ parents: [{ pid: 50 }], started: "p70" });
});

test("a member that is gone, a cycle of recycled pids, and thousands of orphans end the search", () => {
  const kernel = kernelWith([50, 1], [70, 50], [80, 81], [81, 80]);
  expect(findStarter(kernel, new Set([4321, 70]))).toMatchObject({ parents: [{ pid: 50 }] });
  expect(findStarter(kernel, new Set([80, 81, 70]))).toMatchObject({ parents: [{ pid: 50 }] });
  let reads = 0;
  const many = Array.from({ length: 5000 }, (_, index) => [1000 + index, 1] as const);
  const counting = kernelWith(...many);
  const read = counting.readRecord.bind(counting);
  counting.readRecord = (dir, name) => {
    if (name.endsWith("/status")) reads++;
    return read(dir, name);
  };
  expect(findStarter(counting, new Set(many.map(([pid]) => pid)))).toBeNull();
  expect(reads).toBeLessThanOrEqual(9);
});
