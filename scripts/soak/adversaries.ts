// The adversaries of the soak test: how each is staged in a target, when it counts as started, and which exit statuses
// it excuses. What they do is in test/support/adversaries.

import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";

import { type Adversary, liveMembers, startAdversary, startSleeper, until } from "../../test/support/real-cgroup.ts";
import { writeExecStorm } from "../../test/support/tiny-elf.ts";
import { startTraced } from "../../test/support/traced.ts";

/** The hierarchy of the target. `pids` has no freezer: the method is "sweep", and there is a fork fence. */
export type Hierarchy = "v1" | "v2" | "pids";

/** An adversary, as drawn at random. */
export interface Chosen {
  readonly kind: string;
  /** Index of the cgroup that it is in. */
  readonly at: number;
  /** Index of another cgroup, for those that use two. */
  readonly to: number;
  /** In which order, and from which moment on, the rescuer moves processes: see movers.c. */
  readonly how: number;
}

export interface Place {
  readonly version: Hierarchy;
  readonly target: string;
  /** The target and the cgroups below it. */
  readonly dirs: readonly string[];
  /** Outside, with a process that must survive. */
  readonly beside: string;
  /** Outside, for processes that leave the target. */
  readonly beyond: string;
  readonly scratch: string;
}

export interface Kind {
  /** The adversary, if its name differs from that of the kind. */
  readonly name?: Adversary;
  readonly count: number;
  /** All hierarchies by default. */
  readonly versions?: readonly Hierarchy[];
  /** The second argument of the program. */
  readonly other?: (place: Place, chosen: Chosen) => string;
  /** Stages its members in a cgroup of its own. Returns what starts it, to be called once the others have started. */
  readonly stage?: (own: string, stack: AsyncDisposableStack, place: Place, chosen: Chosen) => Promise<Begin>;
  /** It may re-enter or be re-created after the last check, so being inside after exit status 0 is no violation. */
  readonly comesBack?: true;
  /** It cannot be killed, or its cgroups not removed: the deadline is short, and these statuses are allowed too. */
  readonly excuses?: readonly number[];
  /** Its leader is dead and has no command line. Such kinds start first, before others fork. */
  readonly isNameless?: true;
  /** It waits for the kill to read a list, so it starts after all the others, and the test reads no list after that. */
  readonly isRescuer?: true;
}

type Begin = () => Promise<void>;

const V1: readonly Hierarchy[] = ["v1", "pids"];
const CGROUPS = 4;
const RESCUED = 200;
const CHURNED = 200_000;

/** A sleeper that is moved between cgroups of its own. Each move delays every fork on the machine. */
async function stageMoved(name: "relay" | "shuttle", own: string, stack: AsyncDisposableStack): Promise<Begin> {
  for (let i = 0; i < CGROUPS; i++) mkdirSync(`${own}/s${i}`);
  const moved = stack.use(await startSleeper(`${own}/s0`));
  const where = (): string => readFileSync(`/proc/${moved.pid}/cgroup`, "utf8");
  const before = where();
  return async () => {
    stack.use(startAdversary(name, CGROUPS, own, String(moved.pid)));
    await until("the first move", () => {
      readFileSync(`${own}/s0/cgroup.procs`);
      return where() !== before;
    });
  };
}

async function stageRenamed(own: string, stack: AsyncDisposableStack): Promise<Begin> {
  mkdirSync(`${own}/here`);
  for (let i = 0; i < 2; i++) stack.use(await startSleeper(`${own}/here`));
  return async () => {
    stack.use(startAdversary("renamer", 1, own));
    await until("the first rename", () => !existsSync(`${own}/here`));
  };
}

async function stageChurned(own: string, stack: AsyncDisposableStack): Promise<Begin> {
  return async () => {
    stack.use(startAdversary("churner", CHURNED, own));
    await until("the first new cgroup", () => readdirSync(own).some((name) => name.startsWith("churn")));
  };
}

/** The file in which the rescuer records what it has moved out. */
export const rescuedFile = ({ scratch }: Place): string => `${scratch}/rescued`;

async function stageRescued(own: string, stack: AsyncDisposableStack, place: Place, { how }: Chosen): Promise<Begin> {
  const file = rescuedFile(place);
  stack.use(startAdversary("sleepers", RESCUED, own));
  await until("the processes to be rescued", () => liveMembers(own).length >= RESCUED);
  return async () => {
    stack.use(startAdversary("rescuer", how, own, `${place.beyond}\n${file}`));
    await until("the rescuer", () => existsSync(file) && readFileSync(file, "utf8").startsWith("ready\n"));
  };
}

