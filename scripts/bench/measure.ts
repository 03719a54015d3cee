// Runs one trial of one killer with scripts/bench/run.c, which is notified of every death.

import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";

import { $ } from "bun";

import { destroyEverywhere, run as runIn, start, twins, writeBundle } from "../../test/support/containers.ts";
import { dirIn, inLayout, type Layout, LAYOUTS } from "../../test/support/layout.ts";
import { makeCgroup, type RealCgroup, until } from "../../test/support/real-cgroup.ts";
import type { Killer, Place, Version, Workload } from "./killers.ts";

export interface Trial {
  /** -1 if the killer had to be stopped, -2 if it could not be started. */
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
  /** Written in Go; `undefined` if Go or the libraries are not installed. */
  readonly original: string | undefined;
}

const GO = { GO111MODULE: "off", GOPATH: "/usr/share/gocode", GOFLAGS: "-buildvcs=false" };

/** The original design needs Debian's packages of Go libraries. */
async function compileOriginal(scratch: string): Promise<string | undefined> {
  const [source, made] = [`${scratch}/original.go`, `${scratch}/original`];
  // Outside a module, and with nothing beside it that the compiler would take for part of it.
  await $`cp ${import.meta.dir}/original.go ${source}`;
  const env = { ...process.env, ...GO, GOCACHE: `${scratch}/go` };
  const { exitCode } = await $`go build -o ${made} ${source}`.env(env).quiet().nothrow();
  if (exitCode !== 0) console.error("left out: the original design in Go (see scripts/bench/original.go)");
  return exitCode === 0 ? made : undefined;
}

/** Compile the programs of the benchmark. @throws Error  there is no C compiler, or a program does not compile */
export async function compile(scratch: string): Promise<Programs> {
  const compiler = Bun.which("cc");
  if (compiler === null) throw new Error("the benchmark needs a C compiler: cc");
  const programs = {} as Record<"run" | "floor" | "list", string>;
  for (const name of ["run", "floor", "list"] as const) {
    programs[name] = `${scratch}/${name}`;
    await $`${compiler} -O2 -static -o ${programs[name]} ${import.meta.dir}/${name}.c`;
  }
  return { ...programs, original: await compileOriginal(scratch) };
}

async function runTrial(argv: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Trial> {
  const child = Bun.spawn([...argv], { stdio: ["ignore", "pipe", "inherit"], env: { ...process.env, ...env } });
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

/** The mount namespaces of the layouts, each held open by a process until disposed. */
export interface Namespaces extends AsyncDisposable {
  /** What run.c enters: a file of /proc, or "-" for its own. */
  readonly of: (layout: Layout) => string;
}

export async function holdLayouts(): Promise<Namespaces> {
  const held = new AsyncDisposableStack();
  const files = new Map<Layout, string>([["as-is", "-"]]);
  for (const layout of LAYOUTS) {
    if (files.has(layout)) continue;
    const child = Bun.spawn(inLayout(layout, ["sleep", "10000"]), { stdio: ["ignore", "ignore", "inherit"] });
    held.defer(async () => {
      child.kill("SIGKILL");
      await child.exited;
    });
    await until(layout, () => readFileSync(`/proc/${child.pid}/comm`, "utf8") === "sleep\n");
    files.set(layout, `/proc/${child.pid}/ns/mnt`);
  }
  return { of: (layout) => files.get(layout) as string, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

let made = 0;

interface Staged extends Place {
  /** The cgroup above it, which is destroyed at the end. */
  readonly parent: RealCgroup;
}

/**
 * Make a target below a cgroup of our own. With a runtime it is the cgroup of a container.
 *
 * @throws Error  the container does not start
 */
export async function withTarget<T>(
  version: Version,
  { layout, runtime }: { readonly layout: Layout; readonly runtime?: string },
  work: (target: Staged) => Promise<T>,
): Promise<T> {
  await using parent = makeCgroup(version);
  const scratch = mkdtempSync(`${tmpdir()}/cgkill-bench-`);
  const id = `cgkill-test-bench-${process.pid}-${++made}`;
  const [dir, path, state] = [`${parent.dir}/target`, `${parent.path}/target`, `${scratch}/state`];
  try {
    if (runtime === undefined) mkdirSync(dir);
    else {
      writeBundle(scratch, { cgroup: path, script: "exec sleep 600", sharesPids: true });
      const argv = [runtime, "--root", state, "run", "--detach", "--bundle", scratch, id];
      const problem = start(layout, argv, `${scratch}/log`);
      if (problem !== "") throw new Error(`${runtime}: ${problem}`);
    }
    return await work({ path, dir, parent, state, id });
  } finally {
    if (runtime !== undefined) runIn(layout, [runtime, "--root", state, "delete", "-f", id]);
    await destroyEverywhere(parent.path.slice(parent.path.lastIndexOf("/") + 1));
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Run one killer against one workload, in a new cgroup that is removed afterwards. */
export async function measure(
  { run }: Programs,
  killer: Killer,
  workload: Workload,
  version: Version,
  namespaces: Namespaces,
): Promise<Trial> {
  const host = killer.host(version);
  const { layout, runtime } = host;
  return await withTarget(version, host, async ({ path, dir, parent, state, id }) => {
    mkdirSync(`${parent.dir}/aside`);
    // A runtime kills what is in the cgroup of a container, so the processes go there.
    const homes = runtime === undefined ? [dir] : twins(dir, path);
    const below = workload.cgroups === 1 ? [""] : Array.from({ length: workload.cgroups }, (_, index) => `/c${index}`);
    // A new cpuset accepts no process until it is given processors.
    const at = (home: string, name: string): string => (home.includes("/cpuset/") ? home : `${home}${name}`);
    for (const home of homes) for (const name of below) mkdirSync(at(home, name), { recursive: true });
    const places = below.map((name) => homes.map((home) => at(home, name)).join("+")).join(":");
    const inside = dirIn(layout, version, { ...parent, dir, path });
    const argv = killer.argv({ version, path, dir: inside, aside: inside.replace(/target$/, "aside"), state, id });
    const warm = killer.isWarm === true ? ["warm", inside] : [];
    const namespace = namespaces.of(layout);
    const trial = [run, ...warm, workload.kind, String(workload.count), String(LIMIT_MS), namespace, places, ...argv];
    if (workload.isFull !== true) return await runTrial(trial);
    await using full = makeCgroup("pids");
    return await runTrial(trial, { FULL: full.dir });
  });
}
