import { expect, test } from "bun:test";

import { parseCgroupLines } from "../../src/cgroup/open/proc-cgroup.ts";
import { parseStatus } from "../../src/sys/proc.ts";

test.each([
  ["0::/a:b\n", [{ controllers: "", path: "/a:b" }]],
  [
    "4:cpu,cpuacct:/\n1:name=systemd:/x\r\u2028y\n",
    [
      { controllers: "cpu,cpuacct", path: "/" },
      { controllers: "name=systemd", path: "/x\r\u2028y" },
    ],
  ],
  // Not valid lines of /proc/PID/cgroup: they are ignored.
  ["nonsense\n0::\n0::relative\n:freezer:/a\n", []],
])("cgroup lines %j", (text, lines) => {
  expect(parseCgroupLines(text)).toEqual(lines);
});

test.each([
  ["0000000000000100", true],
  ["ffffffffffffffff", true],
  ["fffffffffffffeff", false],
  ["0000000000000000", false],
  ["", false],
])("pending signals %j: killed %j", (mask, isKilled) => {
  expect(parseStatus(`ShdPnd:\t${mask}\n`).sigkillPending).toBe(isKilled);
  expect(parseStatus(`SigPnd:\t${mask}\n`).sigkillPending).toBe(isKilled);
});

test("status: a truncated field takes nothing from the next line", () => {
  expect(parseStatus("Tgid:\n812\nTracerPid:\n7\nShdPnd:\n100\n")).toEqual({
    tgid: 0,
    uid: 0,
    tracerPid: 0,
    sigkillPending: false,
    isDumpingCore: false,
    rssBytes: 0,
  });
});
