// Compares what cgkill and other tools do to the same real processes. Counts survivors right after the tool exits and
// a second later; the worst of three rounds counts. Prints the table of scripts/README.md, or writes it with --write.
// `systemctl kill` needs systemd as PID 1: its rows are read from the output of scripts/vm/test-in-vm.sh.
//
//   bun scripts/bench/compare.ts [--write | TOOL]

import { existsSync, mkdirSync, readFileSync } from "node:fs";

import { twins } from "../../test/support/containers.ts";
import { cannotStage, dirIn, inLayout, type Layout } from "../../test/support/layout.ts";
import {
  type Adversary,
  cannotMake,
  isAlive,
  isFrozen,
  liveMembers,
  startAdversary,
  until,
  write,
} from "../../test/support/real-cgroup.ts";
import { build } from "../build/build.ts";
import { writeBlock } from "../readme/blocks.ts";
import type { Place, Version } from "./killers.ts";
import { withTarget } from "./measure.ts";

interface Victim {
  readonly pids: readonly number[];
  readonly parent: string;
}

interface Peer {
  readonly name: string;
  readonly version: Version;
  readonly layout: Layout;
  readonly needs: readonly string[];
  /** A container runtime: the target is the cgroup of a container, and the processes are moved into it. */
  readonly runtime?: string;
  /** The directory is in the peer's layout. */
  readonly argv: (target: Place) => readonly string[];
}

interface Scenario {
  readonly name: string;
  readonly adversary: readonly [Adversary, number];
  readonly members: number;
  /** The processes are below the target, not in it. */
  readonly nested?: boolean;
  readonly frozen?: boolean;
}

const SCENARIOS: readonly Scenario[] = [
  { name: "nested cgroups", adversary: ["sleepers", 3], members: 3, nested: true },
  { name: "fork bomb", adversary: ["forkbomb", 60], members: 60 },
  { name: "exited leader, live threads", adversary: ["deadleader", 1], members: 1 },
  { name: "frozen", adversary: ["sleepers", 3], members: 3, frozen: true },
  { name: "slow to die", adversary: ["memhog", 256], members: 2 },
  { name: "cannot die", adversary: ["tracehold", 1], members: 1 },
];

const cgkill = `${import.meta.dir}/../../dist/cgkill`;
const plainPeer = (name: string, version: Version, argv: Peer["argv"]): Peer => {
  return { name, version, layout: "as-is", needs: [], argv };
};
const runtimePeer = (runtime: string, version: Version, layout: Layout): Peer => ({
  name: `${runtime} delete -f`,
  version,
  layout,
  needs: [runtime],
  runtime,
  argv: ({ state, id }) => [runtime, "--root", state, "delete", "-f", id],
});

const PEERS: readonly Peer[] = [
  ...(["v2", "v1"] as const).map((version) =>
    plainPeer("cgkill -r", version, ({ dir }) => [cgkill, "-q", "-r", "-t", "3s", dir]),
  ),
  plainPeer("echo 1 > cgroup.kill", "v2", ({ dir }) => ["sh", "-c", 'echo 1 >"$1/cgroup.kill"', "sh", dir]),
  { ...plainPeer("pkill -9 --cgroup", "v2", ({ path }) => ["pkill", "-9", "--cgroup", path]), needs: ["pkill"] },
  { ...plainPeer("cgdelete -r", "v1", ({ path }) => ["cgdelete", "-r", `freezer:${path}`]), needs: ["cgdelete"] },
  runtimePeer("runc", "v2", "unified"),
  runtimePeer("runc", "v1", "as-is"),
  runtimePeer("crun", "v2", "unified"),
  runtimePeer("crun", "v1", "legacy"),
];

interface Seen {
  readonly code: number | null;
  readonly atExit: number;
  readonly later: number;
  readonly removed: boolean;
}

const LIMIT_MS = 10_000;
const LATER_MS = 1000;
const ROUNDS = 3;

/** Count live processes that are or were in the subtree: some tools move survivors out of it. */
function countLive({ pids, parent }: Victim): number {
  return new Set([...pids.filter(isAlive), ...liveMembers(parent)]).size;
}

