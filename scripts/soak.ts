// Kills random trees of random adversaries under random trouble, and has an observer of its own check the contract's
// promise after every round. Seeded: the same seed makes the same choices. Ends by itself, at the first violation or
// after the last round.
//
//   bun scripts/soak.ts [ROUNDS] [SEED]

import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";

import {
  type Adversary,
  canStage,
  isAlive,
  isFrozen,
  liveMembers,
  makeCgroup,
  startAdversary,
  startSleeper,
  subtree,
  until,
  write,
} from "../test/support/real-cgroup.ts";
import { writeExecStorm } from "../test/support/tiny-elf.ts";
import { build } from "./build.ts";

const rounds = Number(process.argv[2] ?? 50);
const seed = Number(process.argv[3] ?? Date.now() % 1_000_000);
if (!Number.isInteger(rounds) || rounds < 1 || !Number.isInteger(seed)) {
  console.error("soak: bun scripts/soak.ts [ROUNDS] [SEED]: two numbers");
  process.exit(2);
}

let state = seed;
function random(below: number): number {
  state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
  return (state >> 8) % below;
}
const chance = (percent: number): boolean => random(100) < percent;
const one = <T>(choices: readonly T[]): T => choices[random(choices.length)] as T;

const ADVERSARIES: ReadonlyArray<readonly [Adversary, number]> = [
  ["sleepers", 50],
  ["forkbomb", 60],
  ["comet", 20],
  ["hydra", 30],
  ["vforker", 5],
  ["ignorant", 10],
  ["stopped", 10],
  ["deadleader", 5],
  ["ghost", 3],
  ["threads", 100],
  ["zombies", 20],
  ["tracer", 3],
  ["pidns", 4],
  ["memhog", 32],
  ["nester", 1],
  ["exec", 4],
];

type Trouble = "none" | "frozen" | "below frozen" | "few descriptors" | "second cgkill" | "removed meanwhile" | Signal;
type Signal = "SIGINT" | "SIGTERM" | "SIGKILL";
const TROUBLES: readonly Trouble[] = [
  "none",
  "none",
  "frozen",
  "below frozen",
  "few descriptors",
  "second cgkill",
  "removed meanwhile",
  "SIGINT",
  "SIGTERM",
  "SIGKILL",
];

interface Round {
  readonly version: "v1" | "v2";
  readonly depth: number;
  readonly adversaries: ReadonlyArray<readonly [Adversary, number]>;
  readonly trouble: Trouble;
  readonly options: readonly string[];
  readonly delayMs: number;
}

function chooseRound(versions: readonly ("v1" | "v2")[]): Round {
  const method = chance(30) ? ["-m", one(["freezer", "sweep"])] : [];
  const removal = chance(50) ? [one(["--remove", "--keep"])] : [];
  const grace = chance(20) ? ["-g", "20ms"] : [];
  return {
    version: one(versions),
    depth: random(6),
    adversaries: Array.from({ length: 1 + random(3) }, () => one(ADVERSARIES)),
    trouble: one(TROUBLES),
    options: [...method, ...removal, ...grace],
    delayMs: random(60),
  };
}

interface Killed {
  readonly code: number | null;
  readonly signal: string | null;
  readonly document: Record<string, unknown> | undefined;
  readonly stderr: string;
  readonly ms: number;
}

/** Their leader is dead, and has no command line: they come first, before others fork. */
const NAMELESS: readonly Adversary[] = ["deadleader", "ghost"];

function hasCome(name: Adversary, count: number, fresh: readonly number[]): boolean {
  return NAMELESS.includes(name) ? fresh.length >= count : fresh.some((pid) => nameOf(pid) === name);
}

/** An adversary is called by its name from its first moment on; an exec storm only at first. */
function nameOf(pid: number): string | undefined {
  try {
    const [name = ""] = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
    return name.includes("storm") ? "exec" : name;
  } catch {
    return undefined;
  }
}

const TIMEOUT_MS = 15_000;

function start(dir: string, options: readonly string[], fewDescriptors: boolean) {
  const argv = [binary, "--json", "-t", `${TIMEOUT_MS}ms`, ...options, dir];
  const under = fewDescriptors ? ["sh", "-c", 'ulimit -n 64; exec "$@"', "sh"] : [];
  const startedAt = performance.now();
  const child = Bun.spawn([...under, ...argv], { stdio: ["ignore", "pipe", "pipe"] });
  const ended = async (): Promise<Killed> => {
    const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
    const line = stdout.split("\n")[0] ?? "";
    return {
      code: child.signalCode === null ? child.exitCode : null,
      signal: child.signalCode === null ? null : String(child.signalCode),
      document: line === "" ? undefined : JSON.parse(line),
      stderr,
      ms: performance.now() - startedAt,
    };
  };
  return { child, ended };
}

function check(isSo: boolean, what: string): void {
  if (!isSo) throw new Error(what);
}

/** Exit 0 means: nobody there, by every list that the kernel has. */
function checkPromise(
  dir: string,
  { code, signal, document, stderr, ms }: Killed,
  allowed: readonly (number | string)[],
): void {
  const ending = signal ?? code ?? "?";
  check(allowed.includes(ending), `ended with ${ending}: ${JSON.stringify(document)} ${stderr}`);
  check(ms < TIMEOUT_MS + 1000, `took ${ms.toFixed(0)} ms`);
  if (code === 0) {
    const left = liveMembers(dir);
    check(left.length === 0, `exit 0, but ${left.join(" ")} live: ${JSON.stringify(document)}`);
    check(["killed", "empty"].includes(String(document?.["outcome"])), `exit 0 with ${JSON.stringify(document)}`);
  }
}

