import { expect, test } from "bun:test";

import { parseMountInfo, parsePids } from "../../../src/cgroup/open/mountinfo.ts";
import { parseEvents } from "../../../src/cgroup/v2.ts";

test.each([
  ["", []],
  ["1\n", [1]],
  ["12\n0\n4194304\n", [12, 0, 4194304]],
  // An invalid or truncated line is a member that is never signalled.
  ["12\n345", [12, 0]],
  ["4194305\n-7\n1e3\n8\n", [0, 0, 0, 8]],
])("pids of %j", (text, pids) => {
  expect(parsePids(text)).toEqual(pids);
});

test("a list longer than any buffer", () => {
  const pids = Array.from({ length: 30_000 }, (_, index) => index + 2);
  expect(parsePids(`${pids.join("\n")}\n`)).toEqual(pids);
});

test.each([
  ["populated 0\nfrozen 1\n", false, true],
  ["populated 1\nfrozen 0\n", true, false],
  // Linux before 5.2; and an invalid text must never mean "empty".
  ["populated 0\n", false, false],
  ["", true, false],
  ["populated x\nfrozen x\n", true, false],
  ["populated -0\n", true, false],
  ["populated \n", true, false],
  ["populated 0", true, false],
  ["frozen 1\npopulated 0\nelse 1\n", false, true],
  ["unpopulated 0\nunfrozen 1\n", true, false],
])("events %j", (text, populated, frozen) => {
  expect(parseEvents(text)).toEqual({ populated, frozen });
});

test("mountinfo filtered by type: the same word elsewhere in a line does not count", () => {
  const text = [
    "34 22 0:29 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate",
    "35 22 0:30 / /cgroup rw - tmpfs cgroup rw",
    "36 22 0:31 / /mnt rw - tmpfs - cgroup rw",
    "37 22 0:32 / /odd rw - fuse.cgroup cgroup rw,name= - cgroup x rw",
    "38 22 0:33 / /v1 rw shared:1 - cgroup - rw,freezer",
  ].join("\n");
  expect(parseMountInfo(text, "cgroup").map(({ id }) => id)).toEqual([34, 38]);
});

test("mountinfo with optional tags, without tags, and with an invalid line", () => {
  const text = [
    "34 22 0:29 / /sys/fs/cgroup rw shared:9 master:1 - cgroup2 cgroup2 rw,nsdelegate",
    "35 22 0:30 / /x rw - cgroup none rw,freezer",
    "nonsense",
    "",
  ].join("\n");
  expect(parseMountInfo(text).map(({ id, fsType, superOptions }) => [id, fsType, superOptions])).toEqual([
    [34, "cgroup2", ["rw", "nsdelegate"]],
    [35, "cgroup", ["rw", "freezer"]],
  ]);
});
