// The guardian of an interactive freeze, on the compiled binary and real cgroups: however cgkill ends, no process stays
// frozen, and the guardian ends too.

import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

import { answer, stage } from "../../support/interactive.ts";
import { childrenOf, readText, stateOf, statOf } from "../../support/proc.ts";
import { canStage, isAlive, isFrozen, makeCgroup, until, write } from "../../support/real-cgroup.ts";
import { BINARY } from "../../support/run-cgkill.ts";
import { inTerminal, KEYS } from "../../support/terminal.ts";

const { enter, down } = KEYS;
/** From the end of cgkill to the thaw. */
const THAW_MS = 200;
const ROUNDS = 20;
/** From the key to some time after the freeze. */
const SPAN_MS = 400;

/** Guardians whose freezer file is in a directory. */
function guardiansOf(dir: string): number[] {
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => readText(`/proc/${pid}/cmdline`).includes("\0__guardian\0"))
    .filter((pid) => {
      try {
        return readlinkSync(`/proc/${pid}/fd/4`) === dir;
      } catch {
        return false;
      }
    });
}

async function thawedIn(dir: string): Promise<number> {
  const start = performance.now();
  await until("the thaw", () => !isFrozen(dir), 5000);
  return performance.now() - start;
}

for (const version of ["v1", "v2"] as const) {
  describe.if(canStage(version))(version, () => {
    test(`SIGKILL at ${ROUNDS} random moments of a freeze: thawed within ${THAW_MS} ms each time`, async () => {
      await using stand = await stage(version);
      const { dir } = stand.cgroup;
      const took: number[] = [];
      let frozen = 0;
      for (let round = 0; round < ROUNDS; round++) {
        await using terminal = inTerminal(["-i", dir]);
        await answer(terminal, "What about", down, enter);
        // Half of the rounds while the guardian starts, the others once it is frozen.
        if (round % 2 === 1) await until("the freeze", () => isFrozen(dir));
        await Bun.sleep(Math.random() * SPAN_MS);
        if (isFrozen(dir)) frozen++;
        terminal.signal("SIGKILL");
        await terminal.ended();
        took.push(await thawedIn(dir));
        await until("the end of the guardian", () => guardiansOf(dir).length === 0);
        expect(isFrozen(dir)).toBe(false);
      }
      expect(frozen).toBeGreaterThanOrEqual(ROUNDS / 2);
      expect(Math.max(...took)).toBeLessThan(THAW_MS);
      expect(stand.members()).toHaveLength(3);
    }, 120_000);

    test("it has a session of its own, is outside the cgroup, survives signals, and ends with the freeze", async () => {
      await using stand = await stage(version);
      const { dir } = stand.cgroup;
      await using terminal = inTerminal(["-i", dir]);
      await answer(terminal, "What about", down, enter);
      await terminal.sees("Thaw it and leave");
      const [guardian = 0, ...others] = guardiansOf(dir);
      expect(others).toEqual([]);
      expect(Number(statOf(guardian)[3])).toBe(guardian);
      expect(stand.members()).not.toContain(guardian);
      for (const signal of ["SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT", "SIGUSR1", "SIGALRM"] as const) {
        process.kill(guardian, signal);
      }
      await Bun.sleep(100);
      expect([isAlive(guardian), isFrozen(dir)]).toEqual([true, true]);
      await answer(terminal, "", enter);
      expect(await terminal.ended()).toBe(130);
      await until("its end", () => !isAlive(guardian));
      expect(isFrozen(dir)).toBe(false);
    });

    // Regression: it got the settings of the runtime that the first instructions add, and the changed names of others.
    test("its environment is what the loader needs, without the settings of the runtime", async () => {
      await using stand = await stage(version);
      const { dir } = stand.cgroup;
      const env = { BUN_OPTIONS: "--version", TZ: "x", LD_LIBRARY_PATH: "/nowhere" };
      await using terminal = inTerminal(["-i", dir], { env });
      await answer(terminal, "What about", down, enter);
      await terminal.sees("Thaw it and leave");
      const [guardian = 0] = guardiansOf(dir);
      expect(readFileSync(`/proc/${guardian}/environ`, "utf8")).toBe("LD_LIBRARY_PATH=/nowhere\0");
      await answer(terminal, "", enter);
      await terminal.ended();
    });

    // Regression: sent by another process, since Ctrl-Z is ignored, it stopped cgkill with the cgroup frozen.
    test("SIGTSTP does not stop cgkill while the preview is frozen", async () => {
      await using stand = await stage(version);
      const { dir } = stand.cgroup;
      // The kernel ignores it in a session without another process that could continue it.
      await using terminal = inTerminal(["-i", dir], { under: ["bash", "-mc", '"$@"; sleep 10', "bash"] });
      await answer(terminal, "What about", down, enter);
      await terminal.sees("Thaw it and leave");
      const [pid = 0] = childrenOf(terminal.pid);
      process.kill(pid, "SIGTSTP");
      await Bun.sleep(300);
      expect(isFrozen(dir)).toBe(true);
      expect("RSD").toContain(stateOf(pid));
      await answer(terminal, "", enter);
      await until("the thaw", () => !isFrozen(dir));
      await until("its end", () => !isAlive(pid));
    });

    test("while another cgkill holds the lock of the cgroup, it is left to that one", async () => {
      await using stand = await stage(version);
      const { dir } = stand.cgroup;
      await using terminal = inTerminal(["-i", dir]);
      await answer(terminal, "What about", down, enter);
      await terminal.sees("Thaw it and leave");
      const other = Bun.spawn(["flock", dir, "sleep", "1000"], { stdio: ["ignore", "ignore", "ignore"] });
      await using _ = { [Symbol.asyncDispose]: async () => void (other.kill("SIGKILL"), await other.exited) };
      await until("the lock", () => Bun.spawnSync(["flock", "-n", dir, "true"]).exitCode !== 0);
      terminal.signal("SIGKILL");
      await terminal.ended();
      await Bun.sleep(THAW_MS);
      expect([isFrozen(dir), guardiansOf(dir).length]).toEqual([true, 1]);
      // `flock` and its child share the lock.
      for (const pid of childrenOf(other.pid)) process.kill(pid, "SIGKILL");
      expect(await thawedIn(dir)).toBeLessThan(THAW_MS);
      await until("the end of the guardian", () => guardiansOf(dir).length === 0);
    });

    test("a cgroup that cgkill thawed and another program froze again stays frozen", async () => {
      await using stand = await stage(version);
      const { dir } = stand.cgroup;
      await using terminal = inTerminal(["-i", dir]);
      await answer(terminal, "What about", down, enter);
      await answer(terminal, "Thaw it and leave", enter);
      expect(await terminal.ended()).toBe(130);
      write(version === "v1" ? `${dir}/freezer.state` : `${dir}/cgroup.freeze`, version === "v1" ? "FROZEN" : "1");
      await until("no guardian", () => guardiansOf(dir).length === 0);
      await Bun.sleep(100);
      expect(isFrozen(dir)).toBe(true);
    });
  });
}

