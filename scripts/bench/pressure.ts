// Benchmarks on a host under pressure: a standby against killers that must be started, and the first instructions of
// the binary. Also times `cgkill run`.

import { existsSync } from "node:fs";

import { canStage, makeCgroup } from "../../test/support/real-cgroup.ts";
import {
  BOMB,
  BUSY,
  cgkillKiller,
  FULL,
  type Killer,
  killers,
  standbyKiller,
  type Version,
  type Workload,
} from "./killers.ts";
import type { Programs } from "./measure.ts";
import { median, table } from "./report.ts";
import { runWorkloads } from "./rounds.ts";

async function tables(
  programs: Programs,
  all: readonly Killer[],
  workloads: readonly Workload[],
  versions: readonly Version[],
  rounds: number,
): Promise<string> {
  const results = await runWorkloads(programs, all, workloads, versions, rounds);
  return versions.map((version) => table(results, version, workloads)).join("\n\n");
}

/** What a user would type, without the container runtimes, which kill only their own containers. */
const plainKillers = (cgkill: string, { floor, original }: Programs): readonly Killer[] =>
  killers(cgkill, floor, original).filter(({ host }) => host("v2").runtime === undefined);

/** Compare a standby with killers that must be started. */
export function benchPressure(
  programs: Programs,
  cgkill: string,
  versions: readonly Version[],
  rounds: number,
): Promise<string> {
  const workloads = canStage("pids") ? [BUSY, FULL] : [BUSY];
  return tables(programs, [standbyKiller(cgkill), ...plainKillers(cgkill, programs)], workloads, versions, rounds);
}

/** Compare cold kills with and without the first instructions of the binary, and with `chrt -r 1` before it. */
export function benchEntry(
  programs: Programs,
  cgkill: string,
  plain: string,
  versions: readonly Version[],
  rounds: number,
): Promise<string> {
  const withChrt = cgkillKiller("chrt -r 1 cgkill, without them", plain);
  const all = [
    ...plainKillers(cgkill, programs).filter(({ name }) => name !== "pkill -9 --cgroup"),
    ...killers(cgkill, programs.floor, undefined).filter(({ name }) => name.startsWith("crun")),
    cgkillKiller("cgkill, without its first instructions", plain),
    { ...withChrt, argv: (target: Parameters<Killer["argv"]>[0]) => ["chrt", "-r", "1", ...withChrt.argv(target)] },
  ];
  return tables(programs, all, [BOMB, BUSY], versions, rounds);
}

/** Compare `cgkill run` with other programs that start a command. */
export async function benchRun(cgkill: string, versions: readonly Version[], rounds: number): Promise<string> {
  const lines: string[] = [];
  for (const version of versions) {
    await using parent = makeCgroup(version);
    const commands = new Map<string, readonly string[]>([
      ["true", ["true"]],
      ["timeout 100 true", ["timeout", "100", "true"]],
      ["cgkill --version", [cgkill, "--version"]],
      ["cgkill run true", [cgkill, "run", "--hierarchy", version, "--in", parent.dir, "true"]],
      ...(version === "v1" ? [["cgexec true", ["cgexec", "-g", `freezer:${parent.path}`, "true"]] as const] : []),
      ...(existsSync("/run/systemd/system")
        ? [["systemd-run --scope true", ["systemd-run", "--quiet", "--scope", "true"]] as const]
        : []),
    ]);
    const installed = [...commands].filter(([, [program = ""]]) => Bun.which(program) !== null);
    const times = new Map(installed.map(([name]): [string, number[]] => [name, []]));
    for (let round = 0; round <= rounds; round++) {
      for (const [name, argv] of installed.toSorted(() => Math.random() - 0.5)) {
        const start = performance.now();
        const { exitCode } = Bun.spawnSync([...argv], { stdio: ["ignore", "ignore", "inherit"] });
        if (exitCode !== 0) throw new Error(`${name}: exit status ${exitCode}`);
        if (round > 0) times.get(name)?.push(performance.now() - start);
      }
    }
    for (const [name, each] of times) lines.push(`| ${name} | ${version} | ${median(each).toFixed(1)} |`);
  }
  return ["| command | | ms |", "| --- | --- | --- |", ...lines].join("\n");
}
