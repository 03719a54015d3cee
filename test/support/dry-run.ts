// Generated calls of cgkill, and the steps of a dry run and of a kill in comparable words. Where they run: `stage.ts`.

import { shortSignalName } from "../../src/sys/signal-names.ts";
import { seeded } from "../cli/support.ts";

export interface Step {
  readonly step: string;
  readonly signal: string | null;
  readonly wait_ms: number | null;
  readonly path: string | null;
  readonly permitted: boolean | null;
}

interface Twin {
  readonly path: string;
  readonly method: string;
  readonly removed: boolean | null;
}

export interface Shown {
  readonly cgroup: string;
  readonly path: string;
  readonly hierarchy: string;
  readonly method: string;
  readonly refusal: { readonly code: string } | null;
  readonly moves: readonly number[];
  readonly plan: readonly Step[];
  readonly processes: ReadonlyArray<{ pid: number; comm: string; fate: string; fate_reason: string | null }>;
  readonly twin: Twin | null;
  /** Only of a dry run that failed. */
  readonly outcome?: string;
  readonly error?: Killed["error"];
}

export interface Killed {
  readonly cgroup: string;
  readonly path: string;
  readonly hierarchy: string;
  readonly method: string;
  readonly outcome: string;
  readonly killed: ReadonlyArray<{ pid: number }>;
  readonly ended_by_grace: number | null;
  readonly survivors: ReadonlyArray<{ pid: number; reason: string }>;
  readonly spared: ReadonlyArray<{ pid: number; cgroup: string }>;
  readonly removed: boolean;
  readonly twin: Twin | null;
  readonly error: { readonly code: string; readonly path: string | null } | null;
}

export interface Call {
  readonly which: "v1" | "v2" | "memory" | "twins";
  readonly caller: "root" | "nobody, delegated" | "nobody";
  readonly owner: "root" | "nobody";
  readonly method: "auto" | "kill" | "freezer" | "sweep";
  readonly graceMs: number;
  readonly signal: "" | "HUP" | "USR1";
  readonly isStubborn: boolean;
  readonly removal: "--remove" | "--keep" | "";
  readonly spares: boolean;
  readonly sparesTo: boolean;
  /** Whether cgkill itself starts inside the target. */
  readonly isInside: boolean;
  /** Whether the process that starts cgkill is inside the target too, and whether that is allowed. */
  readonly ancestor: "" | "inside" | "allowed";
  /** Whether one of the processes is in a cgroup below the target. */
  readonly hasChild: boolean;
  readonly frozen: "" | "target" | "child" | "ancestor";
  readonly thawsAncestors: boolean;
  /** With a cgroup of the same path in another v1 hierarchy. */
  readonly allHierarchies: boolean;
}

export const TIMEOUT_MS = 1500;

/** The methods that are available, and for one call in six one that is not. */
const METHODS = {
  v2: ["auto", "auto", "kill", "freezer", "sweep"],
  v1: ["auto", "auto", "freezer", "sweep", "sweep", "kill"],
  memory: ["auto", "auto", "sweep", "sweep", "sweep", "freezer"],
  twins: ["auto", "auto", "kill", "freezer", "sweep"],
} as const;

/** Only a v1 ancestor keeps killed processes from dying. */
const FROZEN = {
  v2: ["", "target", "child", ""],
  v1: ["", "target", "child", "ancestor"],
  memory: ["", "", "", ""],
  twins: ["", "target", "child", "ancestor"],
} as const;

/** Generate calls that cover the combinations evenly. */
export function generateCalls(count: number, seed: number): Call[] {
  const next = seeded(seed);
  const pick = <T>(...of: readonly T[]): T => of[next(of.length)] as T;
  return Array.from({ length: count }, (_, nth): Call => {
    const which = (["v2", "v1", "memory", "twins"] as const)[nth % 4] ?? "v2";
    const caller = (["root", "root", "nobody, delegated", "nobody"] as const)[Math.floor(nth / 4) % 4] ?? "root";
    const frozen = FROZEN[which][Math.floor(nth / 16) % 4] ?? "";
    const hasChild = frozen === "child" || pick(true, false);
    // Otherwise cgkill would freeze itself with the write that moves it in, and never start.
    const mayBeInside = frozen === "" || frozen === "child";
    const isInside = mayBeInside && pick(true, false);
    const graceMs = pick(0, 0, 150);
    const thawsAncestors = frozen === "ancestor" ? pick(true, true, false) : pick(true, false, false, false);
    // Thawed for the kill, a process obeys the first signal before it gets the second, and is not counted as killed.
    const mayObey = !(frozen === "ancestor" && thawsAncestors);
    return {
      which,
      caller,
      owner: pick("root", "nobody", "nobody"),
      method: pick(...METHODS[which]),
      graceMs,
      signal: graceMs > 0 ? pick("", "HUP", "USR1") : "",
      isStubborn: pick(true, true, !mayObey),
      removal: pick("--remove", "--keep", ""),
      spares: pick(true, false),
      sparesTo: pick(true, false, false),
      isInside,
      ancestor: isInside ? pick("", "inside", "allowed", "allowed") : "",
      hasChild,
      frozen,
      thawsAncestors,
      allHierarchies: pick(true, false, false),
    };
  });
}

