// Processes that are held while descriptors are few, and followed until they are dead.

import { describe, expect, test } from "bun:test";

import { type HeldProcess, openLiving } from "../../../src/kill/steps/held-process.ts";
import { PidfdSet } from "../../../src/kill/steps/pidfds.ts";
import { FakeKernel } from "../../support/fake-kernel/fake-kernel.ts";

/** The room for pidfds when there are hardly any descriptors. */
const ROOM = 8;

test("the pidfd of a followed process that is held again is not closed for another process", () => {
  const kernel = new FakeKernel();
  kernel.raiseFileLimit = () => 1;
  const group = kernel.makeGroup("v2", "group");
  const add = (): number => kernel.addProcess({ group, which: "v2" }).pid;
  const set = new PidfdSet(
    kernel,
    () => {},
    () => {},
  );
  const pids = Array.from({ length: ROOM }, add);
  for (const pid of pids) set.follow(set.hold(pid) as HeldProcess);
  const held = pids.map((pid) => set.hold(pid) as HeldProcess);
  // Regression: each further process took the descriptor of one that the caller was about to signal.
  const another = add();
  expect(set.hold(another)).toBe("full");
  for (const { fd, pid } of held) kernel.pidfdSendSignal(fd as number, pid, 0);
  for (const one of held) set.release(one);
  expect(kernel.openDescriptors).toBe(ROOM);
  const last = set.hold(another) as HeldProcess;
  expect(last.fd).toBeDefined();
  expect(kernel.openDescriptors).toBe(ROOM);
  set.release(last);
  set.release(last);
  set.clear();
  expect(kernel.openDescriptors).toBe(0);
});

// Regression: such a process was no longer waited for, and the kill could end with exit status 0 while it lived.
test("a process that is followed by its pid, and held again while no memory is left for a pidfd, is still followed", () => {
  const kernel = new FakeKernel();
  kernel.raiseFileLimit = () => 1;
  const set = new PidfdSet(
    kernel,
    () => {},
    () => {},
  );
  const pids = Array.from({ length: ROOM + 1 }, () => kernel.addProcess().pid);
  for (const pid of pids) set.follow(set.hold(pid) as HeldProcess);
  const byPid = pids.find((pid) => set.get(pid)?.fd === undefined) as number;
  kernel.failNext("pidfd_open", /./, "ENOMEM");
  expect(() => set.hold(byPid)).toThrow("ENOMEM");
  expect([...set.pids].sort()).toEqual(pids);
  set.clear();
});

// Regression: every look, one every 5 ms, read two files of /proc for each. On a kernel without pidfds, 3,000 processes made
// cgkill answer a signal after 200 ms.
test("without pidfds, a look for the next death reads /proc of no more processes than have died", () => {
  const kernel = new FakeKernel({ hasPidfd: false });
  const dead: number[] = [];
  const set = new PidfdSet(
    kernel,
    (pid) => dead.push(pid),
    () => {},
  );
  const processes = Array.from({ length: 100 }, () => kernel.addProcess());
  for (const { pid } of processes) set.follow(set.hold(pid) as HeldProcess);
  const read = new Set<string>();
  const readRecord = kernel.readRecord.bind(kernel);
  kernel.readRecord = (dir, name) => {
    read.add(name.slice(0, name.indexOf("/")));
    return readRecord(dir, name);
  };
  for (const process of processes.slice(0, 10)) process.isDead = true;
  set.dropDead();
  expect([read.size, dead.length, set.size]).toEqual([11, 10, 90]);
  for (const process of processes.slice(20)) process.isDead = true;
  set.dropAllDead();
  expect([dead.length, set.size]).toEqual([90, 10]);
});

// Regression: when thousands died one by one from the end that was waited at, each death woke cgkill.
test.each([
  ["from the first to the last", (index: number) => index],
  ["from the last to the first", (index: number) => 999 - index],
  ["in no order", (index: number) => (index * 37) % 1000],
] as const)("a thousand that die %s are waited for in a few dozen wakes at most", (_, nth) => {
  const kernel = new FakeKernel();
  let dead = 0;
  const set = new PidfdSet(
    kernel,
    () => dead++,
    () => {},
  );
  const processes = Array.from({ length: 1000 }, () => kernel.addProcess());
  for (const { pid } of processes) set.follow(set.hold(pid) as HeldProcess);
  let wakes = 0;
  for (let index = 0; index < processes.length; index++) {
    (processes[nth(index)] as (typeof processes)[number]).isDead = true;
    if (kernel.poll(set.next(), 0).length === 0) continue;
    wakes++;
    set.dropDead();
  }
  expect([dead, set.size, set.next().length]).toEqual([1000, 0, 0]);
  expect(wakes).toBeLessThan(40);
});

describe("processes that were just killed, opened together", () => {
  /** Of ten, the first two are reaped, the next four dead, the others alive. */
  function tenProcesses() {
    const kernel = new FakeKernel();
    const pids = Array.from({ length: 10 }, (_, index) => {
      const process = kernel.addProcess();
      Object.assign(process, { isDead: index < 6, isReaped: index < 2 });
      return process.pid;
    });
    return { kernel, pids };
  }

  test("the dead are told from the living, which keep their pidfds until they are dropped", () => {
    const { kernel, pids } = tenProcesses();
    const set = new PidfdSet(
      kernel,
      () => {},
      () => {},
    );
    const { dead, living } = set.openTogether(pids);
    expect(dead.toSorted()).toEqual(pids.slice(0, 6));
    expect(living.map(({ pid }) => pid)).toEqual(pids.slice(6));
    expect(kernel.openDescriptors).toBe(4);
    for (const held of living) set.follow(held);
    expect(set.size).toBe(4);
    set.clear();
    expect(kernel.openDescriptors).toBe(0);
  });

  test("one more is opened at most where descriptors are to stay free", () => {
    const { kernel, pids } = tenProcesses();
    const [first = 0] = openLiving(kernel, pids.slice(6), 1, 1000).living.map(({ fd }) => fd as number);
    const { living } = openLiving(kernel, pids.slice(7), 20, first + 1);
    expect(living.map(({ pid }) => pid)).toEqual(pids.slice(7, 8));
  });

  test.each([
    ["there is room for three", 3, undefined],
    ["no memory is left for the first pidfd", 20, "ENOMEM"],
    ["the kernel has no pidfds", 20, "ENOSYS"],
  ] as const)("if %s, the others are in neither list", (_, room, errno) => {
    const { kernel, pids } = tenProcesses();
    if (errno !== undefined) kernel.failNext("pidfd_open", /./, errno);
    const { dead, living } = openLiving(kernel, pids, room, 1000);
    expect([...dead].sort()).toEqual(errno === undefined ? pids.slice(0, 5) : []);
    expect(living).toEqual([]);
    expect(kernel.openDescriptors).toBe(0);
  });
});
