// `cgkill -` as a co-process: each name is acted on and answered before the next one is read, for as long as names come.

import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";

import { AS_NOBODY, canBeNobody } from "../support/nobody.ts";
import { readText } from "../support/proc.ts";
import {
  canStage,
  isAlive,
  liveMembers,
  makeCgroup,
  mountPoint,
  policyOf,
  startSleeper,
  until,
} from "../support/real-cgroup.ts";
import { BINARY, documents, runCgkill } from "../support/run-cgkill.ts";
import { startStandby } from "../support/standby.ts";

const VERSIONS = (["v1", "v2"] as const).filter(canStage);

const status = (pid: number): string => readFileSync(`/proc/${pid}/status`, "utf8");
const kib = (pid: number, field: string): number =>
  Number(new RegExp(`^${field}:\\s+(\\d+)`, "m").exec(status(pid))?.[1]);
/** Cgroups of its warm-up that still exist. */
const traces = (pid: number): string[] =>
  (["v1", "v2"] as const).flatMap((which) => {
    const point = mountPoint(which);
    return point === undefined ? [] : readdirSync(point).filter((name) => name === `cgkill-standby-${pid}`);
  });
const wakeups = (pid: number): number => kib(pid, "voluntary_ctxt_switches");
const isReady = (pid: number): boolean => kib(pid, "VmLck") > 0;
/** ppoll(2), on x86-64 and on arm64. */
const PPOLL: readonly string[] = ["271", "73"];
/** Whether it is prepared and waits: then it has a signal mask for the wait, and sleeps in it. */
const isWaiting = (pid: number): boolean => {
  const [call = "", , , , mask] = readText(`/proc/${pid}/syscall`).split(" ");
  return PPOLL.includes(call) && Number(mask) > 0;
};

describe.each(VERSIONS)("standby on %s", (version) => {
  test("each name is answered before the next is written, and the process is dead by then", async () => {
    await using beside = makeCgroup(version);
    await using standby = startStandby();
    for (const name of ["a", "b", "c"]) {
      mkdirSync(`${beside.dir}/${name}`);
      await using sleeper = await startSleeper(`${beside.dir}/${name}`);
      const answer = await standby.asks(`${beside.dir}/${name}`);
      expect(answer).toMatchObject({ outcome: "killed", killed: [{ pid: sleeper.pid }] });
      expect(isAlive(sleeper.pid)).toBe(false);
      // A wrong name does not affect the next one.
      expect(await standby.asks(`${beside.dir}/none`)).toMatchObject({ outcome: "not-found" });
    }
    expect((await standby.ends()).code).toBe(3);
  });

  test("it waits with one thread, a real-time priority and its memory locked, and nothing is left of its warm-up", async () => {
    await using standby = startStandby();
    await until("its preparation", () => isReady(standby.pid));
    await until("the end of its warm-up", () => traces(standby.pid).length === 0);
    expect(status(standby.pid)).toMatch(/^Threads:\t1$/m);
    expect(policyOf(standby.pid)).toBe(2);
    // Not its whole address space, which is that of a JavaScript engine.
    expect(kib(standby.pid, "VmRSS")).toBeLessThan(200 * 1024);
    expect((await standby.ends()).code).toBe(0);
  });

  test("a target that contains it is refused, and it stays where it is", async () => {
    await using beside = makeCgroup(version);
    const dir = `${beside.dir}/own`;
    mkdirSync(dir);
    await using standby = startStandby(["sh", "-c", 'echo $$ > "$1/cgroup.procs"; shift; exec "$@"', "sh", dir]);
    await until("its place", () => liveMembers(dir).includes(standby.pid));
    await using sleeper = await startSleeper(dir);
    for (const name of [dir, beside.dir]) {
      expect(await standby.asks(name)).toMatchObject({
        outcome: "refused",
        spared: [],
        error: { code: "holds-standby" },
      });
    }
    expect(liveMembers(dir).toSorted()).toEqual([standby.pid, sleeper.pid].toSorted());
    expect((await standby.ends()).code).toBe(4);
  });

  test("three hundred kills leak no descriptor, and less than 8 MiB of memory", async () => {
    await using beside = makeCgroup(version);
    await using standby = startStandby();
    const ask = async (n: number): Promise<void> => {
      mkdirSync(`${beside.dir}/${n}`);
      await using _ = await startSleeper(`${beside.dir}/${n}`);
      expect(await standby.asks(`${beside.dir}/${n}`)).toMatchObject({ outcome: "killed" });
    };
    const descriptors = (): number => readdirSync(`/proc/${standby.pid}/fd`).length;
    for (let n = 0; n < 100; n++) await ask(n);
    // The mounts are open while a name is acted on, and closed between its answer and the wait for the next.
    const atRest = async (): Promise<number> => {
      await until("its wait", () => readFileSync(`/proc/${standby.pid}/wchan`, "utf8").includes("poll"));
      return descriptors();
    };
    const [rss, open] = [kib(standby.pid, "VmRSS"), await atRest()];
    for (let n = 100; n < 300; n++) await ask(n);
    expect(await atRest()).toBeLessThanOrEqual(open);
    expect(kib(standby.pid, "VmRSS") - rss).toBeLessThan(8 * 1024);
  }, 120_000);
});