/** The tracer that holds a process in its exit; killing it releases the process. */
function tracersOf(pid: number): number[] {
  const tracer = Number(/^TracerPid:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
  return tracer > 1 && tracer !== process.pid ? [tracer] : [];
}

/** Run one tool in one scenario. */
const attempt = (peer: Peer, scenario: Scenario): Promise<Seen> =>
  withTarget(peer.version, peer, async ({ path, dir, parent, state, id }) => {
    const before = liveMembers(dir).length;
    // A new cpuset accepts no process until it is given processors.
    const isBelow = (twin: string): boolean => scenario.nested === true && !twin.includes("/cpuset/");
    const homes = twins(dir, path).map((twin) => (isBelow(twin) ? `${twin}/a/b` : twin));
    for (const home of homes) mkdirSync(home, { recursive: true });
    await using _ = startAdversary(...scenario.adversary, homes.join("\n"));
    await until(scenario.name, () => liveMembers(dir).length >= before + scenario.members);
    if (scenario.frozen && peer.version === "v1") write(`${dir}/freezer.state`, "FROZEN");
    if (scenario.frozen && peer.version === "v2") write(`${dir}/cgroup.freeze`, "1");
    if (scenario.frozen) await until("frozen", () => isFrozen(dir));
    const victim = { pids: liveMembers(dir), parent: parent.dir };
    const argv = peer.argv({ path, dir: dirIn(peer.layout, peer.version, { ...parent, dir, path }), state, id });
    const child = Bun.spawn(inLayout(peer.layout, argv), { stdio: ["ignore", "ignore", "ignore"] });
    const timer = setTimeout(() => child.kill("SIGKILL"), LIMIT_MS);
    await child.exited;
    clearTimeout(timer);
    const [atExit, removed] = [countLive(victim), !existsSync(dir)];
    // This wait only defines "later".
    if (atExit > 0) await Bun.sleep(LATER_MS);
    const seen = { code: child.signalCode === null ? child.exitCode : null, atExit, later: countLive(victim), removed };
    for (const pid of victim.pids.filter(isAlive).flatMap((held) => [held, ...tracersOf(held)])) {
      process.kill(pid, "SIGKILL");
    }
    return seen;
  });

/** Render the worst round. */
function cell(rounds: readonly Seen[]): string {
  const [worst] = rounds.toSorted((a, b) => b.later - a.later || b.atExit - a.atExit);
  if (worst === undefined) return "";
  const { code, atExit, later } = worst;
  const status = code === null ? `still running after ${LIMIT_MS / 1000} s` : `exit ${code}`;
  if (atExit === 0) return `dead, ${status}`;
  return later === 0 ? `dead later, ${status}` : `**lives**, ${status}`;
}

/** Only rounds that left nothing alive count: a cgroup that is not empty cannot be removed. */
function removal(all: readonly Seen[]): string {
  const emptied = all.filter(({ later }) => later === 0);
  if (emptied.length === 0) return all.some(({ removed }) => removed) ? "yes, survivors are moved to its parent" : "no";
  if (emptied.every(({ removed }) => removed)) return "yes";
  return emptied.some(({ removed }) => removed) ? "not always" : "no";
}

function problemOf({ needs, version, layout }: Peer): string | undefined {
  const missing = needs.filter((name) => Bun.which(name) === null);
  return missing.length > 0 ? `not installed: ${missing.join(", ")}` : (cannotMake(version) ?? cannotStage(layout));
}

const HEAD = ["tool", ...SCENARIOS.map(({ name }) => name), "directory removed"];
const row = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;

/** @param only  the beginning of a tool's name; "" compares all. @returns the table, as Markdown */
export async function compare(only = ""): Promise<string> {
  const lines = [row(HEAD), row(HEAD.map(() => "---"))];
  for (const peer of PEERS.filter(({ name }) => name.startsWith(only))) {
    const problem = problemOf(peer);
    if (problem !== undefined) {
      console.error(`left out: ${peer.name} on ${peer.version} (${problem})`);
      continue;
    }
    const cells: Seen[][] = [];
    for (const scenario of SCENARIOS) {
      const rounds: Seen[] = [];
      for (let round = 0; round < ROUNDS; round++) rounds.push(await attempt(peer, scenario));
      cells.push(rounds);
    }
    console.error(`${peer.name} on ${peer.version}:`, JSON.stringify(cells));
    lines.push(row([`\`${peer.name}\` on ${peer.version}`, ...cells.map(cell), removal(cells.flat())]));
  }
  return [...lines, ...systemctlRows()].join("\n");
}

/** Matches the lines `fact systemctl kill, MODE: CASE: …` of scripts/vm/suite.sh, which has no exited leader. */
const FACT = /exit (\d+), (\d+) of \d+ at exit, (\d+) later, .* directory (\w+)/;
const CASES = ["nested", "bomb", "leader", "frozen", "slow", "held"];

function systemctlRows(): string[] {
  const modes = [["unified", "v2"] as const, ["legacy", "v1"] as const];
  return modes.flatMap(([mode, version]) => {
    const out = `${import.meta.dir}/../../dist/vm/${mode}.out`;
    const text = existsSync(out) ? readFileSync(out, "utf8") : "";
    const seen = CASES.map((name) => {
      const line = text.split("\n").find((fact) => fact.includes(`systemctl kill, ${mode}: ${name}:`)) ?? "";
      const [, code, atExit, later, directory] = FACT.exec(line) ?? [];
      if (code === undefined) return [];
      return [{ code: Number(code), atExit: Number(atExit), later: Number(later), removed: directory === "gone" }];
    });
    if (seen.flat().length === 0) return [];
    const cells = seen.map((round) => cell(round) || "not tried");
    return [row([`\`systemctl kill -s KILL\` on ${version}`, ...cells, removal(seen.flat())])];
  });
}

const REPORT = `${import.meta.dir}/../README.md`;

if (import.meta.main) {
  await build();
  const [word = ""] = process.argv.slice(2);
  const table = await compare(word === "--write" ? "" : word);
  console.log(table);
  if (word === "--write") {
    await writeBlock(REPORT, "compare", table);
    console.error("scripts/README.md is written; run: bun scripts/readme/texts.ts");
  }
}
