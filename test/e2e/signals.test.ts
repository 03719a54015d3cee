// Signals to the compiled binary: each that ends it and each that stops it, at random moments of a freeze and of a kill
// that cannot complete. Nothing may stay frozen. More rounds: CGKILL_SIGNAL_ROUNDS=1000 bun test
// test/e2e/signals.test.ts

import { describe, expect, test } from "bun:test";
import { readlinkSync, realpathSync } from "node:fs";
import { constants } from "node:os";

import { DEADLY } from "../../src/sys/signals.ts";
import { startBlocked } from "../support/blocked.ts";
import { childrenOf, stateOf } from "../support/proc.ts";
import {
  canStage,
  isAlive,
  isFrozen,
  liveMembers,
  makeCgroup,
  startStubborn,
  until,
  type Which,
} from "../support/real-cgroup.ts";
import { BINARY, documents } from "../support/run-cgkill.ts";
import { inTerminal } from "../support/terminal.ts";

const ROUNDS = Number(process.env["CGKILL_SIGNAL_ROUNDS"] ?? "60");
const OWN_GROUP = `${import.meta.dir}/../support/own-group.ts`;
const VERSIONS = (["v1", "v2"] as const).filter(canStage);
const NAMES = Object.keys(DEADLY) as (keyof typeof DEADLY)[];

const [SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT] = [20, 21, 22, 18];

function start(args: readonly string[], before: readonly string[] = []) {
  return Bun.spawn([process.execPath, OWN_GROUP, ...before, BINARY, ...args], { stdio: ["pipe", "pipe", "pipe"] });
}
type Child = ReturnType<typeof start>;

const isStopped = (pid: number): boolean => stateOf(pid) === "T";
const hasEnded = ({ exitCode, signalCode }: Child): boolean => exitCode !== null || signalCode !== null;

/** Whether a process has executed cgkill; before that it is the program that starts it. */
async function begun({ pid }: Child): Promise<void> {
  const binary = realpathSync(BINARY);
  while (readlinkSync(`/proc/${pid}/exe`) !== binary) await Bun.sleep(1);
}

/** Without zombies, which a busy host may not have reaped yet. */
const living = (dir: string): number[] => liveMembers(dir).filter(isAlive);

async function sees({ stderr }: Child, text: string): Promise<void> {
  const reader = stderr.getReader();
  for (let seen = ""; !seen.includes(text);) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`not seen: ${text} in ${seen}`);
    seen += new TextDecoder().decode(value);
  }
  reader.releaseLock();
}

describe.each(VERSIONS)("%s: during the wait", (version) => {
  test.each(NAMES)("%s: thawed, reported, and raised again", async (signal) => {
    await using cgroup = makeCgroup(version);
    await using _ = await startStubborn(cgroup.dir, 2);
    const child = start(["--json", "-g", "30s", "-t", "60s", "-vv", cgroup.dir]);
    await sees(child, "signalled");
    const sentAt = performance.now();
    process.kill(child.pid, DEADLY[signal]);
    await child.exited;
    expect(performance.now() - sentAt).toBeLessThan(1000);
    expect(documents(await child.stdout.text())[0]).toMatchObject({ outcome: "interrupted", left_frozen: [] });
    expect(child.signalCode).toBe(signal);
    expect(isFrozen(cgroup.dir)).toBe(false);
    expect(living(cgroup.dir)).toHaveLength(2);
  });

  test("signals that were ignored when it started stay ignored", async () => {
    await using cgroup = makeCgroup(version);
    await using _ = await startStubborn(cgroup.dir, 2);
    const nohup = ["/bin/sh", "-c", "trap '' HUP USR1 ALRM XCPU TSTP; exec \"$@\"", "sh"];
    const child = start(["--json", "-g", "300ms", "-vv", "--keep", cgroup.dir], nohup);
    await sees(child, "signalled");
    for (const signal of [DEADLY.SIGHUP, DEADLY.SIGUSR1, DEADLY.SIGALRM, DEADLY.SIGXCPU, SIGTSTP]) {
      process.kill(child.pid, signal);
    }
    expect(await child.exited).toBe(0);
    expect(documents(await child.stdout.text())[0]).toMatchObject({ outcome: "killed", killed_count: 2 });
  });
});

test("a stop request while it waits for names: it stops at once, and continues", async () => {
  const child = start(["-"]);
  await begun(child);
  // Whether its handlers are in place or not, there is nothing to thaw.
  process.kill(child.pid, SIGTSTP);
  await until("it stopped", () => isStopped(child.pid));
  process.kill(child.pid, SIGCONT);
  child.stdin.end();
  await child.exited;
  expect(child.signalCode).toBeNull();
});

