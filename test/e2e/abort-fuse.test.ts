// Survivors that wait for a FUSE server: what blocks them is reported, and --abort-fuse releases them if no process
// outside the target can answer any more. A second FUSE mount, whose server works, is not affected.

import { describe, expect, test } from "bun:test";
import { readdirSync, readlinkSync, realpathSync } from "node:fs";

import { canMountFuse, type FuseMount, mountFuse } from "../support/fuse.ts";
import { stateOf } from "../support/proc.ts";
import { canStage, destroy, isAlive, isFrozen, makeCgroup, until, write } from "../support/real-cgroup.ts";
import { documents, runCgkill } from "../support/run-cgkill.ts";

type Json = Record<string, unknown>;

const kill = (target: string, ...more: string[]): string[] => ["--json", "--keep", "-t", "1s", ...more, target];
/** With time for the death too, on a busy machine. */
const abort = (target: string): string[] => ["--json", "--keep", "-t", "5s", "--abort-fuse", target];

async function stop(pid: number): Promise<void> {
  process.kill(pid, "SIGSTOP");
  await until("the server to stop", () => stateOf(pid) === "T");
}

/** PID 1 may have capabilities that root lacks here, as in a nested machine. */
function canSeeAll(): boolean {
  try {
    readdirSync("/proc/1/fd").forEach((fd) => readlinkSync(`/proc/1/fd/${fd}`));
    return true;
  } catch {
    console.warn("left out: the abort of a connection without a server (PID 1 hides its descriptors)");
    return false;
  }
}

const WITHOUT_PTRACE = ["setpriv", "--bounding-set", "-sys_ptrace", "--inh-caps", "-sys_ptrace"];

const realProgram = (name: string): string => realpathSync(Bun.which(name) ?? "");

const survivorOf = (stdout: string): Json => ((documents(stdout)[0]?.["survivors"] ?? []) as Json[])[0] ?? {};

/** Check that another mount still works: a file can be read, and its server is alive. */
async function expectWorking(other: FuseMount): Promise<void> {
  expect(await other.runThere(["cat", `${other.point}/other`])).toEqual({ code: 0, stdout: "" });
  expect(isAlive(other.server)).toBe(true);
}

