// What the tests of the interactive mode share: targets with survivors, and answers typed once the question is
// complete.

import { expect } from "bun:test";
import { mkdirSync, readFileSync } from "node:fs";

import { delegate, startAsNobody } from "./nobody.ts";
import { liveMembers, makeCgroup, type RealCgroup, startAdversary, until, type Which, write } from "./real-cgroup.ts";
import type { TerminalSession } from "./terminal.ts";
import { startTraced } from "./traced.ts";

export interface Stage extends AsyncDisposable {
  readonly cgroup: RealCgroup;
  readonly members: () => number[];
  /** A foreign freezer cgroup that keeps the members frozen. */
  readonly foreign?: string;
}

export async function stage(version: "v1" | "v2", count = 3): Promise<Stage> {
  const cgroup = makeCgroup(version);
  const adversary = startAdversary("sleepers", count, cgroup.dir);
  await until(`${count} sleepers`, () => liveMembers(cgroup.dir).length >= count);
  return {
    cgroup,
    members: () => liveMembers(cgroup.dir),
    async [Symbol.asyncDispose]() {
      await adversary[Symbol.asyncDispose]();
      await cgroup[Symbol.asyncDispose]();
    },
  };
}

/** Make a target with one certain survivor: a tracer outside stops it in its exit. It dies when the tracer does. */
export async function stageTraced(version: "v1" | "v2"): Promise<Stage> {
  const cgroup = makeCgroup(version);
  const traced = await startTraced(cgroup.dir);
  return {
    cgroup,
    members: () => liveMembers(cgroup.dir),
    async [Symbol.asyncDispose]() {
      await traced[Symbol.asyncDispose]();
      await cgroup[Symbol.asyncDispose]();
    },
  };
}

export interface Held extends Stage {
  readonly foreign: string;
  /** Its path in /proc/PID/cgroup. */
  readonly foreignPath: string;
  readonly state: (below?: string) => string;
  readonly freeze: (below?: string) => Promise<void>;
  /** A process that is frozen with the members but is not a member. */
  readonly bystander: number;
}

/**
 * Make a target whose members a foreign freezer cgroup keeps frozen, for a caller that runs as nobody. It may kill and
 * thaw what was delegated to it, but cannot move killed members out to die, which needs the root of the freezer.
 *
 * @param places  the cgroups below the foreign one, "" being itself, that get one member each
 * @param frozen  which of these, or of those above them, are switched to frozen
 */
export async function stageHeld(which: Which, places: readonly string[], frozen: readonly string[]): Promise<Held> {
  const cgroup = makeCgroup(which);
  const foreign = makeCgroup("v1");
  const at = (below: string): string => `${foreign.dir}${below}`;
  for (const below of new Set([...places, ...frozen])) mkdirSync(at(below), { recursive: true });
  for (const dir of new Set([cgroup.dir, foreign.dir, ...places.map(at), ...frozen.map(at)])) delegate(dir);
  const sleepers = await Promise.all(places.map(() => startAsNobody(cgroup.dir)));
  for (const [nth, { pid }] of sleepers.entries()) write(`${at(places[nth] ?? "")}/cgroup.procs`, String(pid));
  const bystander = await startAsNobody(at(places[0] ?? ""));
  const state = (below = ""): string => readFileSync(`${at(below)}/freezer.state`, "utf8").trim();
  const freeze = async (below = ""): Promise<void> => {
    write(`${at(below)}/freezer.state`, "FROZEN");
    await until(`${at(below)} to be frozen`, () => state(below) === "FROZEN");
  };
  for (const below of frozen) await freeze(below);
  return {
    cgroup,
    foreign: foreign.dir,
    foreignPath: foreign.path,
    members: () => liveMembers(cgroup.dir),
    state,
    freeze,
    bystander: bystander.pid,
    async [Symbol.asyncDispose]() {
      // This thaws them, and nothing dies before.
      await foreign[Symbol.asyncDispose]();
      for (const one of [...sleepers, bystander]) await one[Symbol.asyncDispose]();
      await cgroup[Symbol.asyncDispose]();
    },
  };
}

/** Expect a visible cursor and the line settings of the shell. */
export function expectRestored(terminal: TerminalSession): void {
  const raw = terminal.raw();
  expect(raw.lastIndexOf("\u001b[?25h")).toBeGreaterThan(raw.lastIndexOf("\u001b[?25l"));
}

/** Wait until the question is drawn to its last line, then answer it: earlier keys would be lost. */
export async function answer(terminal: TerminalSession, question: string, ...keys: string[]): Promise<void> {
  await terminal.sees(question);
  await until(`all of the question ${question}`, () => /^[└-]/.test(terminal.lines().findLast(Boolean) ?? ""));
  terminal.types(keys.join(""));
}