/** The adversary lives for a minute. */
const ROUNDS_OF_ONE = 15;
/** Longer than the time from the start to the freeze, and shorter than the whole run. */
const LATEST_MS = 250;
const WORK: Readonly<Record<"v1" | "v2", readonly (readonly string[])[]>> = {
  v1: [["freeze"], ["--keep"]],
  v2: [["freeze"], ["--keep", "-m", "freezer"]],
};
/** A freeze that did not complete, and a kill that left a survivor. */
const UNDISTURBED = [1, 6];
/** PIPE, XFSZ and PWR end it only before the runtime has started. */
const SENT = [SIGTSTP, ...Object.values(DEADLY), SIGTTIN, SIGTTOU, 13, 25, 30];
const STOPPING: readonly number[] = [SIGTSTP, SIGTTIN, SIGTTOU];

interface Round {
  readonly signal: number;
  readonly wasFrozen: boolean;
  readonly wasInterrupted: boolean;
  readonly wasStopped: boolean;
}

async function playRound(dir: string, words: readonly string[], signal: number): Promise<Round> {
  const child = start([...words, "-q", "-t", "400ms", dir]);
  try {
    return await disturb(child, dir, words, signal);
  } finally {
    // Even if it is stopped.
    child.kill("SIGKILL");
  }
}

async function disturb(child: Child, dir: string, words: readonly string[], signal: number): Promise<Round> {
  await begun(child);
  await Bun.sleep(Math.random() * LATEST_MS);
  const wasFrozen = isFrozen(dir);
  // No effect if it has exited.
  child.kill(signal);
  let wasStopped = false;
  if (STOPPING.includes(signal)) {
    await until("it stopped or ended", () => hasEnded(child) || isStopped(child.pid));
    wasStopped = !hasEnded(child);
    const what = `${words.join(" ")} stopped by ${signal}`;
    expect([what, isFrozen(dir)]).toEqual([what, false]);
    if (wasStopped) child.kill(SIGCONT);
  }
  await child.exited;
  const what = `${words.join(" ")}, signal ${signal}`;
  expect([what, isFrozen(dir)]).toEqual([what, false]);
  if (child.signalCode === null) expect(UNDISTURBED).toContain(child.exitCode ?? -1);
  else expect(constants.signals[child.signalCode as NodeJS.Signals]).toBe(signal);
  return { signal, wasFrozen, wasInterrupted: child.signalCode !== null, wasStopped };
}

describe.each(VERSIONS)("%s: at random moments of a freeze and a kill that cannot complete", (version) => {
  const count = Math.ceil(ROUNDS / VERSIONS.length);
  test(
    `nothing is left frozen, by any signal (${count} rounds)`,
    async () => {
      await using cgroup = makeCgroup(version);
      const rounds: Round[] = [];
      while (rounds.length < count) {
        await using _ = await startBlocked(cgroup.dir);
        for (let left = ROUNDS_OF_ONE; left > 0 && rounds.length < count; left--) {
          const nth = rounds.length;
          const words = WORK[version][nth % 2] as readonly string[];
          rounds.push(await playRound(cgroup.dir, words, SENT[nth % SENT.length] as number));
        }
      }
      // Otherwise the signals came at the wrong moments.
      expect(rounds.filter(({ wasFrozen }) => wasFrozen).length).toBeGreaterThan(count / 4);
      expect(rounds.filter(({ wasInterrupted }) => wasInterrupted).length).toBeGreaterThan(count / 4);
      expect(rounds.filter(({ wasStopped }) => wasStopped).length).toBeGreaterThan(0);
    },
    30_000 + count * 2000,
  );
});

describe.each(VERSIONS)("%s: Ctrl-Z and output from the background", (version: Which) => {
  const bash = Bun.which("bash");
  if (bash === null) console.warn("left out: job control (there is no bash here)");

  test.skipIf(bash === null)(
    "a terminal that stops background output: stopped with nothing frozen, without spinning, and goes on in the foreground",
    async () => {
      await using cgroup = makeCgroup(version);
      await using _ = await startStubborn(cgroup.dir, 2);
      const script =
        'stty tostop; set -m; "$@" & read word; ps -o stat=,cputimes= -p $!; fg >/dev/null; echo "ended $?"';
      const words = ["-vv", "-g", "300ms", "--keep", cgroup.dir];
      await using terminal = inTerminal(words, { under: [bash ?? "", "-c", script, "bash"] });
      await until("it is stopped", () => childrenOf(terminal.pid).some(isStopped));
      expect(isFrozen(cgroup.dir)).toBe(false);
      terminal.types("go\r");
      await terminal.sees("ended 0");
      expect(living(cgroup.dir)).toEqual([]);
      expect(terminal.text()).toMatch(/T\w*\s+0\s/);
      expect(terminal.text()).toContain("killed");
    },
  );
});
