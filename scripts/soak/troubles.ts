// The troubles of the soak test: one kill, or as many as the trouble calls for, each checked at its end.

import { existsSync, mkdirSync, readFileSync, readlinkSync, realpathSync, rmdirSync } from "node:fs";

import { IN_MOUNTS_OF_ITS_OWN } from "../../test/support/layout.ts";
import { INSIDE } from "../../test/support/mounted-inside.ts";
import { isFrozen, mountPoint, subtree, until, write } from "../../test/support/real-cgroup.ts";
import { inMounts } from "../../test/support/run-bounded.ts";
import { BINARY, documents } from "../../test/support/run-cgkill.ts";
import { kindOf } from "./adversaries.ts";
import { type Round, SIGNALS, type Trouble } from "./choose.ts";
import { check, checkEnd, checkLetGo, type Ended, endingOf, type Scene, trapsOf } from "./observer.ts";

const TIMEOUT_MS = 15_000;
/** If something cannot be killed or removed, the kill takes until its deadline. */
const SHORT_TIMEOUT_MS = 3000;
/** The deadline counts from the end of the grace period, and the answer may take a second longer. */
const [GRACE_MS, ANSWER_MS] = [20, 1000];
/** A cgkill that hangs is killed, which counts as a failure. */
const HUNG_MS = 20_000;

const OWN_GROUP = `${import.meta.dir}/../../test/support/own-group.ts`;
const FEW_DESCRIPTORS = ["sh", "-c", 'ulimit -n 64; exec "$@"', "sh"];
// RLIMIT_NPROC does not limit root, nor a process with one of the two capabilities dropped here.
const RIGHTS = "+kill,+dac_override,+dac_read_search,+sys_ptrace,+sys_nice";
const FEW_TASKS = [
  ...["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-sys_admin,-sys_resource"],
  ...[`--inh-caps=${RIGHTS}`, `--ambient-caps=${RIGHTS}`, "prlimit", "--nproc=1:1"],
];

export interface Fight {
  readonly scene: Scene;
  readonly round: Round;
  /** Kills programs that are still running, whatever happens. */
  readonly stack: AsyncDisposableStack;
  /** Every ending so far. */
  readonly endings: Ended[];
}

