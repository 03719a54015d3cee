// Generated input: seeded, bounded, the same in every run. A failing case reports its seed; FUZZ_SEED=N runs only that
// case, FUZZ_ROUNDS=N runs more cases.

import { seeded } from "../cli/support.ts";

export interface Random {
  /** From 0 to `below` - 1. */
  readonly int: (below: number) => number;
  readonly chance: (oneIn: number) => boolean;
  readonly pick: <T>(from: readonly T[]) => T;
  readonly list: <T>(most: number, make: () => T) => T[];
}

export function randomOf(seed: number): Random {
  const int = seeded(seed * 7919 + 17);
  // Neighbouring seeds start with similar numbers.
  for (let i = 0; i < 5; i++) int(2);
  return {
    int,
    chance: (oneIn) => int(oneIn) === 0,
    pick: (from) => from[int(from.length)] as (typeof from)[number],
    list: (most, make) => Array.from({ length: int(most + 1) }, make),
  };
}

export async function fuzz(
  rounds: number,
  body: (random: Random, seed: number) => void | Promise<void>,
): Promise<void> {
  const only = process.env["FUZZ_SEED"];
  const first = Number(only ?? 0);
  const count = only === undefined ? Number(process.env["FUZZ_ROUNDS"] ?? rounds) : 1;
  for (let seed = first; seed < first + count; seed++) {
    try {
      await body(randomOf(seed), seed);
    } catch (cause) {
      throw new Error(`FUZZ_SEED=${seed}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    }
  }
}

const PIECES = [
  "a",
  "job",
  "x".repeat(255),
  " ",
  "-",
  "--",
  "..",
  ".",
  "...",
  "*",
  "\\",
  "\\040",
  ":",
  "'",
  '"',
  "$(reboot)",
  "`",
  "\t",
  "\r",
  "\u001b[2J",
  "\u009b",
  "\u202e",
  "ü",
  "漢",
  "🔥",
  "\udcff",
  "\udc80",
  "\ufffd",
  " (deleted)",
  "list",
  "--all",
  "cgkill-trap-",
  "1000",
  "0",
];

/** A valid name for a cgroup: no slash, newline or NUL, and neither `.` nor `..`. */
export function randomName({ list, pick }: Random): string {
  const name = list(3, () => pick(PIECES)).join("") || "n";
  return name === "." || name === ".." ? `${name}.x` : name;
}

/** Delete, double, swap or insert something in a text. No number gets longer. */
export function garble(text: string, { int, pick, chance }: Random): string {
  const at = int(text.length + 1);
  const to = at + int(8);
  const lines = text.split("\n");
  switch (int(6)) {
    case 0:
      return text.slice(0, at);
    case 1:
      return text.slice(0, at) + text.slice(to);
    case 2:
      return (
        text.slice(0, at) +
        pick(["\0", "-", "\n", " ", ":", "x", "\udcff", "NaN", "\n0\n", "\n-1\n", "\n1\n"]) +
        text.slice(at)
      );
    case 3:
      return [...lines, pick(lines)].join("\n");
    case 4:
      return lines.filter(() => !chance(4)).join("\n");
    default:
      return "";
  }
}
