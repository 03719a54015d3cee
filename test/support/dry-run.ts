// Generated calls of cgkill, and the steps of a dry run and of a kill in comparable words.

import { existsSync } from "node:fs";

import { seeded } from "../cli/support.ts";
import { AS_NOBODY } from "./nobody.ts";
import { isAlive, until, type Which, write } from "./real-cgroup.ts";

export interface Step {
  readonly step: string;
  readonly signal: string | null;
  readonly wait_ms: number | null;
  readonly path: string | null;
  readonly permitted: boolean | null;
}

export interface Shown {
  readonly method: string;
  readonly refusal: { readonly code: string } | null;
  readonly plan: readonly Step[];
  readonly processes: ReadonlyArray<{ pid: number; comm: string; fate: string; fate_reason: string | null }>;
}

export interface Killed {
  readonly method: string;
  readonly outcome: string;
  readonly killed: ReadonlyArray<{ pid: number }>;
  readonly survivors: ReadonlyArray<{ pid: number; reason: string }>;
  readonly spared: ReadonlyArray<{ pid: number; cgroup: string }>;
  readonly removed: boolean;
  readonly error: { readonly code: string; readonly path: string | null } | null;
}

export interface Call {
  readonly which: Which;
  readonly who: "root" | "nobody, delegated" | "nobody";
  readonly owner: "root" | "nobody";
  readonly method: "auto" | "freezer" | "sweep";
  readonly graceMs: number;
  readonly isStubborn: boolean;
  readonly removal: "--remove" | "--keep" | "";
  readonly spares: boolean;
  /** Whether cgkill itself starts inside the target. */
  readonly isInside: boolean;
  readonly isFrozen: boolean;
}

export const TIMEOUT_MS = 1500;

/** Generate calls that cover the combinations evenly. They are the same in each run. */
export function generateCalls(count: number): Call[] {
  const next = seeded(20_261_129);
  const pick = <T>(...of: readonly T[]): T => of[next(of.length)] as T;
  return Array.from({ length: count }, (_, nth) => {
    const which = (["v2", "v1", "memory"] as const)[nth % 3] as Which;
    const who = (["root", "root", "nobody, delegated", "nobody"] as const)[Math.floor(nth / 3) % 4] as Call["who"];
    return {
      which,
      who,
      owner: pick("root", "nobody", "nobody"),
      method: which === "memory" ? "auto" : pick("auto", "auto", "freezer", "sweep"),
      graceMs: pick(0, 0, 150),
      isStubborn: pick(true, true, false),
      removal: pick("--remove", "--keep", ""),
      spares: pick(true, false),
      isInside: pick(true, false, false),
      isFrozen: which !== "memory" && pick(true, false, false),
    };
  });
}

/** @param isStubborn  ignores SIGTERM */
export async function startIn(
  dir: string,
  { owner, isStubborn }: Call,
): Promise<AsyncDisposable & { readonly pid: number }> {
  const as = owner === "root" ? [] : AS_NOBODY;
  const script = `${isStubborn ? "trap '' TERM; " : ""}echo ready; exec sleep 1000`;
  const child = Bun.spawn([...as, "sh", "-c", script], { stdio: ["ignore", "pipe", "ignore"] });
  for await (const _ of child.stdout) break;
  await until("sleep", () => isAlive(child.pid));
  write(`${dir}/cgroup.procs`, String(child.pid));
  return {
    pid: child.pid,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      if (existsSync(`${dir}/freezer.state`)) write(`${dir}/freezer.state`, "THAWED");
      await child.exited;
    },
  };
}

/** The steps that were taken, each once, in the order of the events. */
export function takenSteps(events: ReadonlyArray<Record<string, unknown>>, dir: string, point: string): string[] {
  const file = dir.includes("/freezer/") ? "freezer.state" : "cgroup.freeze";
  const taken = events.map((event): string | undefined => {
    switch (event["message"]) {
      case "moved out of the target":
        return `step-aside ${point}${event["to"] === "/" ? "" : event["to"]}`;
      case "signalled":
      case "failed to signal":
        return event["signal"] === 9 ? "kill" : "grace";
      case "killed by the kernel":
        return `kill ${dir}/cgroup.kill`;
      case "freezing":
        return `freeze ${dir}/${file}`;
      case "thawed":
        return `thaw ${event["path"]}/${file}`;
      case "made a trap":
        return "trap";
      case "removed the trap":
        return "untrap";
      case "fenced: no process can fork":
        return "fence";
      case "removed":
        return `remove ${dir}`;
      default:
        return undefined;
    }
  });
  return [...new Set(taken.filter((step) => step !== undefined))];
}

/** The same words from the plan. A step whose events do not name a path has only its name. */
export function plannedSteps({ plan }: Shown): string[] {
  const words = plan
    .filter(({ step }) => !["wait", "unfence"].includes(step))
    .map(({ step, path }) => (path === null || ["trap", "untrap", "fence"].includes(step) ? step : `${step} ${path}`));
  return [...new Set(words)];
}

export const titleOf = (call: Call): string =>
  [
    call.which,
    call.who,
    `${call.owner}'s processes`,
    call.method,
    call.graceMs === 0 ? "" : `grace${call.isStubborn ? ", ignored" : ""}`,
    call.removal,
    call.spares ? "--spare" : "",
    call.isInside ? "from inside" : "",
    call.isFrozen ? "frozen" : "",
  ]
    .filter(Boolean)
    .join(", ");
