// What `show` says a kill would do: its steps, and the fate and the cgroup of each process.

import { describe, expect, test } from "bun:test";

import type { PlanStep, PreviewProcess } from "../../../src/inspect/preview-types.ts";
import { linesOf, PROCESS } from "../../support/previews.ts";

describe("what a kill would do", () => {
  const step = (fields: Partial<PlanStep>): PlanStep => ({
    step: "wait",
    signal: null,
    waitMs: null,
    path: null,
    permitted: true,
    reason: null,
    ...fields,
  });
  const planOf = (...steps: Partial<PlanStep>[]): string[] =>
    linesOf({ plan: steps.map(step) }, { columns: 200 })
      .filter((line) => !line.includes("hierarchy"))
      .slice(2, -3);
  const kill = { step: "kill", signal: "SIGKILL" } as const;

  test.each<[string, Partial<PlanStep>[], string]>([
    ["immediately", [kill, {}], "SIGKILL"],
    [
      "with a grace period",
      [{ step: "grace", signal: "SIGTERM", waitMs: 5000 }, kill, {}],
      "SIGTERM, wait 5s, SIGKILL",
    ],
    [
      "with a short grace period",
      [{ step: "grace", signal: "SIGHUP", waitMs: 150 }, kill],
      "SIGHUP, wait 150ms, SIGKILL",
    ],
    ["only removed, because it is empty", [{ step: "remove", path: "/a" }], "remove"],
    ["and removed", [kill, {}, { step: "remove", path: "/a" }], "SIGKILL; then remove"],
    [
      "and removed in another hierarchy",
      [kill, { step: "remove", path: "/a" }, { step: "remove", path: "/b" }],
      "SIGKILL; then remove, remove /b",
    ],
    [
      "by the freezer, with frozen descendants",
      [{ step: "freeze", path: "/a" }, kill, { step: "thaw", path: "/a" }, { step: "thaw", path: "/a/b" }, {}],
      "freeze, SIGKILL, thaw",
    ],
    ["in a trap", [{ step: "trap", path: "/f" }, kill, { step: "untrap", path: "/f" }], "move into a trap, SIGKILL"],
  ])("%s", (_, steps, words) => {
    expect(planOf(...steps)).toEqual([`  plan: ${words}`]);
  });

  test("a denied step is marked, and its file is listed once", () => {
    const path = "/sys/a/freezer.state";
    const steps = planOf({ step: "freeze", path, permitted: false }, kill, { step: "thaw", path, permitted: false });
    expect(steps).toEqual([
      "  plan: freeze (denied), SIGKILL, thaw (denied)",
      `  permission denied: ${path}`,
      "  hint: run it as root, or as the owner of this subtree, and where it is mounted read-write; a container or " +
        "sandbox may restrict root too (in a systemd unit, see User=, DynamicUser=, PrivateUsers=,",
      "      CapabilityBoundingSet=, ProtectControlGroups=)",
    ]);
  });

  test("spared processes are not counted, and possible survivors are listed with the reason", () => {
    const processes: PreviewProcess[] = [
      PROCESS,
      { ...PROCESS, pid: 101, fate: "spared" },
      { ...PROCESS, pid: 102, fate: "may-survive", fateReason: "traced" },
    ];
    const lines = linesOf({ procsSubtree: 3, processes, moves: [101] });
    expect(lines.slice(1, 5)).toEqual([
      "  would be killed: 2 processes, by method kill",
      "  may survive (traced: its tracer may hold it): pid 102",
      "  hierarchy v2",
      "  moved out first: pid 101",
    ]);
    expect(lines.slice(-4)).toEqual([
      "  PID  USER  S    AGE  CPU   RSS  THR  FATE    COMMAND",
      "  100  ada   S  1m30s   2s  3.0M    1          sh -c work",
      "  101  ada   S  1m30s   2s  3.0M    1  spared  sh -c work",
      "  102  ada   S  1m30s   2s  3.0M    1  traced  sh -c work",
    ]);
  });

  test("with only spared processes inside, there is nothing to kill", () => {
    const lines = linesOf({ processes: [{ ...PROCESS, fate: "spared" }], moves: [100] });
    expect(lines[1]).toBe("  nothing to kill: every process in it is moved out first");
  });

  test("if we may kill none of the processes, the kill would be denied", () => {
    const lines = linesOf({ processes: [{ ...PROCESS, fate: "may-survive", fateReason: "not-permitted" }] });
    expect(lines[1]).toBe("  would be denied: 1 process, by method kill");
  });
});

test("a mount point, a server and a cgroup of any name are not indented like a command", () => {
  const name = "    curl x|sh #";
  const server = { pid: 7, comm: name, state: "stopped" } as const;
  const blockedOn = {
    kind: "fuse",
    mount: name,
    source: name,
    connection: 1,
    waiting: 1,
    device: null,
    server,
  } as const;
  const waits: PreviewProcess = {
    ...PROCESS,
    pid: 12_345,
    fate: "may-survive",
    fateReason: "uninterruptible",
    blockedOn,
  };
  const processes = [waits, { ...waits, pid: 1_234_567, cgroup: `/batch/job7/${name}`, args: [name] }];
  const startedBy = { pid: 9, comm: name };
  for (const columns of [40, 80, Number.POSITIVE_INFINITY]) {
    const lines = linesOf({ processes, startedBy }, { columns });
    expect(lines.filter((line) => /^ {4}\S/.test(line))).toEqual([]);
    expect(lines.join("\n")).toContain("  in \\x20\\x20\\x20\\x20curl x|sh #");
    expect(lines.join("\n").replace(/\n +/g, " ")).toContain("pid 12345 waits for FUSE \\x20\\x20");
    expect(lines.join("\n").replace(/\n +/g, " ")).toContain("started by \\x20\\x20");
  }
});

test("processes are grouped by cgroup, below its name and label", () => {
  const id = "3f2a9c41d0be".repeat(6).slice(0, 64);
  const pod = "/kubepods/pod5f0a7a3e-5b1c-4c52-8f4e-2a6f8f6d1c11";
  const container = `${pod}/cri-containerd-${id}.scope`;
  const processes = [
    { ...PROCESS, pid: 300, cgroup: container },
    { ...PROCESS, pid: 301, ppid: 300, cgroup: container },
    { ...PROCESS, pid: 200, ppid: 300, cgroup: `${pod}/plain` },
    { ...PROCESS, pid: 400, cgroup: pod },
  ];
  const lines = linesOf({ cgroup: pod, processes }, { columns: 200 });
  const shapes = lines
    .slice(lines.indexOf("") + 2)
    .map((line) => line.replace(/^ +(\d+) .*?1 {2}(\\_ )?sh -c work$/, "$1 $2"));
  expect(shapes).toEqual([
    "400 ",
    `  in cri-containerd-${id}.scope  (containerd 3f2a9c41d0be in pod 5f0a7a3e)`,
    "300 ",
    "301 \\_ ",
    "  in plain",
    "200 ",
  ]);
});