describe.each(["v1", "v2"] as const)("a survivor that waits for a FUSE server, on %s", (version) => {
  if (!canStage(version) || !canStage("v1") || !canMountFuse()) return;

  test.each(["read", "open", "exec"] as const)(
    "its server takes requests and never answers (%s): mount, connection and server are reported",
    async (how) => {
      await using target = makeCgroup(version);
      await using fuse = await mountFuse();
      const pid = await fuse.startClient(how, target.dir);
      const ran = await fuse.run(kill(target.dir));
      expect(ran.code).toBe(6);
      expect(survivorOf(ran.stdout)).toMatchObject({
        pid,
        reason: "uninterruptible",
        blocked_on: {
          kind: "fuse",
          mount: fuse.point,
          source: "testfs",
          connection: fuse.connection,
          device: null,
          server: { pid: fuse.server, state: "alive" },
        },
        commands: [["umount", "-f", "--", fuse.point]],
      });
      // The printed command releases it.
      await fuse.runThere(["umount", "-f", "--", fuse.point]);
      await until("its end", () => !isAlive(pid));
    },
  );

  test("its mount is in another namespace: the printed command releases it, and runs no program from there", async () => {
    await using target = makeCgroup(version);
    await using fuse = await mountFuse();
    const pid = await fuse.startClient("read", target.dir);
    // Any user can do this in a user namespace. Regression: nsenter would run that program as root of the host.
    await fuse.runThere(["mount", "--bind", realProgram("true"), realProgram("umount")]);
    const ran = await runCgkill(kill(target.dir));
    const command = ["umount", "-N", String(pid), "-f", "--", fuse.point];
    expect(survivorOf(ran.stdout)["commands"]).toEqual([command]);
    // It may say that the mount is busy: the client ends all the same.
    await Bun.spawn(command, { stdio: ["ignore", "ignore", "ignore"] }).exited;
    await until("its end", () => !isAlive(pid));
  });

  test("--abort-fuse does not abort the connection of a live server outside, however slow, and says so", async () => {
    await using target = makeCgroup(version);
    await using fuse = await mountFuse();
    const pid = await fuse.startClient("read", target.dir);
    const ran = await fuse.run(kill(target.dir, "--abort-fuse"));
    expect(ran.code).toBe(6);
    expect(documents(ran.stdout)[0]).toMatchObject({ outcome: "survivors", aborted_fuse: [] });
    expect(survivorOf(ran.stdout)).toMatchObject({ pid, blocked_on: { server: { state: "alive" } } });
    expect(String(survivorOf(ran.stdout)["hint"])).toContain("is alive, so it was not aborted");
    expect(fuse.waiting()).toBeGreaterThan(0);
    await expectWorking(fuse);
  });

  test("its server is stopped: --abort-fuse is suggested, and with it the survivor dies", async () => {
    await using target = makeCgroup(version);
    await using fuse = await mountFuse();
    await using other = await mountFuse("fuse", "", fuse);
    const pid = await fuse.startClient("read", target.dir);
    await stop(fuse.server);
    const ran = await fuse.run(kill(target.dir));
    expect(ran.code).toBe(6);
    expect(survivorOf(ran.stdout)).toMatchObject({
      blocked_on: { connection: fuse.connection, server: { pid: fuse.server, state: "stopped" } },
      commands: [["cgkill", "kill", "--abort-fuse", target.dir]],
    });
    const aborted = await fuse.run(abort(target.dir));
    expect(documents(aborted.stdout)[0]).toMatchObject({
      outcome: "killed",
      survivors: [],
      aborted_fuse: [
        { connection: fuse.connection, mount: fuse.point, server: { pid: fuse.server, state: "stopped" } },
      ],
    });
    expect([aborted.code, isAlive(pid), isAlive(fuse.server)]).toEqual([0, false, true]);
    await expectWorking(other);
  });

  test("its server was killed and waits for itself, inside the target: with --abort-fuse both die", async () => {
    await using target = makeCgroup(version);
    await using fuse = await mountFuse("fuseself", target.dir);
    await using other = await mountFuse("fuse", "", fuse);
    const pid = await fuse.startClient("read", target.dir);
    const ran = await fuse.run(kill(target.dir));
    expect(ran.code).toBe(6);
    const survivors = documents(ran.stdout)[0]?.["survivors"] as Json[];
    expect(survivors.find((survivor) => survivor["pid"] === pid)).toMatchObject({
      blocked_on: { connection: fuse.connection, server: { pid: fuse.server, state: "dead" } },
    });
    const aborted = await fuse.run(abort(target.dir));
    expect([aborted.code, documents(aborted.stdout)[0]?.["outcome"]]).toEqual([0, "killed"]);
    expect(isAlive(pid)).toBe(false);
    await expectWorking(other);
  });

  // If a process is hidden, it may be the server: PID 1 stores descriptors for services.
  test("no process has the descriptor of its server: it dies with --abort-fuse if no process is hidden", async () => {
    await using target = makeCgroup(version);
    await using fuse = await mountFuse("fuseleak");
    const pid = await fuse.startClient("read", target.dir);
    await until("the end of the server", () => !isAlive(fuse.server));
    const ran = await fuse.run(kill(target.dir));
    expect(survivorOf(ran.stdout)).toMatchObject({ blocked_on: { connection: fuse.connection, server: null } });
    const aborted = await fuse.run(abort(target.dir));
    const document = documents(aborted.stdout)[0];
    if (canSeeAll()) {
      expect(survivorOf(ran.stdout)["commands"]).toEqual([["cgkill", "kill", "--abort-fuse", target.dir]]);
      expect([aborted.code, isAlive(pid)]).toEqual([0, false]);
      expect(document).toMatchObject({ aborted_fuse: [{ connection: fuse.connection, server: null }] });
    } else {
      expect(document).toMatchObject({ outcome: "survivors", aborted_fuse: [] });
      expect(survivorOf(ran.stdout)["commands"]).toEqual([["umount", "-f", "--", fuse.point]]);
      await fuse.runThere(["umount", "-f", "--", fuse.point]);
      await until("its end", () => !isAlive(pid));
    }
  });

  test.each(["v1", "v2"] as const)("its server is frozen on %s: it dies with --abort-fuse", async (freezer) => {
    await using target = makeCgroup(version);
    await using cold = makeCgroup(freezer);
    await using fuse = await mountFuse("fuse", cold.dir);
    const pid = await fuse.startClient("read", target.dir);
    write(`${cold.dir}/${freezer === "v1" ? "freezer.state" : "cgroup.freeze"}`, freezer === "v1" ? "FROZEN" : "1");
    await until("frozen", () => isFrozen(cold.dir));
    const aborted = await fuse.run(abort(target.dir));
    expect(documents(aborted.stdout)[0]).toMatchObject({
      aborted_fuse: [{ server: { pid: fuse.server, state: "frozen" } }],
    });
    expect([aborted.code, isAlive(pid), isAlive(fuse.server), isFrozen(cold.dir)]).toEqual([0, false, true, true]);
    await destroy(cold.dir);
  });

  test.each(["running", "stopped"])(
    "its server is %s: without CAP_SYS_PTRACE, --abort-fuse aborts nothing",
    async (how) => {
      await using target = makeCgroup(version);
      await using fuse = await mountFuse();
      const pid = await fuse.startClient("exec", target.dir);
      if (how === "stopped") await stop(fuse.server);
      const ran = await fuse.run(kill(target.dir, "--abort-fuse"), WITHOUT_PTRACE);
      expect(documents(ran.stdout)[0]).toMatchObject({ outcome: "survivors", aborted_fuse: [] });
      expect([isAlive(pid), fuse.waiting() > 0]).toEqual([true, true]);
    },
  );

  test("its descriptors are swapped for those of a mount that others use: that mount is left alone", async () => {
    await using target = makeCgroup(version);
    await using outside = makeCgroup(version);
    await using fuse = await mountFuse();
    await using other = await mountFuse("fuse", "", fuse);
    const user = await other.startClient("read", outside.dir);
    const pid = await fuse.startLiar(other, target.dir);
    await stop(fuse.server);
    const ran = await fuse.run(abort(target.dir));
    const [document] = documents(ran.stdout);
    // What it waits for may or may not be found all the same.
    expect((document?.["aborted_fuse"] as Json[]).filter(({ connection }) => connection !== fuse.connection)).toEqual(
      [],
    );
    expect(document?.["outcome"]).toBe(isAlive(pid) ? "survivors" : "killed");
    expect([isAlive(user), other.waiting() > 0]).toEqual([true, true]);
    await expectWorking(other);
  });

  // Regression: one server was found by the name of its descriptor, and no other was looked for.
  test("of its two servers, one is stopped, and the live one has a descriptor of another name: left alone", async () => {
    await using target = makeCgroup(version);
    await using fuse = await mountFuse("fusetwo");
    const pid = await fuse.startClient("read", target.dir);
    await stop(fuse.server);
    const ran = await fuse.run(abort(target.dir));
    expect(documents(ran.stdout)[0]).toMatchObject({ outcome: "survivors", aborted_fuse: [] });
    expect([isAlive(pid), fuse.waiting() > 0]).toEqual([true, true]);
  });

  test("its server is stopped only for moments: its connection is left alone", async () => {
    await using target = makeCgroup(version);
    await using fuse = await mountFuse();
    const pid = await fuse.startClient("read", target.dir);
    const timer = setInterval(() => {
      process.kill(fuse.server, "SIGSTOP");
      setTimeout(() => process.kill(fuse.server, "SIGCONT"), 20);
    }, 70);
    try {
      const ran = await fuse.run(kill(target.dir, "--abort-fuse"));
      expect(documents(ran.stdout)[0]).toMatchObject({ aborted_fuse: [], outcome: "survivors" });
    } finally {
      clearInterval(timer);
      await Bun.sleep(30);
      process.kill(fuse.server, "SIGCONT");
    }
    expect(isAlive(pid)).toBe(true);
  });
});