async function run({ version, depth, adversaries, trouble, options, delayMs }: Round): Promise<string> {
  await using parent = makeCgroup(version);
  const target = `${parent.dir}/target`;
  const beside = `${parent.dir}/beside`;
  const scratch = mkdtempSync(`${tmpdir()}/cgkill-soak-`);
  const storm = `${scratch}/storm`;
  writeExecStorm(storm);
  for (const dir of [target, beside]) mkdirSync(dir);
  const dirs = [target];
  for (let level = 0; level < depth; level++) {
    const dir = `${one(dirs)}/d${level}`;
    mkdirSync(dir);
    dirs.push(dir);
  }
  await using above = await startSleeper(parent.dir);
  await using next = await startSleeper(beside);
  await using stack = new AsyncDisposableStack();
  try {
    const nameless = adversaries.filter(([name]) => NAMELESS.includes(name));
    for (const [name, count] of new Set([...nameless, ...adversaries])) {
      // Each must have come before the kill begins: who comes after its end is not its business.
      const strangers = new Set(liveMembers(target));
      stack.use(startAdversary(name, count, one(dirs), name === "exec" ? storm : name === "ghost" ? beside : ""));
      await until(name, () =>
        hasCome(
          name,
          count,
          liveMembers(target).filter((pid) => !strangers.has(pid)),
        ),
      );
    }
    await Bun.sleep(delayMs);
    const toFreeze = trouble === "frozen" ? target : trouble === "below frozen" ? dirs.at(-1) : undefined;
    if (toFreeze !== undefined) {
      write(`${toFreeze}/${version === "v1" ? "freezer.state" : "cgroup.freeze"}`, version === "v1" ? "FROZEN" : "1");
    }
    const ending = await killUnder(trouble, target, options, delayMs);
    // What cgkill did not freeze it leaves as it was found, but where nobody could die otherwise.
    const wasFoundFrozen = toFreeze !== undefined && (version === "v2" || options.includes("sweep"));
    check(wasFoundFrozen || !isFrozen(target), "left frozen");
    check(isAlive(above.pid) && isAlive(next.pid), "an innocent died");
    check(subtree(beside).length === 1, "the cgroup beside is gone");
    return ending;
  } finally {
    for (const dir of subtree(target)) {
      if (version === "v2") write(`${dir}/cgroup.freeze`, "0");
    }
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** One kill, or as many as the trouble means. */
async function killUnder(
  trouble: Trouble,
  target: string,
  options: readonly string[],
  delayMs: number,
): Promise<string> {
  const first = start(target, options, trouble === "few descriptors");
  switch (trouble) {
    case "second cgkill": {
      const second = start(target, options, false);
      const [a, b] = await Promise.all([first.ended(), second.ended()]);
      // Whoever comes when the other has removed it finds nothing there.
      checkPromise(target, a, [0, 3]);
      checkPromise(target, b, [0, 3]);
      return `${a.code}/${b.code}`;
    }
    case "SIGINT":
    case "SIGTERM":
    case "SIGKILL": {
      await Bun.sleep(delayMs);
      first.child.kill(trouble);
      const interrupted = await first.ended();
      checkPromise(target, interrupted, [0, trouble]);
      if (trouble !== "SIGKILL") check(!isFrozen(target), `left frozen after ${trouble}`);
      const again = await start(target, ["--ignore-missing", ...options], false).ended();
      if (again.document?.["outcome"] !== "missing") checkPromise(target, again, [0]);
      // A freeze that a killed cgkill left is like one that was found: thaw is the rescue from it.
      if (trouble === "SIGKILL" && subtree(target).length > 0) {
        const thaw = Bun.spawn([binary, "thaw", "-q", target], { stdio: ["ignore", "inherit", "inherit"] });
        check((await thaw.exited) === 0, "could not be thawed");
      }
      return `${interrupted.signal ?? interrupted.code}, then ${again.code}`;
    }
    case "removed meanwhile": {
      for (const dir of subtree(target).reverse()) {
        try {
          if (liveMembers(dir).length === 0) rmSync(dir, { recursive: false });
        } catch {
          // Somebody is in it.
        }
      }
      const killed = await first.ended();
      checkPromise(target, killed, [0]);
      return String(killed.code);
    }
    default: {
      const killed = await first.ended();
      checkPromise(target, killed, [0]);
      return String(killed.code);
    }
  }
}

const versions = (["v1", "v2"] as const).filter((version) => canStage(version));
const binary = await build();
console.log(`soak: ${rounds} rounds, seed ${seed}, on ${versions.join(" and ")}`);
const startedAt = performance.now();
for (let round = 1; round <= rounds; round++) {
  const chosen = chooseRound(versions);
  try {
    const ending = await run(chosen);
    if (round % 25 === 0 || rounds <= 50) {
      console.log(`${String(round).padStart(5)}  ${JSON.stringify(chosen)}  ${ending}`);
    }
  } catch (error) {
    console.error(`round ${round} of seed ${seed}: ${JSON.stringify(chosen)}`);
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  }
}
console.log(`soak: ${rounds} rounds clean in ${((performance.now() - startedAt) / 1000).toFixed(0)} s`);