describe("started by a person", () => {
  for (const version of ["v1", "v2", ""]) {
    test(`"__guardian ${version}" writes nothing to a descriptor that is no freezer file`, () => {
      const script = 'file=$(mktemp) && exec 3>"$file"; "$@" </dev/null; code=$?; cat "$file"; rm "$file"; exit $code';
      const ran = Bun.spawnSync(["sh", "-c", script, "sh", BINARY, "__guardian", version]);
      expect([ran.exitCode, ran.stdout.toString()]).toEqual([2, ""]);
      expect(ran.stderr.toString()).toContain("cgkill starts it by itself");
    });
  }
});

describe.if(canStage("v2") && canStage("pids"))("no process left for a guardian", () => {
  test("the freeze says so first, and how to thaw", async () => {
    await using stand = await stage("v2");
    await using full = makeCgroup("pids");
    const under = ["sh", "-c", 'echo $$ > "$1/cgroup.procs"; shift; exec "$@"', "sh", full.dir];
    await using terminal = inTerminal(["-i", stand.cgroup.dir], { under });
    await terminal.sees("What about");
    const tasks = readFileSync(`${full.dir}/tasks`, "utf8").trim().split("\n").length;
    write(`${full.dir}/pids.max`, String(tasks));
    await answer(terminal, "", down, enter);
    await terminal.sees("no guardian could be started");
    await terminal.sees(`cgkill thaw ${stand.cgroup.dir}`);
    await answer(terminal, "Thaw it and leave");
    expect(isFrozen(stand.cgroup.dir)).toBe(true);
    terminal.types(enter);
    expect(await terminal.ended()).toBe(130);
    expect(isFrozen(stand.cgroup.dir)).toBe(false);
  });
});