function spawn({ scene, stack }: Fight, argv: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const child = Bun.spawn([...argv], {
    // Some signals dump core here.
    cwd: scene.scratch,
    env: { PATH: process.env["PATH"] ?? "", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  stack.defer(() => child.kill("SIGKILL"));
  scene.kills.push(child.pid);
  return child;
}
type Child = ReturnType<typeof spawn>;

interface Started {
  readonly child: Child;
  /** Waits for its end and checks it. `allowed` are endings besides 0 and those that the adversaries excuse. */
  readonly ended: (allowed?: readonly (number | string)[], extraMs?: number) => Promise<Ended>;
}

interface How {
  /** Words before the binary. */
  readonly under?: readonly string[];
  readonly words?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

function start(fight: Fight, { under = [], words = [], env }: How = {}): Started {
  const { scene, round, endings } = fight;
  const excuses = excusesIn(round);
  const timeoutMs = excuses.length === 0 ? TIMEOUT_MS : SHORT_TIMEOUT_MS;
  const argv = ["--json", "-t", `${timeoutMs}ms`, ...words, ...round.options, scene.target];
  const child = spawn(fight, [...under, BINARY, ...argv], env);
  const timer = setTimeout(() => child.kill("SIGKILL"), TIMEOUT_MS + HUNG_MS);
  const ended = async (allowed: readonly (number | string)[] = [], extraMs = 0): Promise<Ended> => {
    const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
    clearTimeout(timer);
    const end: Ended = {
      code: child.signalCode === null ? child.exitCode : null,
      signal: child.signalCode,
      document: documents(stdout)[0],
      stderr,
      endedAt: Date.now(),
      limitMs: timeoutMs + GRACE_MS + ANSWER_MS + extraMs,
    };
    endings.push(end);
    const isMissing = words.includes("--ignore-missing") && end.document?.["outcome"] === "missing";
    if (!isMissing) checkEnd(scene, end, [0, ...excuses, ...allowed]);
    return end;
  };
  return { child, ended };
}

function excusesIn({ adversaries, trouble, options, version }: Round): number[] {
  const isRemoving = options.includes("--remove") || (version !== "v2" && !options.includes("--keep"));
  // The kernel removes no mount point of our own namespace.
  const codes = [
    ...adversaries.flatMap((chosen) => kindOf(chosen).excuses ?? []),
    ...(trouble.kind === "mounts" ? [7] : []),
  ];
  return codes.filter((code) => code !== 7 || isRemoving);
}

/** Run another command of cgkill. It finds nothing if the target has been removed in the meantime. */
async function command(fight: Fight, name: "freeze" | "thaw"): Promise<number | null> {
  const child = spawn(fight, [BINARY, name, "-q", "-t", "2s", fight.scene.target]);
  await child.exited;
  return child.exitCode;
}

/** Thaw the target, which must work after any accident. */
async function repair(fight: Fight): Promise<void> {
  if (existsSync(fight.scene.target)) check((await command(fight, "thaw")) === 0, "the target could not be thawed");
}

const hasEnded = ({ exitCode, signalCode }: Child): boolean => exitCode !== null || signalCode !== null;

function isStopped({ pid }: Child): boolean {
  return /^State:\s*T/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
}

/** Wait until the child is cgkill: before that, it is a program that executes it. */
async function untilExecuted(child: Child): Promise<void> {
  const binary = realpathSync(BINARY);
  for (let tries = 0; tries < 10_000 && !hasEnded(child); tries++) {
    if (readlinkSync(`/proc/${child.pid}/exe`) === binary) return;
    await Bun.sleep(1);
  }
}

async function stopped(fight: Fight, { signal, forMs }: Extract<Trouble, { kind: "stop" }>): Promise<void> {
  const { child, ended } = start(fight, { under: [process.execPath, OWN_GROUP] });
  await untilExecuted(child);
  await Bun.sleep(fight.round.delayMs);
  if (!hasEnded(child)) process.kill(child.pid, signal);
  const startedAt = performance.now();
  await until("cgkill to stop or end", () => hasEnded(child) || isStopped(child));
  if (!hasEnded(child)) {
    checkLetGo(fight.scene, `while stopped by ${signal}`);
    await Bun.sleep(forMs);
    process.kill(child.pid, "SIGCONT");
  }
  await ended([], performance.now() - startedAt);
}

async function signalled(fight: Fight, name: string): Promise<void> {
  const signal = SIGNALS[name] as number;
  const first = start(fight);
  await Bun.sleep(fight.round.delayMs);
  if (!hasEnded(first.child)) process.kill(first.child.pid, signal);
  await first.ended([name, signal]);
  if (name !== "SIGKILL") checkLetGo(fight.scene, `after ${name}`);
  await start(fight, { words: ["--ignore-missing"] }).ended();
  if (name === "SIGKILL") await repair(fight);
}

async function killAmongMounts(fight: Fight, title: string): Promise<void> {
  const { target, beside, outside, innocents, scratch } = fight.scene;
  const S = `${scratch}/forged`;
  mkdirSync(S);
  const script = `${INSIDE[title]?.mounts}\n: > $S/staged\nexec "$@"`;
  const under = [...IN_MOUNTS_OF_ITS_OWN, "sh", "-ec", script, "sh"];
  const env = { T: target, B: beside, F: outside.at(-1) ?? "", S, PID: String(innocents[0]) };
  await start(fight, { under, env }).ended();
  check(existsSync(`${S}/staged`), "the mounts could not be staged");
}

/** Remove empty cgroups during a kill, one at a time, so that the end of the kill is noticed in time. */
async function removeEmpty(target: string, kill: Promise<unknown>): Promise<void> {
  let isOver = false;
  const ending = kill.finally(() => (isOver = true));
  for (const dir of subtree(target).reverse()) {
    if (isOver) break;
    try {
      rmdirSync(dir);
    } catch {
      // It has members or cgroups below it, or is gone.
    }
    await Bun.sleep(0);
  }
  await ending;
}

function freeze(dir: string): void {
  if (existsSync(`${dir}/freezer.state`)) write(`${dir}/freezer.state`, "FROZEN");
  else write(`${dir}/cgroup.freeze`, "1");
}

/** @returns how each cgkill ended, as text */
export async function killUnder(fight: Fight): Promise<string> {
  const { scene, round, endings } = fight;
  const { trouble } = round;
  switch (trouble.kind) {
    case "several": {
      const under = trouble.isFenced ? inMounts(`umount -l ${mountPoint("v1")}`) : [];
      const all = Array.from({ length: trouble.count }, () => start(fight, { under }));
      // A kill that starts after another one has removed the target finds nothing.
      await Promise.all(all.map(({ ended }) => ended([3])));
      break;
    }
    case "signal":
      await signalled(fight, trouble.name);
      break;
    case "stop":
      await stopped(fight, trouble);
      break;
    case "mounts":
      await killAmongMounts(fight, trouble.title);
      break;
    case "freeze meanwhile":
    case "thaw meanwhile": {
      const name = trouble.kind === "freeze meanwhile" ? "freeze" : "thaw";
      const { ended } = start(fight);
      await Bun.sleep(round.delayMs);
      await Promise.all([ended(), command(fight, name)]);
      if (name === "freeze") await repair(fight);
      break;
    }
    case "removed meanwhile": {
      // A target that has no member, or none for a moment, may be gone before it is opened.
      const mayBeGone = scene.members.size === 0 || round.adversaries.some(({ kind }) => kind === "hopper in and out");
      await removeEmpty(scene.target, start(fight).ended(mayBeGone ? [3] : []));
      break;
    }
    case "frozen":
    case "below frozen":
      freeze(trouble.kind === "frozen" ? scene.target : (scene.dirs.at(-1) as string));
      await start(fight).ended();
      break;
    case "few descriptors":
      await start(fight, { under: FEW_DESCRIPTORS }).ended();
      break;
    case "few tasks":
      await start(fight, { under: FEW_TASKS }).ended();
      break;
    default:
      await start(fight).ended();
  }
  // A sweep leaves what it did not freeze as it was found, and so does a kill that ends with survivors.
  const wasFoundFrozen = trouble.kind === "frozen" || trouble.kind === "below frozen";
  const isLeft = wasFoundFrozen && (round.options.includes("sweep") || endings.at(-1)?.code !== 0);
  if (!(isLeft && isFrozen(scene.target))) checkLetGo(scene, "at the end");
  check(trapsOf(scene.kills).length === 0, "a trap left");
  return endings.map(endingOf).join(", then ");
}
