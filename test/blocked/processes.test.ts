// Which process a blocked one waits for: its youngest child in vfork, or the handler of its core dump.

import { describe, expect, test } from "bun:test";

import { findDumpHandler, findVforkChild } from "../../src/blocked/processes.ts";
import type { BlockedThread } from "../../src/blocked/threads.ts";
import { model } from "../support/model.ts";

type Kernel = ReturnType<typeof model>["kernel"];

const PARENT = 500;

/** Replace the text of one file in /proc. */
function setProc(kernel: Kernel, file: string, text: string): void {
  for (const name of ["readFile", "readRecord"] as const) {
    const read = kernel[name];
    kernel[name] = (dir, path) => (path === file ? text : read.call(kernel, dir, path));
  }
}

describe("vfork", () => {
  const waiting = (functions: readonly string[]): BlockedThread => ({
    tid: PARENT,
    functions,
    descriptors: [],
    isInExec: false,
    isKilled: true,
  });
  const childOf = (children: string, functions: readonly string[] = ["wait_for_vfork_done"]) => {
    const { kernel } = model("kill");
    for (const pid of [501, 502]) kernel.addProcess({ pid, ppid: PARENT, comm: `child${pid}` });
    setProc(kernel, `${PARENT}/task/${PARENT}/children`, children);
    return findVforkChild(kernel, waiting(functions), PARENT);
  };

  test("of two children, the thread waits for the youngest", () => {
    expect(childOf("501 502 ")).toMatchObject({ pid: 502, comm: "child502" });
  });

  test("without a child, or with one that is gone, the thread waits for an unknown process", () => {
    expect([childOf(""), childOf("503 ")]).toEqual([null, null]);
  });

  test("a thread that is blocked elsewhere does not wait for a child", () => {
    expect(childOf("501 ", ["request_wait_answer"])).toBeUndefined();
  });
});

describe("a core dump", () => {
  const COREDUMP = "|/usr/lib/systemd/systemd-coredump %P %u";
  const handlerOf = (pattern: string, handlers: readonly { readonly pid: number; readonly ppid: number }[]) => {
    const { kernel } = model("kill");
    kernel.addProcess({ pid: 2, ppid: 0, comm: "kthreadd", isKernelThread: true });
    for (const handler of handlers) kernel.addProcess({ ...handler, comm: "systemd-coredum" });
    setProc(kernel, "sys/kernel/core_pattern", pattern);
    return findDumpHandler(kernel)?.pid;
  };

  test("the only handler that the kernel started is found by its truncated name", () => {
    expect(handlerOf(`${COREDUMP}\n`, [{ pid: 600, ppid: 2 }])).toBe(600);
  });

  test.each([
    ["two handlers, either of which may read this dump", COREDUMP, [600, 601], 2],
    ["a process of that name that the kernel did not start", COREDUMP, [600], 1],
    ["core dumps written to files", "core.%p", [600], 2],
  ])("%s: no handler is found", (_, pattern, pids, ppid) => {
    expect(
      handlerOf(
        pattern,
        pids.map((pid) => ({ pid, ppid })),
      ),
    ).toBeUndefined();
  });
});
