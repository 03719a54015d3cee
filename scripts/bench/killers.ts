// The killers and the workloads of the benchmark. A killer is what a user would run instead of cgkill, as typed.

import type { Layout } from "../../test/support/layout.ts";

export type Version = "v1" | "v2";

export interface Workload {
  readonly name: string;
  /** `busy`: one sleeper beside `count` processes that use the processors. */
  readonly kind: "sleepers" | "memory" | "bomb" | "busy";
  readonly count: number;
  /** No process can be created at the moment when the killer is started, or given the name of the target. */
  readonly isFull?: boolean;
  /** How many children of the target the processes are spread over; 1: all are in the target itself. */
  readonly cgroups: number;
  /** Killers with `skipsLarge` skip it. */
  readonly isLarge?: boolean;
}

export const ONE: Workload = { name: "1", kind: "sleepers", count: 1, cgroups: 1 };

export const BOMB: Workload = { name: "fork bomb of 500", kind: "bomb", count: 500, cgroups: 1 };
/** Takes seconds per round, during which little else can run on the host. */
export const BUSY: Workload = { name: "1 beside 1,000 busy", kind: "busy", count: 1000, cgroups: 1 };
export const FULL: Workload = { name: "10, no process left", kind: "sleepers", count: 10, cgroups: 1, isFull: true };

export const WORKLOADS: readonly Workload[] = [
  ONE,
  { name: "100", kind: "sleepers", count: 100, cgroups: 1 },
  { name: "1,000", kind: "sleepers", count: 1000, cgroups: 1 },
  { name: "5,000", kind: "sleepers", count: 5000, cgroups: 1 },
  { name: "20,000", kind: "sleepers", count: 20_000, cgroups: 1, isLarge: true },
  { name: "100 × 10 nested", kind: "sleepers", count: 1000, cgroups: 100 },
  { name: "20 × 50 MiB", kind: "memory", count: 20, cgroups: 1 },
  BOMB,
];

export interface Place {
  /** As /proc/PID/cgroup prints it. */
  readonly path: string;
  readonly dir: string;
  /** For a container runtime: its state directory and the container's id. */
  readonly state: string;
  readonly id: string;
}

interface Target extends Place {
  readonly version: Version;
  /** A cgroup beside it. */
  readonly aside: string;
}

export interface Killer {
  readonly name: string;
  readonly versions: readonly Version[];
  readonly needs: readonly string[];
  readonly host: (version: Version) => { readonly layout: Layout; readonly runtime?: string };
  readonly argv: (target: Target) => readonly string[];
  /** Skip the large workloads, which would take long and show nothing new. */
  readonly skipsLarge: boolean;
  /** It is already running, and gets the name of the target on standard input. */
  readonly isWarm?: boolean;
}

const BOTH: readonly Version[] = ["v2", "v1"];

/** Write, then poll until the cgroup is empty. */
const SHELL_V2 = 'echo 1 > "$1/cgroup.kill"; while ! grep -q "populated 0" "$1/cgroup.events"; do sleep 0.01; done';
/** Freeze, kill, thaw, wait, remove. */
const SHELL_V1 = [
  'echo FROZEN > "$1/freezer.state"; until grep -q FROZEN "$1/freezer.state"; do sleep 0.01; done',
  'find "$1" -name cgroup.procs -exec cat {} + | xargs kill -9; echo THAWED > "$1/freezer.state"',
  'while [ -n "$(find "$1" -name cgroup.procs -exec cat {} +)" ]; do sleep 0.01; done',
  'find "$1" -depth -type d -exec rmdir {} \\;',
].join("; ");

function runtimeKiller(runtime: string, layouts: Readonly<Record<Version, Layout>>): Killer {
  return {
    name: `${runtime} delete -f`,
    versions: BOTH,
    needs: [runtime],
    host: (version) => ({ layout: layouts[version], runtime }),
    argv: ({ state, id }) => [runtime, "--root", state, "delete", "-f", id],
    skipsLarge: true,
  };
}

/** A killer that needs no program but its own, and is given the target as it is on this host. */
const plainKiller = (name: string, argv: Killer["argv"]): Killer => ({
  name,
  versions: BOTH,
  needs: [],
  host: () => ({ layout: "as-is" }),
  argv,
  skipsLarge: false,
});

/** Kills nothing: the cost of a start alone, under the same conditions. */
export const helloKiller = (hello: string): Killer => plainKiller("a Bun hello world", () => [hello]);

export const cgkillKiller = (name: string, cgkill: string): Killer => plainKiller(name, ({ dir }) => [cgkill, dir]);

/** A standby that is already running. */
export function standbyKiller(cgkill: string): Killer {
  return { ...cgkillKiller("cgkill -, waiting", cgkill), argv: () => [cgkill, "-"], isWarm: true };
}

/** @param original  `undefined` if it could not be compiled */
export function killers(cgkill: string, floor: string, original: string | undefined): readonly Killer[] {
  const inGo = plainKiller("the original design in Go", ({ dir, aside }) => [original ?? "", dir, aside]);
  const shell = plainKiller("shell", ({ version, dir }) => {
    return ["sh", "-c", version === "v2" ? SHELL_V2 : SHELL_V1, "sh", dir];
  });
  const pkill = plainKiller("pkill -9 --cgroup", ({ path }) => ["pkill", "-9", "--cgroup", path]);
  return [
    cgkillKiller("cgkill", cgkill),
    plainKiller("C floor", ({ dir }) => [floor, dir]),
    { ...shell, skipsLarge: true },
    { ...pkill, versions: ["v2"], needs: ["pkill"], skipsLarge: true },
    ...(original === undefined ? [] : [{ ...inGo, skipsLarge: true }]),
    runtimeKiller("runc", { v1: "as-is", v2: "unified" }),
    runtimeKiller("crun", { v1: "legacy", v2: "unified" }),
  ];
}
