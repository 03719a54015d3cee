// Watching the v1 freezer hierarchy for writes, by which processes are moved. Other tests write to it at the same time.

import { describe, expect, test } from "bun:test";
import { closeSync, mkdirSync, openSync, rmdirSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";

import { libcCalls } from "../../src/sys/calls/libc-calls.ts";
import { nodeCalls } from "../../src/sys/calls/node-calls.ts";
import { ROOT } from "../../src/sys/dir.ts";
import { linuxSys } from "../../src/sys/linux.ts";
import type { WriteWatch } from "../../src/sys/sys.ts";
import { IN_MOUNTS_OF_ITS_OWN } from "../support/layout.ts";
import {
  canStage,
  makeCgroup,
  mountPoint,
  type RealCgroup,
  startSleeper,
  until,
  write,
} from "../support/real-cgroup.ts";

const sys = linuxSys(libcCalls());

function watchFreezer(): WriteWatch | undefined {
  const dir = sys.openDir(ROOT, mountPoint("v1") ?? "");
  const watch = sys.watchWrites(dir);
  sys.close(dir);
  return watch;
}

/** In a container it is denied. */
function canWatch(): boolean {
  if (!canStage("v1")) return false;
  using watch = watchFreezer();
  if (watch === undefined) console.warn("left out: watching for writes (fanotify is not permitted)");
  return watch !== undefined;
}

/** Move a process through another mount of the hierarchy, in another mount namespace. */
function moveElsewhere({ path }: RealCgroup, pid: number): void {
  const point = `${tmpdir()}/cgkill-test-mount-${process.pid}`;
  mkdirSync(point);
  try {
    const script = 'mount -t cgroup -o freezer none "$1" && echo "$3" > "$1$2/cgroup.procs"';
    const command = [...IN_MOUNTS_OF_ITS_OWN, "sh", "-c", script, "sh", point, path, String(pid)];
    expect(Bun.spawnSync(command, { stderr: "inherit" }).exitCode).toBe(0);
  } finally {
    rmdirSync(point);
  }
}

if (canWatch()) {
  describe("a move is seen", () => {
    test.each<[string, (to: RealCgroup, pid: number, fd: number) => void]>([
      ["of a process", ({ dir }, pid) => write(`${dir}/cgroup.procs`, String(pid))],
      ["of a thread", ({ dir }, pid) => write(`${dir}/tasks`, String(pid))],
      ["through a descriptor that was open before", (_, pid, fd) => void writeSync(fd, String(pid))],
      ["through another mount, in another mount namespace", moveElsewhere],
    ])("%s", async (_, move) => {
      await using from = makeCgroup("v1");
      await using to = makeCgroup("v1");
      await using sleeper = await startSleeper(from.dir);
      const fd = openSync(`${to.dir}/cgroup.procs`, "w");
      using watch = watchFreezer();
      const isQuiet = (): boolean => watch?.wasWritten() === false;
      await until("a moment without writes", isQuiet);
      move(to, sleeper.pid, fd);
      expect(watch?.wasWritten()).toBe(true);
      // Each is reported once.
      await until("a moment without writes", isQuiet);
      closeSync(fd);
    });
  });

  test("nothing is seen once the watch has ended", async () => {
    await using cgroup = makeCgroup("v1");
    await using sleeper = await startSleeper(cgroup.dir);
    using watch = watchFreezer();
    watch?.end();
    watch?.wasWritten();
    write(`${cgroup.dir}/cgroup.procs`, String(sleeper.pid));
    expect(watch?.wasWritten()).toBe(false);
  });
}

test("without FFI there is none", () => {
  expect(linuxSys(nodeCalls()).watchWrites(0)).toBeUndefined();
});
