// Draws a round of the soak test from a seed and the number of the round: the same two give the same round.

import { DEADLY } from "../../src/sys/signals.ts";
import { INSIDE } from "../../test/support/mounted-inside.ts";
import { adversaryOf, type Chosen, type Hierarchy, type Kind, KINDS } from "./adversaries.ts";

const STOPPING = { SIGTSTP: 20, SIGTTIN: 21, SIGTTOU: 22 } as const;
/** They end cgkill only while it has nothing to undo, some of them only before the runtime has started. */
const UNDELIVERABLE = { SIGPIPE: 13, SIGSTKFLT: 16, SIGXFSZ: 25, SIGPWR: 30, 34: 34, 40: 40, 64: 64 } as const;
export const SIGNALS: Readonly<Record<string, number>> = { SIGKILL: 9, ...DEADLY, ...UNDELIVERABLE };

export type Trouble =
  | {
      readonly kind:
        | "none"
        | "frozen"
        | "below frozen"
        | "few descriptors"
        | "few tasks"
        | "removed meanwhile"
        | "freeze meanwhile"
        | "thaw meanwhile";
    }
  | { readonly kind: "several"; readonly count: number; readonly isFenced: boolean }
  | { readonly kind: "mounts"; readonly title: string }
  | { readonly kind: "signal"; readonly name: string }
  | { readonly kind: "stop"; readonly signal: number; readonly forMs: number };

export interface Round {
  readonly version: Hierarchy;
  /** For each cgroup below the target the index of its parent; 0 is the target. */
  readonly tree: readonly number[];
  readonly adversaries: readonly Chosen[];
  readonly trouble: Trouble;
  readonly options: readonly string[];
  readonly delayMs: number;
}

const RESCUES = [0, 1, 2, 4, 5, 6] as const;

interface Random {
  readonly below: (bound: number) => number;
  readonly chance: (percent: number) => boolean;
  readonly one: <T>(choices: readonly T[]) => T;
}

/** A mulberry32 generator. */
function createRandom(seed: number, round: number): Random {
  let state = Math.imul(seed, 0x9e3779b1) ^ Math.imul(round, 0x85ebca6b);
  const below = (bound: number): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  };
  const one = <T>(choices: readonly T[]): T => choices[below(choices.length)] as T;
  return { below, chance: (percent) => below(100) < percent, one };
}

function chooseTrouble({ below, chance, one }: Random, version: Hierarchy, options: readonly string[]): Trouble {
  const isSweep = version === "pids" || options.includes("sweep");
  const troubles: Trouble[] = [
    { kind: "none" },
    { kind: "few descriptors" },
    { kind: "removed meanwhile" },
    { kind: "several", count: 2 + below(2), isFenced: version === "pids" && chance(70) },
    { kind: "mounts", title: one(Object.keys(INSIDE)) },
    { kind: "signal", name: one(Object.keys(SIGNALS)) },
    { kind: "signal", name: one(["SIGKILL", "SIGINT", "SIGTERM"]) },
    { kind: "stop", signal: one(Object.values(STOPPING)), forMs: below(100) },
  ];
  if (version !== "pids") {
    troubles.push(
      { kind: "frozen" },
      { kind: "below frozen" },
      { kind: "freeze meanwhile" },
      { kind: "thaw meanwhile" },
    );
  }
  // A sweep moves processes; on v1 only their owner and root may.
  if (!isSweep) troubles.push({ kind: "few tasks" });
  return one(troubles);
}

export function chooseRound(seed: number, nth: number, versions: readonly Hierarchy[]): Round {
  const random = createRandom(seed, nth);
  const { below, chance, one } = random;
  const version = one(versions);
  const method = version !== "pids" && chance(30) ? ["-m", one(["freezer", "sweep"])] : [];
  const removal = chance(50) ? [one(["--remove", "--keep"])] : [];
  const grace = chance(20) ? ["-g", "20ms"] : [];
  const options = [...method, ...removal, ...grace];
  const tree = Array.from({ length: below(6) }, (_, index) => below(index + 1));
  const isPossible = ([, { versions: only }]: readonly [string, Kind]): boolean => only?.includes(version) ?? true;
  const kinds = Object.entries(KINDS).filter(isPossible);
  const drawn = Array.from({ length: 1 + below(3) }, () => ({
    kind: one(kinds)[0],
    at: below(tree.length + 1),
    to: below(tree.length + 1),
    how: one(RESCUES),
  }));
  // Only one of each name: a late child of the first would be taken for the second.
  const isFirst = (chosen: Chosen, index: number): boolean =>
    drawn.findIndex((other) => adversaryOf(other) === adversaryOf(chosen)) === index;
  const adversaries = drawn.filter(isFirst);
  return { version, tree, adversaries, trouble: chooseTrouble(random, version, options), options, delayMs: below(60) };
}