async function stageTraced(own: string, stack: AsyncDisposableStack): Promise<Begin> {
  stack.use(await startTraced(own));
  return async () => {};
}

export const KINDS: Readonly<Record<string, Kind>> = {
  sleepers: { count: 50 },
  forkbomb: { count: 60 },
  comet: { count: 20 },
  hydra: { count: 30 },
  vforker: { count: 5 },
  ignorant: { count: 10 },
  stopped: { count: 10 },
  deadleader: { count: 5, isNameless: true },
  ghost: { count: 3, isNameless: true, other: ({ beside }) => beside },
  threads: { count: 100 },
  zombies: { count: 20 },
  tracer: { count: 3 },
  pidns: { count: 4 },
  memhog: { count: 32 },
  nester: { count: 1 },
  exec: {
    count: 4,
    other({ scratch }) {
      writeExecStorm(`${scratch}/storm`);
      return `${scratch}/storm`;
    },
  },
  digger: { count: 300 },
  threadstorm: { count: 64 },
  splitthread: { count: 1, versions: V1, other: ({ dirs }, { to }) => dirs[to] as string },
  "splitthread to the outside": { name: "splitthread", count: 1, versions: V1, other: ({ beside }) => beside },
  hopper: { count: 4, other: ({ dirs }, { to }) => dirs[to] as string },
  "hopper in and out": {
    name: "hopper",
    count: 4,
    other: ({ beyond }) => beyond,
    comesBack: true,
    excuses: [6, 7],
  },
  feeder: { count: 10, versions: ["v2"], comesBack: true, excuses: [6, 7] },
  tracehold: { count: 1, excuses: [6], stage: stageTraced },
  churner: { count: CHURNED, excuses: [7], stage: stageChurned },
  // It also watches `tasks`, which v2 does not have.
  relay: { count: CGROUPS, versions: V1, stage: (own, stack) => stageMoved("relay", own, stack) },
  shuttle: { count: CGROUPS, stage: (own, stack) => stageMoved("shuttle", own, stack) },
  // v2 cannot rename a cgroup.
  renamer: { count: 1, versions: V1, stage: stageRenamed },
  rescuer: { count: RESCUED, isRescuer: true, stage: stageRescued },
};

export const kindOf = ({ kind }: Chosen): Kind => KINDS[kind] as Kind;

/** The name of its processes. */
export const adversaryOf = (chosen: Chosen): Adversary => kindOf(chosen).name ?? (chosen.kind as Adversary);

/** The adversary that a process belongs to: its name is argv[0] from the start, which an exec storm replaces. */
export function nameOf(pid: number): string | undefined {
  try {
    const [name = ""] = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
    return name.endsWith("/storm") ? "exec" : name;
  } catch {
    return undefined;
  }
}

/** Each must have started before the kill begins: the kill is not responsible for what starts after its end. */
async function startOne(place: Place, chosen: Chosen, nth: number, stack: AsyncDisposableStack): Promise<Begin> {
  const { count, other, stage, isNameless } = kindOf(chosen);
  const name = adversaryOf(chosen);
  const dir = place.dirs[chosen.at] as string;
  if (stage !== undefined) {
    mkdirSync(`${dir}/own${nth}`);
    return await stage(`${dir}/own${nth}`, stack, place, chosen);
  }
  const strangers = new Set(liveMembers(place.target));
  stack.use(startAdversary(name, count, dir, other?.(place, chosen) ?? ""));
  await until(chosen.kind, () => {
    const fresh = liveMembers(place.target).filter((pid) => !strangers.has(pid));
    return isNameless === true ? fresh.length >= count : fresh.some((pid) => nameOf(pid) === name);
  });
  return async () => {};
}

/** @returns the members of the target */
export async function startAll(
  place: Place,
  all: readonly Chosen[],
  stack: AsyncDisposableStack,
): Promise<Set<number>> {
  const rank = (chosen: Chosen): number => {
    const { isNameless = false, isRescuer = false } = kindOf(chosen);
    return isNameless ? 0 : isRescuer ? 2 : 1;
  };
  const begins: Begin[] = [];
  for (const [nth, chosen] of all.toSorted((a, b) => rank(a) - rank(b)).entries()) {
    begins.push(await startOne(place, chosen, nth, stack));
  }
  const members = new Set(liveMembers(place.target));
  for (const begin of begins) await begin();
  return members;
}
