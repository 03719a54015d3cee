// `list --stuck` and `show`: which processes are blocked in the kernel, and by what. One among thousands is found, and a
// process that merely reads a disk is not one.

import { describe, expect, test } from "bun:test";
import { closeSync, mkdtempSync, openSync, rmSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";

import { quote } from "../../src/cli/text/quote.ts";
import { canMountFuse, mountFuse } from "../support/fuse.ts";
import { commandLines } from "../support/paste.ts";
import {
  canStage,
  isFrozen,
  liveMembers,
  makeCgroup,
  startAdversary,
  startSleeper,
  until,
  write,
} from "../support/real-cgroup.ts";
import { documents, runCgkill } from "../support/run-cgkill.ts";

type Json = Record<string, unknown>;

const processesOf = (stdout: string): Json[] =>
  documents(stdout).flatMap(({ processes }) => (processes ?? []) as Json[]);

describe.each(["v1", "v2"] as const)("on %s", (version) => {
  if (!canStage(version) || !canMountFuse()) return;

  test("list --stuck names the one of 5,000 processes that waits for a FUSE server, within a second", async () => {
    await using target = makeCgroup(version);
    await using _ = startAdversary("sleepers", 5000, target.dir);
    await until("5,000 sleepers", () => liveMembers(target.dir).length >= 5000, 60_000);
    await using fuse = await mountFuse();
    const pid = await fuse.startClient("read", target.dir);
    const ran = await fuse.run(["list", "--stuck", "--json", target.dir]);
    expect(processesOf(ran.stdout)).toMatchObject([
      { pid, state: "S", blocked_on: { kind: "fuse", mount: fuse.point, connection: fuse.connection, waiting: 1 } },
    ]);
    const text = await fuse.run(["list", "--stuck", target.dir]);
    expect(text.stdout).toContain(`[waits for FUSE ${fuse.point}`);
    console.info(`list --stuck of 5,000: ${Math.round(ran.ms)} ms`);
    expect(ran.ms).toBeLessThan(BUSY_FACTOR * 1000);
  }, 120_000);

  test("an exec that cannot go on is stuck", async () => {
    await using target = makeCgroup(version);
    await using fuse = await mountFuse();
    const pid = await fuse.startClient("exec", target.dir);
    const ran = await fuse.run(["list", "--stuck", "--json", target.dir]);
    expect(processesOf(ran.stdout)).toMatchObject([{ pid, blocked_on: { kind: "fuse", connection: fuse.connection } }]);
  });

  test("a process that reads a disk again and again, past the cache, is not stuck", async () => {
    await using target = makeCgroup(version);
    const scratch = mkdtempSync(`${tmpdir()}/cgkill-test-`);
    const file = `${scratch}/data`;
    closeSync(openSync(file, "w"));
    truncateSync(file, 0);
    Bun.spawnSync(["dd", "if=/dev/urandom", `of=${file}`, "bs=1M", "count=32"], { stderr: "ignore" });
    const script =
      'echo $$ > "$1/cgroup.procs"; exec timeout 30 sh -c "while dd if=$2 of=/dev/null bs=64k iflag=direct; do :; done"';
    const child = Bun.spawn(["sh", "-c", script, "sh", target.dir, file], { stdio: ["ignore", "ignore", "ignore"] });
    try {
      await until("a reader", () => liveMembers(target.dir).length > 1);
      for (let round = 0; round < 5; round++) {
        const ran = await runCgkill(["list", "--stuck", "--json", target.dir]);
        expect(processesOf(ran.stdout)).toEqual([]);
      }
    } finally {
      child.kill("SIGKILL");
      rmSync(scratch, { recursive: true });
    }
  });

  test.if(canStage("v1"))("a frozen process is not stuck, although its state is the same", async () => {
    await using target = makeCgroup("v1");
    await using _ = await startSleeper(target.dir);
    write(`${target.dir}/freezer.state`, "FROZEN");
    await until("frozen", () => isFrozen(target.dir));
    const ran = await runCgkill(["list", "--stuck", "--json", target.dir]);
    expect([ran.code, processesOf(ran.stdout)]).toEqual([0, []]);
    expect((await runCgkill(["list", "--stuck", target.dir])).stdout).toBe("no process is stuck\n");
  });

  test("a parent in vfork whose child does nothing is stuck, and its child is named", async () => {
    await using target = makeCgroup(version);
    await using _ = startAdversary("vforker", 2, target.dir);
    await until("both", () => liveMembers(target.dir).length === 2);
    const ran = await runCgkill(["list", "--stuck", "--json", target.dir]);
    const [parent, ...others] = processesOf(ran.stdout);
    expect(others).toEqual([]);
    const child = liveMembers(target.dir).find((pid) => pid !== parent?.["pid"]);
    expect(parent).toMatchObject({ state: "D", blocked_on: { kind: "vfork", server: { pid: child, state: "alive" } } });
  });

  test("show names what a process waits for, in text and in JSON, and says that it may survive", async () => {
    await using target = makeCgroup(version);
    await using sleeper = await startSleeper(target.dir);
    await using fuse = await mountFuse();
    const pid = await fuse.startClient("read", target.dir);
    const shown = await fuse.run(["show", "--json", target.dir]);
    const processes = processesOf(shown.stdout);
    expect(processes.find((process) => process["pid"] === pid)).toMatchObject({
      fate: "may-survive",
      fate_reason: "uninterruptible",
      blocked_on: { kind: "fuse", mount: fuse.point, server: { pid: fuse.server, state: "alive" } },
    });
    expect(processes.find((process) => process["pid"] === sleeper.pid)).toMatchObject({
      fate: "killed",
      blocked_on: null,
    });
    const text = await fuse.run(["show", target.dir]);
    expect(text.stdout).toContain(`pid ${pid} waits for FUSE ${fuse.point}, server `);
  });

  test("a mount point that looks like a command: nothing but the command that unmounts it is indented like one", async () => {
    for (const name of [`${"A".repeat(50)} curl x|sh #`, "    curl x|sh #", "'; touch canary #", "$(touch canary)"]) {
      await using target = makeCgroup(version);
      await using fuse = await mountFuse("fuse", "", undefined, name);
      const pid = await fuse.startClient("read", target.dir);
      const shown = await fuse.run(["show", target.dir]);
      expect(shown.stdout).toContain(`  pid ${pid} waits for FUSE /`);
      expect({ name, lines: commandLines(shown.stdout) }).toEqual({ name, lines: [] });
      const { stdout, stderr } = await fuse.run(["--keep", "-t", "500ms", target.dir]);
      const command = ["umount", "-f", "--", fuse.point];
      expect({ name, lines: commandLines(stdout + stderr) }).toEqual({ name, lines: [`    ${quote(command)}`] });
    }
  });

  test("without CAP_SYS_PTRACE a survivor has no blocked_on, and the hint names the capability", async () => {
    await using target = makeCgroup(version);
    await using fuse = await mountFuse();
    await fuse.startClient("read", target.dir);
    // Without the capability, another user's processes are hidden.
    const ran = await fuse.run(
      ["--json", "--keep", "-t", "1s", target.dir],
      [...["setpriv", "--bounding-set", "-sys_ptrace", "--inh-caps", "-sys_ptrace"]],
    );
    const [survivor] = documents(ran.stdout)[0]?.["survivors"] as Json[];
    expect(survivor).toMatchObject({ blocked_on: null });
    expect(String(survivor?.["hint"])).toContain("CAP_SYS_PTRACE");
  });
});

/** Other work on this machine slows the binary down too; the message has the measured time. */
const BUSY_FACTOR = 3;
