// Signals to a real process: stop requests while it works, and signals that are ignored meanwhile.

import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";

import { hostSys } from "../../src/sys/host.ts";
import { createPause } from "../../src/sys/signals.ts";
import { until } from "../support/real-cgroup.ts";

const OWN_GROUP = `${import.meta.dir}/../support/own-group.ts`;
const PAUSING = `${import.meta.dir}/../support/pausing.ts`;
const STOPPING = [
  ["SIGTSTP", 20],
  ["SIGTTIN", 21],
  ["SIGTTOU", 22],
] as const;
const SIGCONT = 18;
const SIGTERM = 15;

interface Pausing extends AsyncDisposable {
  readonly send: (signal: number) => void;
  readonly sees: (text: string) => Promise<void>;
  readonly text: () => string;
  readonly isStopped: () => boolean;
  /** The exit status, or the name of the signal that ended it. */
  readonly ended: () => Promise<number | string>;
}

async function pausing(...options: readonly string[]): Promise<Pausing> {
  const child = Bun.spawn([process.execPath, OWN_GROUP, process.execPath, PAUSING, ...options], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  const reading = (async () => {
    for await (const chunk of child.stdout) text += new TextDecoder().decode(chunk);
  })();
  const sees = (wanted: string) => until(wanted, () => text.includes(wanted), 10_000);
  await sees("ready\n");
  return {
    send: (signal) => process.kill(child.pid, signal),
    sees,
    text: () => text,
    isStopped: () => /^State:\s*T/m.test(readFileSync(`/proc/${child.pid}/status`, "utf8")),
    async ended() {
      await child.exited;
      await reading;
      return child.signalCode ?? child.exitCode ?? -1;
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}

test.each(STOPPING)(
  "%s while there is work: noted, stopped when asked to, and the time of it is known",
  async (_, signal) => {
    await using process = await pausing();
    for (let nth = 1; nth <= 2; nth++) {
      process.send(signal);
      await until("it stopped", process.isStopped);
      await Bun.sleep(100);
      process.send(SIGCONT);
      await until("it went on", () => process.text().split("stopped").length === nth + 1);
    }
    process.send(SIGTERM);
    expect(await process.ended()).toBe(0);
    const times = Array.from(process.text().matchAll(/requested\nstopped (\d+)\n/g), ([, ms]) => Number(ms));
    expect(times).toHaveLength(2);
    expect(Math.min(...times)).toBeGreaterThanOrEqual(100);
    expect(Math.max(...times)).toBeLessThan(5000);
  },
);

test.each(STOPPING)("%s without work: stopped at once, without a request", async (_, signal) => {
  await using process = await pausing("idle");
  process.send(signal);
  await until("it stopped", process.isStopped);
  process.send(SIGCONT);
  process.send(SIGTERM);
  expect(await process.ended()).toBe(0);
  expect(process.text()).not.toContain("requested\n");
});

test("a stop request that SIGCONT withdraws in time does not stop it", async () => {
  await using process = await pausing("slow");
  process.send(20);
  await process.sees("requested\n");
  process.send(SIGCONT);
  await process.sees("stopped 0\n");
  expect(process.isStopped()).toBe(false);
});

// Regression: the one that had come first was taken for a new request, and cgkill stopped after SIGCONT, for ever: seen in
// 30 of 640 pairs sent at once.
test("a stop request noted right after SIGCONT does not count, since the runtime may swap the two", async () => {
  const interruption = new AbortController();
  const pause = createPause(hostSys(), 0, interruption.signal);
  using work = new DisposableStack();
  work.use(pause.begin());
  // So that a request that is left does not stop this test.
  work.defer(() => interruption.abort());
  process.emit("SIGCONT", "SIGCONT");
  process.emit("SIGTSTP", "SIGTSTP");
  expect(pause.isRequested).toBe(false);
  await Bun.sleep(1);
  process.emit("SIGTSTP", "SIGTSTP");
  expect(pause.isRequested).toBe(true);
  process.emit("SIGCONT", "SIGCONT");
  expect(pause.isRequested).toBe(false);
});

test("an interruption takes precedence over a stop request, also if it arrives while stopped", async () => {
  await using slow = await pausing("slow");
  slow.send(20);
  await slow.sees("requested\n");
  slow.send(SIGTERM);
  expect(await slow.ended()).toBe(0);
  expect(slow.text()).toContain("stopped 0\ninterrupted SIGTERM, requested false\n");

  await using stopped = await pausing();
  stopped.send(20);
  await until("it stopped", stopped.isStopped);
  stopped.send(SIGTERM);
  stopped.send(SIGCONT);
  expect(await stopped.ended()).toBe(0);
  expect(stopped.text()).toContain("interrupted SIGTERM");
});

/** Real-time signals and STKFLT, without 33, which glibc handles. */
const UNDELIVERABLE = [16, 32, ...Array.from({ length: 31 }, (_, index) => 34 + index)];

test("signals that cannot be handled are ignored until disposed, and restored afterwards", async () => {
  await using process = await pausing("hold");
  for (const signal of UNDELIVERABLE) process.send(signal);
  process.send(SIGTERM);
  expect(await process.ended()).toBe(0);
  const after = /SigIgn:\s*([0-9a-f]+)/.exec(process.text())?.[1] ?? "";
  // Bun ignores PIPE and XFSZ.
  expect(BigInt(`0x${after}`) & ~0x1001000n).toBe(0n);
});

test.each([16, 34, 64])("signal %i ends it unless it is ignored", async (signal) => {
  await using process = await pausing();
  process.send(signal);
  expect(await process.ended()).not.toBe(0);
});

// Regression: each killer of the library had its own, and the second one restored what the first had changed.
test("two users of this process ignore the undeliverable signals at once: the last restores them", () => {
  const before = readIgnored();
  const first = hostSys().ignoreUndeliverable();
  const second = hostSys().ignoreUndeliverable();
  const meanwhile = readIgnored();
  expect(meanwhile).not.toBe(before);
  first[Symbol.dispose]();
  expect(readIgnored()).toBe(meanwhile);
  second[Symbol.dispose]();
  expect(readIgnored()).toBe(before);
});

const readIgnored = (): string | undefined => /^SigIgn:.*/m.exec(readFileSync("/proc/self/status", "utf8"))?.[0];
