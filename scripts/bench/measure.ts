// Runs one trial of one killer by scripts/bench/run.c, to which every death is an event.

import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";

import { $ } from "bun";

import { destroyEverywhere, run as runIn, start, twins, writeBundle } from "../../test/support/containers.ts";
import { dirIn, inLayout, type Layout } from "../../test/support/layout.ts";
import { makeCgroup, until } from "../../test/support/real-cgroup.ts";
import type { Killer, Version, Workload } from "./killers.ts";

export interface Trial {
  /** -1 if the killer had to be stopped. */
  readonly code: number;
  readonly exitMs: number;
  /** From the start to the last death; `null` if anything was still alive two seconds after the exit. */
  readonly emptyMs: number | null;
  readonly cpuMs: number;
  readonly peakKib: number;
}

const LIMIT_MS = 15_000;

/** The C programs, compiled into a scratch directory. */
export interface Programs {
  readonly run: string;
  readonly floor: string;
  readonly list: string;
}

export async function compile(scratch: string): Promise<Programs> {
  const compiler = Bun.which("cc");
  if (compiler === null) throw new Error("the benchmark needs a C compiler: cc");
  const programs = {} as Record<keyof Programs, string>;
  for (const name of ["run", "floor", "list"] as const) {
    programs[name] = `${scratch}/${name}`;
    await $`${compiler} -O2 -static -o ${programs[name]} ${import.meta.dir}/${name}.c`;
  }
  return programs;
}

async function runTrial(argv: readonly string[]): Promise<Trial> {
  const child = Bun.spawn([...argv], { stdio: ["ignore", "pipe", "inherit"] });
  const text = await child.stdout.text();
  const [code, exitMs, emptyMs, cpuMs, peakKib, survivors] = text.trim().split(" ").map(Number);
  if (code === undefined || survivors === undefined) throw new Error(`no figures from ${argv.join(" ")}: ${text}`);
  return {
    code,
    exitMs: exitMs as number,
    emptyMs: survivors > 0 ? null : (emptyMs as number),
    cpuMs: cpuMs as number,
    peakKib: peakKib as number,
  };
}

/** Measure a command alone, with nothing to kill. */
export function measureAlone({ run }: Programs, argv: readonly string[]): Promise<Trial> {
  return runTrial([run, "sleepers", "0", String(LIMIT_MS), "-", "-", ...argv]);
}

/** A process that holds the mounts of a layout, so that a killer can enter them without making them. */
export async function holdLayout(layout: Layout): Promise<AsyncDisposable & { readonly namespace: string }> {
  const child = Bun.spawn(inLayout(layout, ["sleep", "10000"]), { stdio: ["ignore", "ignore", "inherit"] });
  await until(layout, () => readFileSync(`/proc/${child.pid}/comm`, "utf8") === "sleep\n");
  return {
    namespace: layout === "as-is" ? "-" : `/proc/${child.pid}/ns/mnt`,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}

let made = 0;

/** Run one killer against one workload, in a new cgroup that is removed afterwards. */
export async function measure(
  { run }: Programs,
  killer: Killer,
  workload: Workload,
  version: Version,
  namespaces: ReadonlyMap<Layout, string>,
): Promise<Trial> {
  await using parent = makeCgroup(version);
  const scratch = mkdtempSync(`${tmpdir()}/cgkill-bench-`);
  const { layout, runtime } = killer.host(version);
  const namespace = namespaces.get(layout) ?? "-";
  const id = `cgkill-test-bench-${process.pid}-${++made}`;
  const [dir, path, state] = [`${parent.dir}/target`, `${parent.path}/target`, `${scratch}/state`];
  try {
    if (runtime === undefined) mkdirSync(dir);
    else {
      // A runtime kills what is in the cgroup of a container, so the processes go there.
      writeBundle(scratch, { cgroup: path, script: "exec sleep 600", sharesPids: true });
      const argv = [runtime, "--root", state, "run", "--detach", "--bundle", scratch, id];
      const problem = start(layout, argv, `${scratch}/log`);
      if (problem !== "") throw new Error(`${killer.name}: ${problem}`);
    }
    const homes = runtime === undefined ? [dir] : twins(dir, path);
    const below = workload.cgroups === 1 ? [""] : Array.from({ length: workload.cgroups }, (_, index) => `/c${index}`);
    // A new cpuset accepts no process before it is given processors.
    const at = (home: string, name: string): string => (home.includes("/cpuset/") ? home : `${home}${name}`);
    for (const home of homes) for (const name of below) mkdirSync(at(home, name), { recursive: true });
    const places = below.map((name) => homes.map((home) => at(home, name)).join("+")).join(":");
    const inside = dirIn(layout, version, { dir, path, [Symbol.asyncDispose]: async () => {} });
    const argv = killer.argv({ version, path, dir: inside, state, id });
    return await runTrial([run, workload.kind, String(workload.count), String(LIMIT_MS), namespace, places, ...argv]);
  } finally {
    if (runtime !== undefined) runIn(layout, [runtime, "--root", state, "delete", "-f", id]);
    await destroyEverywhere(parent.path.slice(parent.path.lastIndexOf("/") + 1));
    rmSync(scratch, { recursive: true, force: true });
  }
}