/** With --keep it is a usage error. */
const removesAll = ({ allHierarchies, removal }: Call): boolean => allHierarchies && removal !== "--keep";

/** The options of a call, without those that name processes and cgroups. */
export const optionsOf = (call: Call): readonly string[] => [
  "--json",
  ...["--log-level", "trace", "--log-format", "json"],
  ...["-m", call.method, "-t", `${TIMEOUT_MS}ms`],
  ...(call.graceMs === 0 ? [] : ["-g", `${call.graceMs}ms`]),
  ...(call.signal === "" ? [] : ["-s", call.signal]),
  ...(call.removal === "" ? [] : [call.removal]),
  ...(call.ancestor === "allowed" ? ["--allow-ancestors"] : []),
  ...(call.thawsAncestors ? ["--thaw-ancestors"] : []),
  ...(removesAll(call) ? ["--all-hierarchies"] : []),
];

type Event = Readonly<Record<string, unknown>>;

/**
 * The steps that were taken, each once, in the order of the events.
 *
 * @param points  the mount points by the version of the hierarchy
 */
export function takenSteps(events: readonly Event[], points: Readonly<Record<string, string>>): string[] {
  const taken = events.map((event): string | undefined => {
    const version = String(event["version"]);
    const at = (path: unknown): string => `${points[version]}${path === "/" ? "" : path}`;
    const file = version === "v1" ? "freezer.state" : "cgroup.freeze";
    switch (event["message"]) {
      case "moved out of the target":
        return `step-aside ${at(event["to"])}`;
      case "signalled":
      case "failed to signal":
        return event["signal"] === 9 ? "kill SIGKILL" : `grace SIG${shortSignalName(Number(event["signal"]))}`;
      case "killed by the kernel":
        return `kill SIGKILL ${at(event["cgroup"])}/cgroup.kill`;
      case "freezing":
        return `freeze ${at(event["cgroup"])}/${file}`;
      case "thawed":
        return `thaw ${event["path"]}/${file}`;
      case "made a trap":
        return "trap";
      case "removed the trap":
        return "untrap";
      case "fenced: no process can fork":
        return "fence";
      case "thawed a frozen ancestor for the duration of the kill":
        return `thaw-ancestor ${at(event["ancestor"])}/${file}`;
      case "froze the ancestors again":
        return "freeze-ancestor";
      case "frozen by others: moved the killed processes out to die":
        return `move-out ${points["v1"]}${event["to"] === "/" ? "" : event["to"]}`;
      case "removed":
        return `remove ${at(event["cgroup"])}`;
      case "removed the same path in another hierarchy":
        return `remove ${event["path"]}`;
      default:
        return undefined;
    }
  });
  return [...new Set(taken.filter((step) => step !== undefined))];
}

/** Steps whose events do not name a path, or one that only the kill knows. */
const WITHOUT_PATH: readonly string[] = ["trap", "untrap", "fence", "freeze-ancestor"];
/** Steps without an event. */
const SILENT: readonly string[] = ["wait", "unfence"];

/** The same words for steps of the plan. */
export function plannedSteps(plan: readonly Step[]): string[] {
  const words = plan
    .filter(({ step }) => !SILENT.includes(step))
    .map(({ step, signal, path }) =>
      [step, signal, WITHOUT_PATH.includes(step) ? null : path].filter((word) => word !== null).join(" "),
    );
  return [...new Set(words)];
}

export const titleOf = (call: Call): string =>
  [
    call.which,
    call.caller,
    `${call.owner}'s processes`,
    call.method,
    call.graceMs === 0 ? "" : `grace${call.isStubborn ? ", ignored" : ""} ${call.signal}`.trimEnd(),
    call.removal,
    call.spares ? "--spare" : "",
    call.sparesTo ? "--spare-to" : "",
    call.isInside ? "from inside" : "",
    call.ancestor === "" ? "" : `with an ancestor ${call.ancestor}`,
    call.hasChild ? "with a child" : "",
    call.frozen === "" ? "" : `frozen ${call.frozen}`,
    call.thawsAncestors ? "--thaw-ancestors" : "",
    removesAll(call) ? "--all-hierarchies" : "",
  ]
    .filter(Boolean)
    .join(", ");