describe.if(VERSIONS.length > 0)("standby", () => {
  test.if(canBeNobody())("what is not possible is reported once, with the consequence", async () => {
    await using standby = startStandby(AS_NOBODY);
    const lacksIn = (text: string) => text.split("\n").filter((line) => line.startsWith("cgkill: warn: standby: "));
    await until("its warnings", () => lacksIn(standby.said()).length === 4);
    expect(await standby.asks("/no/such")).toMatchObject({ outcome: "not-found" });
    await Bun.sleep(300);
    const { stderr } = await standby.ends();
    expect(lacksIn(stderr)).toEqual([
      expect.stringContaining("memory is not locked (ENOMEM): "),
      expect.stringContaining("not warmed up ("),
      expect.stringContaining("no higher priority: "),
      expect.stringContaining("not exempt from the OOM killer: "),
    ]);
  });

  test("if all names are there at once, there is no standby and nothing is reported", async () => {
    const { stderr } = await runCgkill(["-q", "--ignore-missing", "-"], { stdin: "/no/such\n", under: AS_NOBODY });
    expect(stderr).toBe("");
  });

  test("a FIFO that is opened for reading and writing never ends", async () => {
    const scratch = mkdtempSync(`${tmpdir()}/cgkill-standby-`);
    try {
      const fifo = `${scratch}/kill`;
      Bun.spawnSync(["mkfifo", fifo]);
      const child = Bun.spawn(["sh", "-c", `exec "$0" --json - <> ${fifo} > ${scratch}/answers`, BINARY]);
      try {
        await until("its start", () => existsSync(`${scratch}/answers`));
        const answers = (): number => documents(readFileSync(`${scratch}/answers`, "utf8")).length;
        for (let n = 1; n <= 3; n++) {
          Bun.spawnSync(["sh", "-c", `echo /no/such/${n} > ${fifo}`]);
          await until(`answer ${n}`, () => answers() === n);
        }
        child.kill("SIGTERM");
        await child.exited;
        expect(child.signalCode).toBe("SIGTERM");
      } finally {
        child.kill("SIGKILL");
      }
    } finally {
      rmSync(scratch, { recursive: true });
    }
  });

  test("it sleeps until a name or a signal comes", async () => {
    await using standby = startStandby();
    await until("its wait", () => isWaiting(standby.pid));
    const before = wakeups(standby.pid);
    await Bun.sleep(2000);
    // The runtime has a timer of its own.
    expect(wakeups(standby.pid) - before).toBeLessThan(10);
    process.kill(standby.pid, "SIGTERM");
    await until("its end", () => !isAlive(standby.pid));
    expect((await standby.ends()).code).toBe(143);
  });

  // Regression: the turn before the wait took notice of the signal, and nothing ended the wait: it was noticed when the
  // next name came, or after a minute. More than half of these rounds failed.
  test("a signal that comes while it acts on a name ends it", async () => {
    for (let round = 0; round < 8; round++) {
      const child = Bun.spawn([BINARY, "--json", "-"], { stdio: ["pipe", "pipe", "ignore"], cwd: "/" });
      try {
        await until("its wait", () => isWaiting(child.pid));
        const reader = child.stdout.getReader();
        child.stdin.write("/no/such/cgroup\n".repeat(3));
        await child.stdin.flush();
        await reader.read();
        child.kill("SIGTERM");
        expect(await Promise.race([child.exited, Bun.sleep(5000)])).toBe(143);
      } finally {
        child.kill("SIGKILL");
      }
    }
  });

  // Regression: poll(2) wakes all readers of a FIFO for one name. Those that did not get it waited in read(2), which lets no
  // signal in.
  test("of two standbys at one FIFO, each ends at a signal", async () => {
    const scratch = mkdtempSync(`${tmpdir()}/cgkill-standby-`);
    const fifo = `${scratch}/kill`;
    Bun.spawnSync(["mkfifo", fifo]);
    const start = () =>
      Bun.spawn(["sh", "-c", `exec "$0" --json - <> ${fifo}`, BINARY], { stdio: ["ignore", "ignore", "ignore"] });
    try {
      for (let round = 0; round < 3; round++) {
        const both = [start(), start()];
        try {
          for (const { pid } of both) await until("its wait", () => isWaiting(pid));
          for (let n = 0; n < 20; n++) Bun.spawnSync(["sh", "-c", `echo /no/such/${n} > ${fifo}`]);
          await Bun.sleep(100);
          for (const child of both) child.kill("SIGTERM");
          for (const child of both) expect(await Promise.race([child.exited, Bun.sleep(5000)])).toBe(143);
        } finally {
          for (const child of both) child.kill("SIGKILL");
        }
      }
    } finally {
      rmSync(scratch, { recursive: true });
    }
  });
});
